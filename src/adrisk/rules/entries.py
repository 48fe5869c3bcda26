"""Models of what the taxonomy and a platform's file hold, checked on reading.

In: values of a YAML file. Out: frozen pydantic models. A fault is one line with file, key and what
was expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from adrisk.errors import ConfigError, did_you_mean
from adrisk.types import RISK_LEVELS

LANGUAGES = ("en", "es", "pt", "fr")
"""The languages in which every indicator has a title, a definition and rules."""

ANY_LANGUAGE = "any"
"""Rules of a platform for ads of every language."""

COUNTED = ("strong", "medium", "weak", "escalate")
"""What is counted: evidence by its weight, and whatever escalates."""


def _identifier(value: str) -> str:
    if not value.isidentifier():
        raise ValueError(f"must be letters, digits and underscores, got {value!r}")
    return value


def _translated(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError(f"must be one text for each of {', '.join(LANGUAGES)}")  # noqa: TRY004
    for language in LANGUAGES:
        if language not in value:
            raise ValueError(f"has no {language} text; write one")
    return value


def _grade(value: object) -> object:
    if isinstance(value, bool) or value not in RISK_LEVELS:
        raise ValueError(f"must be 0 to 3, got {value!r}")
    return value


def _counts(value: object) -> object:
    if not isinstance(value, dict) or not value:
        raise ValueError("must be counts such as {strong: 1, medium: 2}")
    for name, count in value.items():
        if name not in COUNTED:
            raise ValueError(f"counts {', '.join(COUNTED)}; there is no {name!r}")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f".{name} must be 1 or more, got {count!r}")
    return value


def _steps(value: object) -> object:
    if not isinstance(value, list):
        raise ValueError("must be a list such as [{risk: 2, at_least: {strong: 1}}]")  # noqa: TRY004
    return value


def _names(value: object) -> object:
    if value and not isinstance(value, dict):
        raise ValueError("expected names with values below them")
    return value or {}


def _by_language(value: object) -> object:
    named = _names(value)
    known = (*LANGUAGES, ANY_LANGUAGE)
    for language in named if isinstance(named, dict) else ():
        if language not in known:
            raise ValueError(
                f"are by language, {', '.join(LANGUAGES)} or {ANY_LANGUAGE}, got {language!r}"
            )
    return named


def _path(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("expected the path of a text file")  # noqa: TRY004
    return value


def _entries(value: object) -> object:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError(
            "expected under the key `indicators` a list of entries; "
            "see adrisk/rules/taxonomy.yaml for the form"
        )
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Translations = Annotated[dict[str, Text], BeforeValidator(_translated)]
Grade = Annotated[int, BeforeValidator(_grade)]
Names = Annotated[dict[str, object], BeforeValidator(_names)]
ListPath = Annotated[str, BeforeValidator(_path)]
Entries = Annotated[list[dict[str, object]], BeforeValidator(_entries)]


class Entry(BaseModel):
    """What all of them share: frozen, nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class IndicatorEntry(Entry):
    """One indicator."""

    id: Annotated[str, AfterValidator(_identifier)]
    scope: Literal["text", "campaign"]
    kind: Literal["e", "c", "x"]
    weight: Literal["none", "weak", "medium", "strong"]
    source: Text
    title: Translations
    definition: Translations
    contrast: Text


class _Exact(Entry):
    """A mapping with all of its keys and no others."""

    @model_validator(mode="before")
    @classmethod
    def _all_keys(cls, value: object) -> object:
        if not isinstance(value, dict) or set(value) != set(cls.model_fields):
            found = ", ".join(map(str, value)) if isinstance(value, dict) else repr(value)
            raise ValueError(f"must have the keys {', '.join(cls.model_fields)}, got {found}")
        return value


class StepEntry(_Exact):
    """A risk, and the least counts that give it."""

    risk: Grade
    at_least: Annotated[dict[str, int], BeforeValidator(_counts)]


Steps = Annotated[list[StepEntry], BeforeValidator(_steps)]


class CounterEntry(_Exact):
    """By how much counter-evidence lowers the risk, and below what it does not."""

    by: Grade
    not_below: Steps


class RiskEntry(_Exact):
    """How indicators combine into risk."""

    levels: Steps
    counter_evidence: CounterEntry


class TaxonomyFile(Entry):
    """The taxonomy that adrisk ships."""

    indicators: Entries
    risk: RiskEntry
    references: dict[str, str]


class PlatformFile(Entry):
    """A platform's file; what is left out stays as adrisk has it."""

    indicators: Entries = []
    risk: RiskEntry | None = None
    rules: Annotated[dict[str, Names], BeforeValidator(_by_language)] = {}
    restricted: Annotated[dict[str, ListPath], BeforeValidator(_names)] = {}


Checked = TypeVar("Checked", bound=Entry)


def checked(kind: type[Checked], value: object, where: str) -> Checked:
    """The value as this model.

    Args:
        kind: the model.
        value: as YAML gives it.
        where: the file, and the place in it.

    Raises:
        ConfigError: naming the place, the key and what was expected.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        # A key that is misspelt is unknown and missing; that it is unknown says what to mend.
        problem = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        raise ConfigError(f"{where}: {_in_words(problem, kind.model_fields)}") from error


def _in_words(problem: ErrorDetails, fields: Mapping[str, object]) -> str:
    *above, last = problem["loc"] or ("",)
    if problem["type"] == "extra_forbidden":
        known = did_you_mean(last, fields)
        return f"unknown key {last!r}{known}; there are {', '.join(fields)}"
    if problem["type"] == "missing":
        return f"the key `{last}` is missing; add it"
    place = _place((*above, last))
    said = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "literal_error":
        expected = str(problem["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        said = f"must be one of {expected}, got {problem['input']!r}"
    elif problem["type"].startswith("string_"):
        said = f"must be a text, got {problem['input']!r}"
    if said.startswith("."):
        return f"{place}{said}"
    joined = " " if said.split(" ", 1)[0] in ("must", "has", "are", "counts") else ": "
    return f"{place}{joined}{said}" if place else said


def _place(keys: tuple[int | str, ...]) -> str:
    """Keys as one place: a.b, and the entries of a list counted from 1.

    >>> _place(("risk", "levels", 0, "at_least"))
    'risk.levels: entry 1: at_least'
    """
    place = ""
    for key in keys:
        if isinstance(key, int):
            place += f": entry {key + 1}: "
        else:
            place += f"{'' if not place or place.endswith(' ') else '.'}{key}"
    return place.removesuffix(": ")
