"""What is shipped: every package and data file, every dependency pinned, nothing done on import."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import adrisk

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_wheel_holds_every_package_and_data_file(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    leave = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so")
    for name in ("src", "pipelines"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=leave)
    sources = {
        str(path.relative_to(tmp_path / "src")): path
        for path in (tmp_path / "src").rglob("*")
        if path.is_file()
    } | {f"adrisk_pipelines/{path.name}": path for path in (tmp_path / "pipelines").iterdir()}
    contents = {name: path.read_bytes() for name, path in sources.items()}
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], check=True, cwd=tmp_path, capture_output=True)
    (path,) = (tmp_path / "dist").glob("*.whl")
    with ZipFile(path) as wheel:
        held = {
            name: wheel.read(name)
            for name in wheel.namelist()
            if ".dist-info/" not in name and not name.endswith(".so")
        }
    assert path.name.startswith(f"adrisk-{adrisk.__version__}-")
    assert sorted(held) == sorted(contents)
    assert held == contents


def test_the_version_is_stated_once_and_cited() -> None:
    assert "version" not in PROJECT["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## (\d+\.\d+\.\d+)", changelog, re.MULTILINE)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert [adrisk.__version__, citation["version"]] == [released[0]] * 2
    assert released == sorted(released, key=Version, reverse=True)


def test_the_lock_satisfies_every_requirement_with_hashes() -> None:
    locked = read_lock("constraints.txt")
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [*PROJECT["project"]["dependencies"], *(d for extra in extras for d in extra)]
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        if name != "adrisk":
            assert locked[name], requirement
            assert all(requirement.specifier.contains(version) for version in locked[name])


def test_the_two_builds_of_torch_are_locked_apart() -> None:
    locked, cuda = read_lock("constraints.txt"), read_lock("constraints-cuda.txt")
    assert "nvidia-cublas" in cuda
    assert not cuda.keys() & locked.keys()
    assert read_lock("constraints-cpu.txt") in ({}, {"torch": [f"{locked['torch'][0]}+cpu"]})


def read_lock(name: str) -> dict[str, list[str]]:
    """The versions of each package in a lock; every one must have a hash."""
    versions: dict[str, list[str]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            pin = re.fullmatch(r"([\w.-]+)==([^\s;]+)( ; .+?)?( --hash=sha256:[0-9a-f]{64})+", line)
            assert pin, line
            versions.setdefault(canonicalize_name(pin[1]), []).append(pin[2])
    return versions


def test_the_readme_opens_with_the_two_commands() -> None:
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").split("![")[0]
    assert "make run" in first_screen
    assert "make test" in first_screen


def test_importing_does_nothing() -> None:
    code = (
        "import logging, os, sys, warnings\n"
        "before = dict(os.environ), list(warnings.filters), list(logging.root.handlers)\n"
        "import adrisk, adrisk.cli\n"
        "after = dict(os.environ), list(warnings.filters), list(logging.root.handlers)\n"
        "assert before == after\n"
        "heavy = {'numpy', 'pyarrow', 'torch', 'sklearn', 'mlflow', 'prefect'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_flows_switch_telemetry_off_before_prefect_starts() -> None:
    code = (
        "import os, sys\n"
        "import adrisk_pipelines\n"
        "assert 'prefect' not in sys.modules\n"
        "assert os.environ['PREFECT_SERVER_ANALYTICS_ENABLED'] == 'false'\n"
        "from prefect.settings import get_current_settings\n"
        "assert get_current_settings().server.analytics_enabled is False\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
