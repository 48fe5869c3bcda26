from __future__ import annotations

import hmac
import pickle
from pathlib import Path

import pytest

from adrisk.errors import ConfigError
from adrisk.extract.pseudonyms import KEY_FOLDER, Pseudonymiser, keys, rotate
from adrisk.types import Contact


def make_contact(value: str = "+12025550143", kind: str = "phone") -> Contact:
    return Contact(kind, 0, 3, value, False)


def key_file(folder: Path, purpose: str = "campaigns") -> Path:
    return folder / KEY_FOLDER / f"{purpose}.key"


def test_a_contact_has_one_pseudonym_wherever_it_stands(tmp_path: Path) -> None:
    key = Pseudonymiser.open(tmp_path, "campaigns")
    name = key.of(make_contact())
    assert len(name) == 32
    assert set(name) <= set("0123456789abcdef")
    assert name == key.of(Contact("phone", 7, 9, "+12025550143", True))
    assert name != key.of(make_contact("+12025550144"))
    assert name != key.of(make_contact(kind="handle"))


def test_a_pseudonym_is_the_keyed_hmac_sha256_of_kind_and_value() -> None:
    name = Pseudonymiser(b"k" * 32, "campaigns").of(make_contact())
    bound = hmac.digest(b"k" * 32, b"adrisk/campaigns", "sha256")
    assert name == hmac.digest(bound, b"phone\0+12025550143", "sha256").hex()[:32]


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "workspace"
    first = Pseudonymiser.open(folder, "campaigns")
    again = Pseudonymiser.open(folder, "campaigns")
    assert key_file(folder).stat().st_mode & 0o777 == 0o600
    assert (folder / KEY_FOLDER).stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (folder / KEY_FOLDER).iterdir()] == ["campaigns.key"]
    assert first.of(make_contact()) == again.of(make_contact())


def test_every_purpose_has_a_key_of_its_own(tmp_path: Path) -> None:
    names = {
        purpose: Pseudonymiser.open(tmp_path, purpose).of(make_contact())
        for purpose in ("campaigns", "extract")
    }
    assert names["campaigns"] != names["extract"]
    contents = {key_file(tmp_path, purpose).read_bytes() for purpose in names}
    assert len(contents) == 2


def test_two_workspaces_cannot_be_joined_without_the_key_and_can_with_it(tmp_path: Path) -> None:
    contacts = [make_contact(f"+120255501{line:02d}") for line in range(100)]
    one, two = (Pseudonymiser.open(tmp_path / name, "campaigns") for name in ("one", "two"))
    assert {one.of(c) for c in contacts}.isdisjoint(two.of(c) for c in contacts)
    key_file(tmp_path / "two").write_bytes(key_file(tmp_path / "one").read_bytes())
    again = Pseudonymiser.open(tmp_path / "two", "campaigns")
    assert [one.of(c) for c in contacts] == [again.of(c) for c in contacts]


def test_a_rotated_key_gives_new_names_and_leaves_the_other_purposes_alone(tmp_path: Path) -> None:
    before = {p: Pseudonymiser.open(tmp_path, p) for p in ("campaigns", "extract")}
    old = key_file(tmp_path).read_bytes()
    facts = rotate(tmp_path, "campaigns")
    after = {p: Pseudonymiser.open(tmp_path, p) for p in ("campaigns", "extract")}
    assert before["campaigns"].of(make_contact()) != after["campaigns"].of(make_contact())
    assert before["extract"].of(make_contact()) == after["extract"].of(make_contact())
    assert facts.fingerprint == after["campaigns"].fingerprint != before["campaigns"].fingerprint
    assert key_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert all(old not in path.read_bytes() for path in (tmp_path / KEY_FOLDER).iterdir())


def test_what_is_told_of_keys_gives_none_away(tmp_path: Path) -> None:
    assert keys(tmp_path) == []
    Pseudonymiser.open(tmp_path, "extract")
    Pseudonymiser.open(tmp_path, "campaigns")
    told = keys(tmp_path)
    assert [facts.purpose for facts in told] == ["campaigns", "extract"]
    secret = key_file(tmp_path).read_text().split()[2]
    assert all(part not in secret for part in (told[0].fingerprint, told[0].created))


def test_a_key_that_is_not_there_cannot_be_rotated(tmp_path: Path) -> None:
    Pseudonymiser.open(tmp_path, "extract")
    with pytest.raises(ConfigError, match="this workspace has keys for: extract"):
        rotate(tmp_path, "campaigns")


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Pseudonymiser.open(tmp_path, "campaigns")
    key_file(tmp_path).chmod(0o640)
    with pytest.raises(ConfigError, match=r"mode 0600\), got 0640; run: chmod 600"):
        Pseudonymiser.open(tmp_path, "campaigns")


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33, b"adrisk-key now abc\n"])
def test_a_damaged_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    Pseudonymiser.open(tmp_path, "campaigns")
    key_file(tmp_path).write_bytes(content)
    with pytest.raises(ConfigError, match="a key of 32 bytes"):
        Pseudonymiser.open(tmp_path, "campaigns")
    assert key_file(tmp_path).read_bytes() == content


def test_neither_key_nor_contact_shows(tmp_path: Path) -> None:
    key = Pseudonymiser.open(tmp_path, "campaigns")
    key.of(make_contact())
    assert repr(key) == "Pseudonymiser(purpose='campaigns')"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)


@pytest.mark.parametrize("purpose", ["", "../campaigns", "Campaigns", "a/b"])
def test_a_purpose_that_is_no_plain_word_is_refused(tmp_path: Path, purpose: str) -> None:
    with pytest.raises(ValueError, match="purpose"):
        Pseudonymiser.open(tmp_path, purpose)


def test_ephemeral_keys_differ() -> None:
    one, two = Pseudonymiser.ephemeral(), Pseudonymiser.ephemeral()
    assert one.of(make_contact()) != two.of(make_contact())
