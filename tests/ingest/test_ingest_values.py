"""Values are converted to the types of the schema; others are marked, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adrisk.ingest.values import indicator_lists, join_lines, risks, times

MAY_2 = datetime(2024, 5, 2, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["2024-05-02T08:30:00Z"]), MAY_2),
        (pa.array(["2024-05-02 08:30"]), MAY_2),
        (pa.array(["2024-05-02 08:30:00 UTC"]), MAY_2),
        (pa.array(["2024-05-02T10:30:00+02:00"]), MAY_2),
        (pa.array([" 2024-05-02 "]), datetime(2024, 5, 2, tzinfo=UTC)),
        (pa.array(["20240502"]), datetime(2024, 5, 2, tzinfo=UTC)),
        (pa.array(["1714638600"]), MAY_2),
        (pa.array([1714638600]), MAY_2),
        (pa.array([1714638600.0]), MAY_2),
        (pa.array([1714638600000]), MAY_2),
        (pa.array([1714638600000000]), MAY_2),
        (pa.array([1714638600000000000]), MAY_2),
        (pa.array([1714638600e3]), MAY_2),
        (pa.array([20240502]), datetime(2024, 5, 2, tzinfo=UTC)),
        (pa.array([MAY_2], pa.timestamp("ns", tz="UTC")), MAY_2),
        (pa.array([date(2024, 5, 2)]), datetime(2024, 5, 2, tzinfo=UTC)),
        (pa.array([datetime(2024, 5, 2, 8, 30)], pa.timestamp("ns")), MAY_2),
        (pa.array([MAY_2], pa.timestamp("ms", tz="Europe/Paris")), MAY_2),
        (pa.array([None, None], pa.null()), None),
    ],
)
def test_times_are_read_in_every_usual_form(column, expected):
    found, missed = times(column)
    assert found.type == pa.timestamp("us", tz="UTC")
    assert found[0].as_py() == expected
    assert missed == 0


def test_times_that_are_none_are_null_and_counted_but_empty_ones_are_not():
    words = ["yesterday", "02/05/2024", "9" * 40, "2024", "17", "1e99", "-99999999999", "yesterday"]
    found, missed = times(pa.array([*words, "", None, "nan", "2024-05-02"]))
    assert found.null_count == len(words) + 3
    assert missed == len(words)
    assert times(pa.array([1714638600.5, float("nan")]))[1] == 0


def test_times_outside_the_calendar_are_null_and_counted():
    for column in (
        pa.array([2**60, 0], pa.timestamp("s")),
        pa.array([2**62, 0], pa.timestamp("us", tz="UTC")),
        pa.array([2**31 - 1, 0], pa.date32()),
        pa.array([-(2**62) // 86_400_000 * 86_400_000, 0], pa.date64()),
    ):
        found, missed = times(column)
        assert (found.to_pylist(), missed) == ([None, datetime(1970, 1, 1, tzinfo=UTC)], 1)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2900, 1, 1)))
def test_every_moment_survives_being_written_as_iso(moment):
    found, missed = times(pa.array([moment.isoformat()]))
    assert (found.cast(pa.timestamp("us"))[0].as_py(), missed) == (moment, 0)


@given(st.integers(10**9, 4 * 10**9))
def test_seconds_and_milliseconds_mean_the_same_moment(seconds):
    expected = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    for column in (pa.array([seconds]), pa.array([seconds * 1000])):
        assert times(column)[0][0].as_py() == expected


def test_unread_times_are_said_in_the_notes(read, tmp_path):
    (tmp_path / "ads.csv").write_text("text,date\ncook,soon\ndriver,2024-05-02\n")
    found = read(tmp_path / "ads.csv")
    assert found.stream.accepted == 2
    assert any("posted_at: 1 values were not understood" in note for note in found.stream.notes)


def test_risk_is_one_of_four_levels_or_missing():
    levels, unknown = risks(pa.array(["0", "3", "2.0", "", None, "nan", "4", "1.5", "high", "-1"]))
    assert levels.to_pylist() == [0, 3, 2, None, None, None, None, None, None, None]
    assert unknown.tolist() == [False] * 6 + [True] * 4
    assert risks(pa.array([1, None], pa.int64()))[0].to_pylist() == [1, None]
    assert risks(pa.array([1.0, float("nan")]))[0].to_pylist() == [1, None]
    assert risks(pa.nulls(2))[0].to_pylist() == [None, None]


def test_indicators_come_as_lists_or_strings_and_an_empty_cell_says_nothing():
    written = pa.array(["a; b", '["a", "b"]', "['a', 'b']", "a", "[]", "", None])
    lists = [["a", "b"], ["a", "b"], ["a", "b"], ["a"], [], None, None]
    assert indicator_lists(written).to_pylist() == lists
    assert indicator_lists(pa.array(lists, pa.large_list(pa.large_string()))).to_pylist() == lists


def test_lines_are_joined_without_leaving_empty_ones():
    columns = [pa.array(["a", None, "", None]), pa.chunked_array([["b", "b"], ["b", ""]])]
    assert join_lines(columns).to_pylist() == ["a\nb", "b", "b", ""]
