"""A model: a fitted classifier, its calibration, and what is known about both.

In: tables of ads. Out: `Scores`, in the columns of `adrisk.schema.scores`. A model folder holds
`model.json` (`adrisk.model.manifest`), the family's own files, `seen.safetensors`: hashes of the ads and
campaigns it learned from, so that nobody can judge it on them by mistake; `threshold.safetensors`:
risk and label of the ads that thresholds are set on; and once trained through `adrisk train` its
training data in counts (`adrisk.model.profile`). Every file is listed with its SHA-256 and nothing in the
folder is ever executed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk import schema
from adrisk.batch import TextBatch, make_batch
from adrisk.classifiers import FAMILIES, storage
from adrisk.classifiers.base import RISKY_COLUMN, Classifier, Margins
from adrisk.errors import ModelError
from adrisk.extract.contacts import obscured_column
from adrisk.layout import MODEL_FILE
from adrisk.model.calibration import Calibration, levels
from adrisk.model.campaign_risk import Pooling
from adrisk.model.manifest import (
    Manifest,
    ThresholdEntry,
    calibration_of,
    note_versions,
    pooling_of,
    read_manifest,
)
from adrisk.model.profile import FILE as SUMMARY
from adrisk.model.profile import TrainingProfile, read_summary, write_summary
from adrisk.types import FloatArray

_HELD = "threshold.safetensors"


@dataclass(frozen=True, slots=True)
class TrainingIds:
    """Which ads a model learned from, as 64-bit hashes of ad and campaign ids, sorted.

    `parts[i]` is 0 where the id was used to fit, 1 to calibrate, 2 to set thresholds.
    """

    hashes: NDArray[np.uint64]
    parts: NDArray[np.int8]

    def part_of(self, ids: pa.ChunkedArray | pa.Array) -> NDArray[np.int8]:
        """The part of each id, -1 where the model never saw it."""
        wanted = hash_ids(ids)
        if len(self.hashes) == 0:
            return np.full(len(wanted), -1, dtype=np.int8)
        at = np.minimum(np.searchsorted(self.hashes, wanted), len(self.hashes) - 1)
        return np.where(self.hashes[at] == wanted, self.parts[at], -1).astype(np.int8)


@dataclass(frozen=True, slots=True)
class ThresholdSet:
    """The ads of the threshold set as numbers alone, so that a policy can be settled later.

    Attributes:
        risk: shape (n,), calibrated.
        risky: shape (n,), 1 where labelled risk 2 or 3, 0 where less, -1 where not labelled.
        campaigns: shape (n,), a number for each campaign.
    """

    risk: NDArray[np.float32]
    risky: NDArray[np.int8]
    campaigns: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model says of n texts, in the types of the scores table.

    Attributes:
        risk: shape (n,), float32, probability that risk is 2 or 3.
        level: shape (n,), int8, 0 to 3.
        indicators: shape (n, k), float32, columns as the model's labels.
        reread: shape (n,), which were read a second time; None of a family that reads once.
    """

    risk: NDArray[np.float32]
    level: NDArray[np.int8]
    indicators: NDArray[np.float32]
    reread: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Scores:
    """Calibrated probabilities of a named model version, one row an ad.

    `table` has the columns of `adrisk.schema.scores(labels)`.
    """

    table: pa.Table
    labels: tuple[str, ...]

    @property
    def risk(self) -> FloatArray:
        """Probability that risk is 2 or 3, shape (n,)."""
        return np.asarray(self.table["risk"].to_numpy(), dtype=np.float64)

    def __len__(self) -> int:
        return len(self.table)


@dataclass(frozen=True, slots=True)
class Model:
    """A classifier with its calibration and manifest.

    Attributes:
        version: the registry's number, or the first twelve digits of the fingerprint.
        fingerprint: SHA-256 over manifest and files; empty before the first save.
        folder: where it was loaded from; None for one that was not.
        summary: its training data in counts; None in models saved before there was one.
        held: the threshold set; None in a model saved before it was kept.
    """

    classifier: Classifier
    calibration: Calibration
    manifest: Manifest
    seen: TrainingIds
    version: str = "unsaved"
    fingerprint: str = ""
    folder: Path | None = None
    summary: TrainingProfile | None = None
    held: ThresholdSet | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The indicators with a head, in column order."""
        return self.manifest.labels

    @property
    def pooling(self) -> Pooling:
        """From the risk of ads to the risk of their campaign."""
        return pooling_of(self.manifest)

    def threshold(self, budget: float) -> ThresholdEntry:
        """The threshold for a review budget.

        Raises:
            ModelError: if the model has none for it; names those it has.
        """
        for entry in self.manifest.thresholds:
            if math.isclose(entry.budget, budget):
                return entry
        known = ", ".join(f"{entry.budget:g}" for entry in self.manifest.thresholds)
        raise ModelError(
            f"the model has no threshold for a review share of {budget:g}; use {known}"
        )

    def probabilities(self, batch: TextBatch) -> tuple[FloatArray, FloatArray]:
        """Calibrated cumulative risk (n, 3) and indicators (n, k) of ads.

        Languages, where known, choose the curves that risk is calibrated by.
        """
        return self._calibrated(self.classifier.margins(batch), batch)

    def _calibrated(self, margins: Margins, batch: TextBatch) -> tuple[FloatArray, FloatArray]:
        risk = self.calibration.risk(margins, batch.languages)
        return risk, self.calibration.indicators(margins)

    def score(
        self,
        ads: pa.Table | Sequence[str],
        *,
        run_id: str = "",
    ) -> Scores:
        """Score ads.

        Args:
            ads: a table with `text`, and `ad_id` and `language` where known; or plain texts,
                which are numbered. None is allowed and gives an empty table.
            run_id: written into every row.

        Returns:
            One row an ad in the order given; `evidence` is null, see `adrisk.model.explain`.
        """
        if not isinstance(ads, pa.Table):
            ads = pa.table({"text": pa.array(list(ads), pa.large_string())})
        languages = ads["language"].to_pylist() if "language" in ads.column_names else None
        batch = make_batch(ads["text"], languages)
        obscured = obscured_column(batch.raw, batch.folded)
        digests = [hashlib.sha256(text.encode()).hexdigest() for text in ads["text"].to_pylist()]
        answers = self.predict(batch)
        return self.tabulate(ads, answers, digests, obscured, batch.truncated, run_id=run_id)

    def predict(self, batch: TextBatch) -> Predictions:
        """What the model says of ads; each answer depends on its text and language alone."""
        margins = self.classifier.margins(batch)
        risk, indicators = self._calibrated(margins, batch)
        return Predictions(
            risk=risk[:, RISKY_COLUMN].astype(np.float32),
            level=levels(risk),
            indicators=indicators.astype(np.float32),
            reread=margins.reread,
        )

    def tabulate(
        self,
        ads: pa.Table,
        answers: Predictions,
        digests: Sequence[str] | pa.Array,
        obscured: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        *,
        run_id: str,
    ) -> Scores:
        """The scores table of n ads, of which everything is known but how to write it down.

        Args:
            ads: `ad_id` and `language` are read where there are such columns.
            answers: of their texts.
            digests: SHA-256 of each text, in hexadecimal.
            obscured: shape (n,), whether a contact is written so that machines miss it.
            truncated: shape (n,), whether the text was cut.
            run_id: written into every row.
        """
        count = len(ads)
        names = ads.column_names
        columns: dict[str, Any] = {
            "ad_id": ads["ad_id"] if "ad_id" in names else [str(i) for i in range(count)],
            "risk": answers.risk,
            "level": answers.level,
            **{
                f"p_{label}": np.ascontiguousarray(answers.indicators[:, i])
                for i, label in enumerate(self.labels)
            },
            "language": ads["language"] if "language" in names else pa.nulls(count, pa.string()),
            "obscured": obscured,
            "truncated": truncated,
            "model": pa.repeat(self.manifest.name, count),
            "model_version": pa.repeat(self.version, count),
            "input_sha256": digests,
            "run_id": pa.repeat(run_id, count),
        }
        form = schema.scores(self.labels)
        columns["evidence"] = pa.nulls(count, form.field("evidence").type)
        return Scores(pa.table(columns, schema=form), self.labels)

    def save(self, folder: Path) -> Model:
        """Write the model below an existing, empty folder; returns it with its fingerprint."""
        self.classifier.save(folder)
        if self.summary is not None:
            write_summary(folder, self.summary)
        storage.write_tensors(
            folder / "seen.safetensors", hashes=self.seen.hashes, parts=self.seen.parts
        )
        if self.held is not None:
            storage.write_tensors(
                folder / _HELD,
                risk=self.held.risk,
                risky=self.held.risky,
                campaigns=self.held.campaigns,
            )
        if self.summary is not None:
            write_summary(folder, self.summary)
        files = {
            path.relative_to(folder).as_posix(): _digest(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        manifest = self.manifest.model_copy(update={"files": files})
        content = manifest.model_dump_json(indent=2)
        (folder / MODEL_FILE).write_text(content + "\n", encoding="utf-8")
        fingerprint = hashlib.sha256((content + "\n").encode()).hexdigest()
        return replace(self, manifest=manifest, fingerprint=fingerprint, version=fingerprint[:12])

    @classmethod
    def load(cls, folder: Path, version: str | None = None) -> Model:
        """Read a model folder and check all of it.

        Raises:
            ModelError: if the folder is no model, a file is missing or altered, the family is
                unknown, or the numbers do not fit each other.
        """
        path = folder / MODEL_FILE
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(
                f"{folder} is not a model: no readable {MODEL_FILE} in it; give a model folder, "
                "models:/adrisk@champion or runs:/<run>/model"
            ) from error
        manifest = read_manifest(path, content)
        for name, digest in manifest.files.items():
            if not _inside(name) or not (folder / name).is_file():
                raise ModelError(f"{folder}: the file {name} is missing; copy the model again")
            if _digest(folder / name) != digest:
                raise ModelError(
                    f"{folder}: {name} was altered since the model was saved; do not use it, "
                    "copy the model again from where it was registered"
                )
        note_versions(manifest)
        seen = storage.read_tensors(
            folder / "seen.safetensors", hashes=(np.uint64, (None,)), parts=(np.int8, (None,))
        )
        classifier = FAMILIES[manifest.family].load(folder, manifest.parameters, manifest.labels)
        fingerprint = hashlib.sha256(content).hexdigest()
        return cls(
            classifier=classifier,
            calibration=calibration_of(manifest.calibration),
            manifest=manifest,
            seen=TrainingIds(seen["hashes"], seen["parts"]),
            version=version or fingerprint[:12],
            fingerprint=fingerprint,
            folder=folder,
            summary=(
                read_summary(folder, len(manifest.labels)) if SUMMARY in manifest.files else None
            ),
            held=_held(folder) if _HELD in manifest.files else None,
        )


def _held(folder: Path) -> ThresholdSet:
    found = storage.read_tensors(
        folder / _HELD,
        risk=(np.float32, (None,)),
        risky=(np.int8, (None,)),
        campaigns=(np.int32, (None,)),
    )
    return ThresholdSet(found["risk"], found["risky"], found["campaigns"])


def hash_ids(ids: pa.ChunkedArray | pa.Array) -> NDArray[np.uint64]:
    """The first 64 bits of each id's SHA-256: the same on every machine."""
    digests = b"".join(hashlib.sha256(i.encode()).digest()[:8] for i in ids.to_pylist())
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def training_ids(parts: Sequence[tuple[int, pa.ChunkedArray]]) -> TrainingIds:
    """Pack (part number, ids) pairs; an id in several parts belongs to the first."""
    hashes = np.concatenate([hash_ids(ids) for _, ids in parts])
    numbers = np.concatenate([np.full(len(ids), n, dtype=np.int8) for n, ids in parts])
    unique, first = np.unique(hashes, return_index=True)
    return TrainingIds(unique, numbers[first])


def _inside(name: str) -> bool:
    """Whether a name of a file cannot lead out of the folder it is looked for in."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
