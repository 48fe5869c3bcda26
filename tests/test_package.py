"""What is shipped: every package and data file, every dependency pinned, nothing done on import."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_is_listed() -> None:
    found = {
        ".".join(path.parent.relative_to(ROOT / "src").parts)
        for path in (ROOT / "src").rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found | {"adrisk_pipelines"}


def test_every_data_file_is_shipped() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["adrisk"]
    for path in (ROOT / "src" / "adrisk").rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc", ".so"):
            name = str(path.relative_to(ROOT / "src" / "adrisk"))
            assert any(fnmatch(name, p) or fnmatch(f"x/{name}", p) for p in patterns), name


def test_every_dependency_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [*PROJECT["project"]["dependencies"], *(d for extra in extras for d in extra)]
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9_-]+", requirement).group().lower().replace("_", "-")
        assert name in pinned | {"adrisk"}, requirement


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
