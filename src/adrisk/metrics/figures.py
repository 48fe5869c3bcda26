"""Result models: parts of result files, checked when read; figures with their intervals.

In: values, or a result file. Out: frozen values whose plain form is what the file holds, key by key
and in order. A key that is unknown or missing is refused with its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
)

from adrisk.documents import parse_json
from adrisk.errors import UsageError

T = TypeVar("T")


class Result(BaseModel):
    """Part of a result file: frozen, no unknown keys, keys in the order of the fields.

    A field with a default is an optional key, left out where it has that value. A field without one
    is always written, as null where it is None. A field `recall_at_0_01` has the key
    `recall_at_0.01`.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        alias_generator=lambda name: re.sub("_at_0_", "_at_0.", name),
    )

    @model_serializer(mode="wrap")
    def _without_absent_keys(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        content: dict[str, object] = handler(self)
        absent = {
            key
            for name, field in type(self).model_fields.items()
            if not field.is_required() and self._is_absent(name)
            for key in (name, field.alias)
        }
        return {key: value for key, value in content.items() if key not in absent}

    def _is_absent(self, name: str) -> bool:
        """Whether an optional key is left out."""
        return bool(getattr(self, name) == type(self).model_fields[name].default)

    def to_json(self) -> dict[str, object]:
        """Plain values, as `json` writes them."""
        return self.model_dump(mode="json", by_alias=True)


class AsGiven(Result):
    """Part of a result file whose optional keys are left out only where they were not given."""

    def _is_absent(self, name: str) -> bool:
        return name not in self.model_fields_set


class Figure(Result):
    """An estimate as it is written: six decimals, null where undefined."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    positives: int
    campaigns: int


class Rate(Result):
    """Cases passed of those judged, with a Wilson 95 % interval, and how many were not judged.

    Without a judged case there is no interval and no share. Cases are taken as independent.
    """

    passed: int
    n: int
    low: float | None
    high: float | None
    unjudged: int
    share: float | None


class ReliabilityBin(Result):
    """A point of the reliability plot: mean stated probability, observed share, ads in the bin."""

    stated: float
    observed: float
    n: int


class JudgedModel(Result):
    """The model that a result is about; version and fingerprint are empty for folds."""

    version: str
    family: str
    parameters: Mapping[str, object]
    fingerprint: str


def rounded(value: float | None) -> float | None:
    """Six decimals, as results are written; None stays None."""
    return None if value is None else round(value, 6)


def read_result(path: Path, form: type[T]) -> T:
    """The content of a result file in a form made of `Result`s.

    Args:
        path: a JSON file.
        form: a `Result`, or a mapping of them, such as `dict[str, Figure]`.

    Raises:
        UsageError: if it cannot be read or is of another form; names the first key that is wrong.
    """
    return as_result(read_content(path), form, path)


def read_content(path: Path) -> object:
    """The value in a JSON file, its form not checked yet.

    Raises:
        UsageError: if it cannot be read as JSON.
    """
    try:
        return parse_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UsageError(f"{path} cannot be read as JSON ({error}); make it anew") from error


def as_result(content: object, form: type[T], path: Path) -> T:
    """The content of the file at `path` in a form made of `Result`s.

    Raises:
        UsageError: names the first key that is wrong, an unknown one before a missing one.
    """
    try:
        return TypeAdapter(form).validate_python(content)
    except ValidationError as error:
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(
            f"{path}: {place}: {first['msg'].lower()}; this adrisk writes no such file: make it "
            "anew, or take the adrisk that wrote it"
        ) from error
