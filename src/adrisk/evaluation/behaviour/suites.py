"""Reader of behaviour suites: YAML files, one a language, of cases by tested capability.

    negated:
      - id: negated-01            # unique within the language
        text: the ad
        pair: the other ad, which differs by one fact
        expect: higher            # text against pair: higher, same; or below, which needs no pair
        of: document_retention    # an indicator, or risk, which is the default

Out: frozen `Case`s. A file with a repeated id or key, an unknown function, indicator or key, or a
missing pair is refused, because a suite with a gap measures something else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from adrisk.documents import Loader, read_yaml
from adrisk.errors import ConfigError, UsageError, did_you_mean
from adrisk.rules.taxonomy import Taxonomy, load_taxonomy

RISK = "risk"
"""The score that is compared when a case names no indicator."""

FUNCTIONS: Mapping[str, str] = {
    "stated": "an indicator stated in plain words",
    "paraphrased": "the same said without the usual words",
    "negated": "affirmed, against an ad that denies it",
    "quoted_in_warning": "said of the ad's own offer, against an ad that quotes it as a warning",
    "lawful_lookalike": "lawful ads that share the words",
    "independent_worker": "adults who work on their own terms",
    "weak_combination": "several weak signs together, against one of them",
    "single_weak": "one weak sign alone stays below the threshold",
    "obfuscated": "the risky sentence in disguise, against the ad without it",
    "misspelled": "the risky sentence with slips of the pen",
    "code_switched": "the risky sentence in another language",
    "buried": "one sentence in the middle of a long ad",
    "swapped_nationality": "another nationality must not move the score",
    "swapped_gender": "another gender must not move the score",
    "swapped_city": "another city must not move the score",
    "swapped_name": "another name must not move the score",
}
"""Every function with what it tests, in the order of reports."""

EXPECTATIONS = ("higher", "same", "below")

_LANGUAGE = re.compile(r"[a-z]{2,3}")
_KEYS = ("id", "text", "pair", "expect", "of")
_FIXED = {"single_weak": "below"} | {name: "same" for name in FUNCTIONS if "swapped" in name}


@dataclass(frozen=True, slots=True)
class Case:
    """One ad, or two that differ by one fact, and the expected scores.

    `of` is an indicator's id or `RISK`; `pair` is None only where `below` is expected.
    """

    language: str
    function: str
    id: str
    text: str
    pair: str | None
    expect: str
    of: str


def load_suites(folder: Path, taxonomy: Taxonomy | None = None) -> tuple[Case, ...]:
    """Every case of every `{language}.yaml` in a folder, in the order of languages and files.

    Cases are about indicators of the `taxonomy`; adrisk's own if left out.

    Raises:
        UsageError: if the folder holds no suite; says how to point at one.
        ConfigError: if a file is broken; names file, function, id and what is wrong.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise UsageError(
            f"no behaviour suites in {folder}: expected files such as en.yaml; run this in a "
            "checkout of adrisk, or point at them with --suites DIR"
        )
    return tuple(case for file in files for case in load_suite(file, taxonomy))


def load_suite(path: Path, taxonomy: Taxonomy | None = None) -> tuple[Case, ...]:
    """The cases of one language, which the file is named after.

    Raises:
        ConfigError: if the file is broken; names file, function, id and what is wrong.
    """
    if not _LANGUAGE.fullmatch(path.stem):
        raise ConfigError(
            f"{path}: a suite is named after its language, such as en.yaml; rename or remove it"
        )
    content = _read(path)
    known = (RISK, *(taxonomy or load_taxonomy()).text_ids)
    taken: dict[str, str] = {}
    cases = []
    for function, entries in content.items():
        if function not in FUNCTIONS:
            raise ConfigError(
                f"{path}: unknown function {function!r}{did_you_mean(function, FUNCTIONS)}; "
                f"there are {', '.join(FUNCTIONS)}"
            )
        if not isinstance(entries, list) or not entries:
            raise ConfigError(f"{path}: {function}: expected a list of cases")
        for number, entry in enumerate(entries, start=1):
            case = _case(path, str(function), number, entry, known)
            if case.id in taken:
                raise ConfigError(
                    f"{path}: {function}: {case.id}: the id is taken, by a case of "
                    f"{taken[case.id]}; give it another"
                )
            taken[case.id] = case.function
            cases.append(case)
    return tuple(cases)


def fingerprint(cases: Iterable[Case]) -> str:
    """A digest of the cases; results of one suite have equal digests."""
    digest = hashlib.sha256()
    for case in cases:
        digest.update(repr(case).encode())
    return digest.hexdigest()


class _Loader(Loader):  # type: ignore[misc]
    """Refuses a repeated key, of which YAML readers keep only the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        content: dict[object, object] = super().construct_mapping(node, deep)
        return content


def _read(path: Path) -> dict[object, object]:
    content = read_yaml(path, _Loader)
    if not isinstance(content, dict) or not content:
        raise ConfigError(f"{path}: expected functions, each with a list of cases")
    return content


def _case(path: Path, function: str, number: int, entry: object, known: Sequence[str]) -> Case:
    where = f"{path}: {function}: entry {number}"
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: expected a case with {', '.join(_KEYS)}")
    if isinstance(entry.get("id"), str) and entry["id"]:
        where = f"{path}: {function}: {entry['id']}"
    for key, value in entry.items():
        if key not in _KEYS:
            raise ConfigError(
                f"{where}: unknown key {key!r}{did_you_mean(key, _KEYS)}; "
                f"it may have {', '.join(_KEYS)}"
            )
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{where}: `{key}` must be text, got {value!r}; put it in quotes")
    for key in ("id", "text", "expect"):
        if key not in entry:
            raise ConfigError(f"{where}: the key `{key}` is missing; add it")
    case = Case(
        language=path.stem,
        function=function,
        id=entry["id"],
        text=entry["text"].strip(),
        pair=entry["pair"].strip() if "pair" in entry else None,
        expect=entry["expect"],
        of=entry.get("of", RISK),
    )
    _check(case, where, known)
    return case


def _check(case: Case, where: str, known: Sequence[str]) -> None:
    if case.expect not in EXPECTATIONS:
        raise ConfigError(
            f"{where}: unknown expectation {case.expect!r}"
            f"{did_you_mean(case.expect, EXPECTATIONS)}; there are {', '.join(EXPECTATIONS)}"
        )
    fixed = _FIXED.get(case.function, case.expect)
    if case.expect != fixed:
        raise ConfigError(f"{where}: a case of {case.function} expects `{fixed}`")
    if case.of not in known:
        raise ConfigError(
            f"{where}: no indicator of a text is called {case.of!r}{did_you_mean(case.of, known)}"
        )
    if case.expect == "below":
        if case.of != RISK:
            raise ConfigError(f"{where}: only the risk has a threshold; leave `of` out")
    elif case.pair is None:
        raise ConfigError(f"{where}: `{case.expect}` needs the key `pair`; add the other ad")
    if case.pair == case.text:
        raise ConfigError(f"{where}: `text` and `pair` are equal; let them differ by one fact")
