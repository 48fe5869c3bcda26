"""Commands that tell what ads say, without a model."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from adrisk.cli.output import column_mapping, days, print_notes, reasons, workspace

if TYPE_CHECKING:
    from adrisk.scoring.tables import Written


def ingest_command(args: argparse.Namespace) -> None:
    """`adrisk ingest`: sources to one Parquet file of ads."""
    from adrisk.api import ingest

    done = ingest(args.sources, args.out, mapping=column_mapping(args.map))
    print(f"ads         {done.ads}  {done.accepted:,} of {done.read:,} rows")
    print(f"quarantine  {done.quarantine}  {reasons(done.quarantined, done.reasons)}")
    if done.datasheet:
        print(
            f"datasheet   {done.datasheet}  what the synthetic ads are, and what they cannot show"
        )
    print_notes(done.notes)


def match_command(args: argparse.Namespace) -> None:
    """`adrisk match`: what the rules alone find, and if wanted how good each rule is."""
    from adrisk.scoring.tables import match

    done = match(args.sources, args.out, column_mapping(args.map), report=args.report)
    _told("findings", done)
    if args.report:
        print(f"rules       {args.report} and {args.report.with_suffix('.json')}")


def extract_command(args: argparse.Namespace) -> None:
    """`adrisk extract`: contacts as keyed pseudonyms, and what else an ad says."""
    from adrisk.files import log_access
    from adrisk.scoring.tables import extract

    place = workspace()
    if args.plain:
        # Before and after: no plain value is ever written that the log does not know of.
        log_access(place, f"extract --plain begins to write {args.out}")
    done = extract(args.sources, args.out, column_mapping(args.map), place, plain=args.plain)
    if args.plain:
        log_access(place, f"extract --plain wrote {done.rows} findings to {args.out}")
    _told("findings", done)


def link_command(args: argparse.Namespace) -> None:
    """`adrisk link`: ads joined into campaigns."""
    from adrisk.linking.run import link_ads

    done = link_ads(
        args.sources,
        args.out,
        column_mapping(args.map),
        workspace(),
        name=args.remember,
        days=days(args),
    )
    print(f"campaigns   {done.path}  {done.campaigns:,} of {done.ads:,} ads")
    print(f"links       {done.links}  why {done.joined:,} ads are not alone")
    print(f"quarantine  {done.quarantine}  {reasons(done.quarantined)}")
    print_notes(done.notes)


def _told(what: str, done: Written) -> None:
    print(f"{what:11} {done.path}  {done.rows:,} in {done.ads:,} ads")
    print(f"quarantine  {done.quarantine}  {reasons(done.quarantined)}")


def indicators_command(args: argparse.Namespace) -> None:
    """`adrisk indicators`: the taxonomy, or one entry."""
    from adrisk.cli.show import explained, risk_explained
    from adrisk.rules.taxonomy import load_taxonomy

    taxonomy = load_taxonomy()
    if args.id is not None:
        print(explained(taxonomy.get(args.id), taxonomy))
        return
    for entry in taxonomy:
        kind, weight = entry.kind.value, entry.weight.name.lower()
        print(f"{entry.id:36} {kind} {weight:7} {entry.title['en']}")
    print(risk_explained(taxonomy))
