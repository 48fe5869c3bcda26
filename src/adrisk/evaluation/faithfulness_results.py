"""Faithfulness results: what scores lose without the words that explanations mark.

In: figures from `adrisk.evaluation.faithfulness`. Out: a model's entry in `faithfulness.json`,
as frozen values.
"""

from __future__ import annotations

from collections.abc import Mapping

from adrisk.metrics.figures import Figure, JudgedModel, Result


class Loss(Result):
    """Mean loss over ads: the marked words, other words, and the difference within each ad."""

    explanation: Figure
    other_words: Figure
    difference: Figure


class TextShares(Result):
    """Mean share of an ad's characters that is deleted."""

    explanation: float
    other_words: float


class Point(Result):
    """So many spans deleted, or kept alone.

    Attributes:
        spans: the strongest are taken.
        ads: that have room for as many other words; where there is none, the keys behind
            `without_room` are absent.
        without_room: ads left out.
        mean_spans: less than `spans`, as some ads have fewer.
        characters: deleted.
        deleted, kept: losses by measure.
    """

    spans: int
    ads: int
    without_room: int
    mean_spans: float | None = None
    characters: TextShares | None = None
    deleted: Mapping[str, Loss] | None = None
    kept: Mapping[str, Loss] | None = None


class UnseenAds(Result):
    """The corpus, and how many of its ads the model never saw."""

    sources: tuple[str, ...]
    fingerprint: str
    target: str
    unseen: int


class FlaggedAds(Result):
    """Ads above the threshold of the budget; of these as many as are wanted are explained."""

    budget: float
    threshold: float
    ads: int
    explained: int
    without_spans: int
    campaigns: int


class FaithfulnessResult(Result):
    """A model's explanations; `draws` is how many times other words are drawn for an ad."""

    model: JudgedModel
    data: UnseenAds
    flagged: FlaggedAds
    draws: int
    points: tuple[Point, ...]
