"""The two pictures of the documentation, as SVG: an example, and the rooms of the code.

    adrisk score MODEL docs/examples/ads.csv -o scored --policy docs/examples/policy.yaml
    python tools/pictures.py scored

Writes docs/images/example.svg from the ads and from what was scored, and docs/images/rooms.svg.
Without a folder only the second is drawn. The example's figures are those of the model that scored.
"""

from __future__ import annotations

import csv
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
ADS = ROOT / "docs" / "examples" / "ads.csv"

INK, PALE, LINE, ALARM, MARK = "#22303c", "#5b6b79", "#c3cdd6", "#a3262a", "#f6d98b"
_FILLS = {"urgent": "#fbeceb", "review": "#fdf4e3", "incomplete": "#eef1f4", "room": "#eef3f8"}


class Drawing:
    """An SVG that grows downwards; text is set in the reader's sans-serif font."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" '
            'font-family="Helvetica, Arial, sans-serif">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            '<defs><marker id="tip" markerWidth="9" markerHeight="9" refX="7" refY="4" '
            'orient="auto">'
            f'<path d="M0,0 L8,4 L0,8 z" fill="{PALE}"/></marker></defs>',
        ]

    def text(
        self, x: int, y: int, words: str, size: int = 13, colour: str = INK, style: str = ""
    ) -> None:
        """One line; `style` may be bold, middle, mono."""
        weight = ' font-weight="600"' if "bold" in style else ""
        anchor = ' text-anchor="middle"' if "middle" in style else ""
        family = ' font-family="Menlo, Consolas, monospace"' if "mono" in style else ""
        self._parts.append(
            f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}"{weight}{anchor}{family}>'
            f"{escape(words)}</text>"
        )

    def box(self, x: int, y: int, width: int, height: int, fill: str, edge: str = LINE) -> None:
        """A rounded box."""
        self._parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" '
            f'stroke="{edge}"/>'
        )

    def arrow(self, *points: tuple[int, int], dashed: bool = False) -> None:
        """A line through points with a tip at its end."""
        path = " L".join(f"{x},{y}" for x, y in points)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(
            f'<path d="M{path}" fill="none" stroke="{PALE}" stroke-width="1.5"{dash} '
            'marker-end="url(#tip)"/>'
        )

    def write(self, path: Path) -> None:
        """Write the file."""
        path.write_text("\n".join([*self._parts, "</svg>", ""]), encoding="utf-8", newline="\n")


def example(folder: Path) -> Drawing:
    """Rows of ads on the left, the queue that was made of them on the right."""
    with ADS.open(encoding="utf-8", newline="") as file:
        ads = list(csv.DictReader(file))
    scores = {row["ad_id"]: row for row in pq.read_table(folder / "scores").to_pylist()}
    flags = pq.read_table(folder / "flags.parquet").to_pylist()
    facts = {
        row["campaign_id"]: row
        for row in pq.read_table(folder / "campaign_facts.parquet").to_pylist()
    }
    drawing = Drawing(1080, 572, "Six ads, and the queue of campaigns that adrisk makes of them")
    _rows(drawing, ads)
    drawing.arrow((512, 290), (552, 290))
    drawing.text(566, 34, "The queue: campaigns in order, each with its reasons", 15, style="bold")
    y = 54
    queued = [flag for flag in flags if flag["rank"]]
    for flag in sorted(queued, key=lambda one: one["rank"]):
        y = _queued(drawing, y, flag, facts[flag["campaign_id"]], scores[flag["ad_id"]], ads)
    clear = Counter(flag["campaign_id"] for flag in flags)
    waiting = len(clear) - len({flag["campaign_id"] for flag in queued})
    drawing.text(566, y + 24, f"{waiting} campaigns are below the review threshold.", 13, PALE)
    drawing.text(566, y + 46, "A flag asks a person to look. It never accuses.", 13, PALE)
    return drawing


def _rows(drawing: Drawing, ads: Sequence[dict[str, str]]) -> None:
    drawing.text(20, 34, f"{len(ads)} ads, as a platform exports them (invented)", 15, style="bold")
    y = 54
    for ad in ads:
        lines = textwrap.wrap(f"{ad['title'].rstrip('!')}. {ad['body']}", 68)
        height = 32 + 17 * len(lines)
        drawing.box(20, y, 480, height, "#ffffff")
        place = ", ".join(filter(None, (ad["location"], ad["account_id"], ad["posted_at"])))
        drawing.text(32, y + 19, ad["ad_id"], 12, PALE, "mono")
        drawing.text(100, y + 19, place, 12, PALE)
        for number, line in enumerate(lines):
            drawing.text(32, y + 38 + 17 * number, line, 13)
        y += height + 8


def _queued(
    drawing: Drawing,
    y: int,
    flag: dict[str, Any],
    facts: dict[str, Any],
    score: dict[str, Any],
    ads: Sequence[dict[str, str]],
) -> int:
    """One place of the queue; returns where the next may begin."""
    ad = next(one for one in ads if one["ad_id"] == flag["ad_id"])
    text = f"{ad['title']}\n{ad['body']}"
    reasons = [line for reason in flag["reasons"] for line in _bulleted(reason)]
    spans = sorted({(e["start"], e["end"]) for e in score["evidence"] or []})
    shown = list(dict.fromkeys(text[start:end] for start, end in _outermost(spans)))
    height = 44 + 19 * len(reasons) + (28 * len(shown) + 38 if shown else 0)
    level = flag["level"]
    drawing.box(566, y, 494, height, _FILLS[level], ALARM if level == "urgent" else LINE)
    drawing.text(582, y + 25, f"{flag['rank']}", 17, style="bold")
    colour = ALARM if level == "urgent" else INK
    drawing.text(606, y + 25, level.upper(), 13, colour, "bold")
    judged = f"campaign risk {facts['risk']:.2f}" if level != "incomplete" else "not judged"
    drawing.text(712, y + 25, f"{judged}, {_counted(facts)}", 13)
    for number, line in enumerate(reasons):
        drawing.text(582, y + 50 + 19 * number, line, 13)
    if shown:
        at = y + 56 + 19 * len(reasons)
        drawing.text(582, at + 8, f"words that moved the score, in {flag['ad_id']}:", 12, PALE)
        for number, words in enumerate(shown):
            top = at + 18 + 28 * number
            drawing.box(582, top, 16 + 7 * len(words), 23, MARK, MARK)
            drawing.text(590, top + 16, words, 13)
    return y + height + 12


def _outermost(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    return [
        one
        for one in spans
        if not any(o[0] <= one[0] and one[1] <= o[1] for o in spans if o != one)
    ]


def _bulleted(reason: str) -> list[str]:
    first, *rest = textwrap.wrap(reason, 76)
    return [f"• {first}", *(f"  {line}" for line in rest)]


def _counted(facts: dict[str, Any]) -> str:
    names = (("ads", "ad"), ("accounts", "account"), ("places", "place"))
    counted = [(facts[many], one if facts[many] == 1 else many) for many, one in names]
    return ", ".join(f"{count} {name}" for count, name in counted if count)


ROOMS = {
    "ingest": (20, 96, "any source to ads", "Ad"),
    "text": (196, 96, "fold, tokens, n-grams", ""),
    "extract": (372, 40, "contacts, places", "Contact"),
    "rules": (372, 152, "words that show it", "Evidence"),
    "classifiers": (548, 96, "four families", "log-odds"),
    "model": (724, 96, "calibration, reasons", "Score"),
    "linking": (724, 270, "near-copies, contacts", "Campaign"),
    "policy": (548, 270, "thresholds, queue", "Flag"),
    "scoring": (372, 270, "the steps, the files", "Run"),
    "report": (196, 270, "one HTML file", ""),
    "review": (20, 270, "sealed contacts", ""),
    "labels": (20, 440, "votes to labels", "Label"),
    "training": (196, 440, "fit, calibrate", ""),
    "evaluation": (372, 440, "judge, compare, card", ""),
    "metrics": (548, 440, "splits, intervals", ""),
    "tracking": (724, 440, "runs and registry", ""),
}
"""Left edge, top edge, what the room does, and the value it makes."""


def rooms() -> Drawing:
    """The rooms of the code and the way of an ad through them."""
    drawing = Drawing(910, 560, "The rooms of adrisk and the way of an ad")
    drawing.text(20, 24, "An ad is scored", 15, style="bold")
    drawing.text(20, 252, "It is ranked and shown", 15, style="bold")
    drawing.text(290, 422, "A model is learned and judged", 15, style="bold")
    for name, (x, y, does, makes) in ROOMS.items():
        drawing.box(x, y, 152, 78, _FILLS["room"])
        drawing.text(x + 76, y + 24, name, 15, style="bold middle")
        drawing.text(x + 76, y + 45, does, 12, PALE, "middle")
        if makes:
            drawing.text(x + 76, y + 66, f"→ {makes}", 12, ALARM, "middle")
    for points in (
        ((172, 135), (196, 135)),
        ((348, 125), (360, 125), (360, 79), (372, 79)),
        ((348, 145), (360, 145), (360, 191), (372, 191)),
        ((524, 191), (536, 191), (536, 145), (548, 145)),
        ((700, 135), (724, 135)),
        ((800, 174), (800, 270)),
        ((524, 79), (892, 79), (892, 309), (876, 309)),
        ((724, 309), (700, 309)),
        ((548, 309), (524, 309)),
        ((372, 309), (348, 309)),
        ((196, 309), (172, 309)),
        ((172, 479), (196, 479)),
        ((348, 479), (372, 479)),
        ((548, 479), (524, 479)),
    ):
        drawing.arrow(*points)
    drawing.arrow((96, 348), (96, 440), dashed=True)
    drawing.text(104, 396, "a person's votes", 12, PALE)
    drawing.arrow((272, 440), (272, 372), (712, 372), (712, 190), (724, 165), dashed=True)
    drawing.text(392, 366, "a model, with its threshold set", 12, PALE)
    drawing.text(20, 545, "cli and pipelines start the work; synthetic makes ads to learn from. "
                 "A room imports only from rooms that lie before it.", 12, PALE)  # fmt: skip
    return drawing


def main(arguments: Sequence[str]) -> int:
    """Draw what can be drawn."""
    if arguments:
        example(Path(arguments[0])).write(IMAGES / "example.svg")
    rooms().write(IMAGES / "rooms.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
