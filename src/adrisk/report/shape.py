"""The template of a campaign as it is shown: contacts blotted out, long stretches cut, slots few.

In: the raw texts of its ads. Out: frozen pieces that a page or a terminal only has to escape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adrisk.linking.template import template_of
from adrisk.scoring.masking import Piece, mask_all, reveal

MAX_CHARACTERS = 12_000
"""Of a text, beyond which it is not aligned."""

MAX_COMMON = 900
"""Characters of a stretch that all texts share; a longer one is shown by its two ends."""

MAX_SLOTS = 40
MAX_VALUES = 8
MAX_VALUE = 80
MAX_INLINE = 24


@dataclass(frozen=True, slots=True)
class SlotValue:
    """What stands in a slot in so many of the texts; no pieces where nothing does."""

    pieces: tuple[Piece, ...]
    texts: int


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch that all texts share, a slot with its number and values, or characters left out.

    `after` is the blank behind a slot, if its values have one.
    """

    pieces: tuple[Piece, ...] = ()
    number: int = 0
    values: tuple[SlotValue, ...] = ()
    more_values: int = 0
    left_out: int = 0
    after: str = ""

    @property
    def inline(self) -> tuple[SlotValue, ...]:
        """The values shown in the text itself: two where both are short, else the first."""
        first = self.values[:2]
        short = all(sum(len(piece.text) for piece in v.pieces) <= MAX_INLINE for v in first)
        return first if short else first[:1]

    @property
    def further(self) -> int:
        """How many values are not shown in the text itself."""
        return len(self.values) - len(self.inline) + self.more_values


@dataclass(frozen=True, slots=True)
class Shape:
    """A template made of `texts` texts; `others` were too unlike, `more_slots` are not shown."""

    parts: tuple[Part, ...]
    texts: int
    others: int
    more_slots: int

    @property
    def slots(self) -> tuple[Part, ...]:
        """The slots, in reading order."""
        return tuple(part for part in self.parts if part.number)


def shape_of(texts: Sequence[str]) -> Shape | None:
    """The template of these texts; None where there are not two different ones to compare."""
    template = template_of(mask_all([text[:MAX_CHARACTERS] for text in texts]))
    if template.texts < 2:
        return None
    parts: list[Part] = []
    slots = 0
    for piece in template.pieces:
        if not piece.slot:
            parts += _common(piece.text)
            continue
        slots += 1
        if slots <= MAX_SLOTS:
            values = tuple(
                SlotValue(reveal(_clipped(" ".join(value.text.split()))), value.texts)
                for value in piece.values[:MAX_VALUES]
            )
            more = max(0, len(piece.values) - MAX_VALUES)
            blank = any(value.text[-1:].isspace() for value in piece.values)
            after = " " if blank else ""
            parts.append(Part(number=slots, values=values, more_values=more, after=after))
    return Shape(tuple(parts), template.texts, template.others, max(0, slots - MAX_SLOTS))


def _common(text: str) -> list[Part]:
    if len(text) <= MAX_COMMON:
        return [Part(reveal(text))]
    end = MAX_COMMON // 3
    return [
        Part(reveal(text[:end])),
        Part(left_out=len(text) - 2 * end),
        Part(reveal(text[-end:])),
    ]


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_VALUE else text[:MAX_VALUE] + "…"
