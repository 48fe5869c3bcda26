"""Find the words that show an indicator, in English, Spanish, Portuguese and French.

In: raw ad texts and, where known, their languages. Out: `Evidence` with spans of the raw text,
present or absent. It is not fooled by look-alike letters, digits for letters, invisible characters
or words pulled apart, and passes over notices that warn of the very things it looks for. It does
not read images or understand irony.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from adrisk.indicators.overlap import settled
from adrisk.indicators.places import Places
from adrisk.indicators.reader import Hit, hear
from adrisk.text.normalise import fold_column
from adrisk.types import Evidence


def match(raw: str, language: str | None = None) -> list[Evidence]:
    """Evidence in one ad, in order of its place.

    Args:
        raw: the ad as it came.
        language: one of `LANGUAGES`; with None, or any other, the rules of all four are tried.

    Returns:
        `raw[e.start:e.end]` are the words meant; `found_by` is the rule's id. Where the ad says
        the opposite, `state` is absent, and no present evidence overlaps it.

    >>> [(e.indicator, str(e.state)) for e in match("We keep your passport. Take your time.")]
    [('document_retention', 'present'), ('urgency_or_secrecy', 'absent')]
    """
    return match_column([raw], [language])[0]


def match_column(raw: Sequence[str], languages: Sequence[str | None]) -> list[list[Evidence]]:
    """`match` of every ad, many at once: a word no rule needs is looked at once only.

    Raises:
        ValueError: if there are not as many languages as texts.
    """
    return [settled(found) for found in match_all(raw, languages)]


def match_all(raw: Sequence[str], languages: Sequence[str | None]) -> list[list[Evidence]]:
    """Every finding of every rule, those that `match` drops because they overlap included.

    Raises:
        ValueError: if there are not as many languages as texts.
    """
    if len(raw) != len(languages):
        raise ValueError(f"{len(raw)} texts need as many languages, got {len(languages)}")
    folded = fold_column(pa.array(raw, pa.large_string())).to_pylist()
    found: list[list[Evidence]] = [[] for _ in raw]
    for heard in hear(raw, folded, languages):
        for row, hits in heard.spoken.by_ad():
            places = Places(raw[row], folded[row])
            found[row] += [_evidence(hit, *places.raw(hit.start, hit.end)) for hit in hits]
        for row, hits in heard.on_raw.items():
            found[row] += [_evidence(hit, hit.start, hit.end) for hit in hits]
    return found


def _evidence(hit: Hit, start: int, end: int) -> Evidence:
    return Evidence(hit.indicator, start, end, hit.rule.id, hit.state)
