"""Plain contacts of flagged ads to the review store, sealed, under the names linking gave them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adrisk.errors import MissingExtraError
from adrisk.extract.pseudonyms import sealing_key
from adrisk.progress import say
from adrisk.review.vault import KeptContact, Vault


def open_vault(workspace: Path) -> Vault:
    """The review store of a workspace.

    Raises:
        MissingExtraError: without the extra `review`.
    """
    return Vault(workspace, sealing_key(workspace))


def seal_contacts(contacts: Sequence[KeptContact], workspace: Path) -> int:
    """Keep contacts, each of which is given once; returns how many there are.

    Without the extra `review` they are kept nowhere, and that is said.
    """
    try:
        vault = open_vault(workspace)
    except MissingExtraError as error:
        say(f"contacts of flagged ads are not kept: {error}")
        return 0
    vault.keep(contacts)
    return len(contacts)
