"""The label set: what each indicator means, in four languages, and how heavy it is alone.

In: `taxonomy.yaml`, and if wanted a platform's own file of the same form. Out: a frozen
`Taxonomy`. It refuses a file with a duplicate id, an unknown word or a missing language.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from adrisk.errors import ConfigError, UsageError
from adrisk.indicators.languages import LANGUAGES
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
    """The indicators, in the order of columns and reports."""

    indicators: tuple[Indicator, ...]

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

    def get(self, indicator_id: str) -> Indicator:
        """The entry of this id.

        Raises:
            UsageError: if there is none; the message names the nearest.
        """
        for indicator in self.indicators:
            if indicator.id == indicator_id:
                return indicator
        raise UsageError(
            f"no indicator is called {indicator_id!r}{_nearest(indicator_id, self.ids)}; "
            "`adrisk indicators` lists all"
        )


def load_taxonomy(extra: Path | None = None) -> Taxonomy:
    """The taxonomy of adrisk, with a platform's own entries behind it if `extra` names a file.

    Raises:
        ConfigError: if a file cannot be read or an entry is wrong; the message names both.
    """
    shipped = _shipped()
    if extra is None:
        return shipped
    return _merged(shipped, _read(extra), extra)


def graded_risk(present: Collection[str], taxonomy: Taxonomy) -> int:
    """Ordinal risk, 0 to 3, of an ad that shows these indicators.

    Weak indicators, however many, and one medium one give at most 1: nearly every job ad has
    some. One strong or two medium give 2. Two strong, or one strong with two medium (a coercive
    combination), give 3, and so does an indicator that escalates. Counter-evidence lowers the
    result by one, but never below 2 where a strong indicator stands.

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
    if any(entry.kind is Kind.ESCALATE for entry in entries):
        return 3
    weights = [entry.weight for entry in entries if entry.kind is Kind.EVIDENCE]
    strong, medium = weights.count(Weight.STRONG), weights.count(Weight.MEDIUM)
    if strong >= 2 or (strong and medium >= 2):
        risk = 3
    elif strong or medium >= 2:
        risk = 2
    else:
        risk = 1 if any(weights) else 0
    if any(entry.kind is Kind.COUNTER for entry in entries):
        risk = max(risk - 1, 2 if strong else 0)
    return risk


@lru_cache(maxsize=1)
def _shipped() -> Taxonomy:
    return _merged(Taxonomy(()), _read(_FILE), _FILE)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML: {error}") from error
    entries = content.get("indicators") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(
            f"{path}: expected a key `indicators` with a list of entries; "
            "see adrisk/indicators/taxonomy.yaml for the form"
        )
    return entries


def _merged(taxonomy: Taxonomy, entries: list[dict[str, Any]], path: Path) -> Taxonomy:
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
    return Taxonomy(tuple(indicators))


def _indicator(entry: Mapping[str, Any], where: str) -> Indicator:
    for key in entry:
        if key not in _FIELDS:
            raise ConfigError(f"{where}: unknown key {key!r}{_nearest(str(key), _FIELDS)}")
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


def _nearest(word: str, known: Collection[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
