"""Charts as inline SVG for a strict content security policy: axes, bars, a line, marks.

In: numbers. Out: one `svg` element with a title and a description for screen readers. It has no
`style` attribute; each colour is an attribute and a class, so that the style sheet of the page can
change it for dark mode and print. The same input gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from adrisk.report.page import environment

_CHARACTER, _LINE, _FOOT = 7, 16, 38
"""Pixels: the width of a digit, the height of a line of text, the room below the plot."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Axis from `low` to `high`, linear or logarithmic, with its ticks."""

    label: str
    low: float
    high: float
    ticks: tuple[float, ...]
    write: Callable[[float], str]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Position of a value, from 0 at the low end to 1 at the high end; clipped."""
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, low))
        return min(max((value - low) / (high - low), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Text:
    """A label at a point of its baseline; `anchor` is start, middle or end."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; `title` is its tooltip."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A dashed upright line with a label at its head, in the colour of that name."""

    x: float
    label: Text
    colour: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point on the curve, in the colour of that name, with a label or none."""

    x: float
    y: float
    colour: str
    label: Text | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot of `width` x `height` pixels; the other fields are what is drawn in it."""

    name: str
    title: str
    description: str
    x: Axis
    y: Axis
    width: int
    height: int
    head: int = _LINE + 8
    bars: tuple[Bar, ...] = ()
    band: str = ""
    line: str = ""
    guide: str = ""
    marks: tuple[Mark, ...] = ()
    dots: tuple[Dot, ...] = ()

    @property
    def left(self) -> int:
        """Where the plot begins, to the right of the labels of the y axis."""
        return 10 + _CHARACTER * max(len(self.y.write(tick)) for tick in self.y.ticks)

    @property
    def right(self) -> int:
        """Where the plot ends; half a label of the x axis stands beyond it."""
        return self.width - 22

    @property
    def bottom(self) -> int:
        """The height of the x axis."""
        return self.height - _FOOT

    def across(self, value: float) -> float:
        """A value of the x axis in pixels, to a tenth."""
        return round(self.left + self.x.share(value) * (self.right - self.left), 1)

    def down(self, value: float) -> float:
        """A value of the y axis in pixels, to a tenth."""
        return round(self.bottom - self.y.share(value) * (self.bottom - self.head), 1)


def share_axis(label: str) -> Axis:
    """From 0 to 100 %."""
    ticks = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    return Axis(label, 0, 1, ticks, lambda share: f"{100 * share:.0f} %")


def linear_axis(label: str, high: float) -> Axis:
    """From 0 to a round figure at or above `high`, which is above 0."""
    power = 10.0 ** math.floor(math.log10(high))
    step = next(s * power for s in (0.1, 0.2, 0.5, 1, 2, 5) if s * power * 6 >= high)
    count = math.ceil(round(high / step, 9))
    digits = max(0, -math.floor(math.log10(step)))
    ticks = tuple(step * i for i in range(count + 1))
    return Axis(label, 0, ticks[-1], ticks, lambda value: f"{value:.{digits}f}")


def count_axis(label: str, low: float, high: float) -> Axis:
    """Counts on a logarithmic scale; below 1 is where 0 stands.

    The ticks are powers of ten, or 1, 2 and 5 of each where the range is less than a decade.
    """
    top = max(high, 10 * low)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(top)) + 1)
    ticks = [10**power for power in powers if low <= 10**power <= top and power >= 0]
    if len(ticks) < 3:
        steps = [step * 10**power for power in powers for step in (1, 2, 5) if power >= 0]
        ticks = [step for step in steps if low <= step <= top]
    return Axis(label, low, top, tuple(ticks), lambda count: f"{count:,.0f}", logarithmic=True)


def steps(points: Iterable[tuple[float, float]]) -> str:
    """The path that keeps the height of each point up to the next one."""
    given = list(dict.fromkeys(points))
    first = "".join(f"M{x:g} {y:g}" for x, y in given[:1])
    return first + "".join(f"H{x:g}V{y:g}" for x, y in given[1:])


def straight(points: Iterable[tuple[float, float]]) -> str:
    """The path from point to point."""
    path = "L".join(f"{x:g} {y:g}" for x, y in points)
    return f"M{path}" if path else ""


def marked(chart: Chart, marks: Sequence[tuple[float, str, str]]) -> Chart:
    """The chart with marks at values of the x axis, given in rising order with label and colour.

    Each label has a line of its own and stands on the side with room. A mark rises to its label
    only, so that it crosses none of those above.
    """
    if not marks:
        return chart
    chart = replace(chart, head=chart.head + _LINE * len(marks))
    places = [chart.x.share(at) for at, _, _ in marks]
    close = places[-1] - places[0] < 0.35
    before = [place > 0.6 or (close and places[-1] > 0.6) for place in places]
    order = list(range(len(marks)))
    if before[-1]:
        order.reverse()
    drawn = []
    for i, (at, label, colour) in enumerate(marks):
        x, y = chart.across(at), _LINE * (2 + order[i])
        anchor, gap = ("end", -5) if before[i] else ("start", 5)
        drawn.append(Mark(x, Text(x + gap, y, anchor, label), colour))
    return replace(chart, marks=tuple(drawn))


def draw(chart: Chart, *, alone: bool = False) -> Markup:
    """The svg element, for a page; or `alone`, as a file with its title in sight."""
    return Markup(environment().get_template("chart.svg").render(c=chart, alone=alone))  # noqa: S704 - it escapes


def risk_histogram(
    counts: Sequence[int],
    review_at: float | None,
    urgent_at: float | None,
    *,
    width_px: int,
    name: str,
) -> Markup:
    """Ads by calibrated risk, on a logarithmic count axis, with the thresholds of the policy.

    Args:
        counts: ads in each of equally wide bins over [0, 1].
        review_at: the review threshold, None if no threshold qualified.
        urgent_at: likewise.
        width_px: the width it is drawn for; text keeps its size.
        name: prefix of the ids inside, unique on the page.
    """
    most = max(counts, default=0)
    marks = [
        (at, f"{label} from {100 * at:.0f} %", label)
        for at, label in ((review_at, "review"), (urgent_at, "urgent"))
        if at is not None
    ]
    chart = marked(
        Chart(
            name=name,
            title="Ads by calibrated risk",
            description="",
            x=share_axis("calibrated risk"),
            y=count_axis("ads (log scale)", 0.7, 10.0 ** math.ceil(math.log10(max(10, most)))),
            width=width_px,
            height=260,
        ),
        marks,
    )
    bars, ranges = [], []
    width = (chart.right - chart.left) / len(counts)
    for i, count in enumerate(counts):
        span = f"{100 * i / len(counts):g}–{100 * (i + 1) / len(counts):g} %"
        ranges.append(span)
        if count:
            y = chart.down(count)
            bars.append(
                Bar(
                    x=round(chart.left + (i + 0.07) * width, 1),
                    y=y,
                    width=round(0.86 * width, 1),
                    height=round(chart.bottom - y, 1),
                    title=f"risk {span}: {count:,}",
                )
            )
    parts = [f"{sum(counts):,} ads in {len(counts)} bars"]
    if most:
        parts.append(f"the highest is {most:,} ads at a risk of {ranges[list(counts).index(most)]}")
    parts += [label for _, label, _ in marks]
    return draw(replace(chart, description="; ".join(parts) + ".", bars=tuple(bars)))
