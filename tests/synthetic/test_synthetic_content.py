"""What may never stand in a generated ad, and what must."""

import re

import pyarrow as pa
import pytest

from adrisk.indicators import load_taxonomy
from adrisk.normalise import fold_text
from adrisk.synthetic import bank, cases, contacts, generate
from adrisk.types import Weight

FICTION = re.compile(
    r"\+1 \d{3} 555 01\d\d|\d{3}-555-01\d\d"
    r"|(?:\+44 |0)(?:20 7946 0|(?:113|114|121|131|161) 496 0)\d{3}"
    r"|(?:\+33 |0)(?:1[ .]99[ .]00|2[ .]61[ .]91|3[ .]53[ .]01|4[ .]65[ .]71|5[ .]36[ .]49)"
    r"[ .]\d\d[ .]\d\d"
)
FICTION_DIGITS = re.compile(
    r"1?\d{3}55501\d\d|(?:44|0)(?:2079460|(?:113|114|121|131|161)4960)\d{3}"
    r"|(?:33|0)(?:19900|26191|35301|46571|53649)\d{4}"
)
SEXUAL = re.compile(
    r"\b(?:sexual\w*|sexy|sexuel\w*|er[oó]tic\w*|érotique\w*|nudes?|naked|desnud[ao]s?|nuas?|nues?"
    r"|escorts?|orgasm\w*|horny|lingerie|fetish\w*|intimate|bareback|incall|outcall"
    r"|happy ending|xxx|porn\w*)\b",
    re.IGNORECASE,
)
YOUTH = re.compile(
    r"\b(?:young|teen\w*|girls?|boys?|schoolgirl|student|joven|jovencit\w*|niñ[ao]s?|chic[ao]s?"
    r"|jovem|jovens|menin[ao]s?|estudiante|estudante|jeunes?|filles?|fillettes?|étudiante?"
    r"|child\w*|kids?|1[0-7] (?:years|años|anos|ans))\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def ads():
    return pa.concat_tables(generate(2_000, seed=11, prevalence=0.2)).to_pylist()


@pytest.fixture(scope="module", params=bank.LANGUAGES)
def words(request):
    return bank.load_bank(request.param)


def test_telephone_numbers_come_only_from_ranges_reserved_for_fiction(ads):
    seen = 0
    for ad in ads:
        for run in digit_runs(ad["text"], ad["language"]):
            assert FICTION_DIGITS.search(run), (ad["ad_id"], run)
            seen += 1
    assert seen > 800


def digit_runs(text: str, language: str) -> list[str]:
    """Runs of eight digits or more, however they were written."""
    folded = fold_text(text)
    for value, word in enumerate(contacts.NUMBER_WORDS[language]):
        folded = re.sub(rf"\b{word}\b", str(value), folded)
    folded = re.sub(r"\bo\b", "0", re.sub(r"\bl\b", "1", folded))
    folded = re.sub(r"(?<=\d)[ .*_/·\-]+(?=\d)", "", folded)
    return re.findall(r"\d{8,}", folded)


def test_mail_is_at_example_org_only(ads):
    for ad in ads:
        assert set(re.findall(r"[\w.]+@([\w.]+\w)", ad["text"])) <= {"example.org"}


def test_no_ad_is_sexual(ads):
    assert not [SEXUAL.findall(ad["text"]) for ad in ads if SEXUAL.search(ad["text"])]


def test_no_service_ad_speaks_of_youth(ads):
    for ad in ads:
        if ad["kind"] == "service":
            assert not YOUTH.search(ad["text"]), ad["text"]


def test_minor_recruitment_occurs_in_job_ads_only(ads):
    kinds = {ad["kind"] for ad in ads if "minor_recruitment" in ad["indicators"]}
    assert kinds == {"job"}


def test_no_slot_is_left_open(ads):
    assert not [ad["text"] for ad in ads if "{" in ad["text"] or "}" in ad["text"]]


def test_the_phrases_of_services_hold_no_word_of_youth_or_sex(words):
    service_ids = ("third_party_control", "multiple_people_one_ad", "movement_rotation")
    service_ids += ("restricted_premises", "origin_marketing", "autonomy_signal")
    for split in bank.SPLITS:
        for indicator in service_ids:
            for forms in words.present[split][indicator].values():
                assert not [f for f in forms if YOUTH.search(f) or SEXUAL.search(f)]


def test_the_banks_cover_exactly_the_text_indicators(words):
    assert tuple(words.present["train"]) == load_taxonomy().text_ids
    assert tuple(words.present["test"]) == load_taxonomy().text_ids


def test_every_indicator_has_ten_forms_in_four_families_and_four_absent_ones(words):
    for indicator in load_taxonomy().text_ids:
        families = {
            (split, name): forms
            for split in bank.SPLITS
            for name, forms in words.present[split][indicator].items()
        }
        assert len(families) >= 4
        assert sum(map(len, families.values())) >= 10
        if indicator in words.absent["train"]:
            absent = [f for s in bank.SPLITS for f in words.absent[s][indicator].values()]
            assert sum(map(len, absent)) >= 4


def test_no_form_stands_in_both_splits(words):
    for states in (words.present, words.absent):
        sides = [
            {
                form
                for families in states[split].values()
                for forms in families.values()
                for form in forms
            }
            for split in bank.SPLITS
        ]
        assert not sides[0] & sides[1]


def test_every_slot_is_known(words):
    known = {*words.slots, "place2", "name2", "contact", "chat", "obscured", "email"}
    for split in bank.SPLITS:
        for families in words.present[split].values():
            for forms in families.values():
                assert {s for form in forms for s in re.findall(r"\{(\w+)\}", form)} <= known


def test_the_strong_indicators_are_those_of_the_taxonomy():
    assert {i.id for i in load_taxonomy() if i.weight is Weight.STRONG} == cases.STRONG


def test_cases_name_known_indicators_and_sectors():
    every, sectors = cases.load_cases()
    for case in every:
        assert {*case.core, *case.present, *case.absent} <= {*load_taxonomy().text_ids}
        assert set(case.sectors) <= set(sectors)
        kinds = {sectors[name].kind for name in case.sectors}
        assert "minor_recruitment" not in case.present or kinds == {"job"}


@pytest.mark.parametrize("language", bank.LANGUAGES)
def test_telephone_numbers_are_fictional_distinct_and_disjoint_between_the_splits(language):
    train = {contacts.phone(language, "train", i) for i in range(3_000)}
    test = {contacts.phone(language, "test", i) for i in range(3_000)}
    assert all(FICTION.fullmatch(number) for number in train | test)
    assert len(train) == len(test) == 3_000
    assert not train & test
