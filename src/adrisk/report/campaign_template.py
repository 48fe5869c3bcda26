"""Template shared by the texts of a campaign, for display: masked, long parts cut, few slots.

In: the raw texts of its ads. Out: frozen pieces that a page or a terminal only has to escape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adrisk.linking.template import template_of
from adrisk.scoring.masking import Piece, mask_all, reveal

MAX_CHARACTERS = 12_000
"""Characters of a text that are aligned; the rest is ignored."""

MAX_COMMON = 900
"""Characters of a common part; of a longer one only the two ends are shown."""

MAX_SLOTS = 40
MAX_VALUES = 8
MAX_VALUE = 80
MAX_INLINE = 24


@dataclass(frozen=True, slots=True)
class SlotValue:
    """A value of a slot and its number of texts; no pieces for an empty slot."""

    pieces: tuple[Piece, ...]
    texts: int


@dataclass(frozen=True, slots=True)
class Part:
    """A common part, a slot with its number and values, or a count of characters left out.

    `after` is the blank after a slot, if its values end with one.
    """

    pieces: tuple[Piece, ...] = ()
    number: int = 0
    values: tuple[SlotValue, ...] = ()
    more_values: int = 0
    left_out: int = 0
    after: str = ""

    @property
    def inline(self) -> tuple[SlotValue, ...]:
        """The values shown in the text: the first two if both are short, else the first."""
        first = self.values[:2]
        short = all(sum(len(piece.text) for piece in v.pieces) <= MAX_INLINE for v in first)
        return first if short else first[:1]

    @property
    def further(self) -> int:
        """Number of values that are not shown in the text."""
        return len(self.values) - len(self.inline) + self.more_values


@dataclass(frozen=True, slots=True)
class CampaignTemplate:
    """A template of `texts` texts; `others` differ too much, `more_slots` are not shown."""

    parts: tuple[Part, ...]
    texts: int
    others: int
    more_slots: int

    @property
    def slots(self) -> tuple[Part, ...]:
        """The slots, in reading order."""
        return tuple(part for part in self.parts if part.number)


def template_of_texts(texts: Sequence[str]) -> CampaignTemplate | None:
    """The template of these texts; None with fewer than two different ones."""
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
    return CampaignTemplate(
        tuple(parts), template.texts, template.others, max(0, slots - MAX_SLOTS)
    )


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
