"""Environment: which modules read it, and that the rules are handed down instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from adrisk.cli.taxonomy import VARIABLE, rules_in_use
from adrisk.errors import ConfigError
from adrisk.rules.ruleset import load_ruleset

TOP = Path(__file__).parents[1]
SOURCES = {
    path.relative_to(TOP).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for folder in ("src/adrisk", "pipelines")
    for path in sorted((TOP / folder).rglob("*.py"))
}

READERS = {
    "pipelines/__init__.py",  # switches telemetry off
    "pipelines/deployments.py",  # which ads are scored every night
    "src/adrisk/cli/__init__.py",  # switches telemetry off
    "src/adrisk/cli/show.py",  # what `doctor` says of the server of flows
    "src/adrisk/cli/taxonomy.py",  # ADRISK_TAXONOMY
    "src/adrisk/cli/training.py",  # where Prefect keeps its state
    "src/adrisk/config.py",  # ${NAME} in a configuration
    "src/adrisk/files.py",  # ADRISK_WORKSPACE
    "src/adrisk/progress.py",  # ADRISK_PROGRESS
    "src/adrisk/review/vault.py",  # the address of the review store
    "src/adrisk/tracking/runs.py",  # MLFLOW_TRACKING_URI
}

HANDED_RULES = {
    "Model.load": "rules",
    "find_model": "rules",
    "find_rule_hits": "rules",
    "load_corpus": "rules",
    "load_registered": "rules",
    "load_suites": "taxonomy",
    "make_batch": "rules",
    "match_all": "rules",
    "match_column": "rules",
    "prepare_ads": "rules",
    "promote_model": "rules",
    "queue_items": "taxonomy",
    "campaign_item": "taxonomy",
    "release": "rules",
    "report": "taxonomy",
    "rule_votes": "rules",
    "write_report": "taxonomy",
}
"""Functions that fall back on the rules of adrisk, for whoever uses the library by hand."""

NO_RULES_NEEDED = {
    "src/adrisk/report/campaigns.py": "queue_items campaign_item",  # list_campaigns, show_campaign
    "src/adrisk/scoring/tables.py": "prepare_ads",  # contacts alone
}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Calls with the name that is called, and the one before it where that is a class."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            yield node.func.id, node
        elif isinstance(node.func, ast.Attribute):
            owner = node.func.value
            named = isinstance(owner, ast.Name) and owner.id[0].isupper()
            yield f"{owner.id}.{node.func.attr}" if named else node.func.attr, node  # type: ignore[attr-defined]


def test_the_modules_that_read_the_environment_are_these() -> None:
    found = {
        name
        for name, tree in SOURCES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"))
        or (isinstance(node, ast.alias) and node.name in ("environ", "getenv"))
    }
    assert found == READERS


def test_only_the_command_line_knows_the_variable_of_the_taxonomy() -> None:
    found = {
        name
        for name, tree in SOURCES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == VARIABLE
    }
    assert found == {"src/adrisk/cli/taxonomy.py"}


def test_whatever_asks_rules_hands_them_down() -> None:
    """A call without them would ask those of adrisk where a platform's are in use."""
    forgotten = [
        f"{name}:{call.lineno} {called}"
        for name, tree in SOURCES.items()
        for called, call in calls(tree)
        if called in HANDED_RULES
        and called not in NO_RULES_NEEDED.get(name, "").split()
        and not any("rules" in ast.unparse(one) or "taxonomy" in ast.unparse(one)
                    for one in (*call.args, *(k.value for k in call.keywords)))
    ]  # fmt: skip
    assert forgotten == []


def test_an_option_goes_before_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    risk = "risk: {levels: [], counter_evidence: {by: 0, not_below: []}}"
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(risk, encoding="utf-8")
    assert rules_in_use() is load_ruleset()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "one.yaml"))
    assert rules_in_use().platform_file == tmp_path / "one.yaml"
    assert rules_in_use(tmp_path / "two.yaml").platform_file == tmp_path / "two.yaml"
    assert load_ruleset().platform_file is None
    with pytest.raises(ConfigError, match="is not there"):
        rules_in_use(tmp_path / "none.yaml")
