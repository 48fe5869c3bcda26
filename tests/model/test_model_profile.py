"""The training data in counts: nothing but counts, additive, and checked on reading."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import load_file, save_file

from adrisk.errors import ModelError
from adrisk.model.profile import (
    GROUPS,
    Histogram,
    TrainingProfile,
    count,
    empty,
    known_words,
    quantile_edges,
    read_profile,
    words_of,
    write_profile,
)
from builders import make_frame, make_summary, make_texts


def column(*texts: str) -> pa.Array:
    return pa.array([text.lower() for text in texts], pa.large_string())


def figures(tally: Histogram) -> dict[str, list[float]]:
    """What was counted, over all groups."""
    return {
        f.name: np.atleast_1d(getattr(tally, f.name).sum(axis=0)).tolist()
        for f in fields(Histogram)
    }


def test_every_ad_is_counted_in_its_language_length_risk_and_indicators() -> None:
    texts = column("kitchen team", "night shift " * 6, "harvest")
    answers = np.array([0.1, 0.6, 0.9], np.float32), np.full((3, 2), [0.25, 0.5], np.float32)
    tally = count(make_frame(texts), texts, ["en", "fr", None], np.array([0, 0, 5]), answers)
    found = figures(tally)
    assert found["languages"] == [1, 0, 1, 1]  # en, es, other, unknown
    assert found["lengths"] == [2, 1, 0]
    assert found["risks"] == [1, 2]
    assert found["flagged"] == [1]
    assert found["indicators"] == [0.75, 1.5]
    assert np.flatnonzero(tally.judged).tolist() == [0, 5]


def test_a_word_counts_once_an_ad_and_unknown_ones_are_shares_of_running_words() -> None:
    frame = make_frame(column("kitchen team"))
    answers = np.array([0.1], np.float32), np.zeros((1, 2), np.float32)
    found = figures(count(frame, column("team team team bakery"), ["en"], np.array([1]), answers))
    assert sorted(found["words"]) == [0, 1]
    assert found["tokens"] == [4, 1]


def test_what_a_model_was_fitted_on_is_not_judged() -> None:
    texts = column("kitchen team")
    found = figures(count(make_frame(texts), texts, ["en"], np.array([1])))
    assert found["judged"] == [0]
    assert found["tokens"] == [0, 0]
    assert found["languages"] == [1, 0, 0, 0]


def test_a_batch_counts_like_its_parts() -> None:
    texts = column(*make_texts(40, 9)[0])
    frame, groups = make_frame(texts), np.arange(40) % GROUPS
    whole = count(frame, texts, ["en"] * 40, groups)
    parts = empty(frame)
    for rows in (slice(0, 7), slice(7, 40)):
        taken = texts[rows.start : rows.stop]
        parts += count(frame, taken, ["en"] * len(taken), groups[rows])
    assert figures(parts) == figures(whole)
    assert parts.ads == 40


def test_no_phone_price_or_name_is_kept_among_the_words() -> None:
    texts = column(*["team shift 2025550143 12eur"] * 5, "maria shift", "maria shift")
    kept = known_words(texts, np.array([0, 1, 2, 3, 4, 5, 5]))
    assert set(kept) == set(words_of(column("team shift"))[1])


def test_ties_leave_fewer_bins_and_no_values_leave_one() -> None:
    assert quantile_edges(np.array([1.0] * 99 + [2.0])).tolist() == [1.0]
    assert quantile_edges(np.zeros(0)).tolist() == []


def test_a_summary_is_the_same_after_reading_and_holds_no_word(tmp_path: Path) -> None:
    summary = make_summary()
    write_profile(tmp_path, summary)
    found = read_profile(tmp_path, labels=2)
    assert found.bins.languages == ("en", "es")
    assert found.bins.review_at == 0.8
    np.testing.assert_array_equal(found.bins.words, summary.bins.words)
    assert figures(found.counts) == figures(summary.counts)
    content = (tmp_path / "summary.safetensors").read_bytes()
    assert not any(word in content for word in (b"kitchen", b"passport", b"harvest"))


def test_counts_that_do_not_fit_their_bins_are_refused(tmp_path: Path) -> None:
    summary = make_summary()
    wrong = replace(summary.bins, languages=("en",))
    write_profile(tmp_path, TrainingProfile(wrong, summary.counts))
    with pytest.raises(ModelError, match=r"languages has shape \(32, 4\), its bins need"):
        read_profile(tmp_path, labels=2)


@pytest.mark.parametrize(
    "changes",
    [
        {"words": np.array([3, 2], np.uint32)},
        {"length_edges": np.array([150.0, 50.0])},
        {"review_at": 7.0},
        {"languages": ("en", "en")},
        {"languages": tuple(f"x{i}" for i in range(60))},
    ],
)
def test_bins_that_cannot_be_those_of_training_ads_are_refused(tmp_path: Path, changes) -> None:
    summary = make_summary()
    frame = replace(summary.bins, **changes)
    write_profile(tmp_path, TrainingProfile(frame, summary.counts))
    with pytest.raises(ModelError, match="not the counts of training ads"):
        read_profile(tmp_path, labels=2)


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    write_profile(tmp_path, make_summary())
    path = tmp_path / "summary.safetensors"
    save_file({**load_file(path), "frame_languages": np.array([0xFF], np.uint8)}, path)
    with pytest.raises(ModelError, match="not the counts of training ads"):
        read_profile(tmp_path, labels=2)


def test_a_negative_count_is_refused(tmp_path: Path) -> None:
    summary = make_summary()
    write_profile(
        tmp_path, replace(summary, counts=replace(summary.counts, words=-summary.counts.words))
    )
    with pytest.raises(ModelError, match="a negative one"):
        read_profile(tmp_path, labels=2)
