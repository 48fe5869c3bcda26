"""Three annotators with different errors label the training part."""

from collections import Counter, defaultdict

import pyarrow as pa
import pytest

from adrisk.synthetic.annotators import ANNOTATORS, RISK, majority
from adrisk.synthetic.generate import generate


@pytest.fixture(scope="module")
def ads():
    return pa.concat_tables(generate(6_000, seed=5, prevalence=0.2, duplicates=0.2)).to_pylist()


@pytest.fixture(scope="module")
def train(ads):
    return [ad for ad in ads if ad["split"] == "train"]


def share(values):
    values = list(values)
    return sum(values) / len(values)


def risk_of(ad, voter):
    (says,) = [v["says"] for v in ad["votes"] if v["voter"] == voter and v["item"] == RISK]
    return says


def test_the_test_part_carries_the_truth_and_no_votes(ads):
    for ad in ads:
        if ad["split"] == "test":
            assert ad["label_source"] == "synthetic:truth"
            assert ad["votes"] is None
            assert ad["risk"] == ad["true_risk"]
            assert ad["indicators"] == ad["true_indicators"]
            assert len(ad["indicators_known"]) == 27


def test_the_training_part_carries_the_majority_of_its_votes(train):
    for ad in train:
        assert ad["label_source"] == "synthetic:annotators"
        items = [vote["item"] for vote in ad["votes"]]
        says = [vote["says"] for vote in ad["votes"]]
        present, known, risk = majority(items, says)
        assert (ad["indicators"], ad["indicators_known"]) == ([*present], [*known])
        assert ad["risk"] == risk


@pytest.mark.parametrize(
    ("says", "present", "known"),
    [
        (("present", "present", "absent"), True, True),
        (("present", "not_stated"), False, True),
        (("present", "unsure", "unsure"), True, True),
        (("unsure",), False, False),
    ],
)
def test_a_majority_makes_an_indicator_present_and_a_tie_does_not(says, present, known):
    found = majority(["vague_role"] * len(says), says)
    assert found == (("vague_role",) * present, ("vague_role",) * known, None)


@pytest.mark.parametrize(
    ("levels", "risk"),
    [(("0", "2", "2"), 2), (("0", "1", "3"), 1), (("3", "0"), 0), (("unsure", "3"), 3)],
)
def test_the_risk_is_what_two_say_else_the_middle_else_the_lower(levels, risk):
    assert majority([RISK] * len(levels), levels) == ((), (), risk)


def test_everybody_judges_the_risk_and_some_of_the_indicators(train):
    judged = defaultdict(Counter)
    for ad in train:
        voters = Counter(vote["voter"] for vote in ad["votes"])
        assert set(voters) == {person.voter for person in ANNOTATORS}
        for voter, votes in voters.items():
            judged[voter][votes] += 1
    for counts in judged.values():
        assert 5 < sum(n * votes for votes, n in counts.items()) / counts.total() < 20


def test_errors_are_asymmetric_and_differ_between_people(train):
    missed, raised = {}, {}
    for person in ANNOTATORS:
        said = [(ad["true_risk"], risk_of(ad, person.voter)) for ad in train]
        missed[person.voter] = share(r in "01" for t, r in said if t >= 2 and r != "unsure")
        raised[person.voter] = share(r in "23" for t, r in said if t < 2 and r != "unsure")
    assert missed["annotator-1"] > missed["annotator-2"] > missed["annotator-3"] > 0.03
    assert raised["annotator-3"] > raised["annotator-2"] > raised["annotator-1"] > 0.003
    assert missed["annotator-1"] > 3 * raised["annotator-1"]


def test_hard_ads_mislead_more_than_plain_ones(train):
    wrong = {
        hard: share(
            risk_of(ad, "annotator-3") in "23"
            for ad in train
            if ad["true_risk"] == 0 and ad["hard"] is hard
        )
        for hard in (False, True)
    }
    assert wrong[True] > 2 * wrong[False]


def test_the_majority_is_better_than_anyone_and_not_perfect(train):
    truth = [ad["true_risk"] >= 2 for ad in train]

    def agreement(risky):
        return share(a == b for a, b in zip(truth, risky, strict=True))

    together = agreement([ad["risk"] is not None and ad["risk"] >= 2 for ad in train])
    assert 0.9 < together < 0.99
    for person in ANNOTATORS:
        assert agreement([risk_of(ad, person.voter) in "23" for ad in train]) < together


def test_a_denial_is_now_and_then_taken_for_the_thing_denied(train):
    says = Counter(
        vote["says"]
        for ad in train
        for vote in ad["votes"]
        if vote["item"] in ad["denied_indicators"]
    )
    assert says["absent"] > 3 * says["present"] > 0
