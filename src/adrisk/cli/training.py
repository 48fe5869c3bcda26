"""Commands that train, judge and compare models."""

from __future__ import annotations

import argparse
import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.cli.arguments import column_mapping, load_model, rules_of, split_model
from adrisk.cli.output import interval, print_notes, print_quarantined
from adrisk.cli.taxonomy import rules_in_use
from adrisk.errors import MissingExtraError, UsageError
from adrisk.files import workspace

if TYPE_CHECKING:
    from adrisk.api import Corpus
    from adrisk.cli.output import Output
    from adrisk.config import ReleaseConfig
    from adrisk.model.model import Model
    from adrisk.rules.ruleset import Ruleset


def run_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk run`: the whole way, as a Prefect flow."""
    import importlib

    if not args.config.exists() and args.config == Path("configs/demo.yaml"):
        raise UsageError(
            "configs/demo.yaml is not here; run this in a checkout of adrisk, or name a "
            "configuration: adrisk run CONFIG"
        )
    from adrisk.config import RunConfig, load
    from adrisk.files import writable

    load(args.config, RunConfig)  # a typo is told in the first second, not after Prefect's start
    if "PREFECT_API_URL" not in os.environ:
        os.environ.setdefault("PREFECT_HOME", str(writable(workspace().resolve() / "prefect")))
    try:
        flow = importlib.import_module("adrisk_pipelines.full")
    except ImportError as error:
        raise MissingExtraError("prefect", "flows", "adrisk run") from error
    result = flow.full(args.config)
    output.add(**asdict(result))
    output.block(result.in_words())


def train_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk train`: a corpus to a registered model, or to all models of a release."""
    from adrisk.api import load_corpus, train
    from adrisk.config import ReleaseConfig, load_training
    from adrisk.tracking.runs import Store

    config = load_training(args.config)
    rules = rules_in_use(config.taxonomy)
    if isinstance(config, ReleaseConfig):
        _release(args, config, rules, output)
        return
    if args.ads is None and config.corpus is None:
        raise UsageError(
            f"no ads: give a file (adrisk train {args.config} ads.parquet), or name sources in "
            "the configuration under corpus"
        )
    sources = [args.ads] if args.ads else list(config.corpus.sources if config.corpus else ())
    mapping = config.corpus.map if config.corpus and not args.ads else {}
    store = Store(workspace())
    store.connect()
    quarantine = workspace() / f"quarantine-{config.name}.jsonl"
    corpus = load_corpus(sources, mapping=mapping, quarantine=quarantine, rules=rules)
    done = train(config, corpus, store, experiment=config.name)
    figure = done.model.manifest.metrics.get("average_precision")
    output.add(
        model=done.uri,
        family=config.family,
        alias=done.alias,
        run=done.run.run_id,
        store=done.run.store,
        no_alias_because=done.why or None,
        average_precision=figure,
        target=done.model.manifest.trained_on.target,
    )
    output.line(f"model    {done.uri}  ({config.family}, {done.alias or 'no alias'})")
    if done.why:
        output.line(
            f"alias    none: {done.why}; adrisk models promote {done.run.version} --because REASON"
        )
    output.line(f"run      {done.run.run_id}  in {done.run.store}")
    if figure:
        low, high = figure["low"], figure["high"]
        interval = f" [{low:.3f}, {high:.3f}]" if low is not None else ""
        output.line(
            f"average precision {figure['value']:.3f}{interval} on {figure['n']:,} ads held out, "
            f"{figure['positives']:,} positive: {done.model.manifest.trained_on.target}"
        )
    print_quarantined(corpus.quarantined, quarantine, output)
    output.line(f"next     adrisk score {done.uri} SOURCE -o DIR")


def _release(
    args: argparse.Namespace, config: ReleaseConfig, rules: Ruleset, output: Output
) -> None:
    """Train, judge and register the models of a release, and say where their cards are."""
    from adrisk.api import release
    from adrisk.tracking.runs import Store

    if args.ads is not None:
        raise UsageError(
            f"a release is made from what its configuration names; put {args.ads} in {args.config} "
            "under corpus, or train one model: adrisk train configs/train/ngram.yaml ADS"
        )
    here = args.config if not args.config.is_absolute() else Path(args.config.name)
    again = f"adrisk train {shlex.quote(str(here))}"
    released = release(config, Store(workspace()), again=again, rules=rules)
    output.add(
        released=[
            {
                "name": done.name,
                "model": done.trained.uri,
                "alias": done.trained.alias,
                "average_precision": done.manifest.quality.report.risk.average_precision.to_json(),
                "card": done.folder / "card.md",
                "differs": done.differs,
            }
            for done in released
        ]
    )
    for done in released:
        risk = done.manifest.quality.report.risk
        output.line(
            f"release  {done.name}  {done.trained.uri} ({done.trained.alias or 'no alias'})"
        )
        output.line(f"         average precision {interval(risk.average_precision)}")
        output.line(f"card     {done.folder / 'card.md'}")
        if done.differs is not None:
            there = config.release.folder / done.name
            words = ", ".join(done.differs) or "none, these are its weights"
            output.line(f"kept     {there} was there and stays; files that differ: {words}")
        output.line(f"next     adrisk score models:/adrisk/{done.name} SOURCE -o DIR")
        if done.trained.alias != "champion":
            output.line(f"         adrisk models promote {done.name}")


def evaluate_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk evaluate`: a model judged on ads it never saw."""
    from adrisk.api import behave, evaluate, load_corpus
    from adrisk.config import EvaluateConfig
    from adrisk.evaluation.behaviour.suites import load_suites
    from adrisk.files import new_folder
    from adrisk.tracking.runs import Store

    if len(args.given) > 2:
        raise UsageError("evaluate takes one model and one file of ads")
    if args.resamples is not None and not 20 <= args.resamples <= 10_000:
        raise UsageError("--resamples must be between 20 and 10000")
    new_folder(args.out)
    named, sources = split_model(args.given)
    rules = rules_of(args)
    model = load_model(named, rules)
    other = load_model(args.against, rules) if args.against else None
    cases = load_suites(args.suites, rules.taxonomy) if args.suites else ()
    config = EvaluateConfig(resamples=args.resamples or 500)
    store = Store(workspace())
    quarantine = args.out / "quarantine.jsonl"
    corpus = load_corpus(sources, quarantine=quarantine, rules=rules)
    done = evaluate(model, corpus, config, args.out, store=store)
    report, data = done.results.report, done.results.data
    output.line(f"target   {data.target}")
    output.line(f"judged   {report.n:,} ads, {report.positives:,} positive")
    rows = {model.manifest.family: report.risk, **done.results.rankings()}
    random = done.results.random_split
    if "synthetic" in data.target and "rules" in rows:
        rows["rules (circular: written by the hands that wrote the corpus)"] = rows.pop("rules")
    output.add(
        target=data.target,
        ads=report.n,
        positives=report.positives,
        average_precision={
            name: figures.average_precision.to_json() for name, figures in rows.items()
        },
        random_split=random.average_precision.to_json() if random else None,
        results=done.path,
        run=done.run.run_id if done.run else None,
        store=done.run.store if done.run else None,
    )
    for name, figures in rows.items():
        output.line(f"average precision  {interval(figures.average_precision)}  {name}")
    if random:
        output.line(
            f"average precision  {interval(random.average_precision)}  "
            "same recipe, single ads dealt at random"
        )
    output.line(f"results  {done.path}")
    if done.run:
        output.line(f"run      {done.run.run_id}  in {done.run.store}")
    print_quarantined(corpus.quarantined, quarantine, output)
    if cases:
        behaved = behave(model, cases, args.out)
        passed = behaved.results.all
        output.add(behaviour={**passed.model_dump(mode="json"), "files": behaved.files})
        output.line(f"behaves  {passed.passed:,} of {passed.n:,} cases passed; "
              f"{behaved.files[-1]} shows the others")  # fmt: skip
    if other is not None:
        _compare((model, other), corpus, config.resamples, args.out, output)


def _compare(
    models: tuple[Model, Model], corpus: Corpus, resamples: int, out: Path, output: Output
) -> None:
    """`adrisk evaluate --against`: what can be said of the difference, and where it is written."""
    from adrisk.api import compare_models
    from adrisk.metrics.comparison import in_words

    done = compare_models(*models, corpus, out, resamples)
    found = done.results
    first, second = (f"{one.family} {one.version}" for one in (found.first, found.second))
    output.add(comparison={"file": done.path, **found.to_json()})
    output.line()
    output.line(f"{first} against {second}, on {found.n:,} ads that neither saw, "
          f"{found.positives:,} positive")  # fmt: skip
    for line in in_words(found):
        output.line(line)
    output.line(f"written  {done.path}")


def behave_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk behave`: pass rates on the behaviour suites; a low one is a result, no failure."""
    from adrisk.api import behave, find_model
    from adrisk.evaluation.behaviour.run import behaviour_table
    from adrisk.evaluation.behaviour.suites import load_suites
    from adrisk.files import new_folder

    if args.out:
        new_folder(args.out)
    rules = rules_of(args)
    cases = load_suites(
        args.suites, rules.taxonomy
    )  # a broken suite is told before a model is looked for
    done = behave(find_model(args.model, workspace(), rules), cases, args.out)
    model, suites = done.results.model, done.results.suites
    output.add(**done.results.to_json(), files=done.files)
    output.line(f"model     {model.family} {model.version}: {model.target}")
    output.line(f"suites    {args.suites}  {len(cases):,} cases, {suites.fingerprint[:12]}")
    output.line()
    output.block(behaviour_table(done.results))
    output.line()
    for path in done.files:
        output.line(f"written   {path}")


def drift_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk drift`: a batch against the training data; drift is a result, no failure."""
    from adrisk.api import drift, find_model
    from adrisk.evaluation.drift.run import drift_table
    from adrisk.files import new_folder
    from adrisk.ingest.adapters.base import ReadOptions
    from adrisk.ingest.quarantine import Quarantine
    from adrisk.ingest.stream import open_ads

    new_folder(args.out)
    mapping = column_mapping(args.map)
    named, sources = split_model(args.given)
    if "-" not in sources:  # a wrong path is told before a model is looked for
        open_ads(sources, ReadOptions(mapping), Quarantine(args.out / "quarantine.jsonl"))
    model = find_model(named, workspace(), rules_of(args))
    done = drift(model, sources, args.out, mapping=mapping)
    found = done.results
    output.add(**found.to_json(), files=done.files)
    output.line(f"compared  {found.batch.ads:,} ads with {found.training.ads:,} of training")
    output.line()
    output.block(drift_table(found))
    output.line()
    output.line(f"matters   {', '.join(found.matters) or 'nothing that can be told'}")
    for path in done.files:
        output.line(f"written   {path}")
    print_notes(done.notes, output)


def models_command(args: argparse.Namespace, output: Output) -> None:
    """`adrisk models`: list, show or promote versions."""
    from adrisk.api import models, promote_model
    from adrisk.cli.show import compared, described, listed, version_values
    from adrisk.metrics.comparison import in_words
    from adrisk.tracking.registry import aliased, champion_of
    from adrisk.tracking.runs import Store

    place = workspace()
    if args.action == "list":
        versions, store = models(place), Store(place).uri
        output.add(store=store, models=[version_values(version) for version in versions])
        output.block(listed(versions, store))
        return
    if args.version is None:
        raise UsageError(f"models {args.action} needs a version number, champion or challenger")
    args.version = args.version.removeprefix("models:/adrisk").strip("@/")
    if args.action == "show":
        shown = aliased(Store(place), "adrisk", args.version)
        output.add(**version_values(shown))
        output.block(described(shown))
        return
    champion = champion_of(Store(place), "adrisk")
    candidate = aliased(Store(place), "adrisk", args.version)
    output.block(compared(champion, candidate))
    done = promote_model(
        args.version, place, because=args.because, on=args.on, rules=rules_of(args)
    )
    if done.found is not None:
        output.line(
            f"compared on {done.found.n:,} ads that neither learned from, "
            f"{done.found.positives:,} of them risky"
        )
        output.block("\n".join(in_words(done.found)))
    output.add(
        champion=candidate.version,
        replaced=champion.version if champion else None,
        because=args.because,
        comparison=done.found.to_json() if done.found is not None else None,
    )
    output.line(f"version {candidate.version} is the champion now")
