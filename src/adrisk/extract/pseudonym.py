"""Keyed pseudonyms of contacts: the same contact, the same name; without the key, no way back.

The key is 32 random bytes in one file of the workspace, readable by its owner alone. Every
purpose gets a key of its own, so pseudonyms made for one cannot be matched with another's.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from adrisk.errors import ConfigError
from adrisk.types import Contact

KEY_FILE = "contact.key"
_KEY_BYTES = 32


class Pseudonymiser:
    """Turns contacts into pseudonyms for one purpose; shows neither contacts nor its key."""

    __slots__ = ("_key", "purpose")

    def __init__(self, key: bytes, purpose: str) -> None:
        if len(key) != _KEY_BYTES:
            raise ValueError(f"expected a key of {_KEY_BYTES} bytes, got {len(key)}")
        if not purpose:
            raise ValueError("expected a purpose, such as 'campaigns', got an empty one")
        self._key = hmac.digest(key, b"adrisk/" + purpose.encode(), hashlib.sha256)
        self.purpose = purpose

    @classmethod
    def open(cls, folder: Path, purpose: str) -> Pseudonymiser:
        """The pseudonymiser of a workspace; its key is made on the first call.

        Args:
            folder: the workspace; made if missing.
            purpose: what the pseudonyms are for; other purposes give other pseudonyms.

        Raises:
            ConfigError: if the key file is damaged, or others than its owner may use it.
        """
        path = folder / KEY_FILE
        if not path.exists():
            _create(path)
        return cls(_read(path), purpose)

    @classmethod
    def ephemeral(cls) -> Pseudonymiser:
        """A pseudonymiser under a key that nobody keeps, for comparing within one process."""
        return cls(secrets.token_bytes(_KEY_BYTES), "ephemeral")

    def of(self, contact: Contact) -> str:
        """The pseudonym of a contact: 32 hexadecimal characters, the same for kind and value."""
        plain = f"{contact.kind}\0{contact.value}".encode()
        return hmac.digest(self._key, plain, hashlib.sha256)[:16].hex()

    def __repr__(self) -> str:
        return f"Pseudonymiser(purpose={self.purpose!r})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Pseudonymiser holds a key and is not pickled; open it where it is used")


def _create(path: Path) -> None:
    """Write a new key so that other processes see all of it or nothing; the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    """The key, after checking that it is ours alone and whole."""
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        key = file.read(_KEY_BYTES + 1)
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            f"{path}: expected a file that only its owner can use (mode 0600), got {mode:04o}; "
            f"run: chmod 600 {path}, and consider the contacts under this key known to others"
        )
    if len(key) != _KEY_BYTES:
        raise ConfigError(
            f"{path}: expected a key of {_KEY_BYTES} bytes, got "
            f"{'more' if len(key) > _KEY_BYTES else len(key)}; restore it from a backup, or delete "
            "it to start anew (pseudonyms made before will not match new ones)"
        )
    return key
