"""A release: trained, judged, registered under its name, and written whole or not at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from adrisk import api as stages
from adrisk import cli
from adrisk.config import ReleaseConfig
from adrisk.errors import RunError, UsageError
from adrisk.evaluation.card import card
from adrisk.evaluation.release_manifest import read_release
from adrisk.evaluation.results import Evaluation
from adrisk.metrics.figures import read_result
from adrisk.model.model import Model
from adrisk.tracking.registry import aliased, list_versions
from adrisk.tracking.runs import Store
from builders import HONEST, RISKY

CASES = f"""
stated:
  - {{id: s1, text: "Kitchen help. {RISKY}.", pair: "Kitchen help. {HONEST}.", expect: higher}}
swapped_name:
  - {{id: n1, text: "Ask for Ann. {RISKY}.", pair: "Ask for Eve. {RISKY}.", expect: same}}
"""


def make_config(place: Path, ads: Path, **more: object) -> ReleaseConfig:
    suites = place / "suites"
    suites.mkdir(exist_ok=True)
    (suites / "en.yaml").write_text(CASES, encoding="utf-8")
    return ReleaseConfig.model_validate(
        {
            "name": "test",
            "release": {
                "version": "2026.11",
                "folder": place / "models",
                "suites": suites,
                "policies": [{"review_share": 0.3}, {"recall": 0.5}],
            },
            "corpus": {"sources": [str(ads)]},
            "train": [{"family": "ngram", "parameters": {"bits": 12}}],
            "evaluate": {"resamples": 20},
            **more,
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("release")


@pytest.fixture(scope="module")
def store(place: Path) -> Store:
    return Store(place / "workspace")


@pytest.fixture(scope="module")
def released(place: Path, store: Store, corpus_file: Path) -> tuple[stages.Released, ...]:
    both = [
        {"family": "ngram", "parameters": {"bits": 12}},
        {"family": "linear"},
    ]
    config = make_config(place, corpus_file, train=both)
    return stages.release(config, store, again="adrisk train release.yaml")


def test_every_model_gets_a_folder_with_its_manifest_and_the_card_made_from_it(
    released: tuple[stages.Released, ...], place: Path
) -> None:
    assert [one.name for one in released] == ["2026.11-ngram", "2026.11-linear"]
    assert sorted(p.name for p in (place / "models").iterdir()) == [
        "2026.11-linear",
        "2026.11-ngram",
    ]
    for one in released:
        assert one.folder == place / "models" / one.name
        assert sorted(p.name for p in one.folder.iterdir()) == ["card.md", "manifest.json"]
        manifest = read_release(one.folder)
        assert (one.folder / "card.md").read_text(encoding="utf-8") == card(manifest)


def test_the_manifest_holds_what_the_model_its_judging_and_its_suites_gave(
    released: tuple[stages.Released, ...], store: Store, corpus_file: Path
) -> None:
    one = released[0]
    model = stages.find_model(one.trained.uri, store.workspace)
    found = read_release(one.folder)
    assert found.model.fingerprint == model.fingerprint
    assert {n: e.sha256 for n, e in found.weights.items()} == {
        **model.manifest.files,
        "model.json": model.fingerprint,
    }
    assert found.data.sources == (corpus_file.name,)
    assert sum(part.ads for part in found.data.parts.values()) == 240
    assert found.data.parts["report"].ads == found.quality.report.n
    work = store.workspace / "releases" / one.name
    results = read_result(work / "results.json", Evaluation)
    assert found.quality.report.risk == results.report.risk
    assert found.behaviour.all.n == 2
    assert found.behaviour.cases is None
    assert [g.recall for g in found.guarantees] == [None, 0.5]
    assert found.registered.version == one.trained.run.version
    report = found.quality.report
    assert found.fairness.unseen.lawful == report.n - report.positives
    assert list(found.fairness.unseen.at) == ["0.02", "0.05"]
    for each in released:
        flagged = each.manifest.fairness.unseen.at["0.02"].flagged
        faithful = each.manifest.faithfulness
        assert (faithful.flagged.explained if faithful else 0) == min(flagged, 100)


def test_baselines_are_told_for_all_models_and_the_random_split_for_the_first(
    released: tuple[stages.Released, ...],
) -> None:
    first, second = (one.manifest.quality for one in released)
    assert first.baselines == second.baselines != {}
    assert first.random_split is not None
    assert second.random_split is None
    assert first.beside is None
    assert second.beside.release == "2026.11-ngram"
    mine, other = (q.report.risk.average_precision.value for q in (second, first))
    compared = second.beside.risk
    assert (compared.first.value, compared.second.value) == (mine, other)
    assert compared.difference.value == pytest.approx(mine - other)


def test_the_registry_names_the_release_and_finds_it_by_that_name(
    released: tuple[stages.Released, ...], store: Store
) -> None:
    version = aliased(store, "adrisk", "2026.11-linear")
    assert (version.version, version.release, version.family) == ("2", "2026.11-linear", "linear")
    model = stages.find_model("models:/adrisk/2026.11-linear", store.workspace)
    assert isinstance(model, Model)
    assert model.fingerprint == released[1].manifest.model.fingerprint
    from adrisk.cli.show import described, listed

    assert "release  2026.11-linear" in described(version)
    assert "2026.11-ngram" in listed(list_versions(store, "adrisk"), store.uri)
    client = store.connect().MlflowClient()
    kept = {file.path for file in client.list_artifacts(version.run_id, "release")}
    assert kept == {"release/card.md", "release/manifest.json"}


@pytest.mark.slow
def test_making_a_release_again_keeps_the_first_and_gives_the_very_weights(
    released: tuple[stages.Released, ...], place: Path, tmp_path: Path, corpus_file: Path
) -> None:
    first = released[0]
    before = (first.folder / "manifest.json").read_bytes()
    elsewhere = Store(tmp_path / "workspace")
    (again,) = stages.release(make_config(place, corpus_file), elsewhere, again="x")
    assert again.differs == ()
    assert again.folder == elsewhere.workspace / "releases" / "2026.11-ngram"
    assert (again.folder / "card.md").exists()
    assert (first.folder / "manifest.json").read_bytes() == before

    other = [{"family": "ngram", "parameters": {"bits": 11}}]
    (changed,) = stages.release(make_config(place, corpus_file, train=other), elsewhere, again="x")
    assert changed.differs is not None
    assert "weights.safetensors" in changed.differs
    assert (first.folder / "manifest.json").read_bytes() == before


@pytest.mark.slow
def test_a_release_that_fails_at_its_last_model_leaves_no_folder_and_no_draft(
    tmp_path: Path, corpus_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named: list[str] = []

    def once(store: Store, name: str, version: str, release: str, files: object) -> None:
        named.append(release)
        if len(named) > 1:
            raise RunError("tracking failed")

    both = [{"family": "ngram", "parameters": {"bits": bits}} for bits in (10, 11)]
    monkeypatch.setattr(sys.modules["adrisk.evaluation.release"], "record_release", once)
    config = make_config(tmp_path, corpus_file, train=both)
    with pytest.raises(RunError, match="tracking failed"):
        stages.release(config, Store(tmp_path / "ws"), again="x")
    assert named == ["2026.11-ngram", "2026.11-ngram-2"]
    assert list((tmp_path / "models").iterdir()) == []
    assert (tmp_path / "ws" / "releases" / "2026.11-ngram" / "card.md").exists()


def test_a_manifest_with_a_wrong_key_is_refused_with_its_place(
    released: tuple[stages.Released, ...], tmp_path: Path
) -> None:
    content: Any = released[0].manifest.to_json()
    content["machine"]["core"] = content["machine"].pop("cores")
    (tmp_path / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UsageError, match=r"manifest\.json: machine\.core: extra inputs"):
        read_release(tmp_path)


def test_a_folder_that_is_no_release_is_told_before_any_work(
    tmp_path: Path, corpus_file: Path
) -> None:
    config = make_config(tmp_path, corpus_file)
    (tmp_path / "models" / "2026.11-ngram").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"manifest\.json is not the manifest of a release"):
        stages.release(config, Store(tmp_path / "ws"), again="x")
    assert not (tmp_path / "ws").exists()


WRITTEN = """
name: tiny
release: {version: "2026.11"}
corpus: {sources: ["synthetic:10"]}
train: [{family: ngram}]
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WRITTEN.replace('"2026.11"', '"latest"'), "'latest' is not a release version"),
        (WRITTEN.replace('"2026.11"', '"2026.13"'), "'2026.13' is not a release version"),
        (WRITTEN.replace('"2026.11"', '"../2026.11"'), "is not a release version"),
        (WRITTEN.replace('"2026.11"', "2026.11"), "put it in quotes"),
        (WRITTEN.replace("{family: ngram}", "{family: ngrm}"), "did you mean 'ngram'"),
        (WRITTEN + "evalaute: {}", "did you mean 'evaluate'"),
        (
            WRITTEN.replace('"2026.11"', '"2026.11", policies: [{review_at: 0.4}]'),
            "each needs recall or review_share",
        ),
        (WRITTEN + "evaluate: {folds: 5}", "evaluated on its report set"),
        (
            WRITTEN.replace("{family: ngram}", "{family: ngram}, {family: linear, seed: 3}"),
            "give all the same seed",
        ),
        (WRITTEN.replace('"2026.11"', '"2026.11", suites: nowhere'), "nowhere"),
    ],
)
def test_a_release_that_cannot_be_is_refused_with_one_line_and_exit_code_2(
    text: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "release.yaml").write_text(text, encoding="utf-8")
    assert cli.main(["train", "release.yaml"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.glob("models/*"))


def test_a_release_takes_no_ads_beside_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "release.yaml"
    path.write_text(WRITTEN, encoding="utf-8")
    assert cli.main(["train", str(path), "ads.parquet"]) == 2
    assert "a release is made from what its configuration names" in capsys.readouterr().err
