"""Erasure: loss of a score when the words of an explanation are deleted, or nothing else is kept.

In: ads with the spans that an explanation marks, strongest first, and a function that scores texts.
Out: the losses by number of spans, with those of as many other words of about the same lengths in
the same ad. The method is comprehensiveness and sufficiency of DeYoung et al. 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from adrisk.types import FloatArray, IntArray

Span = tuple[int, int]

Scorer = Callable[
    [Sequence[str], Sequence[str | None], Sequence[str | None]], Mapping[str, FloatArray]
]
"""Texts, their languages and their regions to one or more measures by name, each of shape (n,)."""

SIZES = (1, 2, 3, 5)
"""Numbers of deleted spans, the strongest first; an ad with fewer loses all."""

_WORD = regex.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Explained:
    """An ad and the spans that its explanation marks.

    Attributes:
        text: raw.
        language: ISO 639-1 where known.
        spans: strongest first, none overlapping another.
        campaign: its number, for the bootstrap.
        region: country of its phone numbers, if known.
    """

    text: str
    language: str | None
    spans: tuple[Span, ...]
    campaign: int
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Losses:
    """Loss of each measure for n ads, by number of spans.

    The last axis of size 2 is the explanation's spans, then the mean over the random draws; NaN
    where an ad lacks as many other words.

    Attributes:
        deleted, kept: by measure, shape (n, sizes, 2).
        characters: shape (n, sizes, 2), the share of the text that is deleted.
        spans: shape (n, sizes), how many.
        campaigns: shape (n,).
    """

    sizes: tuple[int, ...]
    deleted: Mapping[str, FloatArray]
    kept: Mapping[str, FloatArray]
    characters: FloatArray
    spans: IntArray
    campaigns: IntArray


def without(text: str, spans: Sequence[Span]) -> str:
    """The text with each span replaced by a blank.

    >>> without("we hold your passport here", [(3, 21)])
    'we   here'
    """
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]} {text[end:]}"
    return text


def only(text: str, spans: Sequence[Span]) -> str:
    """Nothing but the spans, in the order of the text, a line each.

    >>> only("we hold your passport here", [(13, 21), (0, 2)])
    'we\\npassport'
    """
    return "\n".join(text[start:end] for start, end in sorted(spans))


def disjoint_spans(spans: Sequence[Span]) -> tuple[Span, ...]:
    """The spans in their order, less those that overlap one before them.

    >>> disjoint_spans([(5, 9), (0, 6), (10, 12)])
    ((5, 9), (10, 12))
    """
    kept: list[Span] = []
    for start, end in spans:
        if all(end <= low or high <= start for low, high in kept):
            kept.append((start, end))
    return tuple(kept)


def elsewhere(
    text: str, spans: Sequence[Span], taken: Sequence[Span], rng: np.random.Generator
) -> list[Span]:
    """Random runs of whole words, outside `taken` and disjoint, of about the lengths of the spans.

    Returns:
        One run a span, in order; fewer if the text has no room for the next one.
    """
    words = [found.span() for found in _WORD.finditer(text)]
    if not words:
        return []
    free = np.ones(len(text), dtype=np.bool_)
    for start, end in taken:
        free[start:end] = False
    starts = np.array([start for start, _ in words], dtype=np.int64)
    ends = np.array([end for _, end in words], dtype=np.int64)
    runs: list[Span] = []
    for start, end in spans:
        wanted = starts + (end - start)
        above = np.minimum(np.searchsorted(ends, wanted), len(ends) - 1)
        below = np.maximum(above - 1, np.arange(len(ends)))
        nearer = np.abs(ends[below] - wanted) <= np.abs(ends[above] - wanted)
        finish = np.where(nearer, ends[below], ends[above])
        occupied = np.concatenate([[0], np.cumsum(~free)])
        # Near the end of a text a run may be far too short to compare.
        fits = (occupied[finish] == occupied[starts]) & (2 * (finish - starts) >= end - start)
        if not fits.any():
            break
        at = rng.choice(np.flatnonzero(fits))
        runs.append((int(starts[at]), int(finish[at])))
        free[runs[-1][0] : runs[-1][1]] = False
    return runs


def losses(
    ads: Sequence[Explained],
    score: Scorer,
    *,
    sizes: Sequence[int] = SIZES,
    draws: int = 5,
    seed: int = 0,
) -> Losses:
    """Scores of the whole ads less those with spans deleted, and with only the spans kept.

    Args:
        ads: each with at least one span.
        score: called once, with every different text.
        sizes: numbers of spans, rising.
        draws: of other words, for each ad and number.
    """
    texts: dict[tuple[str, str | None, str | None], int] = {}

    def row(text: str, ad: Explained) -> int:
        return texts.setdefault((text, ad.language, ad.region), len(texts))

    shape = (len(ads), len(sizes), 1 + draws)
    whole = np.zeros(len(ads), dtype=np.int64)
    deleted, kept = np.full(shape, -1), np.full(shape, -1)
    characters = np.full(shape, np.nan)
    spans = np.zeros(shape[:2], dtype=np.int64)
    for i, ad in enumerate(ads):
        # One stream of draws an ad, so that another ad changes no draw of this one.
        rng = np.random.default_rng([seed, i])
        whole[i] = row(ad.text, ad)
        most = ad.spans[: max(sizes)]
        drawn = [elsewhere(ad.text, most, ad.spans, rng) for _ in range(draws)]
        for j, size in enumerate(sizes):
            top = most[:size]
            spans[i, j] = len(top)
            for k, chosen in enumerate([list(top), *(runs[:size] for runs in drawn)]):
                if len(chosen) < len(top):
                    continue
                deleted[i, j, k] = row(without(ad.text, chosen), ad)
                kept[i, j, k] = row(only(ad.text, chosen), ad)
                removed = sum(end - start for start, end in chosen)
                characters[i, j, k] = removed / max(1, len(ad.text))
    measures = score(
        [text for text, _, _ in texts],
        [language for _, language, _ in texts],
        [region for _, _, region in texts],
    )
    return Losses(
        sizes=tuple(sizes),
        deleted={name: _lost(values, whole, deleted) for name, values in measures.items()},
        kept={name: _lost(values, whole, kept) for name, values in measures.items()},
        characters=_two(characters),
        spans=spans,
        campaigns=np.array([ad.campaign for ad in ads], dtype=np.int64),
    )


def _lost(values: FloatArray, whole: IntArray, rows: IntArray) -> FloatArray:
    after = np.where(rows >= 0, values[np.maximum(rows, 0)], np.nan)
    return _two(values[whole][:, None, None] - after)


def _two(values: FloatArray) -> FloatArray:
    """The explanation, and the mean of the random draws that are defined."""
    drawn = values[:, :, 1:]
    room = ~np.isnan(drawn)
    total = np.where(room, drawn, 0.0).sum(axis=2)
    count = room.sum(axis=2)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.stack([values[:, :, 0], mean], axis=2)
