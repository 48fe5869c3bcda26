"""Signatures and contact pseudonyms of texts: what linking needs of them.

In: raw texts and where their phones are likely from. Out: no text and no plain contact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from adrisk.extract.contacts import contacts_column
from adrisk.extract.pseudonyms import Pseudonymiser
from adrisk.linking.link import CONTACTS
from adrisk.linking.minhash import signatures
from adrisk.text.normalise import fold_column
from adrisk.types import ArrowValues

PURPOSE = "campaigns"
"""What the pseudonyms are for: those of other purposes cannot be compared with them."""

Regions = Sequence[str | None]
"""Of each text, where its phones are likely from; None where unknown."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What is kept of some texts: a signature each, and `CONTACTS`; no text, no plain contact."""

    signatures: NDArray[np.uint32]
    contacts: pa.Table


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs texts and finds their contacts; shared by threads."""

    names: Pseudonymiser

    def __call__(self, read: tuple[ArrowValues, Regions | None]) -> Signed:
        """Read some texts, phones as those of their regions; the contacts' rows are theirs."""
        texts, regions = read
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        texts = texts.cast(pa.large_string())
        folded = fold_column(texts)
        found = contacts_column(texts, folded, regions)
        pairs = [
            (row, name)
            for row, contacts in enumerate(found)
            for name in sorted({self.names.of(contact) for contact in contacts})
        ]
        columns = [list(column) for column in zip(*pairs, strict=True)] or [[], []]
        return Signed(signatures(folded), pa.table(columns, schema=CONTACTS))


@dataclass(frozen=True, slots=True)
class SignerSpec:
    """How a worker process makes a signer of its own: from the workspace that holds the key."""

    workspace: Path

    def __call__(self) -> Signer:
        """Open the key, and leave the other cores to the other processes."""
        pa.set_cpu_count(1)
        return Signer(Pseudonymiser.open(self.workspace, PURPOSE))


def concat_signed(parts: list[Signed]) -> Signed:
    """Signed texts end to end."""
    rows = [0, *np.cumsum([len(part.signatures) for part in parts]).tolist()]
    if not parts:
        return Signed(signatures(pa.array([], pa.large_string())), CONTACTS.empty_table())
    contacts = [
        pa.table(
            [
                pa.array(part.contacts["row"].to_numpy() + np.int32(first), pa.int32()),
                part.contacts["name"],
            ],
            schema=CONTACTS,
        )
        for part, first in zip(parts, rows[:-1], strict=True)
    ]
    return Signed(np.concatenate([part.signatures for part in parts]), pa.concat_tables(contacts))
