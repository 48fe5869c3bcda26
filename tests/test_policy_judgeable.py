"""What should not be judged: signs, repetitions, a few words, a language that was not learned."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.policy import abstention as judgeable
from adrisk.policy.abstention import Unjudged, languages_known, unjudged, unreadable
from adrisk.text.normalise import fold_text

FOUR = frozenset({"en", "es", "fr", "pt"})


def reason(text: str, language: str | None = "en") -> Unjudged:
    found = unjudged(unreadable(pa.array([fold_text(text)])), pa.array([language]), FOUR)
    return Unjudged(int(found[0]))


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("!!!!!!", None, Unjudged.UNREADABLE),
        ("", None, Unjudged.UNREADABLE),
        ("☎ 💰💰💰 $$$ 555 0143 >>> ### 100 % 24/7 work ok", "en", Unjudged.UNREADABLE),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", None, Unjudged.UNREADABLE),
        ("x x x x x x x x x x x x x x", None, Unjudged.UNREADABLE),
        ("Hotel work available", "en", Unjudged.TOO_SHORT),
        ("Hotel work available", None, Unjudged.TOO_SHORT),
        ("وظيفة في مطعم مع سكن ونقل مجاني للعاملين", "ar", Unjudged.LANGUAGE),
        ("Wir suchen Leute für die Ernte im Sommer", "de", Unjudged.LANGUAGE),
        ("We look for a cook with experience", "en", Unjudged.JUDGED),
        ("Buscamos señoras para limpieza en el hotel", "es", Unjudged.JUDGED),
        ("We look for a cook. Call 202 555 0143", None, Unjudged.JUDGED),
        ("Night shift, packing, 12 h, 9 USD/h, 202 555 0143", "en", Unjudged.JUDGED),
    ],
)
def test_an_ad_is_judged_or_there_is_a_reason(
    text: str, language: str | None, expected: Unjudged
) -> None:
    assert reason(text, language) is expected


def test_words_without_blanks_between_them_are_no_short_text() -> None:
    known = frozenset({"ja"})
    text = pa.array(["経験者の調理師を募集しています"])
    assert unjudged(unreadable(text), pa.array(["ja"]), known).tolist() == [Unjudged.JUDGED]
    assert unreadable(pa.array(["募集中"])).tolist() == [Unjudged.TOO_SHORT]


def test_a_language_is_known_from_enough_ads_and_where_none_is_every_one_is_judged() -> None:
    assert languages_known({"en": 50, "pt": 49, "unknown": 900}) == {"en"}
    assert unjudged(
        unreadable(pa.array(["wir suchen viele nette leute"])), pa.array(["de"]), frozenset()
    ).tolist() == [Unjudged.JUDGED]


@given(st.lists(st.text("abcdéя漢😀 .", max_size=200), min_size=1, max_size=9), st.integers(0, 3))
def test_what_is_told_at_a_glance_is_what_looking_closely_would_say(
    texts: list[str], cut: int
) -> None:
    folded = pa.array([*texts, *(f"{text} {i} efghijkl" for i, text in enumerate(texts))])[cut:]
    letters = [sum("a" <= c <= "z" for c in text.as_py()) for text in folded]
    expected = [
        known < 0.5 * len(text.as_py().encode()) or len(set(text.as_py()[:120])) < 10
        for known, text in zip(letters, folded, strict=True)
    ]
    assert judgeable._doubtful(folded).tolist() == expected


@given(st.lists(st.text(max_size=60), max_size=40))
@settings(max_examples=10)
def test_a_batch_is_judged_like_its_texts_one_by_one(texts: list[str]) -> None:
    folded = [fold_text(text) for text in texts]
    alone = [unreadable(pa.array([text]))[0] for text in folded]
    assert unreadable(pa.array(folded, pa.large_string())).tolist() == alone
