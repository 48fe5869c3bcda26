"""Copies in a batch are one wording; other regions and languages make another of the same words."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest

from adrisk import schema
from adrisk.linking.unique_texts import unique_texts

Row = tuple[str, str | None, str | None]  # text, location, language


def table(*rows: Row) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    names = ("text", "location", "language")
    return pa.table(
        [
            pa.array(values, schema.ADS.field(name).type)
            for name, values in zip(names, columns, strict=True)
        ],
        names=list(names),
    )


def test_copies_share_a_wording_in_the_order_of_the_first_that_has_it() -> None:
    found = unique_texts(table(*(("bca"[n % 3], None, "en") for n in range(7))))
    assert found.number.tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert found.texts.to_pylist() == ["b", "c", "a"]
    assert found.digests == [hashlib.sha256(text).hexdigest() for text in (b"b", b"c", b"a")]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("x", "Madrid", "en"), ("x", "Lisbon", "en")], [0, 1]),
        ([("x", "Madrid", "en"), ("x", "Sevilla", "en")], [0, 0]),
        ([("x", None, "en"), ("x", None, "pt"), ("x", None, None)], [0, 1, 2]),
        ([("x", None, "es"), ("y", None, "fr"), ("x", None, "es")], [0, 1, 0]),
        ([("x", None, "fr"), ("x", None, "en"), ("x", None, "fr")], [0, 1, 0]),
    ],
    ids=["two countries", "one country", "three languages", "between others", "back again"],
)
def test_a_wording_is_a_text_with_its_region_and_language(
    rows: list[Row], expected: list[int]
) -> None:
    found = unique_texts(table(*rows))
    assert found.number.tolist() == expected
    assert len(set(found.keys)) == len(found.keys) == max(expected) + 1
    for (text, _, language), number in zip(rows, expected, strict=True):
        assert found.texts[number].as_py() == text
        assert found.languages[number] == language


def test_a_wording_keeps_where_its_phones_are_likely_from() -> None:
    found = unique_texts(table(("x", "Madrid", None), ("y", None, None), ("z", None, "fr")))
    assert found.regions == ["ES", None, "FR"]


def test_no_ads_have_no_wordings() -> None:
    found = unique_texts(table())
    assert (len(found.number), len(found.texts), found.keys) == (0, 0, [])
