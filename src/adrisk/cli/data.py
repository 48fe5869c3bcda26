"""Commands that need no model: ingest, match, extract, link, indicators."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from adrisk.cli.arguments import column_mapping, days_kept, rules_of
from adrisk.cli.output import print_notes, quarantined_rows
from adrisk.files import log_access, workspace

if TYPE_CHECKING:
    from adrisk.cli.output import Output
    from adrisk.scoring.tables import Written


def ingest_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk ingest`: sources to one Parquet file of ads."""
    from adrisk.api import ingest

    done = ingest(args.sources, args.out, mapping=column_mapping(args.map))
    output.add(
        ads=done.ads,
        read=done.read,
        accepted=done.accepted,
        quarantine=done.quarantine,
        quarantined=done.quarantined,
        quarantined_because=done.reasons,
        datasheet=done.datasheet,
        fingerprint=done.fingerprint,
    )
    output.line(f"ads         {done.ads}  {done.accepted:,} of {done.read:,} rows")
    output.line(
        f"quarantine  {done.quarantine}  {quarantined_rows(done.quarantined, done.reasons)}"
    )
    if done.datasheet:
        output.line(
            f"datasheet   {done.datasheet}  how the synthetic ads are made, and their limits"
        )
    print_notes(done.notes, output)


def match_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk match`: evidence by the rules alone; with `--report` the quality of each rule."""
    from adrisk.evaluation.rule_report import match_and_report
    from adrisk.scoring.tables import match

    mapping, rules = column_mapping(args.map), rules_of(args)
    if args.report:
        done = match_and_report(args.sources, args.out, mapping, args.report, rules)
    else:
        done = match(args.sources, args.out, mapping, rules=rules)
    _print_written("findings", done, output)
    if args.report:
        output.add(rules=[args.report, args.report.with_suffix(".json")])
        output.line(f"rules       {args.report} and {args.report.with_suffix('.json')}")


def extract_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk extract`: contacts as keyed pseudonyms; prices, wages, hours and places."""
    from adrisk.scoring.tables import extract

    place = workspace()
    if args.plain:
        # Logged before and after: no plain value is written without an entry.
        log_access(place, f"extract --plain begins to write {args.out}")
    done = extract(args.sources, args.out, column_mapping(args.map), place, plain=args.plain)
    if args.plain:
        log_access(place, f"extract --plain wrote {done.rows} findings to {args.out}")
    _print_written("findings", done, output)


def link_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk link`: ads joined into campaigns."""
    from adrisk.linking.run import link_ads

    done = link_ads(
        args.sources,
        args.out,
        column_mapping(args.map),
        workspace(),
        name=args.remember,
        days=days_kept(args),
    )
    output.add(
        campaigns=done.path,
        links=done.links,
        ads=done.ads,
        campaign_count=done.campaigns,
        joined=done.joined,
        quarantine=done.quarantine,
        quarantined=done.quarantined,
    )
    output.line(f"campaigns   {done.path}  {done.campaigns:,} of {done.ads:,} ads")
    output.line(f"links       {done.links}  why {done.joined:,} ads are in a campaign with others")
    output.line(f"quarantine  {done.quarantine}  {quarantined_rows(done.quarantined)}")
    print_notes(done.notes, output)


def _print_written(what: str, done: Written, output: Output) -> None:
    output.add(
        findings=done.path,
        rows=done.rows,
        ads=done.ads,
        quarantine=done.quarantine,
        quarantined=done.quarantined,
    )
    output.line(f"{what:11} {done.path}  {done.rows:,} in {done.ads:,} ads")
    output.line(f"quarantine  {done.quarantine}  {quarantined_rows(done.quarantined)}")


def indicators_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk indicators`: the taxonomy, or one entry explained."""
    from adrisk.cli.show import explained, indicator_values, risk_explained

    rules = rules_of(args)
    taxonomy = rules.taxonomy
    if args.id is not None:
        entry = taxonomy.get(args.id)
        output.add(**indicator_values(entry, taxonomy))
        output.block(explained(entry, rules))
        return
    output.add(
        indicators=[indicator_values(entry, taxonomy) for entry in taxonomy],
        risk=taxonomy.risk.in_words(),
    )
    for entry in taxonomy:
        kind, weight = entry.kind.value, entry.weight.name.lower()
        output.line(f"{entry.id:36} {kind} {weight:7} {entry.title['en']}")
    output.block(risk_explained(taxonomy))
