"""Report page: one HTML file that loads nothing, runs one known script and escapes everything.

The content security policy has the hashes of the only style sheet and script, so nothing in an ad
can run or change styles. Nothing derived from an ad is marked as safe.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from adrisk.errors import RunError, UsageError
from adrisk.report.charts import risk_histogram
from adrisk.report.items import PRESENT_FROM
from adrisk.report.queue import QueueIndex
from adrisk.report.summarise import BINS, Summary, summarise
from adrisk.rules.taxonomy import Taxonomy, load_taxonomy
from adrisk.scoring.masking import mask_field, reveal, visible
from adrisk.scoring.outputs import AdView
from adrisk.types import Level

LANGUAGE_NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "cs": "Czech", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian",
    "ca": "Catalan", "eu": "Basque", "gl": "Galician", "oc": "Occitan",
    "nl": "Dutch", "other": "all other languages", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "th": "Thai", "tl": "Tagalog", "tr": "Turkish",
    "uk": "Ukrainian", "unknown": "unknown", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


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


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Jinja environment with autoescape and the filters that mask and escape text from outside."""
    environment = Environment(
        loader=PackageLoader("adrisk.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=lambda number: f"{number:,}",
        percent=percent,
        day=_day,
        span=span_in_words,
        bars=_bars,
        moment=lambda at: f"{at:%Y-%m-%d %H:%M} {at.tzname() or ''}".strip(),
        language=lambda code: LANGUAGE_NAMES.get(code, code),
        pieces=lambda text, limit: reveal(_clipped(mask_field(text[: 2 * limit]), limit)),
        visible=lambda text, limit: reveal(_clipped(text, limit)),
        bare=lambda text: visible(_clipped(text, 80)),
        level=level_name,
    )
    environment.tests["maskless"] = lambda text: mask_field(text) == text
    return environment


def _clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def level_name(level: Level) -> str:
    """Name of a level in the queue; a clear ad in the queue is an audit sample."""
    return "audit" if level is Level.CLEAR else level.value


def percent(share: float | None) -> str:
    """A share in per cent, as text."""
    if share is None:
        return "not known"
    percent = 100 * share
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.5 <= percent < 100:
        return "> 99 %"
    return f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b %Y}"


def span_in_words(length: timedelta) -> str:
    """A length of time as text, in days, or in hours below two days."""
    hours = max(1, round(length.total_seconds() / 3600))
    if hours < 48:
        return f"{hours} hour" + ("" if hours == 1 else "s")
    return f"{round(hours / 24):,} days"


def _bars(counts: Sequence[int], width: int = 10, height: int = 30) -> str:
    """SVG path of a bar chart scaled to its largest count, without a bar for 0."""
    most = max(counts)
    drawn = []
    for place, count in enumerate(counts):
        if count:
            bar = max(2, round(height * count / most))
            drawn.append(f"M{place * width + 1} {height}v-{bar}h{width - 2}v{bar}z")
    return "".join(drawn)


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


def asset(name: str) -> str:
    """Content of a file in the folder of the templates."""
    return resources.files("adrisk.report").joinpath("templates", name).read_text("utf-8")


def sha256(text: str) -> str:
    """SHA-256 of a style sheet or script, as in a content security policy."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
