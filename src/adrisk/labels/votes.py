"""Votes on ads as one matrix of answers for each item.

In: the column `votes` (`adrisk.schema.VOTES`) of a table, and ad texts for the evidence rules.
Out: `Ballots`, one for each indicator and for risk. A malformed vote is refused with its row, voter
and item, so that training never uses a vote that was misread.

A rule is a voter named `rule:` and its id. Its answer is present or absent where it matches and
not_stated where it does not, on every ad of its language; on other ads it has no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adrisk.errors import CorpusError
from adrisk.labels.dawid_skene import MISSING, Answers
from adrisk.rules.entries import LANGUAGES
from adrisk.rules.match import match_column
from adrisk.rules.ruleset import Ruleset, load_ruleset
from adrisk.rules.taxonomy import graded_risk
from adrisk.schema import VOTES
from adrisk.types import RISK_LEVELS, IntArray, State

RISK = "risk"
"""The item that is not an indicator: how risky the ad is."""

RULE = "rule:"
"""Prefix of the names of rules as voters."""

STATES = (State.PRESENT.value, State.ABSENT.value, State.NOT_STATED.value)
"""The answers to an indicator, in the order of their numbers."""

LEVELS = tuple(str(level) for level in RISK_LEVELS)
"""The answers to risk."""

MACHINES = (RULE, "model:")
"""Prefixes of the names of voters that are not people."""

JUDGES = "how many judged"
"""An artificial voter: the number of people who judged the item (`join`)."""

_UNSURE = State.UNSURE.value
_PRESENT, _ABSENT, _SILENT = range(3)


@dataclass(frozen=True, slots=True)
class Ballots:
    """All votes on one item.

    Attributes:
        item: an indicator, or `RISK`.
        voters: names; the columns of `codes`.
        codes: shape (n, v); the number of the answer, or `MISSING`.
    """

    item: str
    voters: tuple[str, ...]
    codes: Answers

    @property
    def answers(self) -> tuple[str, ...]:
        """The possible answers; their indices are the numbers in `codes`."""
        return answers_to(self.item)

    @property
    def rules(self) -> NDArray[np.bool_]:
        """Shape (v,): which voters are rules."""
        return np.array([name.startswith(RULE) for name in self.voters], dtype=np.bool_)

    @property
    def machines(self) -> NDArray[np.bool_]:
        """Shape (v,): which voters are not people."""
        return np.array([name.startswith(MACHINES) for name in self.voters], dtype=np.bool_)

    def voted(self) -> NDArray[np.bool_]:
        """Shape (n, v): which answers are votes, without the silence of rules."""
        silent = (self.codes == _SILENT) & self.rules & (self.item != RISK)
        counted = np.array([name != JUDGES for name in self.voters], dtype=np.bool_)
        return np.asarray((self.codes != MISSING) & counted & ~silent)

    def counts(self) -> IntArray:
        """Votes for each answer, shape (n, a), with equal weights."""
        voted = self.voted()
        return np.stack(
            [((self.codes == code) & voted).sum(axis=1) for code in range(len(self.answers))],
            axis=1,
        )

    def judged(self) -> NDArray[np.bool_]:
        """Shape (n,): ads that a person or a model judged; with rules alone, those they cover.

        Ads with votes of rules only are excluded: they are selected by the rules' own matches, so
        that rules would seem to err hardly ever.
        """
        answered = self.codes != MISSING
        if not self.rules.all():
            answered = answered[:, ~self.rules]
        return np.asarray(answered.any(axis=1))

    def with_voters(self, other: Ballots) -> Ballots:
        """The ballots of both groups of voters, on the same ads."""
        return Ballots(
            self.item, self.voters + other.voters, np.concatenate([self.codes, other.codes], axis=1)
        )


def answers_to(item: str) -> tuple[str, ...]:
    """The possible answers to an item; `unsure` is also allowed and is an abstention."""
    return LEVELS if item == RISK else STATES


def read_votes(ads: pa.Table, indicators: Sequence[str]) -> dict[str, Ballots]:
    """The ballots of every item that has votes.

    Args:
        ads: a table; without a column `votes` there are no ballots.
        indicators: the ids that may be voted on, in addition to `RISK`.

    Raises:
        CorpusError: if a vote has no voter, an unknown item or an invalid answer, or repeats an
            earlier vote; names row, voter, item and the allowed values.
    """
    if "votes" not in ads.column_names:
        return {}
    column = ads["votes"].combine_chunks()
    try:
        column = column.cast(VOTES)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise CorpusError(
            f"the column votes holds {column.type}; it must be a list of structs with the strings "
            "voter, item and says, one for each vote"
        ) from error
    rows = pc.list_parent_indices(column).to_numpy()
    votes = pc.list_flatten(column)
    voter, item, says = (_coded(votes, name) for name in ("voter", "item", "says"))
    items = (*indicators, RISK)
    numbers = [items.index(name) if name in items else MISSING for name in item.names]
    allowed = {
        (number, answer): code
        for number, name in enumerate(items)
        for code, answer in [*enumerate(answers_to(name)), (MISSING, _UNSURE)]
    }
    table = np.full((len(items) + 1, len(says.names) + 1), MISSING - 1, dtype=np.int64)
    for number in range(len(items)):
        for code, answer in enumerate(says.names):
            table[number, code] = allowed.get((number, str(answer)), MISSING - 1)
    item_number = np.array([*numbers, MISSING])[item.codes]
    answer = table[item_number, says.codes]
    nameless = np.array([not str(name or "").strip() for name in [*voter.names, None]])
    wrong = (item_number == MISSING) | (answer < MISSING) | nameless[voter.codes]
    if wrong.any():
        raise _malformed(ads, rows, votes, int(np.flatnonzero(wrong)[0]), items)
    key = rows.astype(np.int64) * len(items) + item_number
    key = key * max(1, len(voter.names)) + voter.codes
    _, first = np.unique(key, return_index=True)
    if len(first) < len(key):
        repeated = int(np.setdiff1d(np.arange(len(key)), first)[0])
        raise _malformed(ads, rows, votes, repeated, items, twice=True)
    ballots = {}
    for number, name in enumerate(items):
        own = np.flatnonzero(item_number == number)
        if len(own):
            voters, columns = np.unique(voter.codes[own], return_inverse=True)
            codes = np.full((len(ads), len(voters)), MISSING, dtype=np.int8)
            codes[rows[own], columns] = answer[own]
            ballots[name] = Ballots(name, tuple(str(voter.names[code]) for code in voters), codes)
    return ballots


def rule_votes(
    texts: Sequence[str],
    languages: Sequence[str | None],
    indicators: Sequence[str],
    rules: Ruleset | None = None,
) -> dict[str, Ballots]:
    """The votes of the evidence rules that match in some ad.

    The voter `rule:graded` votes on risk: the grade of the indicators that the rules find.

    Args:
        texts: raw ad texts.
        languages: of the ads; if unknown, the rules of all languages apply.
        indicators: the ids of the ballots.
        rules: the voters; by default those that adrisk ships.
    """
    rules = rules or load_ruleset()
    fired: dict[str, dict[str, list[tuple[int, int]]]] = {name: {} for name in indicators}
    graded = np.zeros((len(texts), 1), dtype=np.int8)
    for row, evidence in enumerate(match_column(texts, languages, rules)):
        present = {e.indicator for e in evidence if e.state is State.PRESENT}
        graded[row, 0] = graded_risk(present, rules.taxonomy)
        for e in evidence:
            if e.indicator in fired:
                code = _PRESENT if e.state is State.PRESENT else _ABSENT
                fired[e.indicator].setdefault(e.found_by, []).append((row, code))
    covered = {
        code: np.array([language == code or language not in LANGUAGES for language in languages])
        for code in LANGUAGES
    }
    every_ad = np.ones(len(texts), dtype=np.bool_)
    ballots = {}
    for indicator, hits_by_rule in fired.items():
        names = sorted(hits_by_rule)
        codes = np.full((len(texts), len(names)), MISSING, dtype=np.int8)
        for column, rule in enumerate(names):
            codes[covered.get(_language(rule), every_ad), column] = _SILENT
            # Present wins over absent, as the ad states it somewhere.
            for row, code in sorted(hits_by_rule[rule], key=lambda hit: -hit[1]):
                codes[row, column] = code
        if names:
            ballots[indicator] = Ballots(indicator, tuple(RULE + rule for rule in names), codes)
    ballots[RISK] = Ballots(RISK, (f"{RULE}graded",), graded)
    return ballots


def _language(rule: str) -> str:
    """The language in the id of a rule; a rule for all languages gives no code of `LANGUAGES`.

    >>> _language("en.no_contract.none"), _language("platform.fr.own.hat")
    ('en', 'fr')
    """
    first, second, *_ = rule.split(".")
    return second if first == "platform" else first


def merge_ballots(
    first: Mapping[str, Ballots], second: Mapping[str, Ballots]
) -> dict[str, Ballots]:
    """Ballots of two groups of voters on the same ads, joined item by item."""
    return {
        item: first[item].with_voters(second[item])
        if item in first and item in second
        else first.get(item) or second[item]
        for item in dict.fromkeys([*first, *second])
    }


@dataclass(frozen=True, slots=True)
class _Coded:
    """Strings as indices of their distinct values; the index after the last is null."""

    names: list[str | None]
    codes: np.ndarray


def _coded(votes: pa.StructArray, field: str) -> _Coded:
    coded = pc.struct_field(votes, field).dictionary_encode()
    names = coded.dictionary.to_pylist()
    return _Coded(names, coded.indices.fill_null(len(names)).to_numpy().astype(np.int64))


def _malformed(
    ads: pa.Table,
    rows: np.ndarray,
    votes: pa.StructArray,
    at: int,
    items: Sequence[str],
    *,
    twice: bool = False,
) -> CorpusError:
    row, vote = int(rows[at]), cast("dict[str, str]", votes[at].as_py() or {})
    voter, item, says = (vote.get(name) for name in ("voter", "item", "says"))
    name = f" (ad_id {ads['ad_id'][row].as_py()})" if "ad_id" in ads.column_names else ""
    where = f"row {row}{name}: the vote of {voter!r} on {item!r}"
    if not str(voter or "").strip():
        return CorpusError(f"{where} has no voter; give every voter a name")
    if item not in items:
        return CorpusError(
            f"{where}: no such item; allowed are {RISK} and the indicators that "
            "`adrisk indicators` lists"
        )
    if twice:
        return CorpusError(f"{where} occurs twice; keep one vote a voter and item")
    allowed = ", ".join([*answers_to(str(item)), _UNSURE])
    return CorpusError(f"{where} is {says!r}; allowed are {allowed}")
