"""Vault of the plain contacts of flagged ads, opened one at a time by a named person.

In: contacts with their pseudonyms. Out: one contact, for a person who gives a name and a reason,
after the opening is recorded. Plain values cannot be listed or exported, the record is append-only,
and a sealed value moved to another pseudonym does not open.

Values are sealed with AES-256-GCM (NIST SP 800-38D) under a key of the workspace. The database is
`review.db` in the workspace, or the URL in ADRISK_REVIEW_DB.
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
MIN_PREFIX = 8
"""Characters of a pseudonym needed to open its contact."""

_NONCE_BYTES = 12
_MIN_REASON = 10
_BATCH = 500  # pseudonyms per query; SQLite has a limit of some thousand variables


@dataclass(frozen=True, slots=True)
class KeptContact:
    """A plain contact before it is sealed or after it is opened."""

    pseudonym: str
    kind: str
    value: str

    def __repr__(self) -> str:
        return f"KeptContact(pseudonym={self.pseudonym!r}, kind={self.kind!r})"


@dataclass(frozen=True, slots=True)
class Opening:
    """An entry of the record of openings; `account` is the computer account."""

    at: datetime
    person: str
    account: str
    reason: str
    pseudonym: str


class Vault:
    """The contacts of one workspace.

    Args:
        workspace: an existing folder; ADRISK_REVIEW_DB takes precedence.
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
        """Seal and store the contacts that are not stored yet; returns their number."""
        from sqlalchemy import insert, select

        from adrisk.review.tables import CONTACTS

        unique = list({contact.pseudonym: contact for contact in contacts}.values())
        new = 0
        with self._engine.begin() as connection:
            for first in range(0, len(unique), _BATCH):
                batch = unique[first : first + _BATCH]
                names = [contact.pseudonym for contact in batch]
                query = select(CONTACTS.c.pseudonym).where(CONTACTS.c.pseudonym.in_(names))
                stored = set(connection.scalars(query))
                rows = [self._row(contact) for contact in batch if contact.pseudonym not in stored]
                if rows:
                    connection.execute(insert(CONTACTS), rows)
                new += len(rows)
        return new

    def open(self, pseudonym: str, *, person: str, reason: str) -> KeptContact:
        """Record the opening by this person for this reason, and return the plain contact.

        Args:
            pseudonym: in full, or at least its first `MIN_PREFIX` characters.
            person: name of the person who opens it.
            reason: a sentence that others can check.

        Raises:
            UsageError: if there is no such contact, or the name or the reason is missing.
            ConfigError: if the contact was sealed under another key.
        """
        from sqlalchemy import insert

        from adrisk.review.tables import OPENINGS

        person, reason = " ".join(person.split()), " ".join(reason.split())
        if not any(letter.isalpha() for letter in person):
            raise UsageError("opening a contact needs your name: --as 'Name Surname'")
        if len(reason) < _MIN_REASON:
            raise UsageError(
                f"opening a contact needs a reason of at least {_MIN_REASON} characters that "
                "others can check, such as --reason 'case 2211, to compare with the complaint'"
            )
        with self._engine.begin() as connection:
            name, kind, blob = self._one(connection, pseudonym)
            # Recorded first: if that fails, nothing is opened.
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
        """The record of openings, oldest first."""
        from sqlalchemy import select

        from adrisk.review.tables import OPENINGS

        c = OPENINGS.c
        query = select(c.at, c.person, c.account, c.reason, c.pseudonym).order_by(c.id)
        with self._engine.connect() as connection:
            return [
                Opening(at.replace(tzinfo=UTC), *rest)
                for at, *rest in connection.execute(query).all()
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

        if len(prefix) < MIN_PREFIX or not prefix.isalnum():
            raise UsageError(
                f"{prefix!r} is not a pseudonym; give at least the first {MIN_PREFIX} characters, "
                "as shown in the report and by adrisk campaigns"
            )
        c = CONTACTS.c
        rows = connection.execute(
            select(c.pseudonym, c.kind, c.sealed).where(c.pseudonym.startswith(prefix)).limit(2)
        ).all()
        if not rows:
            raise UsageError(
                f"no contact {prefix}: only contacts of ads flagged for review are stored, under "
                "the key of this workspace; check the pseudonym and the workspace"
            )
        if len(rows) > 1:
            raise UsageError(f"several contacts begin with {prefix}; give more characters")
        name, kind, sealed = rows[0]
        return name, kind, sealed

    def _unsealed(self, pseudonym: str, blob: bytes) -> str:
        from cryptography.exceptions import InvalidTag

        try:
            plain = self._seal.decrypt(blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], pseudonym.encode())
        except InvalidTag as error:
            raise ConfigError(
                f"contact {pseudonym} was sealed under another key, or was altered; restore the "
                "key file that this workspace had when the ad was scored"
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
        # Openings are rare, so no connection is kept open.
        engine = create_engine(url or f"sqlite:///{path}", poolclass=NullPool)
        METADATA.create_all(engine)
    except (ArgumentError, SQLAlchemyError, OSError, ImportError) as error:
        database = f"the database in {URL_VARIABLE}" if url else str(path)
        raise ConfigError(
            f"{database} cannot be opened as the review store ({type(error).__name__}); check the "
            "URL, the permissions and that the server is running"
        ) from error
    return engine
