"""Commands that score ads or read a scored folder: score, explain, policy, campaigns, report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.cli.arguments import column_mapping, days_kept, load_model, rules_of, split_model
from adrisk.cli.output import print_notes, quarantined_rows
from adrisk.errors import UsageError
from adrisk.files import workspace

if TYPE_CHECKING:
    from adrisk.cli.output import Output
    from adrisk.model.model import Model
    from adrisk.rules.ruleset import Ruleset


def score_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk score`: scores, campaigns and flags of ads."""
    from adrisk.api import score
    from adrisk.config import load
    from adrisk.ingest.adapters.base import ReadOptions
    from adrisk.ingest.quarantine import Quarantine
    from adrisk.ingest.stream import open_ads
    from adrisk.policy.policy import PolicyConfig

    if args.workers < 0:
        raise UsageError("--workers must be 0 or more")
    mapping = column_mapping(args.map)
    policy = load(args.policy, PolicyConfig) if args.policy else PolicyConfig()
    reference, sources = split_model(args.given)
    if "-" not in sources:  # a wrong path fails before a model is loaded
        open_ads(sources, ReadOptions(mapping), Quarantine(args.out / "quarantine.jsonl"))
    done = score(
        load_model(reference, rules_of(args)),
        sources,
        args.out,
        workspace(),
        policy=policy,
        mapping=mapping,
        resume=args.resume,
        workers=args.workers,
        remember=args.remember,
        days=days_kept(args),
    )
    counts = done.counts.given()
    output.add(
        folder=done.folder,
        manifest=done.manifest,
        queue=args.out / "flags.parquet",
        quarantine=args.out / "quarantine.jsonl",
        run_id=done.run_id,
        counts=counts,
    )
    output.line(
        f"scored      {counts['scored']:,} ads in {counts['campaigns']:,} campaigns: "
        f"{counts['urgent']:,} urgent, {counts['review']:,} review, {counts['clear']:,} clear, "
        f"{counts['incomplete']:,} incomplete"
    )
    if counts["escalated"]:
        output.line(
            f"escalated   {counts['escalated']:,} ads go first in the queue, whatever their risk"
        )
    if counts["incomplete"]:
        reasons = ", ".join(
            f"{n:,} {reason.replace('_', ' ')}"
            for reason, n in counts["incomplete_because"].items()
        )
        output.line(
            f"incomplete  not judged: {reasons}; {counts['incomplete_queued']:,} in the queue"
        )
    output.line(
        f"queue       {args.out / 'flags.parquet'}  {counts['queued_campaigns']:,} campaigns, "
        f"{counts['audited']:,} of them drawn for the audit"
    )
    output.line(
        f"quarantine  {args.out / 'quarantine.jsonl'}  "
        f"{quarantined_rows(counts['quarantined'], counts.get('quarantined_because'))}"
    )
    print_notes(done.notes, output)
    output.line(f"next        adrisk report {args.out}, or adrisk campaigns {args.out}")


def explain_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk explain`: the score of one ad, and the words that give it."""
    from adrisk.api import explain_text
    from adrisk.model.explain import RISK

    if len(args.given) > 2:
        raise UsageError("explain takes one model and one text; put the text in quotes")
    reference = args.given[0] if len(args.given) == 2 else split_model(args.given)[0]
    model, text = load_model(reference, rules_of(args)), args.given[-1]
    if not text.strip():
        raise UsageError("the text is empty")
    explained = explain_text(model, text)
    why, evidence, taxonomy = explained.why, explained.why.evidence, model.rules.taxonomy
    output.add(
        risk=None if explained.not_judged else why.risk,
        level=None if explained.not_judged else why.level,
        target=model.manifest.trained_on.target,
        not_judged=explained.not_judged,
        escalated=explained.escalated,
        language=explained.language,
        indicators={} if explained.not_judged else why.indicators,
    )
    if explained.not_judged:
        output.line(f"not judged: {explained.not_judged}; a person should read it")
        evidence = tuple(e for e in evidence if e.found_by != model.manifest.family)
    else:
        output.line(f"risk {why.risk:.3f} (level {why.level}): {model.manifest.trained_on.target}")
        likely = {name: p for name, p in why.indicators.items() if p >= 0.5}
        for name, p in sorted(likely.items(), key=lambda pair: -pair[1]):
            output.line(f"  {p:.2f} {taxonomy.get(name).title['en']}")
    for name in explained.escalated:
        output.line(f"always reviewed first, whatever the risk: {taxonomy.get(name).title['en']}")
    output.line(f"language {explained.language or 'unknown: the rules of all languages were used'}")
    output.add(evidence=[{**asdict(e), "text": text[e.start : e.end]} for e in evidence])
    output.line()
    output.marked(_parts(text, [(e.start, e.end) for e in evidence if e.indicator == RISK]))
    output.line()
    for e in evidence:
        strength = f"{e.strength:+.2f}" if e.strength else e.state.value
        output.line(f"  {e.indicator:32} {strength:>10}  {e.found_by:24} {text[e.start : e.end]}")
    output.line()
    output.line("A flag asks a person to look; it never accuses.")


def _parts(text: str, spans: Sequence[tuple[int, int]]) -> list[tuple[str, bool]]:
    """The text cut at the spans, and whether each part is in a span."""
    parts, position = [], 0
    for start, end in sorted(spans):
        if start >= position:
            parts += [(text[position:start], False), (text[start:end], True)]
            position = end
    return [*parts, (text[position:], False)]


def policy_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk policy`: two policies compared on a scored folder, or workload by recall."""
    if args.action == "compare":
        _compare_policies(args.given, args.out, rules_of(args), output)
        return
    from adrisk.report.simulation import simulate, simulation_values, write_simulation

    if len(args.given) > 2 or args.out is None:
        raise UsageError("expected: adrisk policy simulate [MODEL] DIR -o FILE.html")
    folder = Path(args.given[-1])
    model = _model_that_scored(folder, args.given[:-1], rules_of(args))
    simulation = simulate(folder, model)
    write_simulation(simulation, args.out)
    output.add(file=args.out, **simulation_values(simulation))
    output.line(f"simulation  {args.out}  {simulation.campaigns:,} campaigns of {folder}")
    output.line(
        f"recall      estimated on {simulation.positives:,} risky of {simulation.held:,} "
        "campaigns, one ad each"
    )


def _compare_policies(
    given: Sequence[str], out: Path | None, rules: Ruleset, output: Output
) -> None:
    from adrisk.config import load
    from adrisk.policy.policy import PolicyConfig, resolve_policy
    from adrisk.report.policy_comparison import (
        compare_policies,
        comparison_in_words,
        comparison_values,
        write_comparison,
    )
    from adrisk.report.scored_ads import check_model

    if len(given) not in (3, 4):
        raise UsageError("expected: adrisk policy compare [MODEL] OLD.yaml NEW.yaml DIR")
    folder = Path(given[-1])
    configs = [load(Path(path), PolicyConfig) for path in given[-3:-1]]
    model = None
    if len(given) == 4 or any(config.review_at is None for config in configs):
        model = _model_that_scored(folder, given[:-3], rules)
        check_model(folder, model)
    old, new = (resolve_policy(config, model) for config in configs)
    comparison = compare_policies(folder, old, new)
    if out is not None:
        write_comparison(comparison, out)
    output.add(file=out, **comparison_values(comparison))
    output.line(f"old         {old.policy_id}: {old.review_at_reason}")
    output.line(f"new         {new.policy_id}: {new.review_at_reason}")
    output.line()
    output.block(comparison_in_words(comparison))
    if out is not None:
        output.line()
        output.line(f"changes     {out}  {len(comparison.changes):,} ads")


def _model_that_scored(folder: Path, reference: Sequence[str], rules: Ruleset) -> Model:
    """The model of this reference; left out, the registered version named in the folder."""
    from adrisk.api import find_model
    from adrisk.scoring.manifest import read_manifest

    if reference:
        return find_model(reference[0], workspace(), rules)
    version = read_manifest(folder).model.version
    if not version.isdigit():
        raise UsageError(
            f"{folder} was scored by a model that is not registered (version {version}); put its "
            "folder before the other arguments"
        )
    return find_model(f"models:/adrisk/{version}", workspace(), rules)


def campaigns_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk campaigns`: the queue as a list, one campaign in full, or an export."""
    from adrisk.report.campaigns import campaign_item, export_campaigns, queue_items
    from adrisk.report.terminal import campaign_text, queue_text
    from adrisk.report.values import campaign_values

    if args.export is not None:
        count = export_campaigns(args.folder, args.export, args.campaign)
        output.add(export=args.export, campaigns=count)
        output.line(f"campaigns   {args.export}  {count:,} campaigns: ids, facts and pseudonyms")
    elif args.campaign is not None:
        item = campaign_item(args.folder, args.campaign, rules_of(args).taxonomy)
        output.add(**campaign_values(item))
        output.block(campaign_text(item))
    else:
        items, total = queue_items(args.folder, rules_of(args).taxonomy)
        output.add(queued=total, campaigns=[campaign_values(item) for item in items])
        output.block(queue_text(items, total))


def report_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk report`: a scored folder as one HTML file."""
    from adrisk.api import report

    page = report(args.folder, args.out, rules_of(args).taxonomy)
    output.add(report=page)
    output.line(f"report  {page}")
