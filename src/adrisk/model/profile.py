"""Training profile: counts of a model's training data in fixed bins, for drift detection.

In: batches of folded texts with their languages, and the model's predictions where there are any.
Out: counts only: no text, no word, no id. Words are stored as 32-bit hashes of the few thousand
most frequent ones that occur in several campaigns; tokens that begin with a digit (phone numbers,
prices, dates) are never counted.

Counts are kept for 32 groups of ads; near-duplicates share a group, so that resampling the groups
estimates the variance of a figure without counting copies as independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.classifiers import storage
from adrisk.errors import ModelError
from adrisk.text.tokens import tokenise
from adrisk.types import ArrowArray, FloatArray, IntArray

FILE = "summary.safetensors"
"""The file of a model folder that holds it."""

GROUPS = 32
MOST_WORDS = 4096
LEAST_CAMPAIGNS = 3
"""A word in fewer campaigns may be a name or a handle, and is not stored."""

BINS = 10
ENOUGH_ADS = 50
"""Training ads of a language from which on the model supports it."""

MOST_LANGUAGES = 40
UNKNOWN, OTHER = "unknown", "other"

Hashes = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class ProfileBins:
    """The bins that training data and later batches are both counted in.

    Attributes:
        languages: codes in order of frequency; behind them come `OTHER` and `UNKNOWN`.
        length_edges: characters of the text, between the bins.
        risk_edges: risk, between the bins.
        review_at: the risk from which an ad counts as flagged.
        words: hashes of the known words, ascending.
        labels: number of indicators of the model.
    """

    languages: tuple[str, ...]
    length_edges: FloatArray
    risk_edges: FloatArray
    review_at: float
    words: Hashes
    labels: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in the bins of a `ProfileBins`, one row a group of ads.

    Attributes:
        languages: shape (32, languages + 2), ads.
        lengths: shape (32, length edges + 1), ads.
        words: shape (32, words), ads that hold the word.
        judged: shape (32,), ads with predictions; the following counts are of these only.
        tokens: shape (32, 2), all words, and unknown words.
        risks: shape (32, risk edges + 1), ads.
        flagged: shape (32,), ads at or above `review_at`.
        indicators: shape (32, labels), summed probabilities.
    """

    languages: FloatArray
    lengths: FloatArray
    words: FloatArray
    judged: FloatArray
    tokens: FloatArray
    risks: FloatArray
    flagged: FloatArray
    indicators: FloatArray

    @property
    def ads(self) -> int:
        """Number of ads counted."""
        return int(self.languages.sum())

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(
            *(getattr(self, f.name) + getattr(other, f.name) for f in fields(Histogram))
        )


@dataclass(frozen=True, slots=True)
class TrainingProfile:
    """Bins and counts of the training data of a model."""

    bins: ProfileBins
    counts: Histogram


def count(
    bins: ProfileBins,
    folded: ArrowArray,
    languages: Sequence[str | None],
    groups: IntArray,
    predictions: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> Histogram:
    """Count n ads.

    Args:
        bins: the bins to count in.
        folded: shape (n,), texts cut and folded as for the model.
        languages: shape (n,), codes; None where unknown.
        groups: shape (n,), 0 to 31; near-duplicates share one.
        predictions: risk, shape (n,), and indicators, shape (n, labels); None for ads that the
            model was fitted on, on which its predictions are overconfident.
    """
    column_of = {name: i for i, name in enumerate((*bins.languages, OTHER, UNKNOWN))}
    language_columns = [column_of.get(name or UNKNOWN, column_of[OTHER]) for name in languages]
    lengths = np.searchsorted(bins.length_edges, characters(folded), side="right")
    owners, hashes = words_of(folded)
    at = np.minimum(np.searchsorted(bins.words, hashes), max(len(bins.words) - 1, 0))
    known = bins.words[at] == hashes if len(bins.words) else np.zeros(len(hashes), np.bool_)
    word_in_ad = np.unique(np.stack([owners[known], at[known]]), axis=1)
    tokens = np.zeros((GROUPS, 2))
    judged, flagged = np.zeros(GROUPS), np.zeros(GROUPS)
    risks = np.zeros((GROUPS, len(bins.risk_edges) + 1))
    indicators = np.zeros((GROUPS, bins.labels))
    if predictions is not None:
        risk, present = predictions
        judged += np.bincount(groups, minlength=GROUPS)
        flagged += np.bincount(groups[risk >= np.float32(bins.review_at)], minlength=GROUPS)
        risks += _table(
            groups, np.searchsorted(bins.risk_edges, risk, side="right"), risks.shape[1]
        )
        np.add.at(indicators, groups, present.astype(np.float64))
        tokens[:, 0] = np.bincount(groups[owners], minlength=GROUPS)
        tokens[:, 1] = np.bincount(groups[owners[~known]], minlength=GROUPS)
    return Histogram(
        languages=_table(groups, np.array(language_columns, dtype=np.int64), len(column_of)),
        lengths=_table(groups, lengths, len(bins.length_edges) + 1),
        words=_table(groups[word_in_ad[0]], word_in_ad[1], len(bins.words)),
        judged=judged,
        tokens=tokens,
        risks=risks,
        flagged=flagged,
        indicators=indicators,
    )


def empty(bins: ProfileBins) -> Histogram:
    """The histogram of no ads."""
    return count(bins, pa.array([], pa.large_string()), [], np.zeros(0, dtype=np.int64))


def characters(folded: ArrowArray) -> FloatArray:
    """Characters of each text, shape (n,)."""
    return np.asarray(pc.utf8_length(folded).to_numpy(zero_copy_only=False), dtype=np.float64)


def words_of(folded: ArrowArray) -> tuple[IntArray, Hashes]:
    """Row and hash of every word that does not begin with a digit."""
    owners, hashes = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint32)]
    for block in tokenise(folded):
        rows = block.first + np.repeat(np.arange(len(block.per_text)), block.per_text)
        owners.append(rows[~block.figures])
        hashes.append(block.hashes[~block.figures])
    return np.concatenate(owners), np.concatenate(hashes)


def known_words(folded: ArrowArray, campaigns: IntArray) -> Hashes:
    """Hashes of the most frequent words that occur in at least `LEAST_CAMPAIGNS` campaigns.

    Args:
        folded: shape (n,), folded texts.
        campaigns: shape (n,), equal numbers are one campaign.
    """
    owners, hashes = words_of(folded)
    names, word = np.unique(hashes, return_inverse=True)
    word_in_ad = np.unique(np.stack([word, owners]), axis=1)
    in_ads = np.bincount(word_in_ad[0], minlength=len(names))
    spread = np.unique(np.stack([word_in_ad[0], campaigns[word_in_ad[1]]]), axis=1)
    in_campaigns = np.bincount(spread[0], minlength=len(names))
    kept = np.flatnonzero(in_campaigns >= LEAST_CAMPAIGNS)
    most = kept[np.argsort(-in_ads[kept], kind="stable")][:MOST_WORDS]
    return np.asarray(np.sort(names[most]), dtype=np.uint32)


def quantile_edges(values: FloatArray) -> FloatArray:
    """Edges between bins of equal numbers; fewer where values are tied, none for no values."""
    if not len(values):
        return np.zeros(0)
    return np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))


def write_profile(folder: Path, profile: TrainingProfile) -> None:
    """Write the profile to a model folder."""
    bins = profile.bins
    storage.write_tensors(
        folder / FILE,
        frame_languages=np.frombuffer("\n".join(bins.languages).encode(), dtype=np.uint8),
        frame_lengths=bins.length_edges,
        frame_risks=bins.risk_edges,
        frame_review_at=np.array([bins.review_at]),
        frame_words=bins.words,
        **{f.name: getattr(profile.counts, f.name) for f in fields(Histogram)},
    )


def read_profile(folder: Path, labels: int) -> TrainingProfile:
    """Read the profile from a model folder.

    Raises:
        ModelError: if it is damaged, or its counts do not fit its bins.
    """
    vector = (np.float64, (None,))
    forms: dict[str, tuple[type, tuple[int | None, ...]]] = {
        f.name: (np.float64, (GROUPS, None)) for f in fields(Histogram)
    }
    forms |= dict.fromkeys(("judged", "flagged"), (np.float64, (GROUPS,)))
    arrays = storage.read_tensors(
        folder / FILE,
        frame_languages=(np.uint8, (None,)),
        frame_lengths=vector,
        frame_risks=vector,
        frame_review_at=(np.float64, (1,)),
        frame_words=(np.uint32, (None,)),
        **forms,
    )
    try:
        languages = arrays["frame_languages"].tobytes().decode().split("\n")
    except UnicodeDecodeError:
        languages = [""] * (MOST_LANGUAGES + 1)
    bins = ProfileBins(
        languages=tuple(filter(None, languages)),
        length_edges=arrays["frame_lengths"],
        risk_edges=arrays["frame_risks"],
        review_at=float(arrays["frame_review_at"][0]),
        words=arrays["frame_words"],
        labels=labels,
    )
    counts = Histogram(**{f.name: arrays[f.name] for f in fields(Histogram)})
    if len(languages) > MOST_LANGUAGES or not _is_sound(bins, counts):
        raise ModelError(
            f"{folder / FILE}: not the counts of training ads (a negative one, bins out of order, "
            "or more languages than are kept); copy the model again or train anew"
        )
    blank = empty(bins)
    for f in fields(Histogram):
        have, want = getattr(counts, f.name).shape, getattr(blank, f.name).shape
        if have != want:
            raise ModelError(
                f"{folder / FILE}: {f.name} has shape {have}, its bins need {want}; copy the "
                "model again or train anew"
            )
    return TrainingProfile(bins, counts)


def _is_sound(bins: ProfileBins, counts: Histogram) -> bool:
    """Whether bins ascend, names are unique, and no count is negative."""
    ascending = all(
        bool((edges[1:] > edges[:-1]).all())
        for edges in (bins.length_edges, bins.risk_edges, bins.words)
    )
    unique = len({*bins.languages}) == len(bins.languages) and len(bins.words) <= MOST_WORDS
    positive = all(bool((getattr(counts, f.name) >= 0).all()) for f in fields(Histogram))
    return ascending and unique and positive and 0 <= bins.review_at <= 1 + 1e-6


def _table(rows: IntArray, columns: IntArray, width: int) -> FloatArray:
    """Count of each pair of group and column, shape (32, width)."""
    counts = np.bincount(rows * width + columns, minlength=GROUPS * width)
    return counts.reshape(GROUPS, width).astype(np.float64)
