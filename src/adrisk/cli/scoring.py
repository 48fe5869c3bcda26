"""Commands that score ads, and look at what was scored."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.cli.output import (
    column_mapping,
    days,
    named_model,
    print_notes,
    reasons,
    safe,
    workspace,
)
from adrisk.errors import UsageError

if TYPE_CHECKING:
    from adrisk.model.model import Model


def score_command(args: argparse.Namespace) -> None:
    """`adrisk score`: ads to scores, campaigns and flags."""
    from adrisk.api import find_model, score
    from adrisk.config import load
    from adrisk.ingest.adapters.base import ReadOptions
    from adrisk.ingest.quarantine import Quarantine
    from adrisk.ingest.stream import open_ads
    from adrisk.policy.policy import PolicyConfig

    if args.workers < 0:
        raise UsageError("--workers must be 0 or more")
    mapping = column_mapping(args.map)
    policy = load(args.policy, PolicyConfig) if args.policy else PolicyConfig()
    named, sources = named_model(args.given)
    if "-" not in sources:  # a wrong path is told before a model is looked for
        open_ads(sources, ReadOptions(mapping), Quarantine(args.out / "quarantine.jsonl"))
    done = score(
        find_model(named, workspace()),
        sources,
        args.out,
        workspace(),
        policy=policy,
        mapping=mapping,
        resume=args.resume,
        workers=args.workers,
        remember=args.remember,
        days=days(args),
    )
    counts = done.counts.given()
    print(
        f"scored      {counts['scored']:,} ads in {counts['campaigns']:,} campaigns: "
        f"{counts['urgent']:,} urgent, {counts['review']:,} review, {counts['clear']:,} clear, "
        f"{counts['incomplete']:,} incomplete"
    )
    if counts["escalated"]:
        print(f"escalated   {counts['escalated']:,} ads jump the queue, whatever their risk")
    if counts["incomplete"]:
        because = {why.replace("_", " "): n for why, n in counts["incomplete_because"].items()}
        told = ", ".join(f"{n:,} {why}" for why, n in because.items())
        print(f"incomplete  not judged: {told}; {counts['incomplete_queued']:,} in the queue")
    print(
        f"queue       {args.out / 'flags.parquet'}  {counts['queued_campaigns']:,} campaigns, "
        f"{counts['audited']:,} of them drawn for the audit"
    )
    print(
        f"quarantine  {args.out / 'quarantine.jsonl'}  "
        f"{reasons(counts['quarantined'], counts.get('quarantined_because'))}"
    )
    print_notes(done.notes)
    print(f"next        adrisk report {args.out}, or adrisk campaigns {args.out}")


def explain_command(args: argparse.Namespace) -> None:
    """`adrisk explain`: one ad, its score as scoring gives it, and the words behind it."""
    from adrisk.model.explain import RISK
    from adrisk.rules.taxonomy import load_taxonomy

    if len(args.given) > 2:
        raise UsageError("explain takes one model and one text; put the text in quotes")
    from adrisk.api import explain_text, find_model

    reference = args.given[0] if len(args.given) == 2 else named_model(args.given)[0]
    model, text = find_model(reference, workspace()), args.given[-1]
    if not text.strip():
        raise UsageError("the text is empty")
    found = explain_text(model, text)
    why, evidence, taxonomy = found.why, found.why.evidence, load_taxonomy()
    if found.not_judged:
        print(f"not judged: {found.not_judged}; a person should read it")
        evidence = tuple(e for e in evidence if e.found_by != model.manifest.family)
    else:
        print(f"risk {why.risk:.3f} (level {why.level}): {model.manifest.trained_on.target}")
        likely = {name: p for name, p in why.indicators.items() if p >= 0.5}
        for name, p in sorted(likely.items(), key=lambda pair: -pair[1]):
            print(f"  {p:.2f} {taxonomy.get(name).title['en']}")
    for name in found.escalated:
        print(f"always looked at first, whatever the risk: {taxonomy.get(name).title['en']}")
    print(f"language {found.language or 'unknown: the rules of all languages were tried'}")
    print()
    print(_marked(text, [(e.start, e.end) for e in evidence if e.indicator == RISK]))
    print()
    for e in evidence:
        strength = f"{e.strength:+.2f}" if e.strength else e.state.value
        print(f"  {e.indicator:32} {strength:>10}  {e.found_by:24} {safe(text[e.start : e.end])}")
    print("\nA flag asks a person to look; it never accuses.")


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with spans between « and », or in reverse video on a terminal."""
    on, off = ("\x1b[7m", "\x1b[0m") if sys.stdout.isatty() else ("«", "»")
    parts, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            parts += [safe(text[at:start]), on, safe(text[start:end]), off]
            at = end
    return "".join([*parts, safe(text[at:])])


def policy_command(args: argparse.Namespace) -> None:
    """`adrisk policy`: two policies compared on a scored folder, or workload against recall."""
    if args.action == "compare":
        _compare_policies(args.given, args.out)
        return
    from adrisk.report.policies import simulate, write_simulation

    if len(args.given) > 2 or args.out is None:
        raise UsageError("use it so: adrisk policy simulate [MODEL] DIR -o FILE.html")
    folder = Path(args.given[-1])
    found = simulate(folder, _model_that_scored(folder, args.given[:-1]))
    write_simulation(found, args.out)
    print(f"simulation  {args.out}  {found.campaigns:,} campaigns of {folder}")
    print(f"recall      from {found.positives:,} risky of {found.held:,} campaigns, one ad each")


def _compare_policies(given: Sequence[str], out: Path | None) -> None:
    from adrisk.config import load
    from adrisk.policy.policy import PolicyConfig, resolve_policy
    from adrisk.report.policies import (
        check_model,
        compare_policies,
        comparison_in_words,
        write_comparison,
    )

    if len(given) not in (3, 4):
        raise UsageError("use it so: adrisk policy compare [MODEL] OLD.yaml NEW.yaml DIR")
    folder = Path(given[-1])
    configs = [load(Path(path), PolicyConfig) for path in given[-3:-1]]
    model = None
    if len(given) == 4 or any(config.review_at is None for config in configs):
        model = _model_that_scored(folder, given[:-3])
        check_model(folder, model)
    old, new = (resolve_policy(config, model) for config in configs)
    found = compare_policies(folder, old, new)
    if out is not None:
        write_comparison(found, out)
    print(f"old         {old.policy_id}: {old.review_at_reason}")
    print(f"new         {new.policy_id}: {new.review_at_reason}\n")
    print(comparison_in_words(found))
    if out is not None:
        print(f"\nchanges     {out}  {len(found.changes):,} ads")


def _model_that_scored(folder: Path, named: Sequence[str]) -> Model:
    """The model as it is called, or the registered version that the folder names."""
    from adrisk.api import find_model
    from adrisk.scoring.manifest import read_manifest

    if named:
        return find_model(named[0], workspace())
    version = read_manifest(folder).model.version
    if not version.isdigit():
        raise UsageError(
            f"{folder} was scored by a model outside the registry (version {version}); name its "
            "folder before the other arguments"
        )
    return find_model(f"models:/adrisk/{version}", workspace())


def campaigns_command(args: argparse.Namespace) -> None:
    """`adrisk campaigns`: the queue as a list, one campaign in full, or a file for other tools."""
    from adrisk.report.campaigns import export_campaigns, list_campaigns, show_campaign

    if args.export is not None:
        count = export_campaigns(args.folder, args.export, args.campaign)
        print(f"campaigns   {args.export}  {count:,} of them: ids, facts and pseudonyms")
    elif args.campaign is not None:
        print(show_campaign(args.folder, args.campaign))
    else:
        print(list_campaigns(args.folder))


def report_command(args: argparse.Namespace) -> None:
    """`adrisk report`: a scored folder as one HTML file."""
    from adrisk.api import report

    print(f"report  {report(args.folder, args.out)}")
