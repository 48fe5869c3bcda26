"""What leaves `text` is safe to show, complete, and still in the right place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.scoring.masking import MASK, Segment, marked, mask, mask_field, reveal
from adrisk.types import Evidence

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("0123456789@.+-() \u202e\u200b\u2066\x00\r\n\ufe0f\u20e3\ud800"),
    ),
    max_size=120,
)


def shown(segments: tuple[Segment, ...]) -> str:
    return "".join(piece.text for segment in segments for piece in segment.pieces)


@pytest.mark.parametrize(
    "contact",
    [
        "+1 202 555 0143",
        "(202) 555-0143",
        "202.555.0143",
        "07700 900123",
        "2️⃣0️⃣2️⃣5️⃣5️⃣5️⃣0️⃣1️⃣4️⃣3️⃣",
        "２０２５５５０１４３",
        "2\u200b0\u200b2\u200b5\u200b5\u200b5\u200b0\u200b1\u200b4\u200b3",
        "two 0 two five five five 0 one 4 three",
        "jobs@example.org",
        "jobs @ example.org",
        "t.me/demo_channel",
        "@demo.handle",
    ],
)
def test_contacts_are_blotted_out_and_the_words_around_them_stay(contact: str) -> None:
    raw = f"Message: {contact} today"
    masked = mask(raw)
    assert len(masked) == len(raw)
    assert not any(c.isdigit() for c in masked)
    assert "example" not in masked
    assert "demo" not in masked
    assert masked.startswith("Message: ")
    assert masked.endswith(" today")


@pytest.mark.parametrize(
    "figure",
    ["2026-01-01", "01/02/2026", "$1200 - 1500", "1200-1500 EUR", "1,200,000", "12.50", "24/7"],
)
def test_dates_and_sums_of_money_are_no_contacts(figure: str) -> None:
    assert mask(f"It says {figure} here") == f"It says {figure} here"
    assert mask_field(figure) == figure


@given(HOSTILE)
def test_masking_keeps_every_length(raw: str) -> None:
    assert len(mask(raw)) == len(raw)


@given(HOSTILE)
def test_nothing_invisible_or_reordering_is_left_in_what_is_shown(raw: str) -> None:
    text = "".join(piece.text for piece in reveal(raw))
    assert not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    assert not any(ord(c) < 32 and c not in "\n\t" for c in text)
    text.encode("utf-8")


def test_a_hidden_character_is_named_and_a_run_of_them_is_one_sign() -> None:
    override, zero_width = (piece for piece in reveal("\u202ea\u200b\u200b\u200bb") if piece.name)
    assert (override.text, override.name) == ("U+202E", "right-to-left override")
    assert (zero_width.text, zero_width.name) == ("U+200B ×3", "zero width space, 3 times")


@pytest.mark.parametrize(
    "text", ["👩‍🌾 and ❤️", "می‌خواهم", "Ärger, naïve, кухня", "line\nline\ttab"]
)
def test_emoji_and_scripts_that_need_joiners_stay_as_they_are(text: str) -> None:
    assert "".join(piece.text for piece in reveal(text)) == text
    assert not any(piece.name for piece in reveal(text))


def test_half_a_character_is_shown_as_a_sign() -> None:
    assert [piece.text for piece in reveal("a\ud83db")] == ["a", "U+D83D", "b"]


def test_overlapping_evidence_is_cut_at_every_edge() -> None:
    evidence = [Evidence("a", 0, 6, "r"), Evidence("b", 4, 9, "r")]
    cut = marked("abcdefghij", evidence, {"a": 1, "b": 2}, 100)
    assert [(shown((s,)), s.marks, s.ends) for s in cut] == [
        ("abcd", (1,), ()),
        ("ef", (1, 2), (1,)),
        ("ghi", (2,), (2,)),
        ("j", (), ()),
    ]


@given(st.data())
def test_a_mark_covers_exactly_the_words_it_claims(data: st.DataObject) -> None:
    raw = data.draw(st.text("abc é☎🌾\n", max_size=60))
    edge = st.integers(0, len(raw))
    spans = [sorted((data.draw(edge), data.draw(edge))) for _ in range(3)]
    evidence = [Evidence(str(n), a, b, "r") for n, (a, b) in enumerate(spans)]
    cut = marked(raw, evidence, {str(n): n for n in range(3)}, 1000)
    assert shown(cut) == raw
    for n, (a, b) in enumerate(spans):
        assert shown(tuple(s for s in cut if n in s.marks)) == raw[a:b]


def test_a_long_text_is_shown_around_its_evidence_and_says_how_much_is_missing() -> None:
    raw = "x" * 4_000 + "NEEDLE" + "y" * 4_000
    cut = marked(raw, [Evidence("a", 4_000, 4_006, "r")], {"a": 1}, 5_000)
    assert "NEEDLE" in shown(cut)
    assert len(shown(cut)) < 2_000
    assert len(shown(cut)) + sum(s.left_out for s in cut) == len(raw)


def test_a_contact_at_the_edge_of_a_stretch_is_blotted_out_whole() -> None:
    raw = "word " * 94 + "call 202 555 0143 " + "word " * 2_000
    cut = marked(raw, [], {}, 1_000)
    assert not any(c.isdigit() for c in shown(cut))
    assert MASK in shown(cut)


@pytest.mark.parametrize("unit", ["x", "5 ", "a@", "1-", "\u202e", "@a.", "five "])
def test_a_megabyte_of_one_thing_is_no_slower_than_an_ad(unit: str) -> None:
    raw = unit * (1_000_000 // len(unit))
    assert len(shown(marked(raw, [], {}, 5_000))) < 5_000
