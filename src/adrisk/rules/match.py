"""What the rules find in many ads, as columns: for classifiers, which ask it of every ad.

In: raw ads, their folded texts and languages. Out: `RuleHits`, which are those of `match` with
places in the folded text; rule and raw span are left out.

Find the words that show an indicator, in English, Spanish, Portuguese and French.

In: raw ad texts and, where known, their languages. Out: `Evidence` with spans of the raw text,
present or absent. It is not fooled by look-alike letters, digits for letters, invisible characters
or words pulled apart, and passes over notices that warn of the very things it looks for. It does
not read images or understand irony.
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
    FOUND,
    Hit,
    LanguageMatches,
    SentenceMatches,
    indicator_numbers,
    match_language,
    resolve_overlaps,
)
from adrisk.rules.plain_text import Places
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.text.normalise import fold_column
from adrisk.types import Evidence, IntArray, State


def match(raw: str, language: str | None = None, rules: Ruleset | None = None) -> list[Evidence]:
    """Evidence in one ad, in order of its place.

    Args:
        raw: the ad as it came.
        language: one of `LANGUAGES`; with None, or any other, the rules of all four are tried.
        rules: to match; those that adrisk ships if left out.

    Returns:
        `raw[e.start:e.end]` are the words meant; `found_by` is the rule's id. Where the ad says
        the opposite, `state` is absent, and no present evidence overlaps it.

    >>> [(e.indicator, str(e.state)) for e in match("We keep your passport. Take your time.")]
    [('document_retention', 'present'), ('urgency_or_secrecy', 'absent')]
    """
    return match_column([raw], [language], rules)[0]


def match_column(
    raw: Sequence[str], languages: Sequence[str | None], rules: Ruleset | None = None
) -> list[list[Evidence]]:
    """`match` of every ad, many at once: a word no rule needs is looked at once only.

    Raises:
        ValueError: if there are not as many languages as texts.
    """
    return [resolve_overlaps(found) for found in match_all(raw, languages, rules)]


def match_all(
    raw: Sequence[str], languages: Sequence[str | None], rules: Ruleset | None = None
) -> list[list[Evidence]]:
    """Every finding of every rule, those that `match` drops because they overlap included.

    Raises:
        ValueError: if there are not as many languages as texts.
    """
    if len(raw) != len(languages):
        raise ValueError(f"{len(raw)} texts need as many languages, got {len(languages)}")
    folded = fold_column(pa.array(raw, pa.large_string())).to_pylist()
    found: list[list[Evidence]] = [[] for _ in raw]
    for heard in match_language(raw, folded, languages, rules or load_ruleset()):
        for row, hits in heard.spoken.by_ad():
            places = Places(raw[row], folded[row])
            found[row] += [_evidence(hit, *places.raw(hit.start, hit.end)) for hit in hits]
        for row, hits in heard.on_raw.items():
            found[row] += [_evidence(hit, hit.start, hit.end) for hit in hits]
    return found


def _evidence(hit: Hit, start: int, end: int) -> Evidence:
    return Evidence(hit.indicator, start, end, hit.rule.id, hit.state)


@dataclass(frozen=True, slots=True)
class RuleHits:
    """m findings in n ads, ordered by ad.

    Attributes:
        ads: n.
        ad: shape (m,), the ad's row, 0 to n - 1.
        indicator: shape (m,), place in `Taxonomy.text_ids`.
        present: shape (m,), False where the ad says the opposite.
        start, end: shape (m,), characters of the folded text, half-open.
    """

    ads: int
    ad: NDArray[np.int64]
    indicator: NDArray[np.int16]
    present: NDArray[np.bool_]
    start: NDArray[np.int32]
    end: NDArray[np.int32]

    def take(self, rows: IntArray) -> RuleHits:
        """The findings of some ads, in their order; a row may come twice."""
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
        """Whether each ad shows each of so many indicators, and whether it says the opposite.

        Two arrays of shape (n, indicators); neither is set where an ad states nothing.
        """
        found = np.zeros((2, self.ads, indicators), dtype=np.bool_)
        found[(~self.present).astype(np.int64), self.ad, self.indicator] = True
        return found[0], found[1]


def find_rule_hits(
    raw: Sequence[str],
    folded: pa.Array,
    languages: Sequence[str | None],
    rules: Ruleset | None = None,
) -> RuleHits:
    """The findings of `match` in every ad, many times as fast.

    Args:
        raw: the ads as they came.
        folded: `fold_column` of them.
        languages: as `match` takes them.
        rules: to match; those that adrisk ships if left out.

    >>> from adrisk.text.normalise import fold_column
    >>> ads = ["We keep your passport. Take your time.", "Hello"]
    >>> found = find_rule_hits(ads, fold_column(pa.array(ads)), ["en", "en"])
    >>> ads[0][found.start[0] : found.end[0]], found.present.tolist()
    ('We keep your passport', [True, False])

    Raises:
        ValueError: if there are not as many of each.
    """
    if not len(raw) == len(folded) == len(languages):
        raise ValueError(
            f"{len(raw)} texts need as many folded ones and languages, "
            f"got {len(folded)} and {len(languages)}"
        )
    texts = folded.to_pylist()
    rules = rules or load_ruleset()
    numbers = indicator_numbers(rules.taxonomy)
    heard = list(match_language(raw, texts, languages, rules))
    places = _AllPlaces(raw, texts)
    whole = _to_settle_whole(heard, places, len(raw))
    kept = np.concatenate([np.empty(0, _FOUND), *(_kept(part.spoken.of(~whole)) for part in heard)])
    whole[_said_twice(heard, kept, numbers)] = True
    found = np.concatenate([kept[~whole[kept["ad"]]], _settled(heard, whole, places, numbers)])
    found = found[np.lexsort((found["end"], found["start"], found["ad"]))]
    return RuleHits(len(raw), *(np.ascontiguousarray(found[name]) for name in _FOUND.names or ()))


_FOUND = np.dtype([("ad", "<i8"), *FOUND.descr])


class _AllPlaces:
    """The places of many ads, made for those asked about."""

    def __init__(self, raw: Sequence[str], folded: Sequence[str]) -> None:
        self._raw, self._folded = raw, folded
        self._made: dict[int, Places] = {}

    def __getitem__(self, ad: int) -> Places:
        if ad not in self._made:
            self._made[ad] = Places(self._raw[ad], self._folded[ad])
        return self._made[ad]


def _to_settle_whole(
    heard: Sequence[LanguageMatches], places: _AllPlaces, ads: int
) -> NDArray[np.bool_]:
    """The ads in which more than single sentences has a say in what counts.

    That are a notice, rules of two languages, and two hits that may lie at one place where a raw
    span may be longer or shorter than the folded one.
    """
    whole = np.zeros(ads, dtype=np.bool_)
    language = np.full(ads, -1)
    for number, part in enumerate(heard):
        ad = part.spoken.ad
        whole[ad[(language[ad] >= 0) & (language[ad] != number)]] = True
        language[ad] = number
        for row, said in zip(ad.tolist(), part.spoken.said, strict=True):
            if said.disclaimers or (said.contested and not places[row].same):
                whole[row] = True
    return whole


def _kept(spoken: SentenceMatches) -> NDArray[np.void]:
    """What each sentence keeps, where nothing but the sentence has a say in it."""
    packed = b"".join([said.kept for said in spoken.said])
    rows = np.frombuffer(packed, FOUND)
    count = [len(said.kept) // FOUND.itemsize for said in spoken.said]
    begin = np.repeat(spoken.start, count)
    found = np.empty(len(rows), _FOUND)
    found["ad"] = np.repeat(spoken.ad, count)
    found["indicator"], found["present"] = rows["indicator"], rows["present"]
    found["start"], found["end"] = rows["start"] + begin, rows["end"] + begin
    return found


def _said_twice(
    heard: Sequence[LanguageMatches], kept: NDArray[np.void], numbers: Mapping[str, int]
) -> list[int]:
    """The ads in which a sentence and the raw text show the same: they may lie at one place."""
    on_raw = {
        (ad, numbers[hit.indicator])
        for part in heard
        for ad, hits in part.on_raw.items()
        for hit in hits
    }
    near = np.isin(kept["ad"], [ad for ad, _ in on_raw])
    pairs = zip(kept["ad"][near].tolist(), kept["indicator"][near].tolist(), strict=True)
    return [ad for ad, _ in on_raw.intersection(pairs)]


class _Placed(NamedTuple):
    """A finding in the raw text, where overlaps are settled, and its folded span."""

    indicator: str
    state: State
    start: int
    end: int
    folded: tuple[int, int]


def _settled(
    heard: Sequence[LanguageMatches],
    whole: NDArray[np.bool_],
    places: _AllPlaces,
    numbers: Mapping[str, int],
) -> NDArray[np.void]:
    """The findings of the ads that are settled whole, and of all others those in the raw text."""
    found: dict[int, list[_Placed]] = defaultdict(list)
    for part in heard:
        for ad, hits in part.spoken.of(whole).by_ad():
            found[ad] += [
                _Placed(h.indicator, h.state, *places[ad].raw(h.start, h.end), (h.start, h.end))
                for h in hits
            ]
        for ad, hits in part.on_raw.items():
            found[ad] += [
                _Placed(h.indicator, h.state, h.start, h.end, places[ad].folded(h.start, h.end))
                for h in hits
            ]
    rows = [
        (ad, numbers[f.indicator], f.state is State.PRESENT, *f.folded)
        for ad, of_ad in found.items()
        for f in (resolve_overlaps(of_ad) if len(of_ad) > 1 else of_ad)
    ]
    return np.array(rows, _FOUND)
