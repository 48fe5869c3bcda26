"""Report page: one HTML file that loads nothing, runs one known script and escapes everything.

The content security policy has the hashes of the only style sheet and script, so nothing in an ad
can run or change styles. Nothing derived from an ad is marked as safe.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from adrisk.errors import RunError, UsageError
from adrisk.report.charts import risk_histogram
from adrisk.report.items import PRESENT_FROM
from adrisk.report.page import asset, environment, sha256
from adrisk.report.queue import QueueIndex
from adrisk.report.summarise import BINS, Summary, summarise
from adrisk.rules.taxonomy import Taxonomy, load_taxonomy
from adrisk.scoring.outputs import AdView


def render(summary: Summary) -> str:
    """The page as HTML; the same summary gives the same bytes."""
    css, js = asset("report.css"), asset("report.js")
    policy = summary.manifest.policy
    charts = [
        risk_histogram(
            summary.histogram, policy.review_at, policy.urgent_at, width_px=width, name=name
        )
        for width, name in ((760, "wide"), (340, "narrow"))
    ]
    return (
        environment()
        .get_template("report.html")
        .render(
            summary=summary,
            manifest=summary.manifest,
            counts=summary.manifest.counts,
            model=summary.manifest.model,
            policy=policy,
            policy_json=_json(policy.model_dump(exclude_unset=True)),
            sources_json=_json(
                [one.model_dump(exclude_unset=True) for one in summary.manifest.sources]
            ),
            charts=charts,
            bins=_bins(summary),
            filters=_filters(summary),
            present_from=PRESENT_FROM,
            css=Markup(css),  # noqa: S704 - shipped with adrisk
            js=Markup(js),  # noqa: S704 - shipped with adrisk
            css_hash=sha256(css),
            js_hash=sha256(js),
        )
    )


def write_report(
    folder: Path,
    texts: Mapping[str, AdView],
    out: Path,
    *,
    taxonomy: Taxonomy | None = None,
    queue: QueueIndex | None = None,
) -> Path:
    """Write the page of a scored folder, whole or not at all.

    Args:
        folder: the output of `adrisk score`.
        texts: views of the ads in `read_queue(folder)`.
        out: the file to write; an existing one is replaced.
        taxonomy: the indicators in words; those of adrisk if None.
        queue: the result of `read_queue(folder)`, if already read.

    Returns:
        `out`.

    Raises:
        UsageError: if the folder is not the output of a scoring run, or `out` is a folder.
        RunError: if the file cannot be written.
    """
    if out.is_dir():
        raise UsageError(f"{out}: expected a file name for the report, got a folder; add a name")
    page = render(summarise(folder, texts, taxonomy or load_taxonomy(), queue=queue))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # A temporary file only its owner can read: the page shows the text of ads.
        handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(page)
            os.replace(name, out)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RunError(
            f"{out}: the report could not be written ({error.strerror}); "
            "check the folder's permissions and free space"
        ) from error
    return out


def _bins(summary: Summary) -> list[tuple[str, int]]:
    """The histogram in ten bins, for the table below the chart."""
    step = BINS // 10
    return [
        (f"{i * 10}–{i * 10 + 10} %", sum(summary.histogram[i * step : (i + 1) * step]))
        for i in range(10)
    ]


def _filters(summary: Summary) -> list[tuple[str, str, int]]:
    """Id, title and number of campaigns of each indicator in the queue, by title."""
    titles: dict[str, str] = {}
    counts: dict[str, int] = {}
    for item in summary.items:
        cross_ad = item.facts.cross_ad if item.facts else ()
        for term in (*(likely.term for likely in item.indicators), *(t for t, _ in cross_ad)):
            titles[term.id] = term.title
            counts[term.id] = counts.get(term.id, 0) + 1
    return sorted(((key, title, counts[key]) for key, title in titles.items()), key=lambda f: f[1])


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, default=str)
