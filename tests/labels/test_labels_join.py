"""Joined votes recover planted accuracies, copies do not outvote, and silence is not absence."""

from __future__ import annotations

import numpy as np
import pytest

from adrisk.labels.dawid_skene import MISSING, Priors, excess_agreement, fit_label_model
from adrisk.labels.join import join_votes, majority_votes
from adrisk.labels.votes import RISK, Ballots

PRESENT, ABSENT, NOT_STATED = range(3)
Rates = tuple[float, float]  # sensitivity, specificity


def planted(count: int, prevalence: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(count) < prevalence


def votes_of(
    truth: np.ndarray, rates: Rates, *, asked: float | np.ndarray = 1.0, seed: int = 1
) -> np.ndarray:
    """What a voter of known rates says; it was asked about a random share of the ads."""
    rng = np.random.default_rng([1, seed])  # never the draws of the truth
    sensitivity, specificity = rates
    says_present = rng.random(len(truth)) < np.where(truth, sensitivity, 1 - specificity)
    said = np.where(says_present, PRESENT, NOT_STATED)
    return np.where(rng.random(len(truth)) < asked, said, MISSING)


def ballots(item: str = "vague_role", **columns: np.ndarray) -> Ballots:
    names = tuple(name.replace("rule_", "rule:en.vague_role.") for name in columns)
    return Ballots(item, names, np.stack(list(columns.values()), axis=1).astype(np.int8))


def joined(found: Ballots) -> np.ndarray:
    """Probability that the item is present, for each ad."""
    return join_votes({found.item: found}, [found.item], len(found.codes)).targets.indicators[:, 0]


def right(share: np.ndarray, truth: np.ndarray) -> float:
    return float(((share >= 0.5) == truth).mean())


RATES = {"sober": (0.70, 0.995), "middling": (0.85, 0.97), "eager": (0.93, 0.90)}


def test_planted_sensitivities_and_specificities_come_back_inside_their_intervals() -> None:
    truth = planted(6000, 0.15)
    found = ballots(
        **{n: votes_of(truth, r, asked=0.8, seed=i) for i, (n, r) in enumerate(RATES.items())}
    )
    item = join_votes({"vague_role": found}, ["vague_role"], 6000).items["vague_role"]
    for voter in item.voters(resamples=60):
        sensitivity, specificity = RATES[voter.name]
        assert voter.confusion[PRESENT, PRESENT] == pytest.approx(sensitivity, abs=0.06)
        assert 1 - voter.confusion[NOT_STATED, PRESENT] == pytest.approx(specificity, abs=0.02)
        assert (
            voter.low[PRESENT, PRESENT] - 0.02 <= sensitivity <= voter.high[PRESENT, PRESENT] + 0.02
        )
        assert (
            voter.low[PRESENT, PRESENT]
            < voter.confusion[PRESENT, PRESENT]
            < voter.high[PRESENT, PRESENT]
        )
    assert item.model.prevalence[PRESENT] == pytest.approx(0.15, abs=0.02)


@pytest.mark.slow
def test_intervals_hold_the_planted_sensitivity_about_as_often_as_they_say() -> None:
    held = 0
    for trial in range(20):
        truth = planted(1500, 0.2, seed=trial)
        columns = {
            n: votes_of(truth, r, seed=100 * trial + i) for i, (n, r) in enumerate(RATES.items())
        }
        item = join_votes({"vague_role": ballots(**columns)}, ["vague_role"], 1500).items
        for voter in item["vague_role"].voters(resamples=100):
            held += (
                voter.low[PRESENT, PRESENT] <= RATES[voter.name][0] <= voter.high[PRESENT, PRESENT]
            )
    assert held >= 0.8 * 60


def test_the_label_is_a_probability_one_can_take_at_its_word() -> None:
    truth = planted(8000, 0.2)
    columns = {n: votes_of(truth, r, seed=i) for i, (n, r) in enumerate(RATES.items())}
    share = joined(ballots(**columns))
    unsure = (share > 0.05) & (share < 0.95)
    assert unsure.sum() > 300
    assert share[unsure].mean() == pytest.approx(truth[unsure].mean(), abs=0.05)


def test_a_label_model_beats_the_majority_where_voters_differ() -> None:
    truth = planted(4000, 0.2)
    found = ballots(
        good=votes_of(truth, (0.95, 0.98), seed=1),
        poor=votes_of(truth, (0.6, 0.7), seed=2),
        poorer=votes_of(truth, (0.55, 0.6), seed=3),
    )
    plain = majority_votes({"vague_role": found}, ["vague_role"], 4000).indicators[:, 0]
    assert right(joined(found), truth) > right(plain, truth) + 0.1


@pytest.mark.parametrize("kind", ["poor_", "rule_"])
def test_three_copies_of_one_poor_voter_do_not_outvote_two_good_ones(kind: str) -> None:
    truth = planted(3000, 0.3)
    poor = votes_of(truth, (0.6, 0.7), seed=3)
    found = ballots(
        first=votes_of(truth, (0.9, 0.9), seed=1),
        second=votes_of(truth, (0.85, 0.92), seed=2),
        **{f"{kind}{copy}": poor for copy in range(3)},
    )
    plain = majority_votes({"vague_role": found}, ["vague_role"], 3000).indicators[:, 0]
    both = join_votes({"vague_role": found}, ["vague_role"], 3000)
    assert right(plain, truth) < 0.8
    assert right(both.targets.indicators[:, 0], truth) > 0.88
    assert len(both.items["vague_role"].voters(resamples=2)) == 3
    assert both.items["vague_role"].ballots.voters[2].count(",") == 2  # the copies, under one name


def test_rules_that_repeat_one_another_with_noise_are_worth_less_than_one_vote() -> None:
    truth = planted(3000, 0.3)
    poor = votes_of(truth, (0.6, 0.7), seed=3)
    rng = np.random.default_rng(4)
    copies = {
        f"rule_{copy}": np.where(rng.random(3000) < 0.1, NOT_STATED - poor, poor)
        for copy in range(3)
    }
    good = {
        "first": votes_of(truth, (0.9, 0.9), seed=1),
        "second": votes_of(truth, (0.85, 0.92), seed=2),
    }
    both = join_votes({"vague_role": ballots(**good, **copies)}, ["vague_role"], 3000)
    worth = both.items["vague_role"].model.weights
    assert (worth[:2] == 1).all()
    assert (worth[2:5] < 0.6).all()
    assert right(both.targets.indicators[:, 0], truth) > 0.88


def test_rules_that_err_alone_keep_their_whole_vote() -> None:
    truth = planted(3000, 0.2)
    people = {n: votes_of(truth, r, seed=i) for i, (n, r) in enumerate(RATES.items())}
    rules = {f"rule_{i}": votes_of(truth, (0.3, 0.99), seed=10 + i) for i in range(4)}
    item = join_votes({"vague_role": ballots(**people, **rules)}, ["vague_role"], 3000).items
    assert (item["vague_role"].model.weights > 0.9).all()


def test_excess_agreement_is_nothing_for_independent_voters_and_one_for_copies() -> None:
    truth = planted(4000, 0.4)
    one, two = (votes_of(truth, (0.7, 0.8), seed=i) for i in (1, 2))
    known = np.stack([~truth, truth], axis=1).astype(float)
    excess = excess_agreement(np.stack([one, two, one], axis=1).astype(np.int8), known, 3)
    assert excess[0, 1] < 0.02
    assert excess[0, 2] > 0.95


def test_the_silence_of_a_rule_counts_a_little_and_its_speech_much() -> None:
    truth = planted(5000, 0.1)
    columns = {n: votes_of(truth, r, seed=i) for i, (n, r) in enumerate(RATES.items())}
    rule = votes_of(truth, (0.5, 0.995), seed=9)
    without, with_rule = joined(ballots(**columns)), joined(ballots(**columns, rule_x=rule))
    spoke = rule == PRESENT
    assert (with_rule[spoke] - without[spoke]).mean() > 0.05
    assert -0.1 < (with_rule[~spoke] - without[~spoke]).mean() < 0.02


def test_an_ad_that_nobody_judged_stays_unknown_whatever_rules_say() -> None:
    person = np.array([PRESENT, NOT_STATED, MISSING, MISSING] * 20)
    rule = np.array([NOT_STATED, NOT_STATED, NOT_STATED, PRESENT] * 20)
    found = ballots(person=person, rule_x=rule)
    assert np.isnan(joined(found)).tolist()[:4] == [False, False, True, True]
    plain = majority_votes({"vague_role": found}, ["vague_role"], 80).indicators[:, 0]
    assert np.isnan(plain).tolist()[:4] == [False, False, True, True]
    assert np.isnan(joined(ballots(rule_x=rule))).sum() == 0  # but rules alone are all there is


def test_a_rule_that_fires_where_nobody_was_asked_is_judged_by_what_it_does_elsewhere() -> None:
    truth = planted(4000, 0.3)
    outside = np.arange(4000) >= 2000  # ads of another kind, of which no person was asked
    columns = {
        n: np.where(outside, MISSING, votes_of(truth, r, seed=i))
        for i, (n, r) in enumerate(RATES.items())
    }
    rule = votes_of(truth, (0.3, 0.95), seed=9)
    found = ballots(**columns, rule_x=rule)
    item = join_votes({"vague_role": found}, ["vague_role"], 4000).items["vague_role"]
    believed = item.voters(resamples=2)[3].confusion
    assert believed[PRESENT, PRESENT] == pytest.approx(0.3, abs=0.05)
    assert believed[NOT_STATED, PRESENT] == pytest.approx(0.05, abs=0.02)


def test_few_votes_borrow_what_their_voters_showed_on_other_items() -> None:
    """On a rare indicator the eager one's word weighs less, because of what it did elsewhere."""
    often = planted(4000, 0.2)
    rates = {"exact": (0.9, 0.99), "careful": (0.9, 0.99), "eager": (0.9, 0.5)}
    common = {n: votes_of(often, r, seed=i) for i, (n, r) in enumerate(rates.items())}
    rare = {name: np.full(4000, MISSING) for name in rates}
    rare["careful"][:20], rare["eager"][20:40] = NOT_STATED, NOT_STATED
    rare["careful"][:10], rare["eager"][20:30] = PRESENT, PRESENT
    votes = {"vague_role": ballots(**common), "no_contract": ballots("no_contract", **rare)}
    alone = joined(votes["no_contract"])
    taught = join_votes(votes, list(votes), 4000).targets.indicators[:, 1]
    assert alone[0] == pytest.approx(alone[20], abs=0.02)
    assert taught[0] > taught[20] + 0.1


def test_who_judges_what_strikes_them_does_not_pass_for_seeing_it_everywhere() -> None:
    """Present indicators are judged by most, others by few: one lone positive vote weighs less."""
    truth = planted(6000, 0.1)
    asked = np.where(truth, 0.8, 0.3)
    columns = {n: votes_of(truth, r, asked=asked, seed=i) for i, (n, r) in enumerate(RATES.items())}
    found = join_votes({"vague_role": ballots(**columns)}, ["vague_role"], 6000)
    share, item = found.targets.indicators[:, 0], found.items["vague_role"]
    known = ~np.isnan(share)
    assert share[known].mean() == pytest.approx(truth[known].mean(), abs=0.01)
    for voter in item.voters(resamples=2):
        assert voter.confusion[PRESENT, PRESENT] == pytest.approx(RATES[voter.name][0], abs=0.06)


def test_denials_are_a_class_of_their_own_and_do_not_make_misreadings_look_true() -> None:
    """All three take some denials for the thing denied; that they agree there proves nothing."""
    rng = np.random.default_rng(0)
    truth = rng.choice(3, p=[0.1, 0.1, 0.8], size=6000)
    confusion = np.array([[0.8, 0.02, 0.18], [0.25, 0.6, 0.15], [0.01, 0.01, 0.98]])
    columns = {
        name: (rng.random(6000)[:, None] > np.cumsum(confusion[truth], axis=1)).sum(axis=1)
        for name in "abc"
    }
    item = join_votes({"vague_role": ballots(**columns)}, ["vague_role"], 6000).items["vague_role"]
    for voter in item.voters(resamples=2):
        np.testing.assert_allclose(voter.confusion, confusion, atol=0.06)


def test_risk_is_joined_in_four_levels_that_may_be_off_by_one() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(4, size=4000, p=[0.6, 0.25, 0.1, 0.05])
    said = {}
    for name, exact, low in (("a", 0.9, 0.5), ("b", 0.7, 0.9), ("c", 0.7, 0.1)):
        step = np.where(rng.random(4000) < low, -1, 1)
        off = rng.random(4000) > exact
        said[name] = np.clip(truth + off * step, 0, 3)
    votes = {RISK: ballots(RISK, **said)}
    both = join_votes(votes, [], 4000).targets
    plain = majority_votes(votes, [], 4000)
    assert (both.risk == truth).mean() > (plain.risk == truth).mean()
    np.testing.assert_allclose(both.risk_shares.sum(axis=1), 1.0)
    assert (both.risk == (np.cumsum(both.risk_shares, axis=1) <= 0.5).sum(axis=1)).all()
    assert both.confidence().shape == (4000, 1)
    assert 0.25 <= both.confidence().min() <= both.confidence().max() <= 1


def test_joining_twice_gives_the_same_bytes() -> None:
    truth = planted(500, 0.2)
    found = ballots(**{n: votes_of(truth, r, seed=i) for i, (n, r) in enumerate(RATES.items())})
    assert joined(found).tobytes() == joined(found).tobytes()


def test_nobody_voting_is_no_label_and_no_error() -> None:
    found = join_votes({}, ["vague_role"], 3)
    assert np.isnan(found.targets.indicators).all()
    assert (found.targets.risk == -1).all()
    assert np.isnan(found.targets.confidence()).all()


def test_an_even_split_has_no_majority() -> None:
    found = ballots(a=np.array([PRESENT, PRESENT]), b=np.array([NOT_STATED, PRESENT]))
    plain = majority_votes({"vague_role": found}, ["vague_role"], 2).indicators[:, 0]
    assert np.isnan(plain[0])
    assert plain[1] == 1.0


def test_the_majority_of_levels_is_the_middle_one_and_of_two_the_lower() -> None:
    found = ballots(RISK, a=np.array([3, 0, 3]), b=np.array([0, 2, 3]), c=np.array([1, -1, 0]))
    assert majority_votes({RISK: found}, [], 3).risk.tolist() == [1, 0, 3]


def test_with_one_voter_the_priors_decide_and_the_order_stays() -> None:
    said = np.array([[0], [2], [0], [2]] * 10, np.int8)
    confusion = np.array([[[0.5, 1.5, 3.0], [4.0, 0.4, 0.6]]])
    model = fit_label_model(said, Priors(np.array([4.0, 1.0]), confusion))
    share = model.posterior(said)[:, 1]
    assert share[0] > 0.5 > share[1]


@pytest.mark.slow
def test_many_ads_and_voters_are_joined_in_bounded_memory_and_rounds() -> None:
    truth = planted(20_000, 0.05)
    people = {n: votes_of(truth, r, asked=0.8, seed=i) for i, (n, r) in enumerate(RATES.items())}
    rules = {f"rule_{i}": votes_of(truth, (0.2, 0.998), seed=10 + i) for i in range(27)}
    item = join_votes({"vague_role": ballots(**people, **rules)}, ["vague_role"], 20_000).items
    assert item["vague_role"].model.rounds < 100
    assert right(item["vague_role"].posterior[:, PRESENT], truth) > 0.99
