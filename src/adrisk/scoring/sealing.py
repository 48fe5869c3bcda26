"""Plain contacts of flagged ads to the review store, sealed, under the names linking gave them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adrisk.batch import make_batch
from adrisk.errors import MissingExtraError
from adrisk.extract.pseudonyms import Pseudonymiser, sealing_key
from adrisk.linking.signing import PURPOSE
from adrisk.progress import say
from adrisk.review.vault import KeptContact, Vault
from adrisk.scoring.workdir import candidate_texts, part_files, regions_of
from adrisk.types import Level


def open_vault(workspace: Path) -> Vault:
    """The review store of a workspace.

    Raises:
        MissingExtraError: without the extra `review`.
    """
    return Vault(workspace, sealing_key(workspace))


def seal_contacts(out: Path, workspace: Path) -> int:
    """Keep the contacts of every ad whose level is review or urgent; returns how many there are.

    Without the extra `review` they are kept nowhere, and that is said.

    Args:
        out: with `scores/`, `.work/` and `flags.parquet`.
        workspace: of the keys and the store.
    """
    try:
        vault = open_vault(workspace)
    except MissingExtraError as error:
        say(f"contacts of flagged ads are not kept: {error}")
        return 0
    contacts = {c.pseudonym: c for c in _flagged(out, Pseudonymiser.open(workspace, PURPOSE))}
    vault.keep(contacts.values())
    return len(contacts)


def _flagged(out: Path, names: Pseudonymiser) -> Iterator[KeptContact]:
    levels = pq.read_table(out / "flags.parquet", columns=["level"])["level"]
    asked = pc.is_in(levels, value_set=pa.array([Level.REVIEW, Level.URGENT], pa.string()))
    flagged = asked.to_numpy()
    first = 0
    for path in part_files(out):
        count = pq.read_metadata(path).num_rows
        rows = np.flatnonzero(flagged[first : first + count]).tolist()
        first += count
        if not rows:
            continue
        texts = candidate_texts(out, path)
        regions = regions_of(out, path, rows)
        # Most are copies, and a copy from the same region has no contact of its own.
        pairs = dict.fromkeys(zip((texts[row] for row in rows), regions, strict=True))
        batch = make_batch([text for text, _ in pairs], regions=[region for _, region in pairs])
        for contacts in batch.contacts:
            for contact in contacts:
                yield KeptContact(names.of(contact), contact.kind, contact.value)
