"""What a model keeps of the ads it was trained on, to tell later whether other ads are like them.

In: batches of folded texts with their languages, and the model's answers where there are any. Out:
counts in fixed bins, and nothing else: no text, no word, no id. Words are kept as 32-bit hashes of
the few thousand most frequent ones that stand in ads of several campaigns; tokens that begin with a
digit (phone numbers, prices, dates) are never counted.

Every count is kept for 32 groups of ads that keep near-copies together, so that what chance does to
a figure can be told by drawing groups anew: copies of one ad are not evidence of their number.
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
"""A word in ads of fewer campaigns may be a name or a handle, and is not kept."""

BINS = 10
ENOUGH_ADS = 50
"""A language is known to a model that learned from so many ads of it."""

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
        labels: how many indicators the model answers for.
    """

    languages: tuple[str, ...]
    length_edges: FloatArray
    risk_edges: FloatArray
    review_at: float
    words: Hashes
    labels: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts in a frame, one row a group of ads.

    Attributes:
        languages: shape (32, languages + 2), ads.
        lengths: shape (32, length edges + 1), ads.
        words: shape (32, words), ads that hold the word.
        judged: shape (32,), ads that the model answered for; what follows is of these alone.
        tokens: shape (32, 2), all running words, and those that are not known.
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
        """How many ads were counted."""
        return int(self.languages.sum())

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(
            *(getattr(self, f.name) + getattr(other, f.name) for f in fields(Histogram))
        )


@dataclass(frozen=True, slots=True)
class TrainingProfile:
    """The training data of a model, counted."""

    frame: ProfileBins
    tally: Histogram


def count(
    frame: ProfileBins,
    folded: ArrowArray,
    languages: Sequence[str | None],
    groups: IntArray,
    answers: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> Histogram:
    """Count n ads.

    Args:
        frame: whose bins are used.
        folded: shape (n,), texts cut and folded as the model reads them.
        languages: shape (n,), codes; None where unknown.
        groups: shape (n,), 0 to 31; near-copies share one.
        answers: risk of shape (n,) and indicators of shape (n, labels); left out for ads that the
            model was fitted on, of which it would know too much.
    """
    place = {name: i for i, name in enumerate((*frame.languages, OTHER, UNKNOWN))}
    spoken = [place.get(name or UNKNOWN, place[OTHER]) for name in languages]
    lengths = np.searchsorted(frame.length_edges, characters(folded), side="right")
    owners, hashes = words_of(folded)
    at = np.minimum(np.searchsorted(frame.words, hashes), max(len(frame.words) - 1, 0))
    known = frame.words[at] == hashes if len(frame.words) else np.zeros(len(hashes), np.bool_)
    held = np.unique(np.stack([owners[known], at[known]]), axis=1)
    tokens = np.zeros((GROUPS, 2))
    judged, flagged = np.zeros(GROUPS), np.zeros(GROUPS)
    risks = np.zeros((GROUPS, len(frame.risk_edges) + 1))
    indicators = np.zeros((GROUPS, frame.labels))
    if answers is not None:
        risk, present = answers
        judged += np.bincount(groups, minlength=GROUPS)
        flagged += np.bincount(groups[risk >= np.float32(frame.review_at)], minlength=GROUPS)
        risks += _table(
            groups, np.searchsorted(frame.risk_edges, risk, side="right"), risks.shape[1]
        )
        np.add.at(indicators, groups, present.astype(np.float64))
        tokens[:, 0] = np.bincount(groups[owners], minlength=GROUPS)
        tokens[:, 1] = np.bincount(groups[owners[~known]], minlength=GROUPS)
    return Histogram(
        languages=_table(groups, np.array(spoken, dtype=np.int64), len(place)),
        lengths=_table(groups, lengths, len(frame.length_edges) + 1),
        words=_table(groups[held[0]], held[1], len(frame.words)),
        judged=judged,
        tokens=tokens,
        risks=risks,
        flagged=flagged,
        indicators=indicators,
    )


def empty(frame: ProfileBins) -> Histogram:
    """The tally of no ads."""
    return count(frame, pa.array([], pa.large_string()), [], np.zeros(0, dtype=np.int64))


def characters(folded: ArrowArray) -> FloatArray:
    """Characters of each text, shape (n,)."""
    return np.asarray(pc.utf8_length(folded).to_numpy(zero_copy_only=False), dtype=np.float64)


def words_of(folded: ArrowArray) -> tuple[IntArray, Hashes]:
    """Row and hash of every running word that does not begin with a digit."""
    owners, hashes = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.uint32)]
    for block in tokenise(folded):
        rows = block.first + np.repeat(np.arange(len(block.per_text)), block.per_text)
        owners.append(rows[~block.figures])
        hashes.append(block.hashes[~block.figures])
    return np.concatenate(owners), np.concatenate(hashes)


def known_words(folded: ArrowArray, campaigns: IntArray) -> Hashes:
    """Hashes of the words in most ads, of those in ads of `LEAST_CAMPAIGNS` campaigns or more.

    Args:
        folded: shape (n,), folded texts.
        campaigns: shape (n,), equal numbers are one campaign.
    """
    owners, hashes = words_of(folded)
    names, word = np.unique(hashes, return_inverse=True)
    held = np.unique(np.stack([word, owners]), axis=1)
    in_ads = np.bincount(held[0], minlength=len(names))
    spread = np.unique(np.stack([held[0], campaigns[held[1]]]), axis=1)
    in_campaigns = np.bincount(spread[0], minlength=len(names))
    kept = np.flatnonzero(in_campaigns >= LEAST_CAMPAIGNS)
    most = kept[np.argsort(-in_ads[kept], kind="stable")][:MOST_WORDS]
    return np.asarray(np.sort(names[most]), dtype=np.uint32)


def quantile_edges(values: FloatArray) -> FloatArray:
    """Edges between bins of equal numbers; fewer where values are tied, none for no values."""
    if not len(values):
        return np.zeros(0)
    return np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))


def write_summary(folder: Path, summary: TrainingProfile) -> None:
    """Write the file of a model folder."""
    frame = summary.frame
    storage.write_tensors(
        folder / FILE,
        frame_languages=np.frombuffer("\n".join(frame.languages).encode(), dtype=np.uint8),
        frame_lengths=frame.length_edges,
        frame_risks=frame.risk_edges,
        frame_review_at=np.array([frame.review_at]),
        frame_words=frame.words,
        **{f.name: getattr(summary.tally, f.name) for f in fields(Histogram)},
    )


def read_summary(folder: Path, labels: int) -> TrainingProfile:
    """Read the file of a model folder.

    Raises:
        ModelError: if it is damaged, or its counts do not fit its bins.
    """
    vector = (np.float64, (None,))
    forms: dict[str, tuple[type, tuple[int | None, ...]]] = {
        f.name: (np.float64, (GROUPS, None)) for f in fields(Histogram)
    }
    forms |= dict.fromkeys(("judged", "flagged"), (np.float64, (GROUPS,)))
    found = storage.read_tensors(
        folder / FILE,
        frame_languages=(np.uint8, (None,)),
        frame_lengths=vector,
        frame_risks=vector,
        frame_review_at=(np.float64, (1,)),
        frame_words=(np.uint32, (None,)),
        **forms,
    )
    try:
        languages = found["frame_languages"].tobytes().decode().split("\n")
    except UnicodeDecodeError:
        languages = [""] * (MOST_LANGUAGES + 1)
    frame = ProfileBins(
        languages=tuple(filter(None, languages)),
        length_edges=found["frame_lengths"],
        risk_edges=found["frame_risks"],
        review_at=float(found["frame_review_at"][0]),
        words=found["frame_words"],
        labels=labels,
    )
    tally = Histogram(**{f.name: found[f.name] for f in fields(Histogram)})
    if len(languages) > MOST_LANGUAGES or not _is_sound(frame, tally):
        raise ModelError(
            f"{folder / FILE}: not the counts of training ads (a negative one, bins out of order, "
            "or more languages than are kept); copy the model again or train anew"
        )
    blank = empty(frame)
    for f in fields(Histogram):
        have, want = getattr(tally, f.name).shape, getattr(blank, f.name).shape
        if have != want:
            raise ModelError(
                f"{folder / FILE}: {f.name} is of shape {have}, its bins ask for {want}; copy the "
                "model again or train anew"
            )
    return TrainingProfile(frame, tally)


def _is_sound(frame: ProfileBins, tally: Histogram) -> bool:
    """Whether bins ascend, names are unique, and no count is negative."""
    ascending = all(
        bool((edges[1:] > edges[:-1]).all())
        for edges in (frame.length_edges, frame.risk_edges, frame.words)
    )
    unique = len({*frame.languages}) == len(frame.languages) and len(frame.words) <= MOST_WORDS
    counts = all(bool((getattr(tally, f.name) >= 0).all()) for f in fields(Histogram))
    return ascending and unique and counts and 0 <= frame.review_at <= 1 + 1e-6


def _table(rows: IntArray, columns: IntArray, width: int) -> FloatArray:
    """How often each pair of a group and a column comes, shape (32, width)."""
    counts = np.bincount(rows * width + columns, minlength=GROUPS * width)
    return counts.reshape(GROUPS, width).astype(np.float64)
