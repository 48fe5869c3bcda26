from collections import Counter, defaultdict

import pyarrow as pa
import pytest

from adrisk.errors import UsageError
from adrisk.schema import ADS, LABELS, VOTES
from adrisk.synthetic.cases import COUNTER, load_cases
from adrisk.synthetic.generate import KINDS, generate
from adrisk.synthetic.phrase_bank import LANGUAGES
from adrisk.synthetic.table import TRUTH


@pytest.fixture(scope="module")
def ads():
    return pa.concat_tables(generate(4_000, seed=3)).to_pylist()


@pytest.fixture(scope="module")
def many():
    """Twelve thousand ads without copies, for shares."""
    return pa.concat_tables(generate(12_000, seed=4, duplicates=0)).to_pylist()


def of_kind(ads, kind):
    return [ad for ad in ads if ad["kind"] == kind]


def of_split(ads, split):
    return [ad for ad in ads if ad["split"] == split]


def share(values):
    values = list(values)
    return sum(values) / len(values)


def evidence(ad):
    return len({*ad["true_indicators"]} - COUNTER)


def test_tables_have_the_columns_of_ads_of_labels_and_of_the_truth():
    (table,) = generate(5)
    assert table.schema.names == [*ADS.names, *LABELS.names, *TRUTH.names]
    assert table.schema.field("text").type == ADS.field("text").type
    assert table.schema.field("votes").type == VOTES
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
        ({"count": 1, "edited": -1}, "edited must be from 0 to 1, got -1"),
        ({"count": 1, "languages": ["eng"]}, "'eng' is none of them [(]did you mean 'en'"),
        ({"count": 1, "kinds": ["jobs"]}, "did you mean 'job'?"),
        ({"count": 1, "kinds": []}, "kinds is empty; name some of job, service"),
    ],
)
def test_arguments_out_of_range_are_refused_before_the_first_ad(arguments, words):
    with pytest.raises(UsageError, match=words):
        generate(**arguments)


def test_languages_and_kinds_are_as_asked_and_prevalence_stays():
    arguments = {"languages": ["es", "fr"], "kinds": ["service", "housing"], "prevalence": 0.1}
    table = pa.concat_tables(generate(1_500, **arguments)).to_pylist()
    assert {ad["language"] for ad in table} == {"es", "fr"}
    assert {ad["kind"] for ad in table} == {"service", "housing"}
    assert share(ad["true_risk"] >= 2 for ad in table) == pytest.approx(0.1, abs=0.02)


def test_ad_ids_are_unique(ads):
    assert len({ad["ad_id"] for ad in ads}) == len(ads)


@pytest.mark.parametrize("prevalence", [0.0, 0.03, 0.2])
def test_prevalence_is_kept_in_both_splits(prevalence):
    table = pa.concat_tables(generate(3_000, prevalence=prevalence)).to_pylist()
    for split in ("train", "test"):
        risky = share(ad["true_risk"] >= 2 for ad in of_split(table, split))
        assert risky == pytest.approx(prevalence, abs=0.015)


@pytest.mark.slow
@pytest.mark.parametrize("duplicates", [0.0, 0.5, 0.9])
def test_the_share_of_copies_is_as_asked(duplicates):
    table = pa.concat_tables(generate(6_000, duplicates=duplicates, prevalence=0.2))
    campaigns = len(set(table["campaign_id"].to_pylist()))
    assert 1 - campaigns / 6_000 == pytest.approx(duplicates, abs=0.04)


@pytest.mark.slow
def test_copies_that_are_not_edited_are_raw():
    arguments = {"duplicates": 0.9, "prevalence": 0.2}
    for edited, raw in ((0.0, 0.9), (1.0, 0.3)):
        table = pa.concat_tables(generate(6_000, edited=edited, **arguments))
        distinct = len(set(table["text"].to_pylist()))
        assert 1 - distinct / 6_000 == pytest.approx(raw, abs=0.05 if not edited else 0.25)


@pytest.mark.slow
def test_campaign_sizes_have_a_heavy_tail():
    table = pa.concat_tables(generate(20_000, prevalence=0.2, kinds=["housing"]))
    sizes = sorted(Counter(table["campaign_id"].to_pylist()).values())
    assert sizes[len(sizes) // 2] == 1
    assert sizes[-1] > 40
    assert sum(sizes[-len(sizes) // 20 :]) > 0.25 * sum(sizes)


def test_copies_keep_their_truth_and_rotate_contacts_places_and_accounts(ads):
    said, seen = defaultdict(set), defaultdict(lambda: defaultdict(set))
    for ad in ads:
        campaign = ad["campaign_id"]
        said[campaign].add((*ad["true_indicators"], "|", *ad["denied_indicators"], ad["true_risk"]))
        for column in ("account_id", "location", "text"):
            seen[column][campaign].add(ad[column])
    assert all(len(of) == 1 for of in said.values())
    for column in seen:
        assert max(map(len, seen[column].values())) > 2


def test_no_campaign_straddles_the_splits_and_the_test_split_comes_later(ads):
    splits, times = defaultdict(set), defaultdict(list)
    for ad in ads:
        splits[ad["campaign_id"]].add(ad["split"])
        times[ad["split"]].append(ad["posted_at"])
    assert all(len(of) == 1 for of in splits.values())
    assert max(times["train"]) < min(times["test"])
    assert share(ad["split"] == "test" for ad in ads) == pytest.approx(0.3, abs=0.05)


def test_times_lie_within_six_months_of_january_2026_and_mostly_by_day(ads):
    assert {(ad["posted_at"].year, ad["posted_at"].month) for ad in ads} == {
        (2026, month) for month in range(1, 7)
    }
    assert share(1 <= ad["posted_at"].hour < 6 for ad in ads) < 0.05


def test_boxes_are_filled_as_people_fill_them(ads):
    for box, empty in (("location", 0.14), ("account_id", 0.04), ("category", 0.08)):
        assert share(ad[box] is None for ad in ads) == pytest.approx(empty, abs=0.04)
    housing, jobs = of_kind(ads, "housing"), of_kind(ads, "job")
    assert share(ad["price"] is not None for ad in housing) > 0.6
    assert 0.3 < share(ad["price"] is not None for ad in jobs) < 0.6
    money = {"GB": "£", "BR": "R$", "MX": "pesos", "FR": "€"}
    priced = [ad for ad in ads if ad["region"] in money and ad["price"]]
    assert share(money[ad["region"]] in ad["price"] for ad in priced) > 0.8


@pytest.mark.slow
def test_job_ads_state_indicators_as_volodko_counted(many):
    jobs = of_kind(many, "job")
    assert share(evidence(ad) >= 1 for ad in jobs) == pytest.approx(0.98, abs=0.01)
    assert share(evidence(ad) >= 5 for ad in jobs) == pytest.approx(0.15, abs=0.03)


@pytest.mark.slow
def test_service_ads_state_indicators_as_giommoni_and_ikwu_counted(many):
    services = of_kind(many, "service")
    for count, expected in ((0, 0.19), (1, 0.58), (2, 0.21)):
        found = share(evidence(ad) == count for ad in services)
        assert found == pytest.approx(expected, abs=0.03)
    assert 0.01 < share(evidence(ad) >= 3 for ad in services) < 0.045


@pytest.mark.slow
def test_risk_is_no_count_of_indicators(many):
    counts = defaultdict(Counter)
    for ad in many:
        counts[ad["true_risk"]][evidence(ad)] += 1
    for count in (2, 3, 4, 5):
        assert all(counts[risk][count] for risk in range(4))
    assert share(evidence(ad) >= 5 for ad in many if ad["true_risk"] < 2) > 0.05


@pytest.mark.slow
def test_two_of_five_harmless_ads_are_hard_and_of_every_sort(many):
    harmless = [ad for ad in many if ad["true_risk"] == 0]
    assert share(ad["hard"] for ad in harmless) >= 0.4
    wanted = {"lawful_season", "sea_roster", "licensed_agency", "live_in_with_contract"}
    wanted |= {"independent", "clinic_team", "awareness_notice", "urgent_and_well_paid"}
    hard = Counter(ad["case"] for ad in harmless if ad["hard"])
    assert all(hard[case] > 30 for case in wanted)
    assert share(bool(ad["denied_indicators"]) for ad in harmless if ad["hard"]) > 0.2


@pytest.mark.slow
def test_a_hard_ad_is_never_risky(many):
    assert {ad["true_risk"] for ad in many if ad["hard"]} == {0}


@pytest.mark.slow
def test_what_is_stated_is_not_denied_and_the_latent_case_holds_it_all(many):
    for ad in many:
        assert not {*ad["true_indicators"]} & {*ad["denied_indicators"]}
        assert {*ad["true_indicators"]} - COUNTER <= {*ad["latent"]["indicators"]}
    risky = [ad for ad in many if ad["true_risk"] >= 2]
    unsaid = [{*ad["latent"]["indicators"]} - {*ad["true_indicators"]} for ad in risky]
    assert share(map(bool, unsaid)) > 0.5
    lies = [{*ad["latent"]["indicators"]} & {*ad["denied_indicators"]} for ad in risky]
    assert 0 < share(map(bool, lies)) < 0.2


@pytest.mark.slow
def test_formal_postings_are_as_long_as_real_ones_and_classifieds_short(many):
    lengths = defaultdict(list)
    for ad in of_kind(many, "job"):
        lengths[ad["template_family"].split("/")[1]].append(len(ad["text"]))
    median = {name: sorted(of)[len(of) // 2] for name, of in lengths.items()}
    formal = sorted(lengths["formal"])
    assert 560 < median["formal"] < 850  # H-2, EURES and DIFrauD together: 640
    assert 1_700 < formal[len(formal) * 95 // 100] < 2_700  # 2,200
    assert median["terse"] < 350 < median["chatty"] < median["formal"]


def test_every_language_kind_region_and_register_occurs(ads):
    assert {ad["language"] for ad in ads} == set(LANGUAGES)
    assert {ad["kind"] for ad in ads} == set(KINDS)
    assert len({ad["region"] for ad in ads}) == 12
    assert {ad["template_family"].split("/")[1] for ad in ads} == {"terse", "chatty", "formal"}


def test_the_template_family_says_nothing_of_the_case(ads):
    cases = {case.id for case in load_cases().cases}
    assert not {part for ad in ads for part in ad["template_family"].split("/")} & cases


def test_words_are_disguised_in_ads_of_both_classes():
    table = pa.concat_tables(generate(3_000, prevalence=0.4, duplicates=0)).to_pylist()
    for risky in (False, True):
        texts = [ad["text"] for ad in table if (ad["true_risk"] >= 2) is risky]
        bent = [any(mark in text for mark in "\u200b\u200c\u2060аеорс") for text in texts]
        assert 0.01 < share(bent) < 0.06


@pytest.mark.slow
def test_the_kind_of_ad_does_not_give_the_class_away(many):
    for kind in KINDS:
        assert share(ad["true_risk"] >= 2 for ad in of_kind(many, kind)) < 0.06
