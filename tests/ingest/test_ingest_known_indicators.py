"""Unknown is not absent: nulls give no indicator labels, an empty list gives absent ones."""

from __future__ import annotations

import doctest
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from adrisk import api as stages
from adrisk.ingest import run
from adrisk.ingest.run import KnownIndicators
from adrisk.labels.targets import targets_of
from adrisk.progress import set_progress
from builders import make_texts

NAMES = pa.list_(pa.string())
KEPT = ["document_retention"]


def note(risk: list[int | None], indicators: list[list[str] | None], **more: object) -> str | None:
    columns = {"risk": pa.array(risk, pa.int8()), "indicators": pa.array(indicators, NAMES)}
    columns |= {name: pa.array(values, NAMES) for name, values in more.items()}
    found = KnownIndicators()
    found.add(pa.table(columns))
    return found.note


def test_an_empty_list_is_absence_and_null_is_not_known() -> None:
    ads = pa.table({"indicators": pa.array([KEPT, [], None], NAMES)})
    found = targets_of(ads, KEPT).indicators[:, 0]
    np.testing.assert_array_equal(found, [1.0, 0.0, np.nan])
    ads = ads.append_column("indicators_known", pa.array([KEPT, [], None], NAMES))
    found = targets_of(ads, KEPT).indicators[:, 0]
    np.testing.assert_array_equal(found, [1.0, np.nan, np.nan])


def test_risk_without_any_indicator_is_told() -> None:
    for told in (note([0, 3], [None, None]), note([0, 3], [[], None], indicators_known=[[], None])):
        assert str(told).startswith("indicators: unknown for every ad")
    assert str(note([0, 3], [[], None])).startswith("indicators: [] in every ad")
    assert "unknown is not absent" in str(note([0, 3], [[], []]))


def test_nothing_is_told_where_something_is_known_or_nothing_is_wrong() -> None:
    assert note([0, 3], [[], KEPT]) is None
    assert note([0, 3], [[], []], indicators_known=[KEPT, KEPT]) is None
    assert note([0, 1], [[], []]) is None  # lawful ads, in which somebody looked and found none
    assert note([None, None], [None, None]) is None
    found = KnownIndicators()
    found.add(pa.table({"risk": [3], "text": ["x"]}))
    found.add(pa.table({"text": ["x"]}))
    assert found.note is None


def test_the_columns_of_votes_count_as_known() -> None:
    votes = pa.array([[{"voter": "a", "item": "risk", "says": "2"}], None])
    found = KnownIndicators()
    ads = pa.table({"risk": [3, 0], "indicators": pa.array([None, None], NAMES), "votes": votes})
    found.add(ads)
    assert found.note is None


def test_the_example_of_the_docstring() -> None:
    assert doctest.testmod(run).failed == 0


def test_ingesting_and_reading_a_corpus_say_it_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, truth = make_texts(40, 10)
    rows = [
        {"text": text, "risk": 3 * int(risky), "indicators": []}
        for text, risky in zip(texts, truth, strict=True)
    ]
    source = tmp_path / "ads.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    set_progress("lines")
    try:
        done = stages.ingest([str(source)], tmp_path / "ads.parquet")
        told = capsys.readouterr().err
        stages.load_corpus([str(done.ads)])
        told_again = capsys.readouterr().err
    finally:
        set_progress("off")
    assert [n for n in done.notes if "unknown is not absent" in n]
    assert told.count("unknown is not absent") == 1
    assert told_again.count("unknown is not absent") == 1
