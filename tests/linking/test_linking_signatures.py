from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.linking.minhash import EMPTY, WIDTH, agreement, signatures


def column(*texts: str) -> pa.Array:
    return pa.array(texts, pa.large_string())


def alike(a: str, b: str) -> float:
    one, two = signatures(column(a, b))
    return float(agreement(one, two))


def test_agreement_estimates_the_shared_part_of_the_shingles() -> None:
    # 60 shingles each, 40 of them in both: the end of the shared words reads differently.
    shared = " ".join(f"shared{i}" for i in range(41))
    pairs = [
        (
            f"{shared} " + " ".join(f"a{k}x{i}" for i in range(19)),
            f"{shared} " + " ".join(f"b{k}x{i}" for i in range(19)),
        )
        for k in range(200)
    ]
    one = signatures(column(*(a for a, _ in pairs)))
    two = signatures(column(*(b for _, b in pairs)))
    assert np.mean(agreement(one, two)) == pytest.approx(40 / 80, abs=0.03)


def test_signatures_are_the_same_on_every_machine() -> None:
    texts = column(
        "we hire pickers, call 202 555 0143", "招聘采摘工 日薪三百", "сезонная работа", ""
    )
    assert (
        hashlib.sha256(signatures(texts).astype("<u4").tobytes()).hexdigest()[:16]
        == "3a24e82451fd38bf"
    )


def test_a_changed_number_costs_one_shingle() -> None:
    words = " ".join(f"word{i}" for i in range(40))
    assert alike(f"{words} 900 eur {words[:60]}", f"{words} 1250 eur {words[:60]}") > 0.9
    assert alike("1 2 3 4 5 6 7 8", "9 10 11 12 13 14 15 16") < 0.1


@pytest.mark.parametrize(
    "text",
    [
        "招聘采摘工人包吃包住日薪三百联系电话",
        "ต้องการคนงานเก็บผลไม้มีที่พัก",
        "требуются сборщики ягод жильё предоставляется",
        "مطلوب عمال لقطف الفاكهة مع السكن",
    ],
)
def test_letters_of_every_script_count(text: str) -> None:
    assert alike(text, text) == 1.0
    assert alike(text, text[::-1]) < 0.5


def test_ads_without_letters_or_digits_are_empty_and_short_ads_are_marked() -> None:
    rows = signatures(column("", " ... ★ ", "word", " ".join(f"w{i}" for i in range(12))))
    assert (rows[:2] == EMPTY).all()
    assert (rows[2:] != EMPTY).all()
    assert (rows[2:, 0] & 1).tolist() == [1, 0]


def test_nulls_are_refused() -> None:
    with pytest.raises(ValueError, match="1 nulls"):
        signatures(pa.array(["a", None], pa.large_string()))


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=12), st.integers(0, 12))
def test_a_batch_signs_like_its_parts(texts: list[str], cut: int) -> None:
    whole = column(*texts)
    rows = signatures(whole)
    assert rows.shape == (len(texts), WIDTH)
    parts = np.concatenate((signatures(whole.slice(0, cut)), signatures(whole.slice(cut))))
    assert np.array_equal(rows, parts)


@pytest.mark.slow
def test_texts_longer_than_a_batch_are_signed() -> None:
    long = "picking apples in the valley " * 30_000
    rows = signatures(column("short", long, "short"))
    assert np.array_equal(rows[0], rows[2])
    assert not np.array_equal(rows[0], rows[1])
