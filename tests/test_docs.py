"""README and docs: links lead somewhere, commands parse, YAML loads, Python runs, and the generated
page of files and columns is that of the code."""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import adrisk
from adrisk.cli.parser import make_parser
from adrisk.config import ReleaseConfig, RunConfig, TrainConfig, load
from adrisk.policy.policy import PolicyConfig

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "RELEASING.md")),
    *DOCS,
]
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
KINDS = {"policy": PolicyConfig, "train": TrainConfig, "run": RunConfig, "release": ReleaseConfig}

LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+)\)")
BLOCK = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")
MODULE = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`")
FIGURE = re.compile(r"(-?\d[\d,]*(?:\.\d+)?) \[(-?\d[\d,]*(?:\.\d+)?), (-?\d[\d,]*(?:\.\d+)?)\]")


def tool(name: str) -> ModuleType:
    """A script of tools/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def blocks(path: Path, language: str) -> list[str]:
    found = BLOCK.findall(path.read_text(encoding="utf-8"))
    return [content for kind, content in found if kind == language]


def anchors(text: str) -> set[str]:
    """The anchors of the headings of a page, as hosting sites and mkdocs make them."""
    prose = BLOCK.sub("", text)
    headings = re.findall(r"(?m)^#+ (.*)$", prose)
    plain = [re.sub(r"\]\([^)]*\)", "", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_relative_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in LINK.findall(BLOCK.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        place = (path.parent / name).resolve() if name else path
        assert place.exists(), target
        assert place.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(place.read_text(encoding="utf-8")), target


def commands(path: Path) -> Iterator[list[str]]:
    """The adrisk commands of the shell blocks of a page."""
    for block in blocks(path, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            if words[:1] == ["adrisk"] and "…" not in line:
                yield words[1:]


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_every_command_shown_is_one_that_the_parser_takes(path: Path) -> None:
    for words in commands(path):
        assert isinstance(make_parser().parse_args(words), argparse.Namespace)


def test_the_pages_show_commands() -> None:
    assert len({words[0] for path in PAGES for words in commands(path)}) > 12


def test_every_command_and_option_named_in_a_sentence_exists() -> None:
    options = _all_options(make_parser())
    known = set(options)
    for path in PAGES:
        text = BLOCK.sub("", path.read_text(encoding="utf-8"))
        for command in re.findall(r"`adrisk ([a-z]+)", text):
            assert command in known, (path.name, command)
        for command, option in re.findall(r"`adrisk ([a-z]+)[^`]* (--[a-z]+)", text):
            assert option in options[command], (path.name, command, option)


def _all_options(parser: argparse.ArgumentParser) -> dict[str, set[str]]:
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return {
        name: {option for action in sub._actions for option in action.option_strings}
        for name, sub in commands.choices.items()
    }


def test_every_yaml_block_is_taken_by_the_loader(tmp_path: Path) -> None:
    seen = set()
    for path in PAGES:
        for number, block in enumerate(blocks(path, "yaml")):
            kind = re.match(r"# (\w+)\.yaml\n", block)
            assert kind is not None, f"{path.name}: begin the block with the name of the file"
            file = tmp_path / f"{path.stem}-{number}.yaml"
            file.write_text(block, encoding="utf-8")
            load(file, KINDS[kind[1]])
            seen.add(kind[1])
    assert {"policy", "train"} <= seen


@pytest.mark.parametrize("path", [ROOT / "docs" / "python.md", ROOT / "README.md"], ids=str)
def test_the_python_of_a_page_runs(
    path: Path, synthetic_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = adrisk.load
    monkeypatch.setattr(adrisk, "load", lambda model: real(synthetic_model))
    monkeypatch.chdir(tmp_path)
    shared: dict[str, Any] = {}
    found = blocks(path, "python")
    assert found
    for block in found:
        exec(compile(block, str(path), "exec"), shared)
    assert len(shared["scores"]) in (1, 2)


def test_every_module_that_a_page_names_is_there() -> None:
    for path in DOCS:
        for named in MODULE.findall(path.read_text(encoding="utf-8")):
            places = (ROOT / "src" / "adrisk" / named, ROOT / "src" / named, ROOT / named)
            assert any(place.is_file() for place in places), (path.name, named)


def test_every_function_of_the_way_of_an_ad_is_in_its_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    steps = re.findall(r"(?m)^\| \d+ \|.*?\| `([\w/]+\.py)` \| `(\w+)` \|", text)
    assert len(steps) > 20
    for module, name in steps:
        source = (ROOT / "src" / "adrisk" / module).read_text(encoding="utf-8")
        assert re.search(rf"(?m)^(?:def|class) {name}\b", source), (module, name)


def test_every_variable_that_a_page_names_is_read_somewhere() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("src", "pipelines", "evaluation", "configs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".yaml")
    )
    for path in PAGES:
        for name in re.findall(r"\b(?:ADRISK|MLFLOW|PREFECT)_[A-Z_]+\b", path.read_text("utf-8")):
            assert name in code or re.search(r'f"ADRISK_\{', code), (path.name, name)


def test_the_page_of_files_and_columns_is_that_of_the_code() -> None:
    formats = tool("file_formats")
    page = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
    assert page == formats.page(), "run: python tools/file_formats.py"


def test_a_column_without_a_meaning_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formats = tool("file_formats")
    meanings = yaml.safe_load(formats.MEANINGS.read_text(encoding="utf-8"))
    del meanings["flags"]["rank"]
    changed = tmp_path / "schema.yaml"
    changed.write_text(yaml.safe_dump(meanings), encoding="utf-8")
    monkeypatch.setattr(formats, "MEANINGS", changed)
    with pytest.raises(ValueError, match="flags: rank has no meaning"):
        formats.page()
    meanings["flags"] |= {"rank": {"meaning": "a"}, "more": {"meaning": "b"}}
    changed.write_text(yaml.safe_dump(meanings), encoding="utf-8")
    with pytest.raises(ValueError, match="flags: more does not exist"):
        formats.page()


def test_the_manifest_of_a_run_has_the_keys_that_are_described(
    model_folder: Path, tmp_path: Path
) -> None:
    from adrisk.api import score
    from adrisk.model.model import Model

    done = score(
        Model.load(model_folder),
        [str(ROOT / "docs" / "examples" / "ads.csv")],
        tmp_path / "scored",
        tmp_path / "workspace",
        policy=load(ROOT / "docs" / "examples" / "policy.yaml", PolicyConfig),
    )
    described = yaml.safe_load(tool("file_formats").MEANINGS.read_text("utf-8"))["manifest"]
    assert list(described) == list(json.loads(done.manifest.read_text(encoding="utf-8")))


def test_figures_with_an_interval_are_those_of_the_result_file_they_cite() -> None:
    checked = 0
    for path in (ROOT / "docs" / "judged.md", ROOT / "docs" / "decisions.md"):
        for paragraph in re.split(r"\n(?=- |\n|\|)", path.read_text(encoding="utf-8")):
            cited = re.findall(r"evaluation/results/([\w-]+\.json)\)", paragraph)
            if not cited or paragraph.startswith("|"):
                continue
            known = {key for name in cited for key in _triples(name)}
            for figure in FIGURE.findall(paragraph):
                assert figure in known, (path.name, cited, figure)
                checked += 1
    assert checked > 10


def _triples(name: str) -> Iterator[tuple[str, str, str]]:
    """Value, low and high of every figure of a result file, rounded as pages round them."""
    content = json.loads((ROOT / "evaluation" / "results" / name).read_text(encoding="utf-8"))

    def walk(node: Any) -> Iterator[tuple[float, float, float]]:
        if isinstance(node, dict):
            keys = [k for k in (("value", "low", "high"), ("median", "lowest", "highest"))
                    if all(isinstance(node.get(one), int | float) for one in k)]  # fmt: skip
            for some in keys:
                yield node[some[0]], node[some[1]], node[some[2]]
            for value in node.values():
                yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)

    for triple in walk(content):
        for form in ("{:.3f}", "{:.1f}", "{:,.0f}"):
            value, low, high = (form.format(one) for one in triple)
            yield value, low, high
            yield (value.removeprefix("-"), *sorted((low, high), key=abs_of))
            if value.startswith("-"):
                yield value.removeprefix("-"), high.removeprefix("-"), low.removeprefix("-")


def abs_of(number: str) -> float:
    return abs(float(number.replace(",", "")))


def test_links_of_the_site_lead_to_its_pages_and_others_become_text() -> None:
    site = tool("site_pages")
    known = {"x.md", "repository/evaluation/a.md", "repository/models/m/card.md"}
    relinked = site.relinked
    assert (
        relinked("[a](../evaluation/a.md#b)", "x.md", known) == "[a](repository/evaluation/a.md#b)"
    )
    assert relinked("[b](../src/b.py) [c](#d)", "x.md", known) == "b [c](#d)"
    assert relinked("[x](../docs/x.md)", "repository/evaluation/a.md", known) == "[x](../../x.md)"
    assert relinked("![i](../i.png)", "x.md", known) == "![i](../i.png)"
    assert relinked("```\n[b](../src/b.py)\n```", "x.md", known) == "```\n[b](../src/b.py)\n```"
