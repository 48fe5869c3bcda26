"""Read and compile the rules of one language.

In: `rules/{language}.yaml`, patterns in a small notation for people. Out: a frozen `Rulebook` of
compiled patterns. It refuses a rule without examples and a pattern that does not compile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import regex
import yaml

from adrisk.errors import ConfigError
from adrisk.types import State

_FOLDER = Path(__file__).with_name("rules")

_GAP = r"(?:[^\p{L}\p{N}.!?\n]+)"
_CLASSES = {r"\w": r"[\p{L}\p{N}]", r"\d": "[0-9]", "'": "['’´]", "’": "['’´]"}
_SUM = (
    r"(?:(?:[€£$]|r\$|us\$)[ \u00a0]?)?[0-9](?:[0-9., \u00a0]*[0-9])?"
    r"(?:[ \u00a0]?(?:€|£|\$|euros?|eur|usd|gbp|pounds?|dollars?|d[óo]lares|reais))?"
)
_BARE = {**dict(zip("áàâãäéèêëíîïóôõöúùûüçñ", "aaaaaeeeeiiioooouuuucn", strict=True)), "œ": "oe"}
_SIGNS = regex.compile(
    r"\[(?:\\.|[^\]])*\]|\\[wd]|<sum>|<(?P<words>\d)>|[ '’]|[áàâãäéèêëíîïóôõöúùûüçñœ]"
)
_PARTS = regex.compile(r"\\.|\[(?:\\.|[^\]])*\]|<\w+>|.")
_DISTANCE = regex.compile(r"<\d>")


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern, what it shows, and an example for and against it.

    `screen` is an RE2 pattern for many texts at once: where it finds nothing, the rule cannot
    match, so most rules never run.
    """

    id: str
    indicator: str
    state: State
    pattern: regex.Pattern[str]
    screen: str
    on_raw: bool
    negatable: bool
    finds: str
    leaves: str


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules of one language, and what takes the force from a match.

    Around `awareness` nothing counts; a `negator` right before a match turns it round.
    """

    language: str
    rules: tuple[Rule, ...]
    awareness: tuple[regex.Pattern[str], ...]
    negator: regex.Pattern[str]


@lru_cache(maxsize=8)
def load_rulebook(language: str) -> Rulebook:
    """The rules of one language, compiled once a process.

    Raises:
        ConfigError: if a rule is incomplete or its pattern does not compile.
    """
    path = _FOLDER / f"{language}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Rulebook(
        language=language,
        rules=tuple(
            _rule(f"{language}.{indicator}.{name}", indicator, state, fields, path)
            for indicator, entry in content["indicators"].items()
            for state in (State.PRESENT, State.ABSENT)
            for name, fields in entry.get(state.value, {}).items()
        ),
        awareness=tuple(_bounded(pattern) for pattern in content["awareness"]),
        # The negator stands at most two words before the match, in the same clause.
        negator=regex.compile(
            rf"(?<![\p{{L}}\p{{N}}])(?:{expand(content['negators'])})"
            r"(?:[^\p{L}\p{N}.!?\n,;:]+[\p{L}\p{N}]+){0,2}[^\p{L}\p{N}.!?\n,;:]+$"
        ),
    )


def expand(notation: str) -> str:
    """The regular expression that a pattern in the rules' notation stands for.

    A space is anything between two words of a sentence, <n> up to n words between, <sum> an
    amount of money; letters with an accent match without it too. Classes in square brackets stay.

    >>> bool(regex.fullmatch(expand("papel<2>después"), "papel se hace despues"))
    True
    """
    expanded: str = _SIGNS.sub(_sign, notation)
    return expanded


def loosen(notation: str) -> str:
    """An RE2 pattern that matches wherever the expanded pattern does, and elsewhere too.

    Every alternative ends at its first distance, so that RE2's automata stay small: "fee<2>job"
    is looked for as "fee" alone.
    """
    kept: list[str] = []
    depth, skipping = 0, False
    for part in _PARTS.findall(notation):
        depth += (part == "(") - (part == ")")
        if depth == 0 and part == "|":
            skipping = False
        elif depth == 0 and _DISTANCE.fullmatch(part):
            skipping = True
        if not skipping:
            kept.append(part)
    loosened: str = _SIGNS.sub(lambda match: _sign(match, loose=True), "".join(kept))
    return loosened


def _sign(match: regex.Match[str], *, loose: bool = False) -> str:
    sign: str = match.group()
    words: str | None = match["words"]
    if sign == "<sum>":
        return r"[0-9][0-9., \x{a0}]*" if loose else _SUM
    if words:
        return (
            r"(?:[^.!?\n]+)" if loose else rf"(?:{_GAP}(?:[\p{{L}}\p{{N}}'’]+{_GAP}){{0,{words}}}?)"
        )
    if sign == " ":
        return r"(?:[^a-z0-9.!?\n]+)" if loose else _GAP
    if sign in _BARE:
        return f"(?:{sign}|{_BARE[sign]})"
    return _CLASSES.get(sign, sign)


def _bounded(notation: str) -> regex.Pattern[str]:
    return regex.compile(rf"(?<![\p{{L}}\p{{N}}])(?:{expand(notation)})(?![\p{{L}}\p{{N}}])")


def _rule(
    rule_id: str, indicator: str, state: State, fields: Mapping[str, Any], path: Path
) -> Rule:
    for name in ("pattern", "finds", "leaves"):
        if not isinstance(fields.get(name), str):
            raise ConfigError(f"{path}: rule {rule_id}: the key `{name}` is missing; add a text")
    on_raw = fields.get("text") == "raw"
    try:
        pattern = regex.compile(fields["pattern"]) if on_raw else _bounded(fields["pattern"])
    except regex.error as error:
        raise ConfigError(f"{path}: rule {rule_id}: pattern does not compile: {error}") from error
    return Rule(
        id=rule_id,
        indicator=indicator,
        state=state,
        pattern=pattern,
        screen=fields["pattern"] if on_raw else loosen(fields["pattern"]),
        on_raw=on_raw,
        negatable=state is State.PRESENT and fields.get("negatable", True) is True,
        finds=fields["finds"],
        leaves=fields["leaves"],
    )
