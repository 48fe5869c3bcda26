from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from adrisk.errors import ConfigError
from adrisk.extract.pseudonym import KEY_FILE, Pseudonymiser
from adrisk.types import Contact


def make_contact(value: str = "+12025550143", kind: str = "phone") -> Contact:
    return Contact(kind, 0, 3, value, False)


def test_a_contact_has_one_pseudonym_wherever_it_stands(tmp_path: Path) -> None:
    key = Pseudonymiser.open(tmp_path, "campaigns")
    name = key.of(make_contact())
    assert len(name) == 32
    assert set(name) <= set("0123456789abcdef")
    assert name == key.of(Contact("phone", 7, 9, "+12025550143", True))
    assert name != key.of(make_contact("+12025550144"))
    assert name != key.of(make_contact(kind="handle"))


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "workspace"
    first = Pseudonymiser.open(folder, "campaigns")
    again = Pseudonymiser.open(folder, "campaigns")
    path = folder / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_bytes()) == 32
    assert [p.name for p in folder.iterdir()] == [KEY_FILE]
    assert first.of(make_contact()) == again.of(make_contact())


def test_purposes_and_workspaces_cannot_be_matched(tmp_path: Path) -> None:
    names = {
        Pseudonymiser.open(tmp_path / folder, purpose).of(make_contact())
        for folder in ("a", "b")
        for purpose in ("campaigns", "review")
    }
    assert len(names) == 4


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Pseudonymiser.open(tmp_path, "campaigns")
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(ConfigError, match=r"mode 0600\), got 0640; run: chmod 600"):
        Pseudonymiser.open(tmp_path, "campaigns")


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / KEY_FILE
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="expected a key of 32 bytes"):
        Pseudonymiser.open(tmp_path, "campaigns")
    assert path.read_bytes() == content


def test_neither_key_nor_contact_shows(tmp_path: Path) -> None:
    key = Pseudonymiser.open(tmp_path, "campaigns")
    key.of(make_contact())
    assert repr(key) == "Pseudonymiser(purpose='campaigns')"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)


def test_an_empty_purpose_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="purpose"):
        Pseudonymiser.open(tmp_path, "")


def test_ephemeral_keys_differ() -> None:
    one, two = Pseudonymiser.ephemeral(), Pseudonymiser.ephemeral()
    assert one.of(make_contact()) != two.of(make_contact())
