"""Documents from outside: a file that asks for too much is refused in one line and little time."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from adrisk import documents
from adrisk.config import RunConfig, TrainConfig, load, parse_model_config
from adrisk.documents import MAX_DEPTH, parse_json, read_yaml
from adrisk.errors import ConfigError, UsageError
from adrisk.evaluation.behaviour.suites import load_suites
from adrisk.model.manifest import read_manifest as read_model
from adrisk.policy.policy import PolicyConfig
from adrisk.rules.platform import load_extension
from adrisk.scoring.manifest import read_manifest

BOMB = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
MERGES = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 30)
)
HOSTILE = {
    "aliases": (BOMB, "aliases expanded"),
    "merged aliases": (MERGES, "aliases expanded"),
    "brackets": ("a: " + "[" * 100_000, "nested more than"),
    "blocks": ("- " * 5_000 + "x", "nested more than"),
    "itself": ("a: &a [*a]", "contains itself"),
    "number": ("a: " + "9" * 10_000, "not valid YAML"),
    "date": ("a: 2026-99-99", "not valid YAML"),
    "object": ("a: !!python/object/apply:os.system [id]", "not valid YAML"),
    "size": ("#" * (documents.MAX_BYTES + 1), "larger than"),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "reader",
    [
        lambda path: load(path, RunConfig),
        lambda path: load(path, TrainConfig),
        lambda path: load(path, PolicyConfig),
        load_extension,
        lambda path: load_suites(path.parent),
    ],
    ids=["run", "train", "policy", "taxonomy", "suites"],
)
def test_hostile_yaml_is_one_line_in_little_time_and_memory(
    tmp_path: Path, reader: Callable[[Path], object], content: str, message: str
) -> None:
    path = tmp_path / "en.yaml"
    path.write_text(content, encoding="utf-8")
    began = time.monotonic()
    tracemalloc.start()
    with pytest.raises(ConfigError, match=message) as refused:
        reader(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - began < 5
    assert most < 64 << 20
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)


def test_aliases_in_reason_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: &a {b: [1, 2]}\nc: [*a, *a]\nd: {<<: *a, e: 1}\n", encoding="utf-8")
    assert read_yaml(path) == {
        "a": {"b": [1, 2]},
        "c": [{"b": [1, 2]}, {"b": [1, 2]}],
        "d": {"b": [1, 2], "e": 1},
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "value.yaml"
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    assert read_yaml(path) == value


@pytest.mark.parametrize(("depth", "kept"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_the_depth_that_is_allowed_is_allowed(tmp_path: Path, depth: int, kept: bool) -> None:
    path = tmp_path / "deep.yaml"
    path.write_text("[" * depth + "]" * depth, encoding="utf-8")
    if kept:
        assert isinstance(read_yaml(path), list)
    else:
        with pytest.raises(ConfigError, match="nested more than"):
            read_yaml(path)


DEEP = "[" * 200_000


def test_json_nested_too_deeply_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(DEEP)


def test_manifests_and_parameters_nested_too_deeply_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"run_id": ' + DEEP)
    for call in (
        lambda: read_manifest(tmp_path),
        lambda: read_model(tmp_path / "model.json", DEEP.encode()),
        lambda: parse_model_config("ngram", DEEP),
    ):
        with pytest.raises(UsageError) as refused:
            call()
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 1000
