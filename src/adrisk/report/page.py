"""Jinja environment of the HTML pages and charts, with their filters and assets."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from adrisk.scoring.masking import mask_field, reveal, visible
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


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Environment with autoescape and the filters that mask and escape text from outside."""
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
        px=lambda value: f"{value:g}",
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


def asset(name: str) -> str:
    """Content of a file in the folder of the templates."""
    return resources.files("adrisk.report").joinpath("templates", name).read_text("utf-8")


def sha256(text: str) -> str:
    """SHA-256 of a style sheet or script, as in a content security policy."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
