"""A model: fitted classifier, calibration, campaign risk, manifest and training profile.

In: tables of ads. Out: `Scores`, in the columns of `adrisk.schema.scores`. A model folder holds
`model.json` (`adrisk.model.manifest`); the family's own files; `seen.safetensors`, hashes of the
training ads and campaigns, which evaluation excludes; `threshold.safetensors`, risk and label of
the threshold set; and, once trained by `adrisk train`, the training profile. Every file is listed
with its SHA-256, other files are refused (`adrisk.model.files`), and none is ever executed.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

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
from adrisk.model.profile import FILE as PROFILE_FILE
from adrisk.model.profile import TrainingProfile, read_profile, write_profile
from adrisk.model.training_ids import (
    THRESHOLD_SET_FILE,
    ThresholdSet,
    TrainingIds,
    read_threshold_set,
    read_training_ids,
    write_threshold_set,
    write_training_ids,
)
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.text.arrow import text_list
from adrisk.types import ArrowArray, FloatArray


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions for n texts, in the types of the scores table.

    Attributes:
        risk: shape (n,), float32, probability that risk is 2 or 3.
        level: shape (n,), int8, 0 to 3.
        indicators: shape (n, k), float32, columns as the model's labels.
        reread: shape (n,), which were scored twice; None for families of one pass.
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
        folder: where it was loaded from; None if it was not loaded.
        training_ids: hashed ids of the training ads.
        profile: counts of its training data; None in older models.
        threshold_set: risk and label of the threshold set; None in older models.
    """

    classifier: Classifier
    calibration: Calibration
    manifest: Manifest
    training_ids: TrainingIds
    version: str = "unsaved"
    fingerprint: str = ""
    folder: Path | None = None
    profile: TrainingProfile | None = None
    threshold_set: ThresholdSet | None = None
    rules: Ruleset = field(default_factory=load_ruleset)

    @property
    def labels(self) -> tuple[str, ...]:
        """The indicators with a head, in column order."""
        return self.manifest.labels

    @property
    def pooling(self) -> Pooling:
        """Parameters of the campaign risk."""
        return pooling_of(self.manifest)

    def threshold(self, budget: float) -> ThresholdEntry:
        """The threshold for a review budget.

        Raises:
            ModelError: if the model has none for it.
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

        Risk is calibrated by the curves of the ad's language, where there are any.
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
                texts, which are numbered. No ads give an empty table.
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
        predictions = self.predict(batch)
        return self.tabulate(ads, predictions, digests, obscured, batch.truncated, run_id=run_id)

    def predict(self, batch: TextBatch) -> Predictions:
        """Predictions for ads; each depends on text, language and region of its ad only."""
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
        predictions: Predictions,
        digests: Sequence[str] | ArrowArray,
        obscured: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        *,
        run_id: str,
    ) -> Scores:
        """The scores table of n ads from their predictions and columns.

        Args:
            ads: `ad_id` and `language` are copied where there are such columns.
            predictions: for their texts.
            digests: SHA-256 of each text, in hexadecimal.
            obscured: shape (n,), whether a contact is obfuscated.
            truncated: shape (n,), whether the text was cut.
            run_id: written into every row.
        """
        count = len(ads)
        names = ads.column_names
        columns: dict[str, object] = {
            "ad_id": ads["ad_id"] if "ad_id" in names else [str(i) for i in range(count)],
            "risk": predictions.risk,
            "level": predictions.level,
            **{
                f"p_{label}": np.ascontiguousarray(predictions.indicators[:, i])
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

        `model.json` is written last, in one step, so an interrupted save does not load.

        Raises:
            ModelError: if the folder is not empty.
            RunError: if it cannot be written.
        """
        try:
            if any(folder.iterdir()):
                raise ModelError(f"{folder} is not empty; save the model in a new folder")
            return self._save(folder)
        except OSError as error:
            raise RunError(
                f"the model cannot be saved in {folder} ({error.strerror or error}); the files "
                "there are incomplete: remove them and save in another folder"
            ) from error

    def _save(self, folder: Path) -> Model:
        self.classifier.save(folder)
        if self.profile is not None:
            write_profile(folder, self.profile)
        write_training_ids(folder, self.training_ids)
        if self.threshold_set is not None:
            write_threshold_set(folder, self.threshold_set)
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
            folder: written by `save`.
            version: version in the registry.
            fingerprint: fingerprint in the registry; not compared if left out.
        rules: rules and taxonomy of its labels; those of adrisk if left out.

        Raises:
            ModelError: if the folder is no model, a file is missing, altered or not listed, the
                family is unknown, or the numbers do not fit each other.
        """
        content = read_manifest_bytes(folder)
        actual = hashlib.sha256(content).hexdigest()
        if fingerprint and actual != fingerprint:
            raise ModelError(
                f"{folder} is not the model that was registered: its fingerprint is {actual[:12]}, "
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
            training_ids=read_training_ids(folder),
            version=version or actual[:12],
            fingerprint=actual,
            folder=folder,
            profile=read_profile(folder, len(labels)) if PROFILE_FILE in manifest.files else None,
            threshold_set=read_threshold_set(folder)
            if THRESHOLD_SET_FILE in manifest.files
            else None,
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
