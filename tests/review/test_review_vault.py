"""Plain contacts are sealed at rest, and each opening is on record before it happens."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from adrisk.errors import ConfigError, UsageError
from adrisk.review.vault import URL_VARIABLE, KeptContact, Vault

KEY = bytes(range(32))
PHONE = KeptContact("a" * 32, "phone", "+12025550143")
MAIL = KeptContact("ab" * 16, "email", "office@example.org")
WHO = {"person": "Ines Amado", "reason": "case 7, compared with the complaint"}


@pytest.fixture(autouse=True)
def _no_other_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL_VARIABLE, raising=False)


def test_a_contact_comes_back_to_a_person_who_says_why(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEY)
    assert vault.keep([PHONE, MAIL]) == 2
    opened = vault.open("a" * 10, **WHO)
    assert (opened.kind, opened.value) == ("phone", "+12025550143")
    (entry,) = vault.openings()
    assert (entry.person, entry.reason, entry.pseudonym) == (*WHO.values(), PHONE.pseudonym)
    assert entry.account


def test_keeping_twice_keeps_once(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEY)
    vault.keep([PHONE, PHONE])
    assert vault.keep([PHONE, MAIL]) == 1
    assert len(vault) == 2


def test_no_plain_contact_is_on_the_disk_or_in_a_representation(tmp_path: Path) -> None:
    Vault(tmp_path, KEY).keep([PHONE, MAIL])
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert b"2025550143" not in content
        assert b"example.org" not in content
    assert "555" not in repr(PHONE)


def test_the_store_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    Vault(tmp_path, KEY)
    assert (tmp_path / "review.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("person", "reason", "words"),
    [
        ("", "case 7, the complaint", "needs your name"),
        ("  42 ", "case 7, the complaint", "needs your name"),
        ("Ines Amado", "  because   ", "a reason of at least"),
    ],
)
def test_without_a_name_or_a_reason_nothing_opens(
    tmp_path: Path, person: str, reason: str, words: str
) -> None:
    vault = Vault(tmp_path, KEY)
    vault.keep([PHONE])
    with pytest.raises(UsageError, match=words):
        vault.open(PHONE.pseudonym, person=person, reason=reason)
    assert vault.openings() == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("aaaa", "at least the first 8"),
        ("%%%%%%%%", "at least the first 8"),
        ("bbbbbbbb", "only contacts of ads flagged"),
    ],
)
def test_only_a_known_pseudonym_opens(tmp_path: Path, asked: str, words: str) -> None:
    vault = Vault(tmp_path, KEY)
    vault.keep([PHONE])
    with pytest.raises(UsageError, match=words):
        vault.open(asked, **WHO)


def test_a_prefix_of_two_contacts_opens_neither(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEY)
    vault.keep([PHONE, KeptContact("a" * 31 + "b", "phone", "+12025550144")])
    with pytest.raises(UsageError, match="several contacts"):
        vault.open("a" * 12, **WHO)
    assert vault.openings() == []


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    Vault(tmp_path, KEY).keep([PHONE])
    with pytest.raises(ConfigError, match="another key"):
        Vault(tmp_path, secrets.token_bytes(32)).open(PHONE.pseudonym, **WHO)


def test_a_sealed_value_moved_to_another_pseudonym_does_not_open(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEY)
    vault.keep([PHONE, MAIL])
    swap = text("update contacts set sealed = (select sealed from contacts where kind = 'email')")
    with create_engine(f"sqlite:///{tmp_path / 'review.db'}").begin() as connection:
        connection.execute(swap)
    with pytest.raises(ConfigError, match="altered"):
        vault.open(PHONE.pseudonym, **WHO)


@pytest.mark.parametrize("change", ["update openings set person = 'X'", "delete from openings"])
def test_the_record_can_only_be_added_to(tmp_path: Path, change: str) -> None:
    vault = Vault(tmp_path, KEY)
    vault.keep([PHONE])
    vault.open(PHONE.pseudonym, **WHO)
    engine = create_engine(f"sqlite:///{tmp_path / 'review.db'}")
    with pytest.raises(IntegrityError, match="only added to"), engine.begin() as connection:
        connection.execute(text(change))
    assert [entry.person for entry in vault.openings()] == ["Ines Amado"]


@pytest.mark.database
def test_postgresql_keeps_opens_and_guards_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = os.environ["ADRISK_TEST_POSTGRES"]
    monkeypatch.setenv(URL_VARIABLE, url)
    vault = Vault(tmp_path, KEY)
    name = secrets.token_hex(16)
    assert vault.keep([KeptContact(name, "phone", "+12025550143")]) == 1
    before = len(vault.openings())
    assert vault.open(name, **WHO).value == "+12025550143"
    assert len(vault.openings()) == before + 1
    engine = create_engine(url)
    for change in ("update openings set person = 'X'", "delete from openings"):
        with pytest.raises(DBAPIError, match="only added to"), engine.begin() as connection:
            connection.execute(text(change))
    engine.dispose()
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_cannot_be_opened_is_told_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, "nosuch://me:secret@example.org/review")
    with pytest.raises(ConfigError, match=URL_VARIABLE) as told:
        Vault(tmp_path, KEY)
    assert "secret" not in str(told.value)
