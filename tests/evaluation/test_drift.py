"""Drift: none between halves of one corpus, and each that is planted is found under its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest

from adrisk.evaluation.drift.comparison import compare, supported
from adrisk.evaluation.drift.effects import cohen_h, jensen_shannon, psi
from adrisk.evaluation.drift.results import KINDS, LIMITS, Aspect, Verdict
from adrisk.model.profile import (
    ENOUGH_ADS,
    GROUPS,
    Histogram,
    ProfileBins,
    TrainingProfile,
    characters,
    count,
    known_words,
    quantile_edges,
)
from builders import FILLER, make_texts

LABELS = ("document_retention", "exit_penalty", "worker_protection")


@dataclass(frozen=True)
class Ads:
    """A batch with the answers of an imagined model; groups as if no ad were a copy."""

    texts: list[str]
    languages: list[str | None]
    risk: np.ndarray
    indicators: np.ndarray
    groups: np.ndarray

    def tally(self, frame: ProfileBins) -> Histogram:
        told = self.risk.astype(np.float32), self.indicators.astype(np.float32)
        return count(frame, folded(self.texts), self.languages, self.groups, told)


def folded(texts: list[str]) -> pa.Array:
    return pa.array([text.lower() for text in texts], pa.large_string())


def make_batch(size: int = 1500, seed: int = 1) -> Ads:
    """Half English, half Spanish by name; low risks; indicators at 3, 10 and 30 %."""
    rng = np.random.default_rng(seed)
    return Ads(
        texts=make_texts(size, size // 10, seed)[0],
        languages=[("en", "es")[i] for i in rng.integers(0, 2, size)],
        risk=rng.beta(1, 12, size),
        indicators=(rng.random((size, 3)) < [0.03, 0.1, 0.3]) * 0.9 + 0.01,
        groups=rng.integers(0, GROUPS, size),
    )


@pytest.fixture(scope="module")
def summary() -> TrainingProfile:
    ads = make_batch(3000, seed=0)
    texts = folded(ads.texts)
    frame = ProfileBins(
        languages=("en", "es"),
        length_edges=quantile_edges(characters(texts)),
        risk_edges=quantile_edges(ads.risk),
        review_at=float(np.quantile(ads.risk, 0.98)),
        words=known_words(texts, np.arange(len(texts))),
        labels=len(LABELS),
    )
    return TrainingProfile(frame, ads.tally(frame))


def against(summary: TrainingProfile, ads: Ads) -> tuple[Aspect, ...]:
    return compare(summary, ads.tally(summary.bins), LABELS)


def drifted(found: tuple[Aspect, ...]) -> set[str]:
    return {a.name for a in found if a.verdict in (Verdict.SOME, Verdict.MUCH)}


def matters(found: tuple[Aspect, ...]) -> list[str]:
    return [aspect.name for aspect in found if aspect.matters]


@pytest.mark.parametrize("seed", range(1, 6))
def test_two_halves_of_one_corpus_show_no_drift(summary: TrainingProfile, seed: int) -> None:
    found = against(summary, make_batch(seed=seed))
    assert {a.name: a.verdict for a in found} == dict.fromkeys(KINDS, Verdict.SAME)
    assert not matters(found)


def _english(ads: Ads) -> Ads:
    return replace(ads, languages=["en"] * len(ads.texts))


def _foreign(ads: Ads) -> Ads:
    return replace(ads, languages=[*["pt"] * 90, *ads.languages[90:]])


def _longer(ads: Ads) -> Ads:
    return replace(ads, texts=[text + " " + text for text in ads.texts])


def _narrower(ads: Ads) -> Ads:
    rng = np.random.default_rng(3)
    ends = [text[text.index(".") :] for text in ads.texts]
    texts = [f"Ad: {' '.join(rng.choice(FILLER[:12], size=18))}{end}" for end in ends]
    return replace(ads, texts=texts)


def _new_words(ads: Ads) -> Ads:
    def renewed(text: str) -> str:
        words = text.split()
        return " ".join(word[::-1] if i % 3 == 0 else word for i, word in enumerate(words))

    return replace(ads, texts=[renewed(text) for text in ads.texts])


def _riskier(ads: Ads) -> Ads:
    return replace(ads, risk=ads.risk * 1.5)


def _more_flagged(ads: Ads) -> Ads:
    risk = ads.risk.copy()
    risk[: len(risk) // 12] = 0.9
    return replace(ads, risk=risk)


def _penalties(ads: Ads) -> Ads:
    indicators = ads.indicators.copy()
    indicators[::5, 1] = 0.91
    return replace(ads, indicators=indicators)


@pytest.mark.parametrize(
    ("plant", "name", "affects", "also"),
    [
        (_english, "language", False, set()),
        (_foreign, "unsupported_language", True, {"language"}),
        (_longer, "length", False, set()),
        (_narrower, "vocabulary", False, {"length"}),
        (_new_words, "unknown_words", True, {"vocabulary"}),
        (_riskier, "scores", True, {"flagged"}),
        (_more_flagged, "flagged", True, {"scores"}),
        (_penalties, "indicators", True, set()),
    ],
)
def test_planted_drift_is_found_and_named(
    summary: TrainingProfile, plant: Callable[[Ads], Ads], name: str, affects: bool, also: set[str]
) -> None:
    found = against(summary, plant(make_batch()))
    assert name in drifted(found)
    assert drifted(found) <= {name} | also
    assert (name in matters(found)) is affects
    advice = {aspect.name: aspect.advice for aspect in found}
    assert advice[name] == KINDS[name].advice
    assert all(not advice[other] for other in KINDS if other not in drifted(found))


def test_the_indicator_that_changed_is_named_with_an_interval(summary: TrainingProfile) -> None:
    found = against(summary, _penalties(make_batch()))
    aspect = next(a for a in found if a.name == "indicators")
    assert aspect.moved == ("exit_penalty",)
    change = next(change for change in aspect.changes if change.name == "exit_penalty")
    assert 0 < change.low < change.batch - change.training < change.high
    assert change.batch - change.training == pytest.approx(0.2 * 0.9 * 0.9, abs=0.03)


def test_fewer_than_a_hundred_ads_are_too_few_for_any_verdict(summary: TrainingProfile) -> None:
    found = against(summary, _riskier(make_batch(99)))
    assert {a.verdict for a in found} == {Verdict.TOO_FEW}
    assert not matters(found)
    assert all("larger batch" in aspect.advice for aspect in found)


def test_a_thousand_copies_of_four_ads_are_too_few_to_tell(summary: TrainingProfile) -> None:
    few = make_batch(4)
    copies = np.repeat(np.arange(4), 250)
    batch = Ads(
        texts=[few.texts[i] for i in copies],
        languages=[few.languages[i] for i in copies],
        risk=few.risk[copies],
        indicators=few.indicators[copies],
        groups=few.groups[copies],
    )
    found = {aspect.name: aspect for aspect in against(summary, batch)}
    for name in ("length", "scores"):
        assert found[name].effect > LIMITS["psi"].much
        assert found[name].verdict is Verdict.TOO_FEW


def test_copies_that_the_model_cannot_read_matter_all_the_same(summary: TrainingProfile) -> None:
    ads = make_batch()
    one = np.zeros(len(ads.texts), dtype=np.int64)
    found = against(summary, replace(ads, languages=["pt"] * len(ads.texts), groups=one))
    assert matters(found) == ["unsupported_language"]


def test_one_foreign_ad_in_a_hundred_is_no_drift(summary: TrainingProfile) -> None:
    ads = make_batch(100)
    found = against(summary, replace(ads, languages=["pt", *ads.languages[1:]]))
    assert "unsupported_language" not in drifted(found)


def test_a_batch_without_a_known_word_is_as_far_as_can_be(summary: TrainingProfile) -> None:
    ads = make_batch()
    found = against(summary, replace(ads, texts=["zzyzx qwghlm"] * len(ads.texts)))
    verdicts = {aspect.name: (aspect.effect, aspect.verdict) for aspect in found}
    assert verdicts["vocabulary"] == (1.0, Verdict.MUCH)
    assert verdicts["unknown_words"][1] is Verdict.MUCH


def test_equal_batches_give_equal_reports(summary: TrainingProfile) -> None:
    assert against(summary, make_batch()) == against(summary, make_batch())


def test_a_language_is_supported_from_enough_training_ads_on(
    summary: TrainingProfile,
) -> None:
    table = summary.counts.languages.copy()
    table[:, 1] = 0

    def with_spanish(ads: int) -> TrainingProfile:
        table[0, 1] = ads
        return TrainingProfile(summary.bins, replace(summary.counts, languages=table.copy()))

    assert ENOUGH_ADS == 50
    assert supported(with_spanish(49)) == {"en"}
    assert supported(with_spanish(50)) == {"en", "es"}


def test_the_limits_of_the_divergence_are_those_of_the_index() -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(20, 50.0))
    moved = shares * (1 + 0.05 * rng.standard_normal(20))
    moved /= moved.sum()
    ratio = float(psi(shares, moved) / jensen_shannon(shares, moved))
    assert ratio == pytest.approx(8 * np.log(2), rel=0.01)
    for limit in ("some", "much"):
        index, divergence = getattr(LIMITS["psi"], limit), getattr(LIMITS["jsd"], limit)
        assert divergence == pytest.approx(index / ratio, abs=5e-4)


def test_the_shares_named_beside_the_limits_of_h_are_right() -> None:
    effects = cohen_h(np.array([0.02, 0.02]), np.array([0.06, 0.15]))
    assert effects == pytest.approx([0.2, 0.5], abs=0.02)
