"""What linking found: campaigns, why their ads are together, and what was not let join them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from adrisk import schema
from adrisk.types import IntArray

SHORT_NAME = 12
"""Hexadecimal characters of a contact's pseudonym that are shown."""


Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """The outcome of linking.

    Attributes:
        campaigns: `schema.CAMPAIGNS`, one row an ad, in the order given.
        links: `schema.LINKS`, sorted by campaign; an ad that stands alone has none.
        guarded: `schema.GUARDED`, the busiest contact first.
        texts: shape (n,), the near-copy group of every ad, as the row of its most typical ad; a
            number behind the last row where that ad is only remembered.
        merged: campaigns of an earlier time that became part of an older one: the id that is
            gone, and the id that survives.
        parted: campaigns of an earlier time that turned out to be several: the id, which the
            largest part keeps, and the new id of another part.
        notes: what a person should be told, a sentence each; no contact and no text.
    """

    campaigns: pa.Table
    links: pa.Table
    guarded: pa.Table
    texts: IntArray = field(compare=False)  # the links say it, too
    merged: Pairs = ()
    parted: Pairs = ()
    notes: tuple[str, ...] = ()

    @staticmethod
    def nothing() -> Linked:
        """What linking no ads gives."""
        return Linked(
            schema.CAMPAIGNS.empty_table(),
            schema.LINKS.empty_table(),
            schema.GUARDED.empty_table(),
            np.zeros(0, dtype=np.int64),
        )
