"""Commands for keys, sealed contacts and the state of the installation."""

from __future__ import annotations

import argparse

from adrisk.cli.output import safe, workspace
from adrisk.errors import UsageError


def keys_command(args: argparse.Namespace) -> None:
    """`adrisk keys`: purposes, dates and fingerprints, never keys; or a new key for one purpose."""
    from adrisk.extract.pseudonyms import SEALING, keys, rotate
    from adrisk.files import log_access

    place = workspace()
    if args.action == "show":
        for facts in keys(place):
            print(f"{facts.purpose:12} since {facts.created}  fingerprint {facts.fingerprint}")
        if not keys(place):
            print(f"no keys yet in {place}; the first use of a purpose makes its key")
        return
    if args.purpose is None:
        raise UsageError("keys rotate needs a purpose; adrisk keys show lists them")
    if args.purpose == SEALING and (place / "review.db").exists():
        raise UsageError(
            "keys rotate review: contacts in the review store could not be opened any more; "
            f"remove {place / 'review.db'} first, or keep the key"
        )
    try:
        facts = rotate(place, args.purpose)
    except ValueError as error:
        raise UsageError(f"keys rotate {args.purpose}: {error}") from error
    log_access(place, f"keys rotate {facts.purpose}, now {facts.fingerprint}")
    print(f"{facts.purpose:12} since {facts.created}  fingerprint {facts.fingerprint}")
    print("pseudonyms made before do not match new ones")


def review_command(args: argparse.Namespace) -> None:
    """`adrisk review`: open one sealed contact, or read the record of openings."""
    from adrisk.scoring.sealing import open_vault

    vault = open_vault(workspace())
    if args.action == "openings":
        for entry in vault.openings():
            print(
                f"{entry.at:%Y-%m-%d %H:%M} UTC  {entry.pseudonym[:12]}  {safe(entry.person)} "
                f"({safe(entry.account)})  {safe(entry.reason)}"
            )
        return
    if args.pseudonym is None:
        raise UsageError("review open needs a pseudonym, as the report and adrisk campaigns show")
    opened = vault.open(args.pseudonym, person=args.person, reason=args.reason)
    print(f"{opened.kind}  {safe(opened.value)}")
    print("this opening is on record: adrisk review openings")


def doctor_command(args: argparse.Namespace) -> int:
    """`adrisk doctor`: what is installed, kept and missing; 1 if something is."""
    from adrisk.cli.show import doctor

    text, healthy = doctor(workspace())
    print(text)
    return 0 if healthy else 1
