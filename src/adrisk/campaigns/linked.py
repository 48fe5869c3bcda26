"""What linking found: campaigns, why their ads are together, and what was not let join them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from adrisk import schema

SHORT_NAME = 12
"""Hexadecimal characters of a contact's pseudonym that are shown."""


@dataclass(frozen=True, slots=True)
class Linked:
    """The outcome of linking.

    Attributes:
        campaigns: `schema.CAMPAIGNS`, one row an ad, in the order given.
        links: `schema.LINKS`, sorted by campaign; an ad that stands alone has none.
        guarded: `schema.GUARDED`, the busiest contact first.
        merged: campaigns of an earlier time that became part of an older one: the id that is
            gone, and the id that survives.
        notes: what a person should be told, a sentence each; no contact and no text.
    """

    campaigns: pa.Table
    links: pa.Table
    guarded: pa.Table
    merged: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @staticmethod
    def nothing() -> Linked:
        """What linking no ads gives."""
        tables = (schema.CAMPAIGNS, schema.LINKS, schema.GUARDED)
        return Linked(*(form.empty_table() for form in tables))
