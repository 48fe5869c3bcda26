"""The taxonomy: definition and weight of each indicator, and the rules that grade risk 0 to 3.

In: `taxonomy.yaml`, and a platform's own file (`platform`), if any. Out: a frozen `Taxonomy`.
Refused are duplicate ids, unknown words, missing languages, and risk levels with unknown or
impossible counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from adrisk.documents import read_yaml
from adrisk.errors import ConfigError, UsageError, did_you_mean
from adrisk.rules.entries import Indicator, RiskRules, TaxonomyFile, checked
from adrisk.rules.platform import Extension, load_extension
from adrisk.types import Kind

TAXONOMY_FILE = Path(__file__).with_name("taxonomy.yaml")
"""The taxonomy that adrisk ships."""

_NAMED = 8  # of unknown indicators, so that a message stays one line


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


def load_taxonomy(platform_file: Path | None = None) -> Taxonomy:
    """The taxonomy that adrisk ships, followed by the entries of a platform's file.

    Args:
        platform_file: a platform's file, if there is one.

    Raises:
        ConfigError: if a file cannot be read or an entry is wrong; the message names both.
    """
    return taxonomy_with(None if platform_file is None else load_extension(platform_file))


def check_known(indicators: Collection[str], what: str, taxonomy: Taxonomy) -> None:
    """Refuse indicators that a taxonomy does not have.

    Args:
        indicators: ids.
        what: what was made with them, for the message, such as "the model adrisk 3".
        taxonomy: in use.

    Raises:
        UsageError: naming the unknown ids and the option that adds a file.
    """
    unknown = [name for name in indicators if name not in taxonomy.ids]
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
def taxonomy_with(extension: Extension | None) -> Taxonomy:
    """The taxonomy that adrisk ships, extended by a platform's file.

    Raises:
        ConfigError: if an entry is wrong; the message names the file and the entry.
    """
    if extension is None:
        return _shipped()
    path, content = extension.path, extension.content
    taxonomy = _merged(_shipped(), content.indicators, path)
    _check_rules(taxonomy, {name for rules in content.rules.values() for name in rules}, path)
    for name, _ in extension.restricted:
        if taxonomy.get(name).kind is not Kind.ESCALATE:
            raise ConfigError(
                f"{path}: restricted.{name}: a restricted list belongs to an indicator of kind x, "
                f"{name} is of kind {taxonomy.get(name).kind.value}"
            )
    if content.risk is None:
        return taxonomy
    return replace(taxonomy, risk=content.risk)


@lru_cache(maxsize=1)
def _shipped() -> Taxonomy:
    content = checked(TaxonomyFile, read_yaml(TAXONOMY_FILE), str(TAXONOMY_FILE))
    empty = Taxonomy((), content.risk, content.references)
    return _merged(empty, content.indicators, TAXONOMY_FILE)


def _check_rules(taxonomy: Taxonomy, indicators: Collection[str], path: Path) -> None:
    for name in indicators:
        if name not in taxonomy.text_ids:
            raise ConfigError(
                f"{path}: rules of {name}: no text indicator is called so"
                f"{did_you_mean(name, taxonomy.text_ids)}"
            )


def _merged(taxonomy: Taxonomy, entries: Sequence[Mapping[str, object]], path: Path) -> Taxonomy:
    indicators = list(taxonomy)
    taken = set(taxonomy.ids)
    for number, entry in enumerate(entries, start=1):
        where = f"{path}: entry {number} ({entry.get('id', 'without id')})"
        indicator = checked(Indicator, entry, where)
        if indicator.id in taken:
            raise ConfigError(
                f"{path}: entry {number}: the id {indicator.id} is taken; give it another id"
            )
        taken.add(indicator.id)
        indicators.append(indicator)
    return replace(taxonomy, indicators=tuple(indicators))
