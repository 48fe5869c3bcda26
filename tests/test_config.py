"""Configuration: a mistake fails at once, naming file, key and the nearest valid name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adrisk.config import (
    ModelConfig,
    ReleaseConfig,
    RunConfig,
    TrainConfig,
    load,
    load_training,
    parse_model_config,
)
from adrisk.errors import ConfigError
from adrisk.policy.policy import PolicyConfig

ROOT = Path(__file__).parents[1]
RUN = """
name: x
corpus: {sources: ["synthetic:10"]}
train: [{family: ngram}]
score: {sources: ["synthetic:10"]}
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RUN + "scroe: {}", "unknown key 'scroe' [(]did you mean 'score'"),
        (RUN.replace("score:", "scroe:"), "unknown key 'scroe' [(]did you mean 'score'"),
        (RUN + "evaluate: {resample: 9}", "'evaluate.resample' [(]did you mean 'resamples'"),
        (RUN.replace("ngram", "ngrm"), "unknown classifier family 'ngrm' [(]did you mean 'ngram'"),
        (RUN.replace("{family: ngram}", "{famly: ngram}"), "did you mean 'family'"),
        (
            RUN.replace("{family: ngram}", "{family: ngram, parameters: {bit: 3}}"),
            "ngram has no parameter 'bit' [(]did you mean 'bits'",
        ),
        (
            RUN.replace("{family: ngram}", "{parameters: {bits: many}}"),
            "yaml: train.0.parameters.bits: Input should be a valid integer",
        ),
        (RUN.replace("name: x\n", ""), "the key 'name' is missing"),
        (
            RUN.replace("{family: ngram}", "{family: ngram, labels: {join: vote}}"),
            "train.0.labels.join: Input should be 'model', 'majority' or 'none'",
        ),
        (RUN + "evaluate: {folds: 1}", "folds must be 0"),
        (
            RUN.replace('score: {sources: ["synthetic:10"]}', "score: {sources: []}"),
            "score.sources",
        ),
        ("- a list", "expected keys and values"),
        ("name: [", r"line \d: not valid YAML"),
        (RUN.replace("synthetic:10", "difraud:${NOT_SET_ANYWHERE}"), "is not set"),
        (
            RUN.replace(
                'score: {sources: ["synthetic:10"]}',
                'score: {sources: ["synthetic:10"], policy: {review_at: 0.9}}',
            ),
            r"score.policy: review_at \(0.9\) must not be above urgent_at",
        ),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "run.yaml", text)
    with pytest.raises(ConfigError, match=message) as caught:
        load(path, RunConfig)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("ngrm",), "unknown classifier family 'ngrm' [(]did you mean 'ngram'"),
        (
            ("ngram", "{bits}"),
            r"parameters '\{bits\}' are not valid JSON .*; write them like '\{\"bits\"",
        ),
        (("ngram", '{"bit": 3}'), "ngram has no parameter 'bit' [(]did you mean 'bits'"),
        (("ngram", '{"bits": "many"}'), "^parameters.bits: Input should be a valid integer"),
        (("ngram", "[1]"), "^parameters: Input should be a valid dictionary"),
        (("x.yml",), "configuration x.yml cannot be read"),
        (("x.yaml", '{"bits": 3}'), "x.yaml has parameters of its own"),
    ],
)
def test_a_wrong_model_configuration_on_a_command_line_is_refused_in_one_line(
    given: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_model_config(*given)
    assert "\n" not in str(caught.value)


def test_a_model_configuration_is_a_family_or_a_file(tmp_path: Path) -> None:
    assert parse_model_config("linear", seed=3) == ModelConfig(family="linear", seed=3)
    assert parse_model_config("ngram", '{"bits": 12}').parameters == {"bits": 12}
    for name in ("own.yaml", "own.yml"):
        path = write(tmp_path / name, "name: own\nfamily: linear\nseed: 7\n")
        config = parse_model_config(str(path))
        assert (config.family, config.seed) == ("linear", 7)


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path / "demo.yaml", RUN)
    with pytest.raises(ConfigError, match=r"did you mean 'demo.yaml'"):
        load(tmp_path / "dmo.yaml", RunConfig)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "x.yaml", RunConfig)


def test_paths_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_ADS", "/data/a b.parquet")
    config = load(
        write(tmp_path / "r.yaml", RUN.replace("synthetic:10", "h2:${MY_ADS}")), RunConfig
    )
    assert config.corpus.sources == ("h2:/data/a b.parquet",)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        (
            {"encoder": {"epoch": 2}},
            "cascade: encoder has no parameter 'epoch' [(]did you mean 'epochs'",
        ),
        ({"fast": {"bits": "many"}}, "yaml: parameters.fast.bits: Input should be"),
        ({"fast": 3}, "yaml: parameters.fast: Input should be"),
    ],
)
def test_the_parameters_of_a_cascades_parts_are_checked_before_anything_is_read(
    tmp_path: Path, parameters: dict[str, object], told: str
) -> None:
    content = {"name": "two", "family": "cascade", "parameters": parameters}
    with pytest.raises(ConfigError, match=told):
        load(write(tmp_path / "c.yaml", json.dumps(content)), TrainConfig)


def test_the_released_cascade_is_the_one_that_the_cascades_own_configuration_trains() -> None:
    released = load(ROOT / "configs" / "train" / "release.yaml", ReleaseConfig).train
    own = load(ROOT / "configs" / "train" / "cascade.yaml", TrainConfig)
    (cascade,) = (model for model in released if model.family == "cascade")
    assert cascade.parameters == own.parameters


@pytest.mark.parametrize("path", sorted((ROOT / "configs").rglob("*.yaml")), ids=lambda p: p.name)
def test_every_configuration_in_the_repository_loads(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ADRISK_DIFRAUD", "ADRISK_H2", "ADRISK_EURES"):
        monkeypatch.setenv(name, "x.parquet")
    if path.parent.name == "train":
        load_training(path)
    else:
        load(path, PolicyConfig if path.name == "policy.yaml" else RunConfig)
