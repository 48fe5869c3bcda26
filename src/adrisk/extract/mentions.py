"""What else an ad says that is worth a span: prices, wages, hours and places.

Not for linking and not in the way of a score: `adrisk extract` and whoever asks finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adrisk.extract import hours, money
from adrisk.extract.find import way_back
from adrisk.extract.hours import find_hours
from adrisk.extract.money import find_money
from adrisk.extract.places import find_places
from adrisk.text.normalise import fold_column, fold_text
from adrisk.types import Contact

KINDS = ("price", "wage", "hours", "place")


@dataclass(frozen=True, slots=True)
class Mention:
    """A price, a wage, hours or a place at `raw_text[start:end]`.

    Obscured if folding undid more than capital letters.
    """

    kind: str
    start: int
    end: int
    obscured: bool


def find_mentions(raw: str, contacts: Sequence[Contact] = ()) -> list[Mention]:
    """Prices, wages, hours and places of an ad, in order, without overlaps.

    Args:
        raw: the ad as it was written.
        contacts: of the same ad; nothing within them is anything else.

    >>> [(m.kind, m.start, m.end) for m in find_mentions("Cook in Leeds, £12 an hour, 9am-5pm")]
    [('place', 8, 13), ('wage', 15, 26), ('hours', 28, 35)]
    """
    return _of_text(raw, fold_text(raw), contacts, timed=True, paid=True)


def mentions_column(
    raw: pa.Array | pa.ChunkedArray,
    folded: pa.Array | pa.ChunkedArray | None = None,
    contacts: Sequence[Sequence[Contact]] | None = None,
) -> list[list[Mention]]:
    """`find_mentions` of every ad.

    Args:
        raw: n ad texts, without nulls.
        folded: the same texts from `adrisk.text.normalise.fold_column`, if the caller has them.
        contacts: for each ad, its contacts from `adrisk.extract.contacts_column`.
    """
    if folded is None:
        folded = fold_column(raw)
    paid, timed = (
        np.asarray(pc.match_substring_regex(folded, hint).to_numpy(zero_copy_only=False))
        for hint in (money.HINT, hours.HINT)
    )
    theirs = contacts if contacts is not None else [()] * len(raw)
    return [
        _of_text(text, plain, found, timed=bool(t), paid=bool(p))
        for text, plain, found, t, p in zip(
            raw.to_pylist(), folded.to_pylist(), theirs, timed, paid, strict=True
        )
    ]


def _of_text(
    raw: str, folded: str, contacts: Sequence[Contact], *, timed: bool, paid: bool
) -> list[Mention]:
    spans: list[tuple[str, int, int]] = list(find_money(folded)) if paid else []
    if timed:
        spans += [
            ("hours", start, end)
            for start, end in find_hours(folded)
            if not any(start < last and first < end for _, first, last in spans)
        ]
    found = []
    if spans:
        back = way_back(raw, folded)
        for kind, start, end in spans:
            first, last = back(start, end)
            found.append(Mention(kind, first, last, raw[first:last].lower() != folded[start:end]))
    taken = [(c.start, c.end) for c in contacts]
    found = [m for m in found if not _within(m.start, m.end, taken)]
    taken += [(m.start, m.end) for m in found]
    found += [
        Mention("place", p.start, p.end, False)
        for p in find_places(raw)
        if not _within(p.start, p.end, taken)
    ]
    return sorted(found, key=lambda mention: mention.start)


def _within(start: int, end: int, others: Sequence[tuple[int, int]]) -> bool:
    return any(start < last and first < end for first, last in others)
