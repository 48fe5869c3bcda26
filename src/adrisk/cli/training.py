"""Commands that train, judge and compare models."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from adrisk.cli.output import (
    column_mapping,
    interval,
    named_model,
    print_notes,
    print_quarantined,
    split_model,
    workspace,
)
from adrisk.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from adrisk.api import Corpus
    from adrisk.config import ReleaseConfig
    from adrisk.model.model import Model


def run_command(args: argparse.Namespace) -> None:
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
    print(result.in_words())


def train_command(args: argparse.Namespace) -> None:
    """`adrisk train`: a corpus to a registered model, or to all models of a release."""
    from adrisk.api import load_corpus, train
    from adrisk.config import ReleaseConfig, load_training
    from adrisk.rules.platform import use_platform_file
    from adrisk.tracking.runs import Store

    config = load_training(args.config)
    if config.taxonomy is not None:
        use_platform_file(config.taxonomy)
    if isinstance(config, ReleaseConfig):
        _release(args, config)
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
    corpus = load_corpus(sources, mapping=mapping, quarantine=quarantine)
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
    print_quarantined(corpus.quarantined, quarantine)
    print(f"next     adrisk score {done.uri} SOURCE -o DIR")


def _release(args: argparse.Namespace, config: ReleaseConfig) -> None:
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
    for done in release(config, Store(workspace()), again=again):
        risk = done.manifest.quality.report.risk
        print(f"release  {done.name}  {done.trained.uri} ({done.trained.alias})")
        print(f"         average precision {interval(risk.average_precision)}")
        print(f"card     {done.folder / 'card.md'}")
        if done.differs is not None:
            there = config.release.folder / done.name
            words = ", ".join(done.differs) or "none, these are its weights"
            print(f"kept     {there} was there and stays; files that differ: {words}")
        print(f"next     adrisk score models:/adrisk/{done.name} SOURCE -o DIR")
        if done.trained.alias != "champion":
            print(f"         adrisk models promote {done.name}")


def evaluate_command(args: argparse.Namespace) -> None:
    """`adrisk evaluate`: a model judged on ads it never saw."""
    from adrisk.api import behave, evaluate, find_model, load_corpus
    from adrisk.config import EvaluateConfig
    from adrisk.evaluation.behaviour.suites import load_suites
    from adrisk.tracking.runs import Store

    if len(args.given) > 2:
        raise UsageError("evaluate takes one model and one file of ads")
    if args.resamples is not None and not 20 <= args.resamples <= 10_000:
        raise UsageError("--resamples must be between 20 and 10000")
    model, sources = split_model(args.given)
    other = find_model(args.against, workspace()) if args.against else None
    cases = load_suites(args.suites) if args.suites else ()
    config = EvaluateConfig(resamples=args.resamples or 500)
    store = Store(workspace())
    quarantine = args.out / "quarantine.jsonl"
    corpus = load_corpus(sources, quarantine=quarantine)
    done = evaluate(model, corpus, config, args.out, store=store)
    report, data = done.results.report, done.results.data
    print(f"target   {data.target}")
    print(f"judged   {report.n:,} ads, {report.positives:,} positive")
    rows = {model.manifest.family: report.risk, **done.results.rankings()}
    if "synthetic" in data.target and "rules" in rows:
        rows["rules (circular: written by the hands that wrote the corpus)"] = rows.pop("rules")
    for name, figures in rows.items():
        print(f"average precision  {interval(figures.average_precision)}  {name}")
    if random := done.results.random_split:
        print(
            f"average precision  {interval(random.average_precision)}  "
            "same recipe, single ads dealt at random"
        )
    print(f"results  {done.path}")
    if done.run:
        print(f"run      {done.run.run_id}  in {done.run.store}")
    print_quarantined(corpus.quarantined, quarantine)
    if cases:
        behaved = behave(model, cases, args.out)
        passed = behaved.results["all"]
        print(f"behaves  {passed['passed']:,} of {passed['n']:,} cases passed; "
              f"{behaved.files[-1]} shows the others")  # fmt: skip
    if other is not None:
        _compare(model, other, corpus, config.resamples, args.out)


def _compare(model: Model, other: Model, corpus: Corpus, resamples: int, out: Path) -> None:
    """`adrisk evaluate --against`: what can be said of the difference, and where it is written."""
    from adrisk.api import compare_models
    from adrisk.metrics.comparison import in_words

    done = compare_models(model, other, corpus, out, resamples)
    found = done.results
    first, second = (f"{one.family} {one.version}" for one in (found.first, found.second))
    print(f"\n{first} against {second}, on {found.n:,} ads that neither saw, "
          f"{found.positives:,} positive")  # fmt: skip
    for line in in_words(found):
        print(line)
    print(f"written  {done.path}")


def behave_command(args: argparse.Namespace) -> None:
    """`adrisk behave`: pass rates on the behaviour suites; a low one is a result, no failure."""
    from adrisk.api import behave, find_model
    from adrisk.evaluation.behaviour.run import in_words
    from adrisk.evaluation.behaviour.suites import load_suites

    cases = load_suites(args.suites)  # a broken suite is told before a model is looked for
    done = behave(find_model(args.model, workspace()), cases, args.out)
    model, suites = done.results["model"], done.results["suites"]
    print(f"model     {model['family']} {model['version']}: {model['target']}")
    print(f"suites    {args.suites}  {len(cases):,} cases, {suites['fingerprint'][:12]}\n")
    print(in_words(done.results) + "\n")
    for path in done.files:
        print(f"written   {path}")


def drift_command(args: argparse.Namespace) -> None:
    """`adrisk drift`: a batch against the training data; drift is a result, no failure."""
    from adrisk.api import drift, find_model
    from adrisk.evaluation.drift.page import drift_table
    from adrisk.ingest.adapters.base import ReadOptions
    from adrisk.ingest.quarantine import Quarantine
    from adrisk.ingest.stream import open_ads

    mapping = column_mapping(args.map)
    named, sources = named_model(args.given)
    if "-" not in sources:  # a wrong path is told before a model is looked for
        open_ads(sources, ReadOptions(mapping), Quarantine(args.out / "quarantine.jsonl"))
    done = drift(find_model(named, workspace()), sources, args.out, mapping=mapping)
    found = done.results
    print(f"compared  {found['batch']['ads']:,} ads with {found['training']['ads']:,} of training")
    print("\n" + drift_table(found) + "\n")
    print(f"matters   {', '.join(found['matters']) or 'nothing that can be told'}")
    for path in done.files:
        print(f"written   {path}")
    print_notes(done.notes)


def models_command(args: argparse.Namespace) -> None:
    """`adrisk models`: list, show or promote versions."""
    from adrisk.api import models, promote_model
    from adrisk.cli.show import compared, described, listed
    from adrisk.tracking.registry import aliased
    from adrisk.tracking.runs import Store

    place = workspace()
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
