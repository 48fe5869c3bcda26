"""Keyed pseudonyms of contacts: equal contacts have equal names, which cannot be reversed.

Every purpose has its own key: 32 random bytes in `keys/<purpose>.key` of the workspace, readable by
its owner only. So pseudonyms of different purposes or workspaces cannot be matched, and one key can
be replaced (`rotate`) without affecting the others.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adrisk.errors import ConfigError
from adrisk.types import Contact

KEY_FOLDER = "keys"
LINKING = "campaigns"
"""The purpose of the pseudonyms that campaigns are linked by."""

SEALING = "review"
"""The purpose whose key seals plain contacts instead of making pseudonyms."""

_KEY_BYTES = 32
_PURPOSE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_KEY_LINE = re.compile(rb"adrisk-key (\S{10,40}) ([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """The public facts of a key: its purpose, date of creation and fingerprint."""

    purpose: str
    created: str
    fingerprint: str


class Pseudonymiser:
    """Maker of pseudonyms for one purpose; it reveals neither contacts nor its key."""

    __slots__ = ("_key", "purpose")

    def __init__(self, key: bytes, purpose: str) -> None:
        if len(key) != _KEY_BYTES:
            raise ValueError(f"expected a key of {_KEY_BYTES} bytes, got {len(key)}")
        if not _PURPOSE.fullmatch(purpose):
            raise ValueError(
                f"expected a purpose in small letters, such as 'campaigns', got {purpose!r}"
            )
        self._key = hmac.digest(key, b"adrisk/" + purpose.encode(), hashlib.sha256)
        self.purpose = purpose

    @classmethod
    def open(cls, folder: Path, purpose: str) -> Pseudonymiser:
        """The pseudonymiser of a workspace; its key is made on the first call.

        Args:
            folder: the workspace; made if missing.
            purpose: what the pseudonyms are for; other purposes have other keys.

        Raises:
            ConfigError: if the key file is damaged, or others than its owner may use it.
        """
        path = _path(folder, purpose)
        if not path.exists():
            _write(path, replace=False)
        return cls(_read(path)[1], purpose)

    @classmethod
    def ephemeral(cls) -> Pseudonymiser:
        """A pseudonymiser under a key that is not stored, for comparisons within one process."""
        return cls(secrets.token_bytes(_KEY_BYTES), "ephemeral")

    def of(self, contact: Contact) -> str:
        """The pseudonym of a contact: 32 hexadecimal characters, the same for kind and value."""
        plain = f"{contact.kind}\0{contact.value}".encode()
        return hmac.digest(self._key, plain, hashlib.sha256)[:16].hex()

    @property
    def fingerprint(self) -> str:
        """Eight characters that identify the key and do not reveal it."""
        return hmac.digest(self._key, b"fingerprint", hashlib.sha256)[:4].hex()

    def __repr__(self) -> str:
        return f"Pseudonymiser(purpose={self.purpose!r})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Pseudonymiser holds a key and is not pickled; open it where it is used")


def sealing_key(folder: Path) -> bytes:
    """32 bytes under which a workspace seals plain contacts; made on the first call.

    Raises:
        ConfigError: if the key file is damaged, or others than its owner may use it.
    """
    path = _path(folder, SEALING)
    if not path.exists():
        _write(path, replace=False)
    return hmac.digest(_read(path)[1], b"adrisk/seal", hashlib.sha256)


def keys(folder: Path) -> list[KeyFacts]:
    """The public facts of the keys of a workspace, by purpose; no key is made.

    Raises:
        ConfigError: if a key file is damaged, or others than its owner may use it.
    """
    facts = []
    for path in sorted((folder / KEY_FOLDER).glob("[a-z]*.key")):
        created, key = _read(path)
        facts.append(KeyFacts(path.stem, created, Pseudonymiser(key, path.stem).fingerprint))
    return facts


def rotate(folder: Path, purpose: str) -> KeyFacts:
    """Replace the key of a purpose permanently.

    Pseudonyms made before no longer match those made after, and the new key reveals nothing about
    the old pseudonyms.

    Raises:
        ConfigError: if the workspace has no key for the purpose.
    """
    path = _path(folder, purpose)
    if not path.exists():
        known = ", ".join(facts.purpose for facts in keys(folder)) or "none"
        raise ConfigError(
            f"{path}: expected a key to replace; this workspace has keys for: {known}"
        )
    _write(path, replace=True)
    created, key = _read(path)
    return KeyFacts(purpose, created, Pseudonymiser(key, purpose).fingerprint)


def _path(folder: Path, purpose: str) -> Path:
    if not _PURPOSE.fullmatch(purpose):
        raise ValueError(
            f"expected a purpose in small letters, such as 'campaigns', got {purpose!r}"
        )
    return folder / KEY_FOLDER / f"{purpose}.key"


def _write(path: Path, *, replace: bool) -> None:
    """Write a new key atomically.

    If several processes make the first key of a purpose, the first one wins.
    """
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"adrisk-key {now} {secrets.token_hex(_KEY_BYTES)}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(draft, path)
            return
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> tuple[str, bytes]:
    """Date of creation and key, after checks of the file's mode and form."""
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        content = file.read(200)
    if os.name == "posix" and mode & 0o077:
        raise ConfigError(
            f"{path}: expected a file that only its owner can use (mode 0600), got {mode:04o}; "
            f"run: chmod 600 {path}, and consider the contacts under this key known to others: "
            f"run: adrisk keys rotate {path.stem}"
        )
    match = _KEY_LINE.fullmatch(content)
    if not match:
        raise ConfigError(
            f"{path}: expected one line with a date and a key of {_KEY_BYTES} bytes, got "
            f"{len(content)} bytes of something else; restore it from a backup, or delete it to "
            "start anew (pseudonyms made before will not match new ones)"
        )
    return match[1].decode(), bytes.fromhex(match[2].decode())
