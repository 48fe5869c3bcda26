"""The model card: every figure comes from the manifest, and nothing foreign steers the page."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adrisk.escaping import plain
from adrisk.evaluation.markdown import table
from manifests import make_card, make_group, make_manifest, make_slice

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the numbers of a manifest stand; a budget is part of the names of figures."""
    if isinstance(value, bool) or path[-1:] == ("budget",):
        return
    if isinstance(value, int | float):
        yield path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


UNSAID = {
    *("format", "positives", "campaigns", "n", "low", "high", "unjudged", "passed", "share"),
    *("protocol", "recall_seen", "share_seen"),
}
"""Numbers that also stand inside figures or words, where the card does not repeat them."""

NOT_SHOWN = [
    ("quality", "data"),
    ("quality", "report", "risk_by_campaign"),
    *(("fairness", "unseen", name) for name in ("ads", "risky")),
    ("fairness", "unseen", "at", "0.05", "threshold"),
    *(("fairness", "swaps", name) for name in ("threshold", "nationality", "gender", "city")),
    *(("fairness", "swaps", "name", name) for name in ("over_of_could", "mean_change")),
    *(("fairness", "swaps", "name", name) for name in ("mean_distance", "findings_changed")),
    *(("fairness", "swaps", "name", name) for name in ("log_odds", "ads")),
    *(("faithfulness", name) for name in ("data", "draws")),
    ("faithfulness", "flagged", "threshold"),
    ("faithfulness", "points", 0, "without_room"),
]
"""Parts of the manifest that repeat others, or that other pages show."""


def test_every_number_of_the_manifest_that_is_no_count_inside_a_figure_moves_the_card() -> None:
    manifest = make_manifest()
    before = make_card(manifest)
    shown = [
        path
        for path in places(manifest)
        if path[-1] not in UNSAID and not any(path[: len(p)] == p for p in NOT_SHOWN)
    ]
    ranking = re.compile(r"(recall|precision)_at_0\.0(05|2|5)|alerts_per_10000_at_0\.0(1|2)")
    silent = []
    for path in shown:
        changed = with_number(manifest, path, lambda n: type(n)(n * 2 + 0.111))
        # Only the threshold's own share is in the table; baselines show fewer columns still.
        if make_card(changed) == before and not any(ranking.fullmatch(str(key)) for key in path):
            silent.append(path)
    assert silent == []
    assert len(shown) > 60


def with_number(
    manifest: dict[str, Any], path: tuple[Any, ...], change: Callable[[Any], Any]
) -> dict[str, Any]:
    """The manifest with another number at one place."""
    changed = copy.deepcopy(manifest)
    inside: Any = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = change(inside[path[-1]])
    return changed


def test_the_card_has_no_figure_that_is_not_in_the_manifest() -> None:
    manifest = make_manifest()
    other = manifest
    for path in places(manifest):
        other = with_number(other, path, lambda n: 0)
    other["guarantees"] = []
    written = set(re.findall(r"\d+\.\d{2,}", make_card(other)))
    typed = written - {"0.0000", "0.000", "0.00", "2026.11"}
    assert typed == {"0.25", "3.11"}  # words of the manifest: what passing means, which Python


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m, "| **2026.11-ngram** | 0.390 [0.195, 0.585]"),
        (lambda m: m, "| English | 302 | 17 | 0.478 [0.239, 0.717]"),
        (lambda m: m, "| housing | 20 | 0 | too few ads |"),
        (lambda m: m, "| document_retention | 790 | 24 | 0.352 [0.176, 0.528]"),
        (lambda m: m, "| negated | 2/16 | 20 % [10, 100] of 64 |"),
        (
            lambda m: m,
            "By language it ranks worst: Spanish, average precision 0.233 [0.117, ",
        ),
        (lambda m: m, "Not one ad of the report set shows isolation_or_movement_control"),
        (lambda m: m, "The figures show how well the model finds what the generator planted"),
        (lambda m: m["guarantees"][0].update(qualified=False), "| 0.0208 | **no** |"),
        (lambda m: m["quality"]["baselines"].clear(), "## Quality"),
        (lambda m: m["quality"].pop("random_split"), "## Quality"),
        (lambda m: m, "| risk | 0.390 [0.195, 0.585] | 0.310 [0.155, 0.465] | 0.080 [0.040, "),
        (lambda m: m["quality"].pop("beside"), "## Quality"),
        (
            lambda m: m,
            "| language: en | 411 | 2.19 [1.09, 3.28] | 402 | 1.41 [0.70, 2.11] | 0.93 ",
        ),
        (lambda m: m, "Groups withheld: 2 of language (31 ads)."),
        (
            lambda m: m["fairness"]["unseen"]["at"]["0.05"]["groups"]["language"].update(
                groups={f"x{i}": make_group() for i in range(20)}, differ=["x7"]
            ),
            "| language: 19 others without a star |",
        ),
        (lambda m: m, "| name | 333 | 0.72 [0.36, 1.08] | 0.0812 |"),
        (lambda m: m, "| 1 | 55 | 0.410 [0.205, 0.615] | 0.060 [0.030, 0.090] | 0.350"),
        (lambda m: m.pop("fairness"), "## Fairness\n\nNot measured for this release."),
        (
            lambda m: m.pop("faithfulness"),
            "Faithfulness of the explanations\n\nNot measured for this release.",
        ),
        (lambda m: m["behaviour"]["moves"].clear(), "## Behaviour"),
        (
            lambda m: m["model"].update(parameters={"encoder": {"encoder": "offline"}}),
            "Its encoder started from all-MiniLM-L6-v2",
        ),
    ],
)
def test_what_the_manifest_says_stands_on_the_card(
    change: Callable[[dict[str, Any]], Any], said: str
) -> None:
    manifest = make_manifest()
    change(manifest)
    assert said in make_card(manifest)


def test_real_labels_are_not_called_generated() -> None:
    manifest = make_manifest()
    manifest["data"]["target"] = "employment scam (difraud)"
    said = make_card(manifest)
    assert "**employment scam (difraud)**" in said
    assert "generator" not in said
    assert "generated ads" not in said


HOSTILE = "x|y\n# z <script>alert(1)</script> ![i](http://e.org/i) [l](http://e.org) `c` _a_ &lt;"


def test_hostile_names_are_shown_and_neither_run_nor_link_nor_break_a_table() -> None:
    manifest = make_manifest()
    manifest["data"]["sources"] = [HOSTILE]
    manifest["data"]["kinds"] = {HOSTILE: 3}
    manifest["data"]["target"] = HOSTILE
    manifest["quality"]["report"]["slices"]["kind"] = {HOSTILE: make_slice(0.3)}
    manifest["model"]["parameters"] = {HOSTILE: HOSTILE}
    page = MARKDOWN.render(make_card(manifest))
    for mark in ("<script", "<img", 'href="http'):
        assert mark not in page
    assert "x|y # z &lt;script&gt;alert(1)&lt;/script&gt;" in page
    headings = re.findall(r"<h[12]>(.*?)</h[12]>", page)
    assert headings == re.findall(
        r"<h[12]>(.*?)</h[12]>", MARKDOWN.render(make_card(make_manifest()))
    )


@pytest.mark.slow
@given(st.text())
def test_any_text_in_a_cell_is_shown_as_itself(text: str) -> None:
    html = MARKDOWN.render("\n".join(table(["a", "b"], [[plain(text), "end"]])))
    cells = re.findall(r"(?s)<td>(.*?)</td>", html)
    assert len(cells) == 2
    assert "<" not in cells[0]
    shown = cells[0].replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
    expected = "".join(
        c if c.isprintable() else f"(U+{ord(c):04X})" for c in " ".join(text.split())
    )
    assert shown.replace("&amp;", "&") == expected


def test_the_circle_of_rules_and_generator_is_told_where_the_model_reads_findings() -> None:
    reads, text_alone = make_manifest(), make_manifest()
    text_alone["model"]["parameters"]["findings"] = False
    assert "so the figures are partly circular" in make_card(reads)
    assert "on real ads.**" in make_card(text_alone)
    assert "circular." not in make_card(text_alone).split("## What it is for")[0]
