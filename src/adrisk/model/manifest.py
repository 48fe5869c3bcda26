"""The manifest of a model, `model.json`: its schema, checked on reading."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from adrisk.classifiers import FAMILIES
from adrisk.classifiers.base import THRESHOLDS, libraries_of
from adrisk.documents import parse_strict_json
from adrisk.errors import ModelError
from adrisk.model.calibration import Calibration, Choice, Curve
from adrisk.model.campaign_risk import Pooling
from adrisk.rules.ruleset import Ruleset

NAME = "adrisk"
"""Default name in the model registry."""

_LIBRARIES = ("adrisk", "numpy", "scikit-learn", "scipy")
_log = logging.getLogger(__name__)

MOST_SLOPE, MOST_SHIFT = 100.0, 100.0
"""Bounds on slopes and shifts; fitting keeps slopes below 21 and shifts within 60."""

_ROUNDING = 1e-9


def _labels(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("a label occurs twice")
    if not all(name.isprintable() and 0 < len(name) <= 100 for name in names):
        raise ValueError("a label is empty, too long, or holds characters that cannot be printed")
    return names


Slope = Annotated[float, Field(gt=0, le=MOST_SLOPE)]
Shift = Annotated[float, Field(ge=-MOST_SHIFT, le=MOST_SHIFT)]
Count = Annotated[int, Field(ge=0)]
Labels = Annotated[tuple[str, ...], Field(max_length=1000), AfterValidator(_labels)]


class Strict(BaseModel):
    """Base of all parts of the manifest: frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CalibrationEntry(Strict):
    """The numbers of a `Calibration`."""

    slopes: tuple[Slope, ...]
    intercepts: tuple[Shift, ...]
    risk_slopes: tuple[Slope, ...]
    risk_intercepts: tuple[Shift, ...]
    calibrated: tuple[str, ...]
    ads: Count
    curves: Mapping[str, Curve] = {}  # none of these in models saved before there were any
    risk_curves: Mapping[str, tuple[Curve, ...]] = {}
    choices: Mapping[str, Choice] = {}


class PoolingEntry(Strict):
    """The numbers of a `Pooling`, the parameters of the campaign risk."""

    slope: Slope
    shrink: float = Field(ge=0, le=1)
    shift: Shift
    campaigns: Count


class ThresholdEntry(Strict):
    """The risk at or above which the share `budget` of the `n` ads of the threshold set lies."""

    budget: float = Field(gt=0, lt=1)
    threshold: float = Field(ge=0, le=1 + 1e-6)  # just above the first ad that no longer fits
    n: Count


class TrainedOn(Strict):
    """The training data of a model; `target` describes its labels for a report.

    `labels` describes how the labels were made, `labels_from` is the configuration.
    """

    sources: tuple[str, ...]
    target: str
    ads: Count
    campaigns: Count
    fingerprint: str
    languages: Mapping[str, Count]
    split_by: str
    labels: str = "as the corpus has them"
    labels_from: Mapping[str, object] = {}


class Manifest(Strict):
    """Content of `model.json`.

    `rules` is the fingerprint of the evidence rules behind the rule features; `facts` are facts of
    the fitting reported by the family, such as the share of ads a cascade scores twice.
    """

    format: Literal[1] = 1
    name: str = NAME
    family: str
    parameters: Mapping[str, Any]
    labels: Labels
    calibration: CalibrationEntry
    campaign_risk: PoolingEntry | None = None  # none in models saved before there was one
    thresholds: tuple[ThresholdEntry, ...]
    trained_on: TrainedOn
    seed: int
    libraries: Mapping[str, str]
    rules: str = ""
    metrics: Mapping[str, Any] = {}
    facts: Mapping[str, object] = {}
    files: Mapping[str, str] = {}


def library_versions(family: str) -> dict[str, str]:
    """Versions of the libraries that the numbers of a model of this family depend on."""
    found = {}
    for name in (*_LIBRARIES, *libraries_of(FAMILIES[family])):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def calibration_entry(calibration: Calibration, ads: int) -> CalibrationEntry:
    """The manifest entry of a calibration fitted on this number of ads."""
    return CalibrationEntry(
        slopes=tuple(calibration.slopes.tolist()),
        intercepts=tuple(calibration.intercepts.tolist()),
        risk_slopes=tuple(calibration.risk_slopes.tolist()),
        risk_intercepts=tuple(calibration.risk_intercepts.tolist()),
        calibrated=calibration.calibrated,
        ads=ads,
        curves={str(head): curve for head, curve in calibration.curves.items()},
        risk_curves=calibration.risk_curves,
        choices=calibration.choices,
    )


def calibration_of(entry: CalibrationEntry) -> Calibration:
    """The calibration that an entry describes."""
    return Calibration(
        np.array(entry.slopes),
        np.array(entry.intercepts),
        np.array(entry.risk_slopes),
        np.array(entry.risk_intercepts),
        entry.calibrated,
        {int(head): curve for head, curve in entry.curves.items()},
        entry.risk_curves,
        entry.choices,
    )


def pooling_of(manifest: Manifest) -> Pooling:
    """Parameters of the campaign risk; the highest ad risk where the model has none."""
    entry = manifest.campaign_risk
    return Pooling(**entry.model_dump()) if entry else Pooling()


def read_manifest(path: Path, content: bytes) -> Manifest:
    """The manifest in the bytes of a `model.json`.

    Raises:
        ModelError: if it cannot be read, names an unknown family, or its numbers do not fit.
    """
    try:
        manifest = Manifest.model_validate(parse_strict_json(content))
    except ValueError as error:
        raise ModelError(
            f"{path} is not a manifest this version of adrisk can read ({_reason(error)}); it may "
            "come from a newer adrisk or be damaged"
        ) from error
    if manifest.family not in FAMILIES:
        raise ModelError(
            f"{path}: unknown classifier family {ascii(manifest.family)[:80]}; this adrisk has "
            f"{', '.join(sorted(FAMILIES))}; install the package that brings the family"
        )
    entry = manifest.calibration
    heads = len(manifest.labels)
    if not len(entry.slopes) == len(entry.intercepts) == heads:
        raise ModelError(f"{path}: calibration for {len(entry.slopes)} heads, labels for {heads}")
    if not len(entry.risk_slopes) == len(entry.risk_intercepts) == len(THRESHOLDS):
        raise ModelError(f"{path}: expected {len(THRESHOLDS)} risk slopes and intercepts")
    _check_curves(entry, heads, path)
    return manifest


def _reason(error: ValueError) -> str:
    """The first error of a manifest on one line, without quoting values."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        return f"{ascii(place[:80])[1:-1]}: {first['msg']}"
    return ascii(str(error).partition("\n")[0][:120])[1:-1]


def _check_curves(entry: CalibrationEntry, heads: int, path: Path) -> None:
    """Refuse curves of unknown heads, or with invalid numbers."""
    for head in entry.curves:
        if not (head.isascii() and head.isdecimal() and len(head) < 6 and int(head) < heads):
            raise ModelError(
                f"{path}: a calibration curve for head {ascii(head)[1:-1][:80]}, of {heads} heads"
            )
    for language, curves in entry.risk_curves.items():
        if len(curves) != len(THRESHOLDS):
            raise ModelError(
                f"{path}: expected {len(THRESHOLDS)} risk curves for "
                f"{ascii(language)[1:-1][:80] or 'all languages'}"
            )
    for curve in (*entry.curves.values(), *(c for cs in entry.risk_curves.values() for c in cs)):
        count = len(curve.numbers)
        fits = count >= 4 and count % 2 == 0
        if not (
            fits if curve.method == "isotonic" else count == {"sigmoid": 2, "beta": 3}[curve.method]
        ):
            raise ModelError(f"{path}: a {curve.method} curve with {count} numbers")
        if not _rises(curve):
            raise ModelError(
                f"{path}: a {curve.method} curve that does not rise from 0 to 1, or rises faster "
                "than any that was fitted; copy the model again or train anew"
            )


def _rises(curve: Curve) -> bool:
    """Whether a curve rises, gives probabilities, and is within the bounds of fitting."""
    numbers = np.array(curve.numbers)
    slopes = 2 if curve.method == "beta" else 1
    if not ((numbers[:slopes] > 0) & (numbers[:slopes] <= MOST_SLOPE)).all():
        return False
    if abs(numbers[slopes]) > MOST_SHIFT:
        return False
    if curve.method != "isotonic":
        return True
    places, heights = np.split(numbers[2:], 2)
    inside = heights.min() >= -_ROUNDING and heights.max() <= 1 + _ROUNDING
    return bool(
        inside and (np.diff(places) > -_ROUNDING).all() and (np.diff(heights) > -_ROUNDING).all()
    )


def note_versions(manifest: Manifest, rules: Ruleset) -> None:
    """Log a warning for every changed library version, and for changed evidence rules."""
    if manifest.rules not in ("", rules.fingerprint):
        _log.warning(
            "the evidence rules, or the platform's file, changed since the model was trained on "
            "what they find; scores may differ: train it again to be sure"
        )
    for name, here in library_versions(manifest.family).items():
        then = manifest.libraries.get(name, here)
        if here != then:
            _log.warning(
                "the model was made with %s %s, this is %s; scores may differ in the last digits",
                name,
                then,
                here,
            )
