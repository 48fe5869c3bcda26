"""Faithfulness where the answer is known: a score that counts keywords."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from adrisk.evaluation.erasure import (
    Explained,
    disjoint_spans,
    elsewhere,
    losses,
    only,
    without,
)
from adrisk.evaluation.faithfulness import curves

WEIGHTS = {"passport": 4.0, "debt": 2.0, "guarded": 1.0}
FILLER = "garden kitchen harvest weekend hotel uniform season driver office packing team night"


def count_keywords(
    texts: Sequence[str], languages: Sequence[str | None], regions: Sequence[str | None]
) -> dict[str, np.ndarray]:
    """A score that is exactly the sum of its keywords' weights."""
    return {"score": np.array([sum(WEIGHTS.get(w, 0.0) for w in t.split()) for t in texts])}


def make_explained(campaign: int, words: Sequence[str] = tuple(WEIGHTS)) -> Explained:
    """An ad with every keyword in it, of which the explanation marks `words` in this order."""
    text = f"passport {FILLER} debt {FILLER} guarded {FILLER}"
    spans = tuple((text.index(word), text.index(word) + len(word)) for word in words)
    return Explained(text, "en", spans, campaign)


def test_deleting_the_marked_words_loses_exactly_their_weights() -> None:
    found = losses([make_explained(0)], count_keywords, sizes=(1, 2, 3, 5), draws=3)
    assert found.deleted["score"][0, :, 0].tolist() == [4.0, 6.0, 7.0, 7.0]
    assert found.deleted["score"][0, :, 1].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert found.spans[0].tolist() == [1, 2, 3, 3]


def test_keeping_the_marked_words_loses_what_the_others_weigh() -> None:
    found = losses([make_explained(0)], count_keywords, sizes=(1, 2, 3), draws=3)
    assert found.kept["score"][0, :, 0].tolist() == [3.0, 1.0, 0.0]
    assert found.kept["score"][0, :, 1].tolist() == [7.0, 7.0, 7.0]


def test_a_point_carries_the_loss_of_both_and_the_difference_within_ads() -> None:
    ads = [make_explained(campaign) for campaign in range(8)]
    point = curves(losses(ads, count_keywords, sizes=(2,), draws=2))[0]
    assert (point.spans, point.ads, point.without_room) == (2, 8, 0)
    gap = point.deleted["score"].difference
    assert (gap.value, gap.low, gap.high, gap.n) == (6.0, 6.0, 6.0, 8)
    assert point.kept["score"].explanation.value == 1.0


def test_an_explainer_that_points_anywhere_does_no_better_than_other_words() -> None:
    rng = np.random.default_rng(7)
    ads = []
    for campaign in range(300):
        words = [*WEIGHTS, *FILLER.split()]
        rng.shuffle(words)
        text = " ".join(words)
        spans = elsewhere(text, [(0, 7)] * 2, [], rng)
        ads.append(Explained(text, "en", tuple(spans), campaign))
    gap = curves(losses(ads, count_keywords, sizes=(1, 2), draws=4))[1].deleted["score"]
    assert gap.difference.low < 0 < gap.difference.high
    assert gap.explanation.value > 0  # it does hit keywords, now and then


def test_the_worst_explainer_loses_less_than_other_words() -> None:
    text = f"{FILLER} passport passport passport"
    ads = [Explained(text, "en", ((0, 6),), campaign) for campaign in range(30)]
    gap = curves(losses(ads, count_keywords, sizes=(1,), draws=20))[0].deleted["score"]
    assert gap.difference.high < 0


def test_an_ad_without_room_for_other_words_is_counted_and_left_out() -> None:
    ads = [make_explained(campaign) for campaign in range(4)]
    ads.append(Explained("passport debt", "en", ((0, 13),), 4))
    point = curves(losses(ads, count_keywords, sizes=(1,), draws=2))[0]
    assert (point.ads, point.without_room) == (4, 1)


def test_the_same_seed_draws_the_same_words_whatever_ads_follow() -> None:
    first = losses([make_explained(0)], count_keywords, sizes=(2,), seed=3)
    both = losses([make_explained(0), make_explained(1)], count_keywords, sizes=(2,), seed=3)
    assert first.characters[0].tolist() == both.characters[0].tolist()


@given(
    words=st.lists(st.text(alphabet="abcß é", min_size=1, max_size=8), min_size=1, max_size=40),
    cuts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), max_size=4),
    seed=st.integers(0, 5),
)
def test_other_words_are_whole_about_as_long_and_overlap_nothing(
    words: list[str], cuts: list[tuple[int, int]], seed: int
) -> None:
    text = " ".join(words)
    spans = disjoint_spans([(s, s + n) for s, n in cuts if s + n <= len(text)])
    runs = elsewhere(text, spans, spans, np.random.default_rng(seed))
    everything = [*spans, *runs]
    assert len(disjoint_spans(everything)) == len(everything)
    for (start, end), (low, high) in zip(spans, runs, strict=False):
        assert 2 * (high - low) >= end - start
        assert text[low:high].strip() == text[low:high] != ""


def test_deleted_words_leave_a_blank_and_kept_words_stand_alone() -> None:
    assert without("a b c", [(2, 3), (0, 1)]) == "    c"
    assert only("a b c", [(2, 3), (0, 1)]) == "a\nb"
    assert without("a b c", []) == "a b c"
