"""The hint pattern of handles."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from adrisk.extract import handles

APP, CUE = f"(?:{handles._WORDS_OF_APPS})", f"(?:{handles._CUE_WORDS})"
BEHIND = r"[\s:=>•.()–—-]{0,4}"
SPELT_OUT = "|".join(
    [
        rf"{APP}{BEHIND}(?:{CUE}[\s:=]{{0,3}}){{0,3}}(?:{handles._LIKELY_NAME})",
        rf"{APP}[\s]{{0,2}}(?:{CUE}[\s]{{0,3}}){{0,3}}[\s]?[:=][\s:=]{{0,3}}[a-z0-9]",
        rf"{APP}{BEHIND}(?:{CUE}[\s:=]{{0,3}}){{1,3}}[a-z0-9]+[._]",
        "discord",
    ]
)
APPS = ["telegram", "insta", "wechat", "line", "kik", "微信", "тг", "discord"]
WORDS = ["my", "id", "user", "号", "is", "on", "ana", "ana_7", "7ana", "ana.b"]
PIECES = st.sampled_from([*APPS, *WORDS, " ", " ", ": ", "=", ".", "_", "@", "\n", "("])


@settings(max_examples=300)
@given(st.lists(st.lists(PIECES, max_size=9).map("".join), min_size=1, max_size=30))
def test_the_hint_is_each_way_to_name_a_handle_spelt_out(texts: list[str]) -> None:
    folded = pa.array(texts)
    expected = pc.match_substring_regex(folded, SPELT_OUT)
    assert pc.match_substring_regex(folded, handles.HINT).equals(expected)
