"""Commands for administration: keys, sealed contacts, state of the installation."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from adrisk.errors import UsageError
from adrisk.files import log_access, workspace

if TYPE_CHECKING:
    from adrisk.cli.output import Output


def keys_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk keys`: purpose, date and fingerprint of each key, or a new key for one purpose."""
    from adrisk.extract.pseudonyms import SEALING, keys, rotate

    place = workspace()
    if args.action == "show":
        existing = list(keys(place))
        output.add(keys=existing)
        for facts in existing:
            output.line(
                f"{facts.purpose:12} since {facts.created}  fingerprint {facts.fingerprint}"
            )
        if not existing:
            output.line(f"no keys yet in {place}; a key is made when its purpose is first used")
        return
    if args.purpose is None:
        raise UsageError("keys rotate needs a purpose; adrisk keys show lists them")
    if args.purpose == SEALING and (place / "review.db").exists():
        raise UsageError(
            "keys rotate review: a new key cannot open the contacts in the review store; "
            f"remove {place / 'review.db'} first, or keep the key"
        )
    try:
        facts = rotate(place, args.purpose)
    except ValueError as error:
        raise UsageError(f"keys rotate {args.purpose}: {error}") from error
    log_access(place, f"keys rotate {facts.purpose}, now {facts.fingerprint}")
    output.add(rotated=facts)
    output.line(f"{facts.purpose:12} since {facts.created}  fingerprint {facts.fingerprint}")
    output.line("pseudonyms made with the old key do not match new ones")


def review_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk review`: open one sealed contact, or read the record of openings."""
    from adrisk.extract.pseudonyms import sealing_key
    from adrisk.review.vault import Vault

    vault = Vault(workspace(), sealing_key(workspace()))
    if args.action == "openings":
        openings = list(vault.openings())
        output.add(openings=openings)
        for entry in openings:
            output.line(
                f"{entry.at:%Y-%m-%d %H:%M} UTC  {entry.pseudonym[:12]}  {entry.person} "
                f"({entry.account})  {entry.reason}"
            )
        return
    if args.pseudonym is None:
        raise UsageError("review open needs a pseudonym; the report and adrisk campaigns show them")
    opened = vault.open(args.pseudonym, person=args.person, reason=args.reason)
    output.add(kind=opened.kind, value=opened.value)
    output.line(f"{opened.kind}  {opened.value}")
    output.line("this opening is recorded; adrisk review openings lists all of them")


def doctor_command(args: argparse.Namespace, output: Output) -> int:
    """`adrisk doctor`: installed and missing parts, and where files are; 1 if one is missing."""
    from adrisk.cli.show import doctor

    found = doctor(workspace())
    output.add(healthy=found.healthy, **found.facts)
    output.block(found.in_words())
    return 0 if found.healthy else 1
