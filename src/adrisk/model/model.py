"""A model: a fitted classifier, its calibration, and what is known about both.

In: tables of ads. Out: `Scores`, in the columns of `adrisk.schema.scores`. A model folder holds
`model.json` (`adrisk.model.manifest`), the family's own files, `seen.safetensors`: hashes of the
ads and campaigns it learned from, so that nobody can judge it on them by mistake;
`threshold.safetensors`: risk and label of the ads that thresholds are set on; and once trained
through `adrisk train` its training data in counts (`adrisk.model.profile`). Every file is listed
with its SHA-256, nothing else may be in the folder (`adrisk.model.files`), and nothing in it is
ever executed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk import schema
from adrisk.batch import TextBatch, prepare_ads
from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import RISKY_COLUMN, Classifier, Margins
from adrisk.errors import ModelError, RunError
from adrisk.extract.contacts import obscured_ads
from adrisk.model.calibration import Calibration, levels
from adrisk.model.campaign_risk import Pooling
from adrisk.model.files import MANIFEST, SEAL, check_files, digests, read_manifest_bytes, sealed
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
from adrisk.model.training_ids import (
    HELD,
    ThresholdSet,
    TrainingIds,
    read_held,
    read_seen,
    write_held,
    write_seen,
)
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.text.arrow import text_list
from adrisk.types import ArrowArray, FloatArray


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
        rules: the taxonomy its labels come from, and the rules asked of what it scores.
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
    rules: Ruleset = field(default_factory=load_ruleset)

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
            ads: a table with `text`, and `ad_id`, `language` and `location` where known; or plain
                texts, which are numbered. None is allowed and gives an empty table.
            run_id: written into every row.

        Returns:
            One row an ad in the order given; `evidence` is null, see `adrisk.model.explain`.

        Raises:
            TypeError: if it is given one text instead of a list.
        """
        if isinstance(ads, str | bytes):
            raise TypeError("expected a list of texts; for one text give a list of one: [text]")
        if not isinstance(ads, pa.Table):
            ads = pa.table({"text": pa.array(list(ads), pa.large_string())})
        batch = prepare_ads(ads, self.rules)
        obscured = obscured_ads(batch.contacts)
        digests = [hashlib.sha256(text.encode()).hexdigest() for text in text_list(ads["text"])]
        answers = self.predict(batch)
        return self.tabulate(ads, answers, digests, obscured, batch.truncated, run_id=run_id)

    def predict(self, batch: TextBatch) -> Predictions:
        """What the model says of ads; each answer depends on text, language and region alone."""
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
        digests: Sequence[str] | ArrowArray,
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
        """Write the model below an existing, empty folder; returns it with its fingerprint.

        `model.json` is written last, in one step: a folder whose saving was cut short has none,
        and does not load.

        Raises:
            ModelError: if there are files in the folder.
            RunError: if it cannot be written.
        """
        try:
            if any(folder.iterdir()):
                raise ModelError(f"{folder} is not empty; save the model in a new folder")
            return self._save(folder)
        except OSError as error:
            raise RunError(
                f"the model cannot be saved in {folder} ({error.strerror or error}); what is there "
                "is not whole and will not load: remove it and save in another folder"
            ) from error

    def _save(self, folder: Path) -> Model:
        self.classifier.save(folder)
        if self.summary is not None:
            write_summary(folder, self.summary)
        write_seen(folder, self.seen)
        if self.held is not None:
            write_held(folder, self.held)
        manifest = self.manifest.model_copy(update={"files": digests(folder)})
        content = f"{manifest.model_dump_json(indent=2)}\n".encode()
        (folder / SEAL).write_bytes(sealed(content))
        draft = folder / f".{MANIFEST}.draft"
        draft.write_bytes(content)
        draft.replace(folder / MANIFEST)
        fingerprint = hashlib.sha256(content).hexdigest()
        return replace(self, manifest=manifest, fingerprint=fingerprint, version=fingerprint[:12])

    @classmethod
    def load(
        cls,
        folder: Path,
        version: str | None = None,
        *,
        fingerprint: str = "",
        rules: Ruleset | None = None,
    ) -> Model:
        """Read a model folder and check all of it; nothing in it is executed.

        Args:
            folder: that `save` wrote.
            version: what the registry calls it.
            fingerprint: that it must have, as the registry keeps it; left out, any.
            rules: with the taxonomy its labels come from; those that adrisk ships if left out.

        Raises:
            ModelError: if the folder is no model, a file is missing, altered or not listed, the
                family is unknown, or the numbers do not fit each other.
        """
        content = read_manifest_bytes(folder)
        found = hashlib.sha256(content).hexdigest()
        if fingerprint and found != fingerprint:
            raise ModelError(
                f"{folder} is not the model that was registered: its fingerprint is {found[:12]}, "
                f"that of the registry {fingerprint[:12]}; do not use it, train or register anew"
            )
        manifest = read_manifest(folder / MANIFEST, content)
        check_files(folder, manifest.files)
        rules = rules or load_ruleset()
        note_versions(manifest, rules)
        labels = manifest.labels
        return cls(
            classifier=_classifier(folder, manifest),
            calibration=calibration_of(manifest.calibration),
            manifest=manifest,
            seen=read_seen(folder),
            version=version or found[:12],
            fingerprint=found,
            folder=folder,
            summary=read_summary(folder, len(labels)) if SUMMARY in manifest.files else None,
            held=read_held(folder) if HELD in manifest.files else None,
            rules=rules,
        )


def _classifier(folder: Path, manifest: Manifest) -> Classifier:
    """The classifier of a checked folder.

    Raises:
        ModelError: if its parameters are not those of its family, or its files do not fit them.
    """
    try:
        return FAMILIES[manifest.family].load(folder, manifest.parameters, manifest.labels)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, OSError) as error:
        raise ModelError(
            f"{folder}: parameters or files that the family {manifest.family} does not have "
            f"({type(error).__name__}); copy the model again or train anew"
        ) from error
