"""What each command does: one stage called, what it wrote printed.

Everything heavy is imported by the command that needs it. Each takes the parsed arguments and
returns an exit code, or nothing for 0.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from adrisk.model import Model
    from adrisk.stages.tables import Written


def _mapping(pairs: Sequence[str]) -> dict[str, str]:
    mapping = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not (equals and name and column):
            raise UsageError(f"--map {pair}: expected NAME=COLUMN, such as --map body=description")
        mapping[name.strip()] = column.strip()
    return mapping


def _workspace() -> Path:
    from adrisk.stages.files import workspace

    return workspace()


def _looks_like_model(text: str) -> bool:
    return text.startswith(("models:/", "runs:/")) or (Path(text) / "model.json").is_file()


def _looks_like_source(text: str) -> bool:
    return text == "-" or ":" in text or any(c in text for c in "*?[") or Path(text).exists()


def _split_model(given: list[str]) -> tuple[Model, list[str]]:
    """The model, named first or the champion, and the arguments behind it."""
    from adrisk.stages import find_model

    named, rest = _named_model(given)
    return find_model(named, _workspace()), rest


def _named_model(given: list[str]) -> tuple[str | None, list[str]]:
    """What the model is called, None for the champion, and the arguments behind it."""
    named = _looks_like_model(given[0]) or (len(given) > 1 and not _looks_like_source(given[0]))
    rest = given[1:] if named else given
    if not rest:
        raise UsageError(f"{given[0]} is a model; what it is to work on is missing")
    return given[0] if named else None, rest


def run_command(args: argparse.Namespace) -> None:
    """`adrisk run`: the whole way, as a Prefect flow."""
    import importlib

    if not args.config.exists() and args.config == Path("configs/demo.yaml"):
        raise UsageError(
            "configs/demo.yaml is not here; run this in a checkout of adrisk, or name a "
            "configuration: adrisk run CONFIG"
        )
    from adrisk.config import RunConfig, load
    from adrisk.stages.files import writable

    load(args.config, RunConfig)  # a typo is told in the first second, not after Prefect's start
    if "PREFECT_API_URL" not in os.environ:
        os.environ.setdefault("PREFECT_HOME", str(writable(_workspace().resolve() / "prefect")))
    try:
        flow = importlib.import_module("adrisk_pipelines.full")
    except ImportError as error:
        raise MissingExtraError("prefect", "flows", "adrisk run") from error
    result = flow.full(args.config)
    print(result.in_words())


def ingest_command(args: argparse.Namespace) -> None:
    """`adrisk ingest`: sources to one Parquet file of ads."""
    from adrisk.stages import ingest

    done = ingest(args.sources, args.out, mapping=_mapping(args.map))
    print(f"ads         {done.ads}  {done.accepted:,} of {done.read:,} rows")
    print(f"quarantine  {done.quarantine}  {_reasons(done.quarantined, done.reasons)}")
    if done.datasheet:
        print(
            f"datasheet   {done.datasheet}  what the synthetic ads are, and what they cannot show"
        )
    _noted(done.notes)


def _noted(notes: Sequence[str]) -> None:
    """What was said while the work ran, for those who could not hear it: in a pipe, from cron."""
    from adrisk.progress import wanted

    if wanted() == "off":
        for note in notes:
            print(f"note        {note}")


def _reasons(count: int, reasons: object = None) -> str:
    if not count:
        return "0 rows"
    named = ", ".join(f"{n:,} {why}" for why, n in dict(reasons or {}).items())  # type: ignore[call-overload]
    return f"{count:,} rows" + (f" ({named})" if named else "")


def train_command(args: argparse.Namespace) -> None:
    """`adrisk train`: a corpus to a registered model."""
    from adrisk.config import TrainConfig, load
    from adrisk.indicators import use_platform_file
    from adrisk.stages import load_corpus, train
    from adrisk.tracking import Store

    config = load(args.config, TrainConfig)
    if config.taxonomy is not None:
        use_platform_file(config.taxonomy)
    if args.ads is None and config.corpus is None:
        raise UsageError(
            f"no ads: give a file (adrisk train {args.config} ads.parquet), or name sources in "
            "the configuration under corpus"
        )
    sources = [args.ads] if args.ads else list(config.corpus.sources if config.corpus else ())
    mapping = config.corpus.map if config.corpus and not args.ads else {}
    store = Store(_workspace())
    store.connect()
    corpus = load_corpus(sources, mapping=mapping)
    done = train(config, corpus, store, experiment=config.name)
    print(f"model    {done.uri}  ({config.family}, {done.alias})")
    print(f"run      {done.run.run_id}  in {done.run.store}")
    figure = done.model.manifest.metrics.get("average_precision")
    if figure:
        low, high = figure["low"], figure["high"]
        interval = f" [{low:.3f}, {high:.3f}]" if low is not None else ""
        print(
            f"average precision {figure['value']:.3f}{interval} on {figure['n']:,} ads held out, "
            f"{figure['positives']:,} positive: {done.model.manifest.trained_on.target}"
        )
    print(f"next     adrisk score {done.uri} SOURCE -o DIR")


def evaluate_command(args: argparse.Namespace) -> None:
    """`adrisk evaluate`: a model judged on ads it never saw."""
    from adrisk.config import EvaluateConfig
    from adrisk.stages import evaluate, load_corpus
    from adrisk.tracking import Store

    if len(args.given) > 2:
        raise UsageError("evaluate takes one model and one file of ads")
    if args.resamples is not None and not 20 <= args.resamples <= 10_000:
        raise UsageError("--resamples must be between 20 and 10000")
    model, sources = _split_model(args.given)
    config = EvaluateConfig(resamples=args.resamples or 500)
    store = Store(_workspace())
    done = evaluate(model, load_corpus(sources), config, args.out, store=store)
    report = done.results["report"]
    print(f"target   {done.results['data']['target']}")
    print(f"judged   {report['n']:,} ads, {report['positives']:,} positive")
    rows = {model.manifest.family: report["risk"], **done.results.get("baselines", {})}
    if "synthetic" in done.results["data"]["target"] and "rules" in rows:
        rows["rules (circular: written by the hands that wrote the corpus)"] = rows.pop("rules")
    for name, figures in rows.items():
        if "average_precision" in figures:
            print(f"average precision  {_interval(figures['average_precision'])}  {name}")
    if "random_split" in done.results:
        random = done.results["random_split"]
        print(
            f"average precision  {_interval(random['average_precision'])}  "
            "same recipe, single ads dealt at random"
        )
    print(f"results  {done.path}")
    if done.run:
        print(f"run      {done.run.run_id}  in {done.run.store}")


def behave_command(args: argparse.Namespace) -> None:
    """`adrisk behave`: pass rates on the behaviour suites; a low one is a result, no failure."""
    from adrisk.behaviour import load_suites
    from adrisk.stages import behave, find_model
    from adrisk.stages.behave import in_words

    cases = load_suites(args.suites)  # a broken suite is told before a model is looked for
    done = behave(find_model(args.model, _workspace()), cases, args.out)
    model, suites = done.results["model"], done.results["suites"]
    print(f"model     {model['family']} {model['version']}: {model['target']}")
    print(f"suites    {args.suites}  {len(cases):,} cases, {suites['fingerprint'][:12]}\n")
    print(in_words(done.results) + "\n")
    for path in done.files:
        print(f"written   {path}")


def _interval(figure: dict[str, float | None]) -> str:
    if figure["value"] is None:
        return "undefined"
    if figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def score_command(args: argparse.Namespace) -> None:
    """`adrisk score`: ads to scores, campaigns and flags."""
    from adrisk.config import load
    from adrisk.policy import PolicyConfig
    from adrisk.sources import Quarantine, ReadOptions, open_ads
    from adrisk.stages import find_model, score

    if args.workers < 0:
        raise UsageError("--workers must be 0 or more")
    mapping = _mapping(args.map)
    policy = load(args.policy, PolicyConfig) if args.policy else PolicyConfig()
    named, sources = _named_model(args.given)
    if "-" not in sources:  # a wrong path is told before a model is looked for
        open_ads(sources, ReadOptions(mapping), Quarantine(args.out / "quarantine.jsonl"))
    done = score(
        find_model(named, _workspace()),
        sources,
        args.out,
        _workspace(),
        policy=policy,
        mapping=mapping,
        resume=args.resume,
        workers=args.workers,
        remember=args.remember,
        days=_days(args),
    )
    counts = done.counts
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
        f"{_reasons(counts['quarantined'], counts.get('quarantined_because'))}"
    )
    _noted(done.notes)
    print(f"next        adrisk report {args.out}, or adrisk campaigns {args.out}")


def drift_command(args: argparse.Namespace) -> None:
    """`adrisk drift`: a batch against the training data; drift is a result, no failure."""
    from adrisk.report.drift import drift_table
    from adrisk.sources import Quarantine, ReadOptions, open_ads
    from adrisk.stages import drift, find_model

    mapping = _mapping(args.map)
    named, sources = _named_model(args.given)
    if "-" not in sources:  # a wrong path is told before a model is looked for
        open_ads(sources, ReadOptions(mapping), Quarantine(args.out / "quarantine.jsonl"))
    done = drift(find_model(named, _workspace()), sources, args.out, mapping=mapping)
    found = done.results
    print(f"compared  {found['batch']['ads']:,} ads with {found['training']['ads']:,} of training")
    print("\n" + drift_table(found) + "\n")
    print(f"matters   {', '.join(found['matters']) or 'nothing that can be told'}")
    for path in done.files:
        print(f"written   {path}")
    _noted(done.notes)


def explain_command(args: argparse.Namespace) -> None:
    """`adrisk explain`: one ad, its score and the words behind it."""
    from adrisk.explain import RISK, explain
    from adrisk.indicators import load_taxonomy

    if len(args.given) > 2:
        raise UsageError("explain takes one model and one text; put the text in quotes")
    from adrisk.stages import find_model

    reference = args.given[0] if len(args.given) == 2 else None
    model, text = find_model(reference, _workspace()), args.given[-1]
    if not text.strip():
        raise UsageError("the text is empty")
    why = explain(model, text)
    taxonomy = load_taxonomy()
    print(f"risk {why.risk:.3f} (level {why.level}): {model.manifest.trained_on.target}")
    likely = {name: p for name, p in why.indicators.items() if p >= 0.5}
    for name, p in sorted(likely.items(), key=lambda pair: -pair[1]):
        print(f"  {p:.2f} {taxonomy.get(name).title['en']}")
    print()
    print(_marked(text, [(e.start, e.end) for e in why.evidence if e.indicator == RISK]))
    print()
    for e in why.evidence:
        strength = f"{e.strength:+.2f}" if e.strength else e.state.value
        print(f"  {e.indicator:32} {strength:>10}  {e.found_by:24} {_safe(text[e.start : e.end])}")
    print("\nA flag asks a person to look; it never accuses.")


def _marked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with spans between « and », or in reverse video on a terminal."""
    on, off = ("\x1b[7m", "\x1b[0m") if sys.stdout.isatty() else ("«", "»")
    parts, at = [], 0
    for start, end in sorted(spans):
        if start >= at:
            parts += [_safe(text[at:start]), on, _safe(text[start:end]), off]
            at = end
    return "".join([*parts, _safe(text[at:])])


def _safe(text: str) -> str:
    """Text that cannot steer a terminal: controls and direction marks are shown, not obeyed."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def match_command(args: argparse.Namespace) -> None:
    """`adrisk match`: what the rules alone find, and if wanted how good each rule is."""
    from adrisk.stages.tables import match

    done = match(args.sources, args.out, _mapping(args.map), report=args.report)
    _told("findings", done)
    if args.report:
        print(f"rules       {args.report} and {args.report.with_suffix('.json')}")


def extract_command(args: argparse.Namespace) -> None:
    """`adrisk extract`: contacts as keyed pseudonyms, and what else an ad says."""
    from adrisk.stages.files import log_access
    from adrisk.stages.tables import extract

    place = _workspace()
    if args.plain:
        # Before and after: no plain value is ever written that the log does not know of.
        log_access(place, f"extract --plain begins to write {args.out}")
    done = extract(args.sources, args.out, _mapping(args.map), place, plain=args.plain)
    if args.plain:
        log_access(place, f"extract --plain wrote {done.rows} findings to {args.out}")
    _told("findings", done)


def keys_command(args: argparse.Namespace) -> None:
    """`adrisk keys`: purposes, dates and fingerprints, never keys; or a new key for one purpose."""
    from adrisk.extract.pseudonym import SEALING, keys, rotate
    from adrisk.stages.files import log_access

    place = _workspace()
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
    from adrisk.stages.sealing import open_vault

    vault = open_vault(_workspace())
    if args.action == "openings":
        for entry in vault.openings():
            print(
                f"{entry.at:%Y-%m-%d %H:%M} UTC  {entry.pseudonym[:12]}  {_safe(entry.person)} "
                f"({_safe(entry.account)})  {_safe(entry.reason)}"
            )
        return
    if args.pseudonym is None:
        raise UsageError("review open needs a pseudonym, as the report and adrisk campaigns show")
    opened = vault.open(args.pseudonym, person=args.person, reason=args.reason)
    print(f"{opened.kind}  {_safe(opened.value)}")
    print("this opening is on record: adrisk review openings")


def link_command(args: argparse.Namespace) -> None:
    """`adrisk link`: ads joined into campaigns."""
    from adrisk.stages.linking import link_ads

    done = link_ads(
        args.sources,
        args.out,
        _mapping(args.map),
        _workspace(),
        name=args.remember,
        days=_days(args),
    )
    print(f"campaigns   {done.path}  {done.campaigns:,} of {done.ads:,} ads")
    print(f"links       {done.links}  why {done.joined:,} ads are not alone")
    print(f"quarantine  {done.quarantine}  {_reasons(done.quarantined)}")
    _noted(done.notes)


def _days(args: argparse.Namespace) -> int | None:
    if args.days is not None and args.remember is None:
        raise UsageError("--days says how long to remember; it goes with --remember NAME")
    days: int | None = args.days
    return days


def _told(what: str, done: Written) -> None:
    print(f"{what:11} {done.path}  {done.rows:,} in {done.ads:,} ads")
    print(f"quarantine  {done.quarantine}  {_reasons(done.quarantined)}")


def indicators_command(args: argparse.Namespace) -> None:
    """`adrisk indicators`: the taxonomy, or one entry."""
    from adrisk.indicators import load_taxonomy
    from adrisk.stages.show import explained, risk_explained

    taxonomy = load_taxonomy()
    if args.id is not None:
        print(explained(taxonomy.get(args.id), taxonomy))
        return
    for entry in taxonomy:
        kind, weight = entry.kind.value, entry.weight.name.lower()
        print(f"{entry.id:36} {kind} {weight:7} {entry.title['en']}")
    print(risk_explained(taxonomy))


def campaigns_command(args: argparse.Namespace) -> None:
    """`adrisk campaigns`: the queue as a list, one campaign in full, or a file for other tools."""
    from adrisk.stages.campaigns import export_campaigns, list_campaigns, show_campaign

    if args.export is not None:
        count = export_campaigns(args.folder, args.export, args.campaign)
        print(f"campaigns   {args.export}  {count:,} of them: ids, facts and pseudonyms")
    elif args.campaign is not None:
        print(show_campaign(args.folder, args.campaign))
    else:
        print(list_campaigns(args.folder))


def policy_command(args: argparse.Namespace) -> None:
    """`adrisk policy`: two policies compared on a scored folder, or workload against recall."""
    if args.action == "compare":
        _compare_policies(args.given, args.out)
        return
    from adrisk.stages.policies import simulate, write_simulation

    if len(args.given) > 2 or args.out is None:
        raise UsageError("use it so: adrisk policy simulate [MODEL] DIR -o FILE.html")
    folder = Path(args.given[-1])
    found = simulate(folder, _model_that_scored(folder, args.given[:-1]))
    write_simulation(found, args.out)
    print(f"simulation  {args.out}  {found.campaigns:,} campaigns of {folder}")
    print(f"recall      from {found.positives:,} risky of {found.held:,} campaigns, one ad each")


def _compare_policies(given: Sequence[str], out: Path | None) -> None:
    from adrisk.config import load
    from adrisk.policy import PolicyConfig, settle
    from adrisk.stages.policies import (
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
    old, new = (settle(config, model) for config in configs)
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
    from adrisk.report.folder import read_manifest
    from adrisk.stages import find_model

    if named:
        return find_model(named[0], _workspace())
    version = read_manifest(folder).model.version
    if not version.isdigit():
        raise UsageError(
            f"{folder} was scored by a model outside the registry (version {version}); name its "
            "folder before the other arguments"
        )
    return find_model(f"models:/adrisk/{version}", _workspace())


def report_command(args: argparse.Namespace) -> None:
    """`adrisk report`: a scored folder as one HTML file."""
    from adrisk.stages import report

    print(f"report  {report(args.folder, args.out)}")


def models_command(args: argparse.Namespace) -> None:
    """`adrisk models`: list, show or promote versions."""
    from adrisk.stages import models, promote_model
    from adrisk.stages.show import compared, described, listed
    from adrisk.tracking import Store, aliased

    place = _workspace()
    if args.action == "list":
        print(listed(models(place), Store(place).uri))
        return
    if args.version is None:
        raise UsageError(f"models {args.action} needs a version number, champion or challenger")
    args.version = args.version.removeprefix("models:/adrisk").strip("@/")
    if args.action == "show":
        print(described(aliased(Store(place), "adrisk", args.version)))
        return
    versions = models(place)
    champion = next((v for v in versions if "champion" in v.aliases), None)
    candidate = aliased(Store(place), "adrisk", args.version)
    print(compared(champion, candidate))
    promote_model(args.version, place, because=args.because)
    print(f"version {candidate.version} is the champion now")


def doctor_command(args: argparse.Namespace) -> int:
    """`adrisk doctor`: what is installed, kept and missing; 1 if something is."""
    from adrisk.stages.show import doctor

    text, healthy = doctor(_workspace())
    print(text)
    return 0 if healthy else 1
