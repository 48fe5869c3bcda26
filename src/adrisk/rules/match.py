"""Matches of the rules in ads, as evidence (`match`) and as numeric columns (`find_rule_hits`).

In: raw ad texts and, where known, their languages. Out: `Evidence` with spans of the raw text,
present or absent; or `RuleHits` with spans of the folded text, for classifiers, without rule ids
and raw spans. Look-alike letters, digits for letters, invisible characters and letters set apart
are undone before matching, and matches near a disclaimer are dropped. Images and irony are not
understood.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.rules.matcher import (
    HIT_DTYPE,
    Hit,
    LanguageMatches,
    SentenceMatches,
    indicator_numbers,
    match_language,
    resolve_overlaps,
)
from adrisk.rules.plain_text import SpanMap
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.text.arrow import text_list
from adrisk.text.normalise import fold_column
from adrisk.types import ArrowArray, Evidence, IntArray, State


def match(raw: str, language: str | None = None, rules: Ruleset | None = None) -> list[Evidence]:
    """Evidence in one ad, in the order of the text.

    Args:
        raw: the raw text.
        language: one of `LANGUAGES`; with None, or any other, the rules of all four are applied.
        rules: by default those that adrisk ships.

    Returns:
        `raw[e.start:e.end]` are the matched words; `found_by` is the rule's id. Where the ad
        states the opposite, `state` is absent, and no present evidence overlaps it.

    >>> [(e.indicator, str(e.state)) for e in match("We keep your passport. Take your time.")]
    [('document_retention', 'present'), ('urgency_or_secrecy', 'absent')]
    """
    return match_column([raw], [language], rules)[0]


def match_column(
    raw: Sequence[str], languages: Sequence[str | None], rules: Ruleset | None = None
) -> list[list[Evidence]]:
    """`match` of every ad, in one pass over all of them.

    Raises:
        ValueError: if there are not as many languages as texts.
    """
    return [resolve_overlaps(evidence) for evidence in match_all(raw, languages, rules)]


def match_all(
    raw: Sequence[str], languages: Sequence[str | None], rules: Ruleset | None = None
) -> list[list[Evidence]]:
    """All matches of all rules in each text, overlapping ones included.

    Raises:
        ValueError: if there are not as many languages as texts.
    """
    if len(raw) != len(languages):
        raise ValueError(f"{len(raw)} texts need as many languages, got {len(languages)}")
    folded = fold_column(pa.array(raw, pa.large_string()))
    matches = RuleMatches(raw, folded, languages, rules or load_ruleset())
    return matches.all_evidence(np.ones(len(raw), dtype=np.bool_))


def _evidence(hit: Hit, start: int, end: int) -> Evidence:
    return Evidence(hit.indicator, start, end, hit.rule.id, hit.state)


@dataclass(frozen=True, slots=True)
class RuleHits:
    """m matches of rules in n ads, ordered by ad.

    Attributes:
        ads: n.
        ad: shape (m,), the ad's row, 0 to n - 1.
        indicator: shape (m,), index in `Taxonomy.text_ids`.
        present: shape (m,), False where the ad states the opposite.
        start, end: shape (m,), characters of the folded text, half-open.
    """

    ads: int
    ad: NDArray[np.int64]
    indicator: NDArray[np.int16]
    present: NDArray[np.bool_]
    start: NDArray[np.int32]
    end: NDArray[np.int32]

    def take(self, rows: IntArray) -> RuleHits:
        """The matches in some ads, in the order of `rows`; a row may occur twice."""
        rows = np.asarray(rows, dtype=np.int64)
        first = np.searchsorted(self.ad, rows)
        count = np.searchsorted(self.ad, rows, side="right") - first
        ad = np.repeat(np.arange(len(rows)), count)
        at = (
            np.repeat(first, count)
            + np.arange(len(ad))
            - np.repeat(np.cumsum(count) - count, count)
        )
        return RuleHits(
            len(rows), ad, self.indicator[at], self.present[at], self.start[at], self.end[at]
        )

    def states(self, indicators: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether each ad states each indicator, and whether it states the opposite.

        Two arrays of shape (n, indicators); both are False where an ad states neither.
        """
        states = np.zeros((2, self.ads, indicators), dtype=np.bool_)
        states[(~self.present).astype(np.int64), self.ad, self.indicator] = True
        return states[0], states[1]


def find_rule_hits(
    raw: Sequence[str],
    folded: ArrowArray,
    languages: Sequence[str | None],
    rules: Ruleset | None = None,
) -> RuleHits:
    """The matches of `match_column` as columns, many times as fast.

    Args:
        raw: the raw texts.
        folded: `fold_column` of them.
        languages: as for `match`.
        rules: by default those that adrisk ships.

    >>> from adrisk.text.normalise import fold_column
    >>> ads = ["We keep your passport. Take your time.", "Hello"]
    >>> hits = find_rule_hits(ads, fold_column(pa.array(ads)), ["en", "en"])
    >>> ads[0][hits.start[0] : hits.end[0]], hits.present.tolist()
    ('We keep your passport', [True, False])

    Raises:
        ValueError: if the three differ in length.
    """
    return RuleMatches(raw, folded, languages, rules or load_ruleset()).hits()


class RuleMatches:
    """The matches of all rules in n texts: as columns for all, as evidence for selected texts.

    Args:
        raw: the raw texts.
        folded: `fold_column` of them.
        languages: as for `match`.
        rules: the rules.

    Raises:
        ValueError: if the first three differ in length.
    """

    def __init__(
        self,
        raw: Sequence[str],
        folded: ArrowArray,
        languages: Sequence[str | None],
        rules: Ruleset,
    ) -> None:
        if not len(raw) == len(folded) == len(languages):
            raise ValueError(
                f"{len(raw)} texts need as many folded ones and languages, "
                f"got {len(folded)} and {len(languages)}"
            )
        texts = text_list(folded)
        self._ads = len(raw)
        self._numbers = indicator_numbers(rules.taxonomy)
        self._matches = list(match_language(raw, texts, languages, rules))
        self._span_maps = _SpanMaps(raw, texts)

    def hits(self) -> RuleHits:
        """The matches that count, with spans in the folded text."""
        matches, span_maps = self._matches, self._span_maps
        across = _ads_across_sentences(matches, span_maps, self._ads)
        by_sentence = [_sentence_hits(part.sentences.of_ads(~across)) for part in matches]
        kept = np.concatenate([np.empty(0, _AD_HIT_DTYPE), *by_sentence])
        across[_ads_with_raw_duplicates(matches, kept, self._numbers)] = True
        resolved = _resolved_hits(matches, across, span_maps, self._numbers)
        hits = np.concatenate([kept[~across[kept["ad"]]], resolved])
        hits = hits[np.lexsort((hits["end"], hits["start"], hits["ad"]))]
        columns = (np.ascontiguousarray(hits[name]) for name in _AD_HIT_DTYPE.names or ())
        return RuleHits(self._ads, *columns)

    def evidence(self, ads: NDArray[np.bool_]) -> list[list[Evidence]]:
        """The matches that count in the selected ads, with raw spans; none in the others."""
        return [resolve_overlaps(found) for found in self.all_evidence(ads)]

    def all_evidence(self, ads: NDArray[np.bool_]) -> list[list[Evidence]]:
        """The same, overlapping matches included."""
        evidence: list[list[Evidence]] = [[] for _ in range(self._ads)]
        for part in self._matches:
            for row, hits in part.sentences.of_ads(ads).by_ad():
                span_map = self._span_maps[row]
                evidence[row] += [_evidence(hit, *span_map.raw(hit.start, hit.end)) for hit in hits]
            for row, hits in part.raw_hits.items():
                if ads[row]:
                    evidence[row] += [_evidence(hit, hit.start, hit.end) for hit in hits]
        return evidence


_AD_HIT_DTYPE = np.dtype([("ad", "<i8"), *HIT_DTYPE.descr])


class _SpanMaps:
    """The span maps of many ads, each made on first use."""

    def __init__(self, raw: Sequence[str], folded: Sequence[str]) -> None:
        self._raw, self._folded = raw, folded
        self._made: dict[int, SpanMap] = {}

    def __getitem__(self, ad: int) -> SpanMap:
        if ad not in self._made:
            self._made[ad] = SpanMap(self._raw[ad], self._folded[ad])
        return self._made[ad]


def _ads_across_sentences(
    matches: Sequence[LanguageMatches], span_maps: _SpanMaps, ads: int
) -> NDArray[np.bool_]:
    """The ads whose hits cannot be resolved sentence by sentence.

    These have a disclaimer, matches in two languages, or two hits that may overlap where a raw
    span may be longer or shorter than the folded one.
    """
    across = np.zeros(ads, dtype=np.bool_)
    language = np.full(ads, -1)
    for number, part in enumerate(matches):
        ad = part.sentences.ad
        across[ad[(language[ad] >= 0) & (language[ad] != number)]] = True
        language[ad] = number
        for row, sentence in zip(ad.tolist(), part.sentences.matches, strict=True):
            if sentence.disclaimers or (sentence.contested and not span_maps[row].same):
                across[row] = True
    return across


def _sentence_hits(sentences: SentenceMatches) -> NDArray[np.void]:
    """The hits that each sentence keeps, with spans in the ad."""
    rows = np.frombuffer(b"".join([match.kept for match in sentences.matches]), HIT_DTYPE)
    count = [len(match.kept) // HIT_DTYPE.itemsize for match in sentences.matches]
    begin = np.repeat(sentences.start, count)
    hits = np.empty(len(rows), _AD_HIT_DTYPE)
    hits["ad"] = np.repeat(sentences.ad, count)
    hits["indicator"], hits["present"] = rows["indicator"], rows["present"]
    hits["start"], hits["end"] = rows["start"] + begin, rows["end"] + begin
    return hits


def _ads_with_raw_duplicates(
    matches: Sequence[LanguageMatches], kept: NDArray[np.void], numbers: Mapping[str, int]
) -> list[int]:
    """The ads with hits of one indicator in a sentence and in the raw text: these may overlap."""
    raw_hits = {
        (ad, numbers[hit.indicator])
        for part in matches
        for ad, hits in part.raw_hits.items()
        for hit in hits
    }
    near = np.isin(kept["ad"], [ad for ad, _ in raw_hits])
    pairs = zip(kept["ad"][near].tolist(), kept["indicator"][near].tolist(), strict=True)
    return [ad for ad, _ in raw_hits.intersection(pairs)]


class _PlacedHit(NamedTuple):
    """A hit by its raw span, in which overlaps are resolved, and its folded span."""

    indicator: str
    state: State
    start: int
    end: int
    folded: tuple[int, int]


def _resolved_hits(
    matches: Sequence[LanguageMatches],
    across: NDArray[np.bool_],
    span_maps: _SpanMaps,
    numbers: Mapping[str, int],
) -> NDArray[np.void]:
    """All hits of the ads in `across`, and the raw hits of the others, without overlaps."""
    placed: dict[int, list[_PlacedHit]] = defaultdict(list)
    for part in matches:
        for ad, hits in part.sentences.of_ads(across).by_ad():
            placed[ad] += [
                _PlacedHit(
                    h.indicator, h.state, *span_maps[ad].raw(h.start, h.end), (h.start, h.end)
                )
                for h in hits
            ]
        for ad, hits in part.raw_hits.items():
            placed[ad] += [
                _PlacedHit(
                    h.indicator, h.state, h.start, h.end, span_maps[ad].folded(h.start, h.end)
                )
                for h in hits
            ]
    rows = [
        (ad, numbers[hit.indicator], hit.state is State.PRESENT, *hit.folded)
        for ad, ad_hits in placed.items()
        for hit in (resolve_overlaps(ad_hits) if len(ad_hits) > 1 else ad_hits)
    ]
    return np.array(rows, _AD_HIT_DTYPE)
