"""The label set: what each indicator means, in four languages, and how heavy it is alone.

In: `taxonomy.yaml`, and where there is one a platform's own file (`extension.py`). Out: a frozen
`Taxonomy`. It refuses a file with a duplicate id, an unknown word or a missing language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from adrisk.errors import ConfigError, UsageError, did_you_mean
from adrisk.indicators.extension import load_extension, platform_file
from adrisk.indicators.languages import LANGUAGES
from adrisk.indicators.risk import RiskRules, read_risk
from adrisk.types import Kind, Weight

SCOPES = ("text", "campaign")

_T = TypeVar("_T")

_FILE = Path(__file__).with_name("taxonomy.yaml")
_WEIGHTS = {weight.name.lower(): weight for weight in Weight}
_KINDS = {kind.value: kind for kind in Kind}
_FIELDS = ("id", "scope", "kind", "weight", "source", "title", "definition", "contrast")


@dataclass(frozen=True, slots=True)
class Indicator:
    """One entry of the taxonomy.

    `title` and `definition` are by language; `contrast` (English) says what it is not. `scope`
    is "text" when one ad can show it and "campaign" when it is seen only across ads.
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
    """The indicators, in the order of columns and reports; how they make risk; what is cited."""

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
        """Ids of kind x: an ad that shows one goes to a person at once, whatever its risk."""
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
    """The taxonomy of adrisk, with a platform's own entries behind it.

    Args:
        extra: a platform's file; left out, the one that `ADRISK_TAXONOMY` names, if any.

    Raises:
        ConfigError: if a file cannot be read or an entry is wrong; the message names both.
    """
    return _taxonomy(extra or platform_file())


def graded_risk(present: Collection[str], taxonomy: Taxonomy) -> int:
    """Ordinal risk, 0 to 3, of an ad that shows these indicators, by the taxonomy's risk rules.

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
    content = _read(_FILE)
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


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


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
