from collections import Counter, defaultdict

import pyarrow as pa
import pytest

from adrisk.errors import UsageError
from adrisk.schema import ADS, LABELS
from adrisk.synthetic import generate
from adrisk.synthetic.cases import load_cases


@pytest.fixture(scope="module")
def ads():
    return pa.concat_tables(generate(4_000, seed=3)).to_pylist()


def of_kind(ads, kind):
    return [ad for ad in ads if ad["kind"] == kind]


def share(values):
    values = list(values)
    return sum(values) / len(values)


def test_tables_have_the_columns_of_ads_and_labels_and_two_more():
    (table,) = generate(5)
    assert table.schema.names == [*ADS.names, *LABELS.names, "kind", "template_family"]
    assert table.schema.field("text").type == ADS.field("text").type
    assert table.num_rows == 5


def test_the_same_seed_gives_the_same_ads_in_batches_of_any_size():
    whole = pa.concat_tables(generate(700, seed=1))
    assert pa.concat_tables(generate(700, seed=1, batch_rows=37)).equals(whole)
    assert not pa.concat_tables(generate(700, seed=2)).equals(whole)


def test_batches_are_full_but_for_the_last():
    assert [t.num_rows for t in generate(25, batch_rows=10)] == [10, 10, 5]
    assert list(generate(0)) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"count": -1}, "count must be 0 or more"),
        ({"count": 1, "batch_rows": 0}, "batch_rows 1 or more"),
        ({"count": 1, "prevalence": 3}, "prevalence must be from 0 to 1, got 3"),
        ({"count": 1, "duplicates": 1}, "duplicates must be from 0 to 0.95, got 1"),
    ],
)
def test_arguments_out_of_range_are_refused_before_the_first_ad(arguments, words):
    with pytest.raises(UsageError, match=words):
        generate(**arguments)


def test_ad_ids_are_unique(ads):
    assert len({ad["ad_id"] for ad in ads}) == len(ads)


@pytest.mark.parametrize("prevalence", [0.0, 0.03, 0.2])
def test_prevalence_is_kept_in_both_splits(prevalence):
    table = pa.concat_tables(generate(3_000, prevalence=prevalence)).to_pylist()
    for split in ("train", "test"):
        risky = share(ad["risk"] >= 2 for ad in table if ad["split"] == split)
        assert risky == pytest.approx(prevalence, abs=0.012)


@pytest.mark.parametrize("duplicates", [0.0, 0.5, 0.8])
def test_the_share_of_near_copies_is_as_asked(duplicates):
    table = pa.concat_tables(generate(3_000, duplicates=duplicates, prevalence=0.2))
    campaigns = len(set(table["campaign_id"].to_pylist()))
    assert 1 - campaigns / 3_000 == pytest.approx(duplicates, abs=0.06)


def test_no_campaign_straddles_the_splits_and_the_test_split_comes_later(ads):
    splits, times = defaultdict(set), defaultdict(list)
    for ad in ads:
        splits[ad["campaign_id"]].add(ad["split"])
        times[ad["split"]].append(ad["posted_at"])
    assert all(len(of) == 1 for of in splits.values())
    assert max(times["train"]) < min(times["test"])
    assert share(ad["split"] == "test" for ad in ads) == pytest.approx(0.3, abs=0.05)


def test_times_lie_within_six_months_of_january_2026(ads):
    assert {(ad["posted_at"].year, ad["posted_at"].month) for ad in ads} == {
        (2026, month) for month in range(1, 7)
    }


def test_labels_present_are_among_those_known_and_some_are_left_unknown(ads):
    assert all(set(ad["indicators"]) <= set(ad["indicators_known"]) for ad in ads)
    assert 3 < share(len(ad["indicators_known"]) for ad in ads) < 16


def test_indicators_vary_within_a_risk_so_that_risk_is_no_count(ads):
    counts = defaultdict(Counter)
    for ad in ads:
        counts[ad["risk"]][len(ad["indicators"])] += 1
    assert set(counts) == {0, 1, 2, 3}
    assert counts[0].keys() & counts[1].keys() & counts[2].keys() & counts[3].keys() >= {3, 4}


def test_nearly_every_job_ad_has_an_indicator_and_most_service_ads_have_none_or_one(ads):
    benign = [ad for ad in ads if ad["risk"] < 2]

    def evidence(ad):
        return len({*ad["indicators"]} - {"autonomy_signal", "worker_protection"})

    assert share(evidence(ad) >= 1 for ad in of_kind(benign, "job")) > 0.8
    assert share(evidence(ad) <= 1 for ad in of_kind(benign, "service")) > 0.7


def test_two_of_five_harmless_ads_are_hard(ads):
    hard = {case.id for case in load_cases()[0] if case.hard}
    harmless = [ad["template_family"].split("/")[0] for ad in ads if ad["risk"] == 0]
    assert share(family in hard for family in harmless) >= 0.4


def test_lengths_spread_from_short_to_long_around_a_median_of_500(ads):
    lengths = sorted(len(ad["text"]) for ad in ads)
    assert lengths[0] > 30
    assert 350 < lengths[len(lengths) // 2] < 650
    assert 1_400 < lengths[-1] < 3_500


def test_every_language_kind_and_register_occurs(ads):
    assert {ad["language"] for ad in ads} == {"en", "es", "pt", "fr"}
    assert {ad["kind"] for ad in ads} == {"job", "service", "housing", "other"}
    assert {ad["template_family"].split("/")[2] for ad in ads} == {"terse", "chatty", "formal"}


def test_campaigns_rotate_accounts_and_places(ads):
    accounts, places = defaultdict(set), defaultdict(set)
    for ad in ads:
        accounts[ad["campaign_id"]].add(ad["account_id"])
        places[ad["campaign_id"]].add(ad["location"])
    assert max(map(len, accounts.values())) > 1
    assert max(map(len, places.values())) > 1


def test_the_kind_of_ad_does_not_give_the_class_away(ads):
    for kind in ("job", "service", "housing", "other"):
        assert share(ad["risk"] >= 2 for ad in of_kind(ads, kind)) < 0.1
