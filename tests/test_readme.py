"""Figures of README, docs and model cards are those of the results in git."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from adrisk.config import ReleaseConfig, load
from adrisk.evaluation.card import card
from adrisk.evaluation.release_manifest import read_release
from manifests import make_card, make_figure, make_manifest, make_ranking, make_report

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def readme() -> ModuleType:
    """The script that writes the tables."""
    spec = importlib.util.spec_from_file_location("readme", ROOT / "evaluation" / "readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_release(folder: Path, manifest: dict[str, Any], **changes: Any) -> None:
    manifest = {**manifest, **changes}
    place = folder / manifest["release"]
    place.mkdir(parents=True)
    (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_the_pages_in_git_have_the_figures_of_the_results_in_git(readme: ModuleType) -> None:
    found = readme.blocks(ROOT / "models", ROOT / "evaluation" / "results")
    assert sorted(name for names in readme.PAGES.values() for name in names) == sorted(found)
    for page, names in readme.PAGES.items():
        said = (ROOT / page).read_text(encoding="utf-8")
        shown = {name: found[name] for name in names}
        assert readme.filled(said, shown) == said, "run: python evaluation/readme.py"


def test_the_headline_has_the_figures_of_the_first_released_model(
    readme: ModuleType, tmp_path: Path
) -> None:
    write_release(tmp_path, make_manifest())
    real = tmp_path / "real-ngram.json"
    real.write_text(json.dumps(make_real("ngram", 0.25)), encoding="utf-8")
    block = readme.blocks(tmp_path, tmp_path)["headline"]
    assert "average precision 0.390 [0.195, 0.585] (790 ads" in block
    assert "negated (20 %)" in block
    assert "0.250 [0.125, 0.375] with campaigns kept whole" in block
    assert "0.500 [0.250, 0.750] with single ads dealt at random" in block


def test_every_card_in_git_is_the_one_its_manifest_gives() -> None:
    for path in (ROOT / "models").glob("*/manifest.json"):
        manifest = read_release(path.parent)
        assert path.parent.name == manifest.release
        assert (path.parent / "card.md").read_text(encoding="utf-8") == card(manifest), path


def test_what_a_card_links_to_is_there() -> None:
    linked = re.findall(r"\]\((?!http)(.*?)\)", make_card(make_manifest()))
    assert linked
    for target in linked:
        assert Path(os.path.normpath(ROOT / "models" / "any" / target)).exists(), target


def test_the_readme_promotes_a_model_that_the_release_configuration_makes() -> None:
    names = load(ROOT / "configs" / "train" / "release.yaml", ReleaseConfig).names
    said = (ROOT / "README.md").read_text(encoding="utf-8")
    (promoted,) = (
        line.split()[3] for line in said.splitlines() if line.startswith("adrisk models promote 2")
    )
    assert promoted in names


def test_the_newest_release_is_shown_beside_the_baselines(
    readme: ModuleType, tmp_path: Path
) -> None:
    write_release(tmp_path, make_manifest(), release="2026.9-linear")
    write_release(tmp_path, make_manifest())
    second = make_manifest()
    second["model"]["family"] = "cascade"
    second["quality"]["report"]["risk"] |= make_ranking(0.5)
    write_release(
        tmp_path,
        second,
        release="2026.11-cascade",
        registered={"name": "adrisk", "version": "4", "run": "b"},
    )
    block = readme.blocks(tmp_path, tmp_path)["quality"]
    lines = block.splitlines()
    ngram = lines.index(next(x for x in lines if x.startswith("| [`ngram`]")))
    assert lines[ngram].startswith(
        "| [`ngram`](../models/2026.11-ngram/card.md) | 0.390 [0.195, 0.585]"
    )
    assert lines[ngram + 1].startswith("| [`cascade`](../models/2026.11-cascade/card.md) | 0.500 [")
    assert lines[ngram + 2].startswith("| rules (circular) | 0.922 [")
    assert "49 % [25, 100] of 715" in lines[ngram]
    assert "790 ads of synthetic:3000" in block
    assert "0.684 [0.342, 1.000]" in block
    assert "negated 20 %" in block
    assert "linear" not in block


def test_without_a_release_the_readme_says_how_to_make_one(
    readme: ModuleType, tmp_path: Path
) -> None:
    assert "adrisk train configs/train/release.yaml" in readme.blocks(tmp_path, tmp_path)["quality"]


def make_alerts(value: float, n: int, judged: dict[str, Any], left: float) -> dict[str, Any]:
    return {
        **make_figure(value, n),
        "judged": judged,
        "incomplete": make_figure(left, n),
        "threshold": 0.1,
        "guaranteed": False,
        "words": "the one taken promises nothing",
        "fingerprint": "e",
    }


def make_real(family: str, value: float) -> dict[str, Any]:
    data = {"fingerprint": "f", "target": "employment scam (x)", "split_by": "campaign"}
    counts = {"sources": ["x"], "ads": 1429, "campaigns": 1175, "quarantined": 0}
    report = make_report()
    report |= {"n": 1429, "campaigns": 1175, "positives": 60}
    report["risk"] |= make_ranking(value)
    return {
        "model": {"version": "", "family": family, "parameters": {}, "fingerprint": ""},
        "data": {**data, **counts},
        "report": report,
        "random_split": {"average_precision": make_figure(2 * value), "gap": value},
        "alerts": {
            "h2": make_alerts(543.0, 10925, make_figure(543.0, 10925), 0.0),
            "eures": make_alerts(12.0, 5951, make_figure(330.0, 218), 9634.0),
        },
        "baselines": {"rules": make_ranking(0.102)},
    }


def test_real_ads_stand_by_family_beside_the_random_split_and_alerts(
    readme: ModuleType, tmp_path: Path
) -> None:
    for family, value in (("linear", 0.24), ("ngram", 0.25)):
        path = tmp_path / f"real-{family}.json"
        path.write_text(json.dumps(make_real(family, value)), encoding="utf-8")
    block = readme.blocks(tmp_path / "none", tmp_path)["real"]
    assert "| `ngram` | 0.250 [0.125, 0.375] | 0.500 [0.250, 0.750] | 543 [272, 1] |" in block
    assert "| 12 [6, 1]; of the 218 judged 330 [165, 1]; not judged 9,634 |" in block
    assert "- `ngram`, `linear`: the one taken promises nothing." in block
    assert block.index("`ngram`") < block.index("`linear`") < block.index("| rules |")
    assert "H-2 10,925" in block
    other = make_real("encoder", 0.3)
    other["data"]["fingerprint"] = "another"
    (tmp_path / "real-encoder.json").write_text(json.dumps(other), encoding="utf-8")
    with pytest.raises(ValueError, match="different ads"):
        readme.blocks(tmp_path / "none", tmp_path)


def test_only_what_is_between_the_markers_is_written(readme: ModuleType) -> None:
    text = "before\n<!-- quality -->\nold\n<!-- /quality -->\nafter\n"
    filled = readme.filled(text, {"quality": r"new \1"})
    assert filled == "before\n<!-- quality -->\nnew \\1\n<!-- /quality -->\nafter\n"
    with pytest.raises(ValueError, match="needs one <!-- real -->"):
        readme.filled(text, {"real": "x"})
