"""Prices, wages, hours and places; the suites have many more."""

from __future__ import annotations

import pyarrow as pa
import pytest

from adrisk.extract import places
from adrisk.extract.mentions import find_mentions, mentions_column
from adrisk.extract.places import country_of, find_places, guess_region, guess_regions


def said(text: str) -> list[tuple[str, str]]:
    return [(m.kind, text[m.start : m.end]) for m in find_mentions(text)]


def test_the_nearest_word_says_what_money_is_for() -> None:
    assert said("wage €2,000 a month, rent €400 a month") == [
        ("wage", "€2,000 a month"),
        ("price", "€400 a month"),
    ]
    assert said("you pay €300 first") == [("price", "€300")]


def test_money_for_a_stretch_of_time_is_pay_and_other_money_is_a_price() -> None:
    assert said("£12 an hour") == [("wage", "£12 an hour")]
    assert said("table, £12") == [("price", "£12")]


@pytest.mark.parametrize(
    "text", ["aged 18-25", "sizes 36-44", "12/05/2024", "6-4 6-3", "2019-2024", "room 9, 5 beds"]
)
def test_other_figures_are_no_hours(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("mon-fri 9:00-17:30", "mon-fri 9:00-17:30"),
        ("open 24/7", "24/7"),
        ("14 horas al día", "14 horas al día"),
        ("de 8h à 16h", "de 8h à 16h"),
        ("9am to 5pm", "9am to 5pm"),
    ],
)
def test_hours_are_found_whole(text: str, hours: str) -> None:
    assert said(text) == [("hours", hours)]


def test_a_name_that_is_also_a_word_is_a_place_only_where_something_says_so() -> None:
    assert [p.country for p in find_places("Reading lessons; work in Reading")] == ["GB"]
    assert find_places("Turkey sandwiches and China plates") == []
    assert [p.country for p in find_places("jobs in Turkey")] == ["TR"]


def test_places_are_found_in_other_scripts_and_cases() -> None:
    assert [p.country for p in find_places("работа в Варшаве и Москве")] == ["PL", "RU"]
    assert [p.country for p in find_places("北京招厨师")] == ["CN"]


@pytest.mark.parametrize(
    ("location", "country"),
    [("Leeds", "GB"), ("Perth, Australia", "AU"),
     ("Austin, TX", "US"), ("ES", "ES"), ("Bogotá", "CO"),
     ("US, NY, New York", "US"),
     ("nowhere in particular", None), ("", None)],
)  # fmt: skip
def test_a_location_says_its_country_or_nothing(location: str, country: str | None) -> None:
    assert country_of(location) == country


def test_the_place_counts_more_than_the_language() -> None:
    assert guess_region("Madrid", "fr") == "ES"
    assert guess_regions([None, "", "Lyon"], ["fr", "en", None]) == ["FR", None, "FR"]


@pytest.mark.parametrize(
    ("location", "language", "region"),
    [
        ("FLORIDA", "en", "US"), ("Florida", "es", "US"),
        ("WASHINGTON", "en", "US"), ("MONTANA", "en", "US"),
        ("GEORGIA", "en", None), ("Atlanta, Georgia", "en", "US"), ("Georgia, US", "en", "US"),
        ("Tbilisi, Georgia", "en", "GE"), ("Tbilisi Georgia", "en", "GE"),
        ("Valencia", "es", "ES"), ("VALENCIA", "es", "ES"), ("Valencia", "en", None),
        ("Valencia, Venezuela", "es", "VE"), ("Valencia, España", "en", "ES"),
        ("Burgos, Valencia", "en", "ES"), ("León", "es", "ES"), ("Leon", "es", "ES"),
        ("Córdoba", "es", "ES"), ("Córdoba, Argentina", "es", "AR"),
        ("Granada", "es", "ES"), ("Granada, Nicaragua", "es", "NI"), ("Granada", "fr", None),
        ("Toledo", "es", "ES"), ("Toledo, OH", "en", "US"), ("Mérida", "es", None),
        ("London", "en", "GB"), ("Madrid", "es", "ES"), ("Paris", "fr", "FR"),
        ("Guadalajara", "es", "MX"), ("Bogotá", "es", "CO"),
    ],
)  # fmt: skip
def test_a_name_that_several_countries_share_decides_nothing_by_itself(
    location: str, language: str, region: str | None
) -> None:
    assert guess_region(location, language) == region


def test_a_name_is_shared_only_by_countries_whose_places_are_known() -> None:
    codes = {country for countries in places._shared().values() for country in countries}
    assert codes <= places._codes()


def test_a_column_gives_what_single_ads_give_and_spans_are_raw_ones() -> None:
    texts = ["", "Cook, ＥＵＲ 500 a month", "½ day; £12 an hour in Leeds", "nothing"]
    found = mentions_column(pa.array(texts, pa.large_string()))
    assert found == [find_mentions(text) for text in texts]
    assert [texts[2][m.start : m.end] for m in found[2]] == ["£12 an hour", "Leeds"]
    assert [(m.kind, m.obscured) for m in found[1]] == [("wage", True)]
