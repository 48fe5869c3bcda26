"""Result models: figures with their intervals as they lie in result files, checked when read.

In: estimates, or the text of a result file. Out: frozen values whose plain form is what the file
holds, key by key and in order. A key that is unknown or missing is refused with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
)

from adrisk.errors import UsageError
from adrisk.metrics.estimates import Estimate

T = TypeVar("T")


class Result(BaseModel):
    """Part of a result file: frozen, no unknown keys.

    A field whose default is None is an optional key, left out where it is None. A field without a
    default is always written, as null where it is None.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_serializer(mode="wrap")
    def _without_absent_keys(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        content: dict[str, object] = handler(self)
        fields = type(self).model_fields
        return {
            key: value
            for key, value in content.items()
            if value is not None or fields[key].is_required()
        }

    def to_json(self) -> dict[str, object]:
        """Plain values, as `json` writes them."""
        return self.model_dump(mode="json")


class Figure(Result):
    """An `Estimate` as it is written: six decimals, null where undefined."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    positives: int
    campaigns: int

    @classmethod
    def of(cls, estimate: Estimate) -> Self:
        """The written form of an estimate."""
        return cls(**estimate.to_json())


class JudgedModel(Result):
    """The model that a result is about."""

    version: str
    family: str
    parameters: Mapping[str, object]
    fingerprint: str


def read_result(path: Path, form: type[T]) -> T:
    """The content of a result file in a form made of `Result`s.

    Args:
        path: a JSON file.
        form: a `Result`, or a mapping of them, such as `dict[str, Figure]`.

    Raises:
        UsageError: if it cannot be read or is of another form; names the first key that is wrong.
    """
    try:
        return TypeAdapter(form).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(
            f"{path}: {place}: {first['msg'].lower()}; it is not a result that this adrisk writes, "
            "so measure again"
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error
