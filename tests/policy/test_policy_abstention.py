"""What should not be judged: signs, repetitions, a few words, a language that was not learned."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.policy import abstention as judgeable
from adrisk.policy.abstention import AbstainReason, abstain_reasons, known_languages, unreadable
from adrisk.text.normalise import fold_text

FOUR = frozenset({"en", "es", "fr", "pt"})


def reason(text: str, language: str | None = "en") -> AbstainReason:
    found = abstain_reasons(unreadable(pa.array([fold_text(text)])), pa.array([language]), FOUR)
    return AbstainReason(int(found[0]))


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("!!!!!!", None, AbstainReason.UNREADABLE),
        ("", None, AbstainReason.UNREADABLE),
        ("☎ 💰💰💰 $$$ 555 0143 >>> ### 100 % 24/7 work ok", "en", AbstainReason.UNREADABLE),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", None, AbstainReason.UNREADABLE),
        ("x x x x x x x x x x x x x x", None, AbstainReason.UNREADABLE),
        ("Hotel work available", "en", AbstainReason.TOO_SHORT),
        ("Hotel work available", None, AbstainReason.TOO_SHORT),
        ("وظيفة في مطعم مع سكن ونقل مجاني للعاملين", "ar", AbstainReason.LANGUAGE),
        ("Wir suchen Leute für die Ernte im Sommer", "de", AbstainReason.LANGUAGE),
        ("We look for a cook with experience", "en", AbstainReason.JUDGED),
        ("Buscamos señoras para limpieza en el hotel", "es", AbstainReason.JUDGED),
        ("We look for a cook. Call 202 555 0143", None, AbstainReason.JUDGED),
        ("Night shift, packing, 12 h, 9 USD/h, 202 555 0143", "en", AbstainReason.JUDGED),
    ],
)
def test_an_ad_is_judged_or_there_is_a_reason(
    text: str, language: str | None, expected: AbstainReason
) -> None:
    assert reason(text, language) is expected


def test_words_without_blanks_between_them_are_no_short_text() -> None:
    known = frozenset({"ja"})
    text = pa.array(["経験者の調理師を募集しています"])
    assert abstain_reasons(unreadable(text), pa.array(["ja"]), known).tolist() == [
        AbstainReason.JUDGED
    ]
    assert unreadable(pa.array(["募集中"])).tolist() == [AbstainReason.TOO_SHORT]


def test_a_language_is_known_from_enough_ads_and_where_none_is_every_one_is_judged() -> None:
    assert known_languages({"en": 50, "pt": 49, "unknown": 900}) == {"en"}
    assert abstain_reasons(
        unreadable(pa.array(["wir suchen viele nette leute"])), pa.array(["de"]), frozenset()
    ).tolist() == [AbstainReason.JUDGED]


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
