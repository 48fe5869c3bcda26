"""What generated ads must and must not contain."""

import random
import re
from itertools import chain

import pyarrow as pa
import pytest

from adrisk.rules.taxonomy import load_taxonomy
from adrisk.synthetic import cases, contacts
from adrisk.synthetic import phrase_bank as bank
from adrisk.synthetic.generate import KINDS, generate
from adrisk.text.normalise import fold_text
from adrisk.types import Kind, Weight

FICTION_DIGITS = re.compile(
    r"1?\d{3}55501\d\d"  # North America
    r"|(?:44|0)(?:7700900|2079460|1(?:1[3-8]|[2-6]1)4960)\d{3}"  # Ofcom
    r"|(?:61|0)[2378](?:5550|7010)\d{4}"  # ACMA
    r"|(?:33|0)(?:63998|19900|26191|35301|46571|53649)\d{4}"  # ARCEP
)
SEXUAL = re.compile(
    r"\b(?:sexual\w*|sexy|sexuel\w*|er[oó]tic\w*|érotique\w*|nudes?|naked|desnud[ao]s?|nuas?|nues?"
    r"|escorts?|orgasm\w*|horny|lingerie|fetish\w*|intimate|bareback|incall|outcall|sensual\w*"
    r"|happy ending|xxx|porn\w*|prostitu\w*|puta\w*)\b",
    re.IGNORECASE,
)
YOUTH = re.compile(
    r"\b(?:young\w*|teen\w*|girls?|boys?|schoolgirl|students?|joven|jóvenes|jovencit\w*|niñ[ao]s?"
    r"|chic[ao]s?|jovem|jovens|menin[ao]s?|estudiantes?|estudantes?|jeunes?|filles?|fillettes?"
    r"|étudiante?s?|child\w*|kids?|moç[ao]s?|garot[ao]s?|rapariga\w*|muchach[ao]s?|menor(?:es)?"
    r"|mineure?s?|minors?|1\d (?:years|años|anos|ans))\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def ads():
    """Many ads of every language and kind, no two alike on purpose."""
    tables = generate(6_000, seed=11, prevalence=0.3, duplicates=0.2)
    return pa.concat_tables(tables).to_pylist()


@pytest.fixture(scope="module", params=bank.LANGUAGES)
def words(request):
    return bank.load_bank(request.param)


def forms_of(states, split, indicator):
    return [form for forms in states[split].get(indicator, {}).values() for form in forms]


def test_every_language_and_kind_is_looked_at(ads):
    seen = {(ad["language"], ad["kind"]) for ad in ads}
    assert seen == {(language, kind) for language in bank.LANGUAGES for kind in KINDS}


def test_telephone_numbers_come_only_from_ranges_reserved_for_fiction(ads):
    seen = 0
    for ad in ads:
        for run in digit_runs(ad["text"], ad["language"]):
            assert FICTION_DIGITS.search(run), (ad["ad_id"], run)
            seen += 1
    assert seen > 2_000


def digit_runs(text: str, language: str) -> list[str]:
    """Runs of eight digits or more, however they were written; times, prices and dates aside."""
    folded = re.sub(r"\d\d/\d\d/2026|\d{4,5}-[a-h]\b", " ", fold_text(text))
    for value, word in enumerate(contacts.NUMBER_WORDS[language]):
        for written in (word, word.translate(str.maketrans("éêö", "eeo"))):
            folded = re.sub(rf"\b{written}\b", str(value), folded)
    folded = re.sub(r"\bo\b", "0", re.sub(r"\bl\b", "1", folded))
    folded = re.sub(r"(?<=\d)[ .*_/·()\-]+(?=\d)", "", folded)
    return re.findall(r"\d{9,}", folded)


def test_mail_is_at_example_org_only(ads):
    for ad in ads:
        assert set(re.findall(r"[\w.]+@([\w.]+\w)", ad["text"])) <= {"example.org"}


def test_no_link_stands_in_an_ad(ads):
    assert not [ad["text"] for ad in ads if re.search(r"https?:|www\.|\.com\b", ad["text"])]


def test_no_ad_is_sexual(ads):
    assert not [ad["text"] for ad in ads if SEXUAL.search(ad["text"])]


def test_no_service_ad_speaks_of_youth(ads):
    for ad in ads:
        if ad["kind"] == "service":
            assert not YOUTH.search(ad["text"]), ad["text"]


def test_minor_recruitment_occurs_in_job_ads_only(ads):
    kinds = {ad["kind"] for ad in ads if "minor_recruitment" in ad["true_indicators"]}
    assert kinds == {"job"}


def test_no_slot_and_no_mark_is_left_open(ads):
    assert not [ad["text"] for ad in ads if re.search(r"[{}]|\|\|", ad["text"])]


def test_the_phrases_of_services_hold_no_word_of_youth_or_sex(words):
    service_ids = ("third_party_control", "multiple_people_one_ad", "movement_rotation")
    service_ids += ("restricted_premises", "origin_marketing", "autonomy_signal")
    for split in bank.SPLITS:
        for indicator in service_ids:
            for states in (words.present, words.absent):
                for form in forms_of(states, split, indicator):
                    assert not YOUTH.search(form), form
                    assert not SEXUAL.search(form), form


def test_what_stands_around_services_and_models_holds_no_word_of_youth_or_sex(words):
    for sector in ("massage", "companionship", "clinic", "modelling", "salon"):
        part = words.sectors[sector]
        hints = chain.from_iterable(words.lookalikes[s].get(sector, ()) for s in bank.SPLITS)
        around = words.general["service" if sector not in ("modelling", "salon") else "modelling"]
        titles = chain.from_iterable(part.titles)
        for sentence in chain(titles, part.lines, hints, around):
            assert not YOUTH.search(sentence), sentence
            assert not SEXUAL.search(sentence), sentence


def test_the_banks_cover_exactly_the_text_indicators(words):
    assert tuple(words.present["train"]) == load_taxonomy().text_ids
    assert tuple(words.present["test"]) == load_taxonomy().text_ids


def test_every_indicator_has_thirty_forms_and_eight_of_its_stated_absence(words):
    for indicator in load_taxonomy().text_ids:
        for states, least in ((words.present, 30), (words.absent, 8)):
            forms = [f for split in bank.SPLITS for f in forms_of(states, split, indicator)]
            assert len(set(forms)) >= least, (indicator, len(forms))
            assert all(len(states[split][indicator]) >= 2 for split in bank.SPLITS)


def test_no_form_and_no_family_stands_in_both_splits(words):
    for states in (words.present, words.absent):
        for indicator in load_taxonomy().text_ids:
            forms = [{*forms_of(states, split, indicator)} for split in bank.SPLITS]
            assert not forms[0] & forms[1]
    for parts in (words.lookalikes["train"].keys(), words.lookalikes["test"].keys()):
        assert parts == words.lookalikes["train"].keys()
    for group, lines in words.lookalikes["train"].items():
        assert not {*lines} & {*words.lookalikes["test"][group]}
    assert not {*words.awareness["train"]} & {*words.awareness["test"]}


def test_every_region_fills_every_slot(words):
    settled = {"place2", "name2", "contact", "chat", "obscured", "email"}
    used = {slot for text in words.topics for slot in re.findall(r"\{(\w+)\}", text)}
    for region in words.regions:
        assert used <= {*region.slots, *settled}, region.code
        assert all(region.slots.values())
        assert len(region.slots["place"]) >= 16


def test_twelve_regions_have_a_way_to_write_a_telephone_number():
    codes = [region.code for lang in bank.LANGUAGES for region in bank.load_bank(lang).regions]
    assert sorted(codes) == ["AR", "AU", "BE", "BR", "CA", "CO", "ES", "FR", "GB", "MX", "PT", "US"]
    for code in codes:
        number = contacts.PhoneBook("train").take(code)
        written = contacts.usual_form(number, code, random.Random(3))
        assert FICTION_DIGITS.fullmatch(re.sub(r"\D", "", written))


def test_the_weights_of_indicators_are_those_of_the_taxonomy():
    texts = [load_taxonomy().get(name) for name in load_taxonomy().text_ids]
    assert {i.id for i in texts if i.weight is Weight.STRONG} == cases.STRONG
    assert {i.id for i in texts if i.weight is Weight.MEDIUM} == cases.MEDIUM
    assert {i.id for i in texts if i.kind is Kind.COUNTER} == cases.COUNTER


def test_cases_name_known_indicators_sectors_and_lookalikes():
    book = cases.load_cases()
    for case in book.cases:
        named = {*case.core, *case.signs, *case.counter, *case.absent}
        assert named <= {*load_taxonomy().text_ids}
        assert set(case.sectors) <= set(book.sectors)
        assert bool(case.core) is (case.risky or case.doubtful)
        kinds = {book.sectors[name].kind for name in case.sectors}
        assert "minor_recruitment" not in case.signs or kinds == {"job"}
    assert {sector.kind for sector in book.sectors.values()} == set(KINDS)


@pytest.mark.parametrize("pool", ["us", "latin", "brazil", "quebec", "uk", "au", "fr"])
def test_telephone_numbers_are_fictional_distinct_and_disjoint_between_the_splits(pool):
    given = {}
    for split in bank.SPLITS:
        numbers = [contacts.phone(pool, split, i) for i in range(400)]
        assert all(FICTION_DIGITS.fullmatch(re.sub(r"\D", "", number)) for number in numbers)
        given[split] = set(numbers)
        assert len(given[split]) == 400
    assert not given["train"] & given["test"]


def test_a_spent_phone_book_gives_no_number_twice():
    book = contacts.PhoneBook("test")
    numbers = [book.take("BR") for _ in range(450)]
    kept = [number for number in numbers if number]
    assert len(kept) == len(set(kept)) == 400
    assert numbers[400:] == [None] * 50
