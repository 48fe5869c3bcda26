"""Rule books: the rules of one language, read from YAML and compiled.

In: `books/{language}.yaml`, patterns in the notation of `patterns`; and the rules and restricted
lists of the platform's file (`platform`). Out: a frozen `Rulebook` of compiled phrases. Refused are
a rule with fewer than two examples for and two against it, and a pattern that cannot be parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from adrisk import documents
from adrisk.errors import ConfigError
from adrisk.rules.entries import ANY_LANGUAGE
from adrisk.rules.patterns import NotationError, Phrase, Slots, phrases
from adrisk.rules.plain_text import bare
from adrisk.rules.platform import Extension
from adrisk.types import State

EXAMPLES = 2
"""The least number of examples of each rule, for and against."""

BOOKS = Path(__file__).with_name("books")
"""The folder of the rules that adrisk ships, one file a language."""

_KEYS = ("pattern", "text", "unless", "finds", "leaves", "negatable")
_PLAIN_PHRASE = re.compile(r"[a-z0-9 '*.,-]*[a-z0-9][a-z0-9 '*.,-]*")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that shows an indicator, or its absence, with examples for and against.

    `phrases` are searched in plain text, `raw_patterns` in the raw text. A negation next to or in a
    match of a `negatable` rule turns a present match into an absent one and cancels an absent one;
    if the rule `holds_negation`, only a negation before the match does. The rule does not apply in
    a sentence with one of its `exceptions` (key `unless`), the marks of a lawful look-alike. Hedges
    and disclaimers do not apply to an `unconditional` rule.
    """

    id: str
    indicator: str
    state: State
    phrases: tuple[Phrase, ...]
    raw_patterns: tuple[re.Pattern[str], ...]
    finds: tuple[str, ...]
    leaves: tuple[str, ...]
    exceptions: tuple[Phrase, ...] = ()
    negatable: bool = True
    holds_negation: bool = False
    unconditional: bool = False


@dataclass(frozen=True)
class Rulebook:
    """The rules of one language, and the phrases that cancel or invert a match.

    Matches near a disclaimer (key `notices`) are dropped, and so are those in a hedged sentence
    (key `doubts`: a question, a condition). One of the `negators` shortly before a match, or within
    it, inverts the match.
    """

    language: str
    rules: tuple[Rule, ...]
    disclaimers: tuple[Phrase, ...]
    hedges: tuple[Phrase, ...]
    negators: tuple[Phrase, ...]

    @cached_property
    def negation(self) -> re.Pattern[str]:
        """A pattern of any negator."""
        return re.compile("|".join(phrase.regex for phrase in self.negators), re.ASCII)

    @cached_property
    def negator(self) -> re.Pattern[str]:
        """A pattern of a negator at most two words before the end, in the same clause."""
        words = rf"(?:{self.negation.pattern})(?:[^a-z0-9_,:]+[a-z0-9_]+){{0,2}}[^a-z0-9_,:]+$"
        return re.compile(words)


@lru_cache(maxsize=16)
def load_rulebook(language: str, extension: Extension | None = None) -> Rulebook:
    """The rules of one language, followed by those of a platform's file.

    Args:
        language: one of the languages that have rules.
        extension: the platform's file, if there is one.

    Raises:
        ConfigError: if a rule is incomplete or its pattern cannot be parsed.
    """
    path = BOOKS / f"{language}.yaml"
    content = read_yaml(path)
    slots = Slots(content.get("slots", {}), **content.get("genders", {}))
    rules = list(_rules(content["indicators"], language, slots, path))
    if extension is not None:
        rules += _platform_rules(extension, language, slots)
    return Rulebook(
        language=language,
        rules=tuple(rules),
        disclaimers=_phrases(content["notices"], slots, f"{path}: notices"),
        hedges=_phrases(content["doubts"], slots, f"{path}: doubts"),
        negators=_phrases(content["negators"], slots, f"{path}: negators"),
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a rules file.

    Raises:
        ConfigError: if it cannot be read.
    """
    content = documents.read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys and values; see adrisk/rules/books/en.yaml")
    return content


def _platform_rules(
    extension: Extension,
    language: str,
    slots: Mapping[str, str],
) -> Iterator[Rule]:
    for code in (language, ANY_LANGUAGE):
        yield from _rules(extension.rules.get(code, {}), f"platform.{code}", slots, extension.path)
    for indicator, listed in extension.restricted:
        yield _restricted(indicator, listed)


def _rules(
    indicators: Mapping[str, object], prefix: str, slots: Mapping[str, str], path: Path
) -> Iterator[Rule]:
    for indicator, entry in indicators.items():
        if not isinstance(entry, dict):
            raise ConfigError(f"{path}: rules of {indicator}: expected `present` and `absent`")
        for state in (State.PRESENT, State.ABSENT):
            for name, fields in (entry.get(state.value) or {}).items():
                rule_id = f"{prefix}.{indicator}.{name}"
                yield _rule(rule_id, indicator, state, fields, slots, f"{path}: rule {rule_id}")


def _rule(
    rule_id: str,
    indicator: str,
    state: State,
    fields: Mapping[str, object],
    slots: Mapping[str, str],
    where: str,
) -> Rule:
    for key in fields:
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}; there are {', '.join(_KEYS)}")
    for name in ("pattern", "finds", "leaves"):
        if name not in fields:
            raise ConfigError(f"{where}: the key `{name}` is missing; add it")
    finds, leaves = _listed(fields["finds"]), _listed(fields["leaves"])
    if min(len(finds), len(leaves)) < EXAMPLES:
        raise ConfigError(f"{where}: give {EXAMPLES} examples or more under `finds` and `leaves`")
    raw_patterns = fields.get("text") == "raw"
    return Rule(
        id=rule_id,
        indicator=indicator,
        state=state,
        phrases=() if raw_patterns else _phrases(fields["pattern"], slots, where),
        raw_patterns=_raw(fields["pattern"], where) if raw_patterns else (),
        finds=finds,
        leaves=leaves,
        exceptions=_phrases(fields.get("unless"), slots, where),
        negatable=fields.get("negatable", True) is not False,
        holds_negation=_holds_negation(state, fields.get("negatable", True)),
    )


def _holds_negation(state: State, negatable: object) -> bool:
    """Whether the pattern itself is a negation, as that of an absent state is by default."""
    return bool(negatable != "within" if state is State.ABSENT else negatable == "before")


def _phrases(patterns: object, slots: Mapping[str, str], where: str) -> tuple[Phrase, ...]:
    try:
        compiled = tuple(phrase for p in _listed(patterns) for phrase in phrases(p, slots))
    except (NotationError, re.error) as error:
        raise ConfigError(f"{where}: {error}") from error
    for phrase in compiled:
        if not phrase.needs:
            raise ConfigError(
                f"{where}: every alternative must contain a word that is not optional; "
                f"{phrase.regex} contains none"
            )
    return compiled


def _raw(patterns: object, where: str) -> tuple[re.Pattern[str], ...]:
    try:
        return tuple(re.compile(pattern) for pattern in _listed(patterns))
    except re.error as error:
        raise ConfigError(f"{where}: pattern does not compile: {error}") from error


def _restricted(indicator: str, listed: Sequence[str]) -> Rule:
    """A platform's restricted list as one rule; its matches escalate to a person."""
    plain = [line for line in listed if _PLAIN_PHRASE.fullmatch(bare(line))]
    other = [line for line in listed if not _PLAIN_PHRASE.fullmatch(bare(line))]
    return Rule(
        id=f"platform.restricted.{indicator}",
        indicator=indicator,
        state=State.PRESENT,
        phrases=tuple(p for line in plain for p in phrases(re.sub(r"[ .,]+", " ", line), {})),
        raw_patterns=tuple(re.compile(re.escape(line), re.IGNORECASE) for line in other),
        finds=(),
        leaves=(),
        negatable=False,
        unconditional=True,
    )


def _listed(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Iterable):
        return tuple(str(item) for item in value)
    return (str(value),) if value else ()
