"""The taxonomy: definition and weight of each indicator, and the rules that grade risk 0 to 3.

In: `taxonomy.yaml`, and a platform's own file (`platform`), if any. Out: a frozen `Taxonomy`, whose
`RiskRules` grade counts of indicators: the graded rule baseline, as data. Refused are duplicate
ids, unknown words, missing languages, and risk levels with unknown or impossible counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from adrisk.documents import read_yaml
from adrisk.errors import ConfigError, UsageError, did_you_mean
from adrisk.rules.platform import LANGUAGES, load_extension, platform_file
from adrisk.types import RISK_LEVELS, Kind, Weight

SCOPES = ("text", "campaign")

_T = TypeVar("_T")

_FILE = Path(__file__).with_name("taxonomy.yaml")
_WEIGHTS = {weight.name.lower(): weight for weight in Weight}
_KINDS = {kind.value: kind for kind in Kind}
_NAMED = 8  # of unknown indicators, so that a message stays one line
_FIELDS = ("id", "scope", "kind", "weight", "source", "title", "definition", "contrast")


@dataclass(frozen=True, slots=True)
class Indicator:
    """One entry of the taxonomy.

    `title` and `definition` are by language; `contrast` (English) names what is not meant. `scope`
    is "text" if one ad can show the indicator, "campaign" if it shows only across ads.
    """

    id: str
    scope: str
    kind: Kind
    weight: Weight
    source: str
    title: Mapping[str, str]
    definition: Mapping[str, str]
    contrast: str


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The indicators in the order of columns and reports, the risk rules, and the references."""

    indicators: tuple[Indicator, ...]
    risk: RiskRules
    references: Mapping[str, str]

    def __iter__(self) -> Iterator[Indicator]:
        return iter(self.indicators)

    def __len__(self) -> int:
        return len(self.indicators)

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id, text and campaign."""
        return tuple(indicator.id for indicator in self.indicators)

    @property
    def text_ids(self) -> tuple[str, ...]:
        """Ids that one ad can show: the heads of a text model."""
        return tuple(i.id for i in self.indicators if i.scope == "text")

    @property
    def escalating(self) -> tuple[str, ...]:
        """Ids of kind x: an ad with one escalates to a person at once, at any risk."""
        return tuple(i.id for i in self.indicators if i.kind is Kind.ESCALATE)

    def cited(self, indicator: Indicator) -> list[str]:
        """The full references behind an indicator's source, in the order of the file."""
        return [
            f"{name}: {reference}"
            for name, reference in self.references.items()
            if name in indicator.source
        ]

    def get(self, indicator_id: str) -> Indicator:
        """The entry of this id.

        Raises:
            UsageError: if there is none; the message names the nearest.
        """
        for indicator in self.indicators:
            if indicator.id == indicator_id:
                return indicator
        raise UsageError(
            f"no indicator is called {indicator_id!r}{did_you_mean(indicator_id, self.ids)}; "
            "`adrisk indicators` lists all"
        )


def load_taxonomy(extra: Path | None = None) -> Taxonomy:
    """The taxonomy of adrisk, followed by a platform's own entries.

    Args:
        extra: a platform's file; by default the one that `ADRISK_TAXONOMY` names, if any.

    Raises:
        ConfigError: if a file cannot be read or an entry is wrong; the message names both.
    """
    return _taxonomy(extra or platform_file())


def check_known(indicators: Collection[str], what: str) -> None:
    """Refuse indicators that the taxonomy in use does not have.

    Args:
        indicators: ids.
        what: what was made with them, for the message, such as "the model adrisk 3".

    Raises:
        UsageError: naming the unknown ids and the option that adds a file.
    """
    known = load_taxonomy().ids
    unknown = [name for name in indicators if name not in known]
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise UsageError(
            f"{what} was made with indicators that the taxonomy does not have: "
            f"{', '.join(unknown[:_NAMED])}{more}; add the file that has them: "
            "--taxonomy OUR.yaml, or ADRISK_TAXONOMY=OUR.yaml before the command"
        )


def graded_risk(present: Collection[str], taxonomy: Taxonomy) -> int:
    """Ordinal risk, 0 to 3, of an ad with these indicators, by the taxonomy's risk rules.

    >>> taxonomy = load_taxonomy()
    >>> graded_risk({"off_platform_contact"}, taxonomy)
    1
    >>> graded_risk({"document_retention"}, taxonomy)
    2
    >>> graded_risk({"document_retention", "exit_penalty"}, taxonomy)
    3
    >>> graded_risk({"document_retention", "exit_penalty", "worker_protection"}, taxonomy)
    2

    Raises:
        UsageError: if an id is not in the taxonomy.
    """
    entries = [taxonomy.get(indicator_id) for indicator_id in set(present)]
    kinds = Counter(entry.kind for entry in entries)
    counts = Counter(e.weight.name.lower() for e in entries if e.kind is Kind.EVIDENCE)
    counts["escalate"] = kinds[Kind.ESCALATE]
    return taxonomy.risk.grade(counts, counter=kinds[Kind.COUNTER] > 0)


@lru_cache(maxsize=8)
def _taxonomy(extra: Path | None) -> Taxonomy:
    content = read_yaml(_FILE)
    empty = Taxonomy((), read_risk(content.get("risk"), str(_FILE)), content.get("references", {}))
    shipped = _merged(empty, content["indicators"], _FILE)
    if extra is None:
        return shipped
    extension = load_extension(extra)
    taxonomy = _merged(shipped, extension.indicators, extra)
    _check_rules(taxonomy, {i for rules in extension.rules.values() for i in rules}, extra)
    for name in extension.restricted:
        if taxonomy.get(name).kind is not Kind.ESCALATE:
            raise ConfigError(
                f"{extra}: restricted.{name}: a restricted list belongs to an indicator of kind x, "
                f"{name} is of kind {taxonomy.get(name).kind.value}"
            )
    if extension.risk is None:
        return taxonomy
    return replace(taxonomy, risk=read_risk(extension.risk, str(extra)))


def _check_rules(taxonomy: Taxonomy, indicators: Collection[str], path: Path) -> None:
    for name in indicators:
        if name not in taxonomy.text_ids:
            raise ConfigError(
                f"{path}: rules of {name}: no text indicator is called so"
                f"{did_you_mean(name, taxonomy.text_ids)}"
            )


def _merged(taxonomy: Taxonomy, entries: Sequence[Mapping[str, Any]], path: Path) -> Taxonomy:
    indicators = list(taxonomy)
    taken = set(taxonomy.ids)
    for number, entry in enumerate(entries, start=1):
        indicator = _indicator(entry, f"{path}: entry {number} ({entry.get('id', 'without id')})")
        if indicator.id in taken:
            raise ConfigError(
                f"{path}: entry {number}: the id {indicator.id} is taken; give it another id"
            )
        taken.add(indicator.id)
        indicators.append(indicator)
    return replace(taxonomy, indicators=tuple(indicators))


def _indicator(entry: Mapping[str, Any], where: str) -> Indicator:
    for key in entry:
        if key not in _FIELDS:
            raise ConfigError(f"{where}: unknown key {key!r}{did_you_mean(key, _FIELDS)}")
    for name in _FIELDS:
        if name not in entry:
            raise ConfigError(f"{where}: the key `{name}` is missing; add it")
    indicator_id = entry["id"]
    if not isinstance(indicator_id, str) or not indicator_id.isidentifier():
        raise ConfigError(
            f"{where}: id must be letters, digits and underscores, got {indicator_id!r}"
        )
    return Indicator(
        id=indicator_id,
        scope=_word(entry["scope"], "scope", {scope: scope for scope in SCOPES}, where),
        kind=_word(entry["kind"], "kind", _KINDS, where),
        weight=_word(entry["weight"], "weight", _WEIGHTS, where),
        source=_sentence(entry["source"], "source", where),
        title=_translations(entry["title"], "title", where),
        definition=_translations(entry["definition"], "definition", where),
        contrast=_sentence(entry["contrast"], "contrast", where),
    )


def _word(value: object, name: str, known: Mapping[str, _T], where: str) -> _T:
    if not isinstance(value, str) or value not in known:
        raise ConfigError(f"{where}: {name} must be one of {', '.join(known)}, got {value!r}")
    return known[value]


def _sentence(value: object, name: str, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{where}: {name} must be a text, got {value!r}")
    return value.strip()


def _translations(value: object, name: str, where: str) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: {name} must be one text for each of {', '.join(LANGUAGES)}")
    for language in LANGUAGES:
        if language not in value:
            raise ConfigError(f"{where}: {name} has no {language} text; write one")
    return {str(k): _sentence(v, f"{name}.{k}", where) for k, v in value.items()}


COUNTED = ("strong", "medium", "weak", "escalate")
"""Names of the counts: evidence by its weight, and indicators that escalate."""


@dataclass(frozen=True, slots=True)
class Step:
    """A risk level and the least counts that reach it."""

    risk: int
    at_least: tuple[tuple[str, int], ...]

    def met(self, counts: Mapping[str, int]) -> bool:
        """Whether the counts reach all of `at_least`."""
        return all(counts.get(name, 0) >= least for name, least in self.at_least)

    def __str__(self) -> str:
        needed = " and ".join(f"{least} {_PLURAL[name]}" for name, least in self.at_least)
        return f"{self.risk}: at least {needed}"


_PLURAL = {
    "strong": "strong",
    "medium": "medium",
    "weak": "weak",
    "escalate": "of kind x",
}


@dataclass(frozen=True, slots=True)
class RiskRules:
    """Steps from the highest risk down; counter-evidence lowers the result to `floors` at least."""

    levels: tuple[Step, ...]
    lowers_by: int
    floors: tuple[Step, ...]

    def grade(self, counts: Mapping[str, int], *, counter: bool) -> int:
        """Ordinal risk of an ad with these counts."""
        risk = _first(self.levels, counts)
        if not counter:
            return risk
        return max(risk - self.lowers_by, min(risk, _first(self.floors, counts)))

    def in_words(self) -> list[str]:
        """One line for each step and one for counter-evidence."""
        lines = [f"risk {step}" for step in self.levels]
        lines.append("risk 0: anything else")
        floors = ", ".join(f"below {step}" for step in self.floors)
        lines.append(
            f"counter-evidence (kind c) lowers the risk by {self.lowers_by}"
            + (f", but never {floors}" if floors else "")
        )
        return lines


def read_risk(value: Any, where: str) -> RiskRules:
    """The risk rules under the key `risk` of a taxonomy file.

    Raises:
        ConfigError: if they are malformed; the message names the file and the place in it.
    """
    content = _keys(value, ("levels", "counter_evidence"), f"{where}: risk")
    counter = _keys(
        content["counter_evidence"], ("by", "not_below"), f"{where}: risk.counter_evidence"
    )
    by = counter["by"]
    if isinstance(by, bool) or not isinstance(by, int) or by not in RISK_LEVELS:
        raise ConfigError(f"{where}: risk.counter_evidence.by must be 0 to 3, got {by!r}")
    levels = _steps(content["levels"], f"{where}: risk.levels")
    for earlier, later in pairwise(levels):
        if later.risk > earlier.risk:
            raise ConfigError(
                f"{where}: risk.levels must begin with the highest risk; "
                f"'{later}' follows '{earlier}'"
            )
    return RiskRules(
        levels, by, _steps(counter["not_below"], f"{where}: risk.counter_evidence.not_below")
    )


def _first(steps: tuple[Step, ...], counts: Mapping[str, int]) -> int:
    return next((step.risk for step in steps if step.met(counts)), 0)


def _steps(value: Any, where: str) -> tuple[Step, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} must be a list such as [{{risk: 2, at_least: {{strong: 1}}}}]")
    return tuple(_step(item, f"{where}: entry {n}") for n, item in enumerate(value, start=1))


def _step(value: Any, where: str) -> Step:
    content = _keys(value, ("risk", "at_least"), where)
    if content["risk"] not in RISK_LEVELS or isinstance(content["risk"], bool):
        raise ConfigError(f"{where}: risk must be 0 to 3, got {content['risk']!r}")
    least = content["at_least"]
    if not isinstance(least, dict) or not least:
        raise ConfigError(f"{where}: at_least must be counts such as {{strong: 1, medium: 2}}")
    for name, count in least.items():
        if name not in COUNTED:
            raise ConfigError(
                f"{where}: at_least counts {', '.join(COUNTED)}; there is no {name!r}"
            )
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ConfigError(f"{where}: at_least.{name} must be 1 or more, got {count!r}")
    return Step(content["risk"], tuple(least.items()))


def _keys(value: Any, names: tuple[str, ...], where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names):
        got = ", ".join(map(str, value)) if isinstance(value, dict) else repr(value)
        raise ConfigError(f"{where} must have the keys {', '.join(names)}, got {got}")
    return value
