"""Commands that score ads, and look at what was scored."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.cli.output import (
    column_mapping,
    days,
    loaded,
    named_model,
    print_notes,
    reasons,
    rules_of,
    workspace,
)
from adrisk.errors import UsageError

if TYPE_CHECKING:
    from adrisk.cli.printing import Output
    from adrisk.model.model import Model
    from adrisk.rules.ruleset import Ruleset


def score_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk score`: ads to scores, campaigns and flags."""
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
    named, sources = named_model(args.given)
    if "-" not in sources:  # a wrong path is told before a model is looked for
        open_ads(sources, ReadOptions(mapping), Quarantine(args.out / "quarantine.jsonl"))
    done = score(
        loaded(named, rules_of(args)),
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
    counts = done.counts
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
        output.line(f"escalated   {counts['escalated']:,} ads jump the queue, whatever their risk")
    if counts["incomplete"]:
        because = {why.replace("_", " "): n for why, n in counts["incomplete_because"].items()}
        told = ", ".join(f"{n:,} {why}" for why, n in because.items())
        output.line(f"incomplete  not judged: {told}; {counts['incomplete_queued']:,} in the queue")
    output.line(
        f"queue       {args.out / 'flags.parquet'}  {counts['queued_campaigns']:,} campaigns, "
        f"{counts['audited']:,} of them drawn for the audit"
    )
    output.line(
        f"quarantine  {args.out / 'quarantine.jsonl'}  "
        f"{reasons(counts['quarantined'], counts.get('quarantined_because'))}"
    )
    print_notes(done.notes, output)
    output.line(f"next        adrisk report {args.out}, or adrisk campaigns {args.out}")


def explain_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk explain`: one ad, its score as scoring gives it, and the words behind it."""
    from adrisk.model.explain import RISK

    if len(args.given) > 2:
        raise UsageError("explain takes one model and one text; put the text in quotes")
    from adrisk.api import explain_text

    reference = args.given[0] if len(args.given) == 2 else named_model(args.given)[0]
    model, text = loaded(reference, rules_of(args)), args.given[-1]
    if not text.strip():
        raise UsageError("the text is empty")
    found = explain_text(model, text)
    why, evidence, taxonomy = found.why, found.why.evidence, model.rules.taxonomy
    output.add(
        risk=None if found.not_judged else why.risk,
        level=None if found.not_judged else why.level,
        target=model.manifest.trained_on.target,
        not_judged=found.not_judged,
        escalated=found.escalated,
        language=found.language,
        indicators={} if found.not_judged else why.indicators,
    )
    if found.not_judged:
        output.line(f"not judged: {found.not_judged}; a person should read it")
        evidence = tuple(e for e in evidence if e.found_by != model.manifest.family)
    else:
        output.line(f"risk {why.risk:.3f} (level {why.level}): {model.manifest.trained_on.target}")
        likely = {name: p for name, p in why.indicators.items() if p >= 0.5}
        for name, p in sorted(likely.items(), key=lambda pair: -pair[1]):
            output.line(f"  {p:.2f} {taxonomy.get(name).title['en']}")
    for name in found.escalated:
        output.line(f"always looked at first, whatever the risk: {taxonomy.get(name).title['en']}")
    output.line(f"language {found.language or 'unknown: the rules of all languages were tried'}")
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
    """The text in parts, and whether each is in a span."""
    parts, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            parts += [(text[at:start], False), (text[start:end], True)]
            at = end
    return [*parts, (text[at:], False)]


def policy_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk policy`: two policies compared on a scored folder, or workload against recall."""
    if args.action == "compare":
        _compare_policies(args.given, args.out, rules_of(args), output)
        return
    from adrisk.report.policies import simulate, simulation_values, write_simulation

    if len(args.given) > 2 or args.out is None:
        raise UsageError("use it so: adrisk policy simulate [MODEL] DIR -o FILE.html")
    folder = Path(args.given[-1])
    found = simulate(folder, _model_that_scored(folder, args.given[:-1], rules_of(args)))
    write_simulation(found, args.out)
    output.add(file=args.out, **simulation_values(found))
    output.line(f"simulation  {args.out}  {found.campaigns:,} campaigns of {folder}")
    output.line(
        f"recall      from {found.positives:,} risky of {found.held:,} campaigns, one ad each"
    )


def _compare_policies(
    given: Sequence[str], out: Path | None, rules: Ruleset, output: Output
) -> None:
    from adrisk.config import load
    from adrisk.policy.policy import PolicyConfig, resolve_policy
    from adrisk.report.policies import (
        check_model,
        compare_policies,
        comparison_in_words,
        comparison_values,
        write_comparison,
    )

    if len(given) not in (3, 4):
        raise UsageError("use it so: adrisk policy compare [MODEL] OLD.yaml NEW.yaml DIR")
    folder = Path(given[-1])
    configs = [load(Path(path), PolicyConfig) for path in given[-3:-1]]
    model = None
    if len(given) == 4 or any(config.review_at is None for config in configs):
        model = _model_that_scored(folder, given[:-3], rules)
        check_model(folder, model)
    old, new = (resolve_policy(config, model) for config in configs)
    found = compare_policies(folder, old, new)
    if out is not None:
        write_comparison(found, out)
    output.add(file=out, **comparison_values(found))
    output.line(f"old         {old.policy_id}: {old.review_at_reason}")
    output.line(f"new         {new.policy_id}: {new.review_at_reason}")
    output.line()
    output.block(comparison_in_words(found))
    if out is not None:
        output.line()
        output.line(f"changes     {out}  {len(found.changes):,} ads")


def _model_that_scored(folder: Path, named: Sequence[str], rules: Ruleset) -> Model:
    """The model as it is called, or the registered version that the folder names."""
    from adrisk.api import find_model
    from adrisk.scoring.outputs import read_manifest

    if named:
        return find_model(named[0], workspace(), rules)
    version = read_manifest(folder).model.version
    if not version.isdigit():
        raise UsageError(
            f"{folder} was scored by a model outside the registry (version {version}); name its "
            "folder before the other arguments"
        )
    return find_model(f"models:/adrisk/{version}", workspace(), rules)


def campaigns_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk campaigns`: the queue as a list, one campaign in full, or a file for other tools."""
    from adrisk.report.campaigns import campaign_item, export_campaigns, queue_items
    from adrisk.report.terminal import listed, shown
    from adrisk.report.values import campaign_values

    if args.export is not None:
        count = export_campaigns(args.folder, args.export, args.campaign)
        output.add(export=args.export, campaigns=count)
        output.line(f"campaigns   {args.export}  {count:,} of them: ids, facts and pseudonyms")
    elif args.campaign is not None:
        item = campaign_item(args.folder, args.campaign, rules_of(args).taxonomy)
        output.add(**campaign_values(item))
        output.block(shown(item))
    else:
        items, total = queue_items(args.folder, rules_of(args).taxonomy)
        output.add(queued=total, campaigns=[campaign_values(item) for item in items])
        output.block(listed(items, total))


def report_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk report`: a scored folder as one HTML file."""
    from adrisk.api import report

    page = report(args.folder, args.out, rules_of(args).taxonomy)
    output.add(report=page)
    output.line(f"report  {page}")
