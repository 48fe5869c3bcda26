"""Models of the entries of taxonomy files, checked on reading: indicators and risk rules.

In: values of a YAML file. Out: frozen pydantic models. An error is one line with the file, the key
and what was expected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
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
from adrisk.types import RISK_LEVELS, Kind, Weight

LANGUAGES = ("en", "es", "pt", "fr")
"""The languages in which every indicator has a title, a definition and rules."""

ANY_LANGUAGE = "any"
"""Rules of a platform for ads of every language."""

COUNTED = {"strong": "strong", "medium": "medium", "weak": "weak", "escalate": "of kind x"}
"""Counts on which risk depends, evidence by its weight and indicators that escalate, in words."""


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


def _one_of(value: object, known: Iterable[str]) -> None:
    if value not in (names := list(known)):
        raise ValueError(f"must be one of {', '.join(names)}, got {value!r}")


def _kind(value: object) -> Kind:
    _one_of(value, list(Kind))
    return Kind(str(value))


def _weight(value: object) -> Weight:
    _one_of(value, (weight.name.lower() for weight in Weight))
    return Weight[str(value).upper()]


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
    """Base of the models: immutable, without unknown keys, without conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Indicator(Entry):
    """One entry of the taxonomy.

    `title` and `definition` are by language; `contrast` (English) names what is not meant. `scope`
    is "text" if one ad can show the indicator, "campaign" if it shows only across ads.
    """

    id: Annotated[str, AfterValidator(_identifier)]
    scope: Literal["text", "campaign"]
    kind: Annotated[Kind, BeforeValidator(_kind)]
    weight: Annotated[Weight, BeforeValidator(_weight)]
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


class Step(_Exact):
    """A risk level and the least counts that reach it."""

    risk: Grade
    at_least: Annotated[dict[str, int], BeforeValidator(_counts)]

    def met(self, counts: Mapping[str, int]) -> bool:
        """Whether the counts reach all of `at_least`."""
        return all(counts.get(name, 0) >= least for name, least in self.at_least.items())

    def __str__(self) -> str:
        needed = " and ".join(f"{least} {COUNTED[name]}" for name, least in self.at_least.items())
        return f"{self.risk}: at least {needed}"


def _falling(steps: list[Step]) -> list[Step]:
    for earlier, later in pairwise(steps):
        if later.risk > earlier.risk:
            raise ValueError(f"must begin with the highest risk; '{later}' follows '{earlier}'")
    return steps


Steps = Annotated[list[Step], BeforeValidator(_steps)]


class CounterEvidence(_Exact):
    """The number of levels by which counter-evidence lowers the risk, and its lower bounds."""

    by: Grade
    not_below: Steps


class RiskRules(_Exact):
    """The rules that grade counts of indicators as risk 0 to 3: the first step met decides."""

    levels: Annotated[Steps, AfterValidator(_falling)]
    counter_evidence: CounterEvidence

    def grade(self, counts: Mapping[str, int], *, counter: bool) -> int:
        """Ordinal risk of an ad with these counts, and with counter-evidence or not."""
        risk = _first_met(self.levels, counts)
        if not counter:
            return risk
        floor = min(risk, _first_met(self.counter_evidence.not_below, counts))
        return max(risk - self.counter_evidence.by, floor)

    def in_words(self) -> list[str]:
        """One line for each step and one for counter-evidence."""
        floors = ", ".join(f"below {step}" for step in self.counter_evidence.not_below)
        return [
            *(f"risk {step}" for step in self.levels),
            "risk 0: anything else",
            f"counter-evidence (kind c) lowers the risk by {self.counter_evidence.by}"
            + (f", but never {floors}" if floors else ""),
        ]


def _first_met(steps: Sequence[Step], counts: Mapping[str, int]) -> int:
    return next((step.risk for step in steps if step.met(counts)), 0)


class TaxonomyFile(Entry):
    """The taxonomy that adrisk ships."""

    indicators: Entries
    risk: RiskRules
    references: dict[str, str]


class PlatformFile(Entry):
    """A platform's file; without a key, the content that adrisk ships applies."""

    indicators: Entries = []
    risk: RiskRules | None = None
    rules: Annotated[dict[str, Names], BeforeValidator(_by_language)] = {}
    restricted: Annotated[dict[str, ListPath], BeforeValidator(_names)] = {}


Checked = TypeVar("Checked", bound=Entry)


def checked(kind: type[Checked], value: object, where: str) -> Checked:
    """A value of a YAML file as a model.

    Args:
        kind: the model.
        value: the value.
        where: the file, and the place in it.

    Raises:
        ConfigError: naming the place, the key and what was expected.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        # A misspelt key is both unknown and missing; only the former names it.
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
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "literal_error":
        expected = str(problem["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
        message = f"must be one of {expected}, got {problem['input']!r}"
    elif problem["type"].startswith("string_"):
        message = f"must be a text, got {problem['input']!r}"
    if message.startswith("."):
        return f"{place}{message}"
    joined = " " if message.split(" ", 1)[0] in ("must", "has", "are", "counts") else ": "
    return f"{place}{joined}{message}" if place else message


def _place(keys: tuple[int | str, ...]) -> str:
    """Keys as one place: a.b, with the entries of a list counted from 1.

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
