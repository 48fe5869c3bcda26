"""Sources and families of installed packages: used by name, never in the way of anything else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from adrisk import classifiers
from adrisk.errors import PluginError
from adrisk.ingest import adapters
from adrisk.plugins import Registry
from builders import HONEST, RISKY, make_texts

ROOT = Path(__file__).parents[1]
SOURCE = """
from adrisk.ingest.adapters.base import Adapter, Corpus, constant
import pyarrow as pa
import pyarrow.compute as pc

def shape(raw):
    risk = pc.if_else(pc.equal(raw["verdict"], "bad"), 3, 0)
    return pa.table({"text": raw["words"], "risk": risk, "label_source": constant("mine", raw)})

ADAPTER = Adapter("mine:PATH", "our own ads", Corpus(
    columns={"text": "words", "risk": "verdict"}, required=("words", "verdict"),
    text_columns=("words",), shape=shape).open)
"""
FAMILY = (ROOT / "tests" / "families" / "keyword.py").read_text(encoding="utf-8")


def install(folder: Path, package: str, entries: dict[str, str], code: dict[str, str]) -> Path:
    """A package as pip leaves it: modules, and their metadata beside them."""
    facts = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "".join(f"[{group}]\n{entry}\n" for group, entry in entries.items())
    )
    for module, content in code.items():
        (folder / f"{module}.py").write_text(content, encoding="utf-8")
    return folder


def adrisk(plugins: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command, in a Python that finds these plugins."""
    path = os.pathsep.join([str(plugins), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "adrisk", *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A package with the source and the family `mine`."""
    return install(
        tmp_path / "site",
        "mine-ads",
        {
            "adrisk.sources": "mine = mine_source:ADAPTER",
            "adrisk.families": "mine = mine_family:KeywordClassifier",
        },
        {"mine_source": SOURCE, "mine_family": FAMILY.replace('"keyword"', '"mine"')},
    )


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    texts, truth = make_texts(120, 40)
    rows = [f'"{t}",{"bad" if bad else "good"}' for t, bad in zip(texts, truth, strict=True)]
    path = tmp_path / "ads.csv"
    path.write_text("\n".join(["words,verdict", *rows]) + "\n")
    return path


@pytest.mark.slow
def test_a_source_and_a_family_of_a_package_work_in_the_commands(
    plugins: Path, ads: Path, tmp_path: Path
) -> None:
    done = adrisk(plugins, "ingest", f"mine:{ads}", "-o", tmp_path / "ads.parquet")
    assert done.returncode == 0, done.stderr
    table = pq.read_table(tmp_path / "ads.parquet")
    assert (len(table), table["label_source"][0].as_py()) == (120, "mine")
    config = tmp_path / "mine.yaml"
    config.write_text(
        f"name: mine\nfamily: mine\nparameters:\n  words: [passport, debt]\n"
        f"corpus:\n  sources: ['mine:{ads}']\n"
    )
    done = adrisk(plugins, "train", config)
    assert done.returncode == 0, done.stderr
    new = tmp_path / "new.csv"
    new.write_text(f'text\n"Night porter in a hotel. {RISKY}."\n"Night porter. {HONEST}."\n')
    done = adrisk(plugins, "score", new, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    scores = pq.read_table(tmp_path / "out" / "scores").to_pylist()
    assert scores[0]["risk"] > scores[1]["risk"]
    told = adrisk(plugins, "doctor").stdout
    assert "mine-ads 1.0             source mine; family mine\n" in told
    # Without the package, its model says what is missing.
    done = adrisk(tmp_path, "score", new, "-o", tmp_path / "again")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "unknown classifier family 'mine'" in done.stderr
    assert "install the package that brings the family" in done.stderr


@pytest.mark.slow
def test_a_broken_plugin_is_told_in_one_line_and_only_where_it_is_used(
    ads: Path, tmp_path: Path
) -> None:
    entries = {"adrisk.sources": "mine = broken:ADAPTER", "adrisk.families": "mine = broken:X"}
    site = install(tmp_path / "site", "broken-ads", entries, {"broken": "import not_there\n"})
    out = tmp_path / "ads.parquet"
    done = adrisk(site, "ingest", ads, "--map", "text=words", "-o", out)
    assert done.returncode == 0, done.stderr
    for arguments, what in (
        (("ingest", f"mine:{ads}", "-o", out), "source"),
        (("train", tmp_path / "mine.yaml"), "family"),
    ):
        (tmp_path / "mine.yaml").write_text(
            f"name: mine\nfamily: mine\ncorpus:\n  sources: ['{out}']\n"
        )
        done = adrisk(site, *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert (
            f"the {what} 'mine' of broken-ads 1.0 cannot be loaded "
            "(ModuleNotFoundError: No module named 'not_there'); repair or uninstall"
        ) in done.stderr
    done = adrisk(site, "doctor")
    assert done.returncode == 1
    assert "broken-ads 1.0           the source 'mine' of broken-ads 1.0 cannot be" in done.stdout


def registry() -> Registry[int]:
    def number(name: str, found: object) -> int:
        if not isinstance(found, int):
            raise TypeError(f"expected a number, found {type(found).__name__}")
        return found

    return Registry("adrisk.numbers", "number", {"one": 1}, number)


def test_a_name_of_two_packages_names_both_and_spoils_no_other_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("first-numbers", "second-numbers"):
        module = package.replace("-", "_")
        entries = {"adrisk.numbers": f"two = {module}:N\n{module} = {module}:N"}
        install(tmp_path, package, entries, {module: "N = 2\n"})
    monkeypatch.syspath_prepend(tmp_path)
    numbers = registry()
    assert sorted(numbers) == ["first_numbers", "one", "second_numbers", "two"]
    assert (len(numbers), "two" in numbers, "three" in numbers) == (4, True, False)
    assert (numbers["one"], numbers["first_numbers"]) == (1, 2)
    with pytest.raises(PluginError, match=r"first-numbers 1\.0 and second-numbers 1\.0 both have"):
        _ = numbers["two"]
    with pytest.raises(KeyError):
        _ = numbers["three"]
    problems = {plugin.name: plugin.problem for plugin in numbers.plugins()}
    assert problems["first_numbers"] is None
    assert "uninstall all of them but one" in str(problems["two"])


def test_a_name_of_the_core_stays_the_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = {"adrisk.numbers": "one = more_numbers:N\nword = more_numbers:WORD"}
    install(tmp_path, "more-numbers", entries, {"more_numbers": "N = 7\nWORD = 'seven'\n"})
    monkeypatch.syspath_prepend(tmp_path)
    numbers = registry()
    assert (numbers["one"], list(numbers)) == (1, ["one", "word"])
    with pytest.raises(PluginError, match="expected a number, found str"):
        _ = numbers["word"]
    clash = next(plugin.problem for plugin in numbers.plugins() if plugin.name == "one")
    assert clash is not None
    assert "'one' of more-numbers 1.0 is not used: adrisk has one of that name" in clash


def test_what_is_no_family_is_refused_with_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "class Family:\n    family = 'other'\n" + "".join(
        f"    def {name}(self): pass\n"
        for name in ("fit", "margins", "contributions", "parameters", "save", "load")
    )
    entries = {
        "adrisk.families": "mine = odd_family:Family\nempty = builtins:dict\nnone = builtins:len",
        "adrisk.sources": "mine = odd_family:Family\nMine = adrisk.ingest.adapters.plain:ADAPTER",
    }
    install(tmp_path, "odd-ads", entries, {"odd_family": code})
    monkeypatch.syspath_prepend(tmp_path)
    for registry, name, reason in (
        (classifiers.FAMILIES, "mine", "Family.family is not 'mine'"),
        (classifiers.FAMILIES, "empty", "dict has no method fit, margins"),
        (classifiers.FAMILIES, "none", "expected a class"),
        (adapters.ADAPTERS, "mine", "expected an Adapter, found type"),
        (adapters.ADAPTERS, "Mine", "not in lower case: Mine"),
    ):
        fresh = Registry(registry._group, registry._what, {}, registry._check)
        with pytest.raises(PluginError, match=reason):
            _ = fresh[name]
