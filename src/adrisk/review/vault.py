"""Plain contacts of flagged ads: sealed when scored, opened one at a time by a named person.

In: contacts with their pseudonyms. Out: one contact, for a person who gives a name and a reason,
after the opening is on record. There is no way to list or export the plain values, the record can
only be added to, and a sealed value moved to another pseudonym does not open.

Values are sealed with AES-256-GCM (NIST SP 800-38D) under a key of the workspace; the database is
`review.db` there, or the one that ADRISK_REVIEW_DB names.
"""

from __future__ import annotations

import getpass
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.errors import ConfigError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

URL_VARIABLE = "ADRISK_REVIEW_DB"
LEAST_PREFIX = 8
"""Characters of a pseudonym that must be given to open it."""

_NONCE_BYTES = 12
_LEAST_REASON = 10
_BATCH = 500  # pseudonyms asked for at once; SQLite takes no more than some thousand variables


@dataclass(frozen=True, slots=True)
class KeptContact:
    """A plain contact on its way into the vault, or out of it: sealed everywhere else."""

    pseudonym: str
    kind: str
    value: str

    def __repr__(self) -> str:
        return f"KeptContact(pseudonym={self.pseudonym!r}, kind={self.kind!r})"


@dataclass(frozen=True, slots=True)
class Opening:
    """An entry of the record: who opened what, when and why. `account` is the computer account."""

    at: datetime
    person: str
    account: str
    reason: str
    pseudonym: str


class Vault:
    """The contacts of one workspace.

    Args:
        workspace: a folder that exists; used unless ADRISK_REVIEW_DB names a database.
        key: 32 bytes.

    Raises:
        MissingExtraError: without SQLAlchemy or cryptography.
        ConfigError: if the database cannot be opened.
    """

    def __init__(self, workspace: Path, key: bytes) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise MissingExtraError("cryptography", "review", "keeping contacts") from error
        self._seal = AESGCM(key)
        self._engine = _connected(workspace)

    def keep(self, contacts: Iterable[KeptContact]) -> int:
        """Seal contacts that are not there yet; returns how many were new."""
        from sqlalchemy import insert, select

        from adrisk.review.tables import CONTACTS

        given = list({contact.pseudonym: contact for contact in contacts}.values())
        new = 0
        with self._engine.begin() as connection:
            for first in range(0, len(given), _BATCH):
                some = given[first : first + _BATCH]
                names = [contact.pseudonym for contact in some]
                asked = select(CONTACTS.c.pseudonym).where(CONTACTS.c.pseudonym.in_(names))
                known = set(connection.scalars(asked))
                rows = [self._row(contact) for contact in some if contact.pseudonym not in known]
                if rows:
                    connection.execute(insert(CONTACTS), rows)
                new += len(rows)
        return new

    def open(self, pseudonym: str, *, person: str, reason: str) -> KeptContact:
        """One contact, once it is on record that this person opened it for this reason.

        Args:
            pseudonym: whole, or its first characters, `LEAST_PREFIX` at least.
            person: who opens it, by name.
            reason: why, in a sentence that others can check.

        Raises:
            UsageError: if there is no such contact, or the name or the reason is missing.
            ConfigError: if the workspace's key is not the one the contact was sealed under.
        """
        from sqlalchemy import insert

        from adrisk.review.tables import OPENINGS

        person, reason = " ".join(person.split()), " ".join(reason.split())
        if not any(letter.isalpha() for letter in person):
            raise UsageError("opening a contact needs your name: --as 'Name Surname'")
        if len(reason) < _LEAST_REASON:
            raise UsageError(
                f"opening a contact needs a reason of at least {_LEAST_REASON} characters that "
                "others can check, such as --reason 'case 2211, to compare with the complaint'"
            )
        with self._engine.begin() as connection:
            name, kind, blob = self._one(connection, pseudonym)
            # On record first: if that fails, nothing is opened.
            connection.execute(
                insert(OPENINGS).values(
                    at=datetime.now(UTC).replace(tzinfo=None),
                    person=person,
                    account=getpass.getuser(),
                    reason=reason,
                    pseudonym=name,
                )
            )
        return KeptContact(name, kind, self._unsealed(name, blob))

    def openings(self) -> Sequence[Opening]:
        """The record, oldest first."""
        from sqlalchemy import select

        from adrisk.review.tables import OPENINGS

        c = OPENINGS.c
        asked = select(c.at, c.person, c.account, c.reason, c.pseudonym).order_by(c.id)
        with self._engine.connect() as connection:
            return [
                Opening(at.replace(tzinfo=UTC), *rest)
                for at, *rest in connection.execute(asked).all()
            ]

    def __len__(self) -> int:
        from sqlalchemy import func, select

        from adrisk.review.tables import CONTACTS

        with self._engine.connect() as connection:
            return int(connection.scalar(select(func.count()).select_from(CONTACTS)) or 0)

    def _row(self, contact: KeptContact) -> dict[str, object]:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._seal.encrypt(nonce, contact.value.encode(), contact.pseudonym.encode())
        return {
            "pseudonym": contact.pseudonym,
            "kind": contact.kind,
            "sealed": nonce + sealed,
            "kept_at": datetime.now(UTC).replace(tzinfo=None),
        }

    def _one(self, connection: Connection, prefix: str) -> tuple[str, str, bytes]:
        from sqlalchemy import select

        from adrisk.review.tables import CONTACTS

        if len(prefix) < LEAST_PREFIX or not prefix.isalnum():
            raise UsageError(
                f"{prefix!r} is no pseudonym; give at least the first {LEAST_PREFIX} characters, "
                "as the report and adrisk campaigns show them"
            )
        c = CONTACTS.c
        found = connection.execute(
            select(c.pseudonym, c.kind, c.sealed).where(c.pseudonym.startswith(prefix)).limit(2)
        ).all()
        if not found:
            raise UsageError(
                f"no contact {prefix}: only contacts of ads flagged for review are kept, under "
                "the key of this workspace"
            )
        if len(found) > 1:
            raise UsageError(f"several contacts begin with {prefix}; give more characters")
        name, kind, sealed = found[0]
        return name, kind, sealed

    def _unsealed(self, pseudonym: str, blob: bytes) -> str:
        from cryptography.exceptions import InvalidTag

        try:
            plain = self._seal.decrypt(blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], pseudonym.encode())
        except InvalidTag as error:
            raise ConfigError(
                f"contact {pseudonym} was sealed under another key, or was altered; put back the "
                "key file this workspace had when the ad was scored"
            ) from error
        return plain.decode()


def _connected(workspace: Path) -> Engine:
    try:
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError, SQLAlchemyError
        from sqlalchemy.pool import NullPool
    except ImportError as error:
        raise MissingExtraError("sqlalchemy", "review", "the review store") from error
    from adrisk.review.tables import METADATA

    url = os.environ.get(URL_VARIABLE, "").strip()
    path = workspace.resolve() / "review.db"
    try:
        if not url:
            path.touch(mode=0o600)
        # Few openings, far between: no connection outlives its use.
        engine = create_engine(url or f"sqlite:///{path}", poolclass=NullPool)
        METADATA.create_all(engine)
    except (ArgumentError, SQLAlchemyError, OSError, ImportError) as error:
        where = f"the database that {URL_VARIABLE} names" if url else str(path)
        raise ConfigError(
            f"{where} cannot be opened as the review store ({type(error).__name__}); check the "
            "address, the rights and that the server runs"
        ) from error
    return engine
