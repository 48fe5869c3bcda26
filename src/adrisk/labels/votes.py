"""What voters say of ads, as one matrix of answers a question.

In: the column `votes` (`adrisk.schema.VOTES`) of a table, and ad texts for the evidence rules.
Out: `Ballots`, one for each indicator and for risk. A malformed vote is refused with its row, voter
and item: nothing is trained on votes that were not understood.

A rule is a voter named `rule:` and its id. It says present or absent where it fires and not_stated
where it stays silent, on every ad of its language; on other ads it was not asked.
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
"""How the name of a voter begins that is a rule."""

STATES = (State.PRESENT.value, State.ABSENT.value, State.NOT_STATED.value)
"""The answers to an indicator, in the order of their numbers."""

LEVELS = tuple(str(level) for level in RISK_LEVELS)
"""The answers to risk."""

MACHINES = (RULE, "model:")
"""How the names of voters begin that are no people."""

JUDGES = "how many judged"
"""A voter that nobody is: how many people judged the item (`item_model`)."""

_UNSURE = State.UNSURE.value
_PRESENT, _ABSENT, _SILENT = range(3)


@dataclass(frozen=True, slots=True)
class Ballots:
    """All votes on one item.

    Attributes:
        item: an indicator, or `RISK`.
        voters: names; the columns of `said`.
        said: shape (n, v); the number of the answer, or `MISSING`.
    """

    item: str
    voters: tuple[str, ...]
    said: Answers

    @property
    def answers(self) -> tuple[str, ...]:
        """What the numbers in `said` stand for."""
        return answers_to(self.item)

    @property
    def rules(self) -> NDArray[np.bool_]:
        """Shape (v,): which voters are rules."""
        return np.array([name.startswith(RULE) for name in self.voters], dtype=np.bool_)

    @property
    def machines(self) -> NDArray[np.bool_]:
        """Shape (v,): which voters are no people."""
        return np.array([name.startswith(MACHINES) for name in self.voters], dtype=np.bool_)

    def spoken(self) -> NDArray[np.bool_]:
        """Shape (n, v): where a voter said something, the mere silence of a rule not counted."""
        silent = (self.said == _SILENT) & self.rules & (self.item != RISK)
        counted = np.array([name != JUDGES for name in self.voters], dtype=np.bool_)
        return np.asarray((self.said != MISSING) & counted & ~silent)

    def counts(self) -> IntArray:
        """Votes for each answer, shape (n, a), each voter counting alike."""
        spoken = self.spoken()
        return np.stack(
            [((self.said == code) & spoken).sum(axis=1) for code in range(len(self.answers))],
            axis=1,
        )

    def judged(self) -> NDArray[np.bool_]:
        """Shape (n,): ads that a person or a model judged; with rules alone, all they were asked.

        An ad that only a rule spoke of is not among them: picked out by the rule's own word, such
        ads would make the rule look as if it hardly ever errs.
        """
        asked = self.said != MISSING
        if not self.rules.all():
            asked = asked[:, ~self.rules]
        return np.asarray(asked.any(axis=1))

    def beside(self, other: Ballots) -> Ballots:
        """These voters and those, on the same ads."""
        return Ballots(
            self.item, self.voters + other.voters, np.concatenate([self.said, other.said], axis=1)
        )


def answers_to(item: str) -> tuple[str, ...]:
    """The answers that count; beside them a voter may be `unsure`, which is an abstention."""
    return LEVELS if item == RISK else STATES


def read_votes(ads: pa.Table, indicators: Sequence[str]) -> dict[str, Ballots]:
    """The ballots of every item that anybody voted on.

    Args:
        ads: a table; without a column `votes` there are no ballots.
        indicators: the ids that may be voted on, beside `RISK`.

    Raises:
        CorpusError: if a vote has no voter, an unknown item or an answer that its item does not
            have, or if somebody votes twice on one thing; names row, voter, item and what is
            allowed.
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
    number = [items.index(name) if name in items else MISSING for name in item.names]
    allowed = {
        (place, answer): code
        for place, name in enumerate(items)
        for code, answer in [*enumerate(answers_to(name)), (MISSING, _UNSURE)]
    }
    table = np.full((len(items) + 1, len(says.names) + 1), MISSING - 1, dtype=np.int64)
    for place in range(len(items)):
        for code, answer in enumerate(says.names):
            table[place, code] = allowed.get((place, str(answer)), MISSING - 1)
    place = np.array([*number, MISSING])[item.codes]
    answer = table[place, says.codes]
    nameless = np.array([not str(name or "").strip() for name in [*voter.names, None]])
    wrong = (place == MISSING) | (answer < MISSING) | nameless[voter.codes]
    if wrong.any():
        raise _malformed(ads, rows, votes, int(np.flatnonzero(wrong)[0]), items)
    key = (rows.astype(np.int64) * len(items) + place) * max(1, len(voter.names)) + voter.codes
    _, first = np.unique(key, return_index=True)
    if len(first) < len(key):
        again = int(np.setdiff1d(np.arange(len(key)), first)[0])
        raise _malformed(ads, rows, votes, again, items, twice=True)
    found = {}
    for at, name in enumerate(items):
        mine = np.flatnonzero(place == at)
        if len(mine):
            voters, columns = np.unique(voter.codes[mine], return_inverse=True)
            said = np.full((len(ads), len(voters)), MISSING, dtype=np.int8)
            said[rows[mine], columns] = answer[mine]
            found[name] = Ballots(name, tuple(str(voter.names[code]) for code in voters), said)
    return found


def rule_votes(
    texts: Sequence[str],
    languages: Sequence[str | None],
    indicators: Sequence[str],
    rules: Ruleset | None = None,
) -> dict[str, Ballots]:
    """The votes of the evidence rules; a rule that fires nowhere here is left out.

    The voter `rule:graded` says of risk what the taxonomy makes of the indicators found.

    Args:
        texts: raw ad texts.
        languages: of the ads; where unknown, the rules of all languages were asked.
        indicators: the ids wanted.
        rules: that vote; those that adrisk ships if left out.
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
    asked = {
        code: np.array([language == code or language not in LANGUAGES for language in languages])
        for code in LANGUAGES
    }
    everywhere = np.ones(len(texts), dtype=np.bool_)
    found = {}
    for indicator, by_rule in fired.items():
        said = np.full((len(texts), len(by_rule)), MISSING, dtype=np.int8)
        for column, rule in enumerate(sorted(by_rule)):
            said[asked.get(_language(rule), everywhere), column] = _SILENT
            # Where it says both, present wins: the ad states it somewhere.
            for row, code in sorted(by_rule[rule], key=lambda hit: -hit[1]):
                said[row, column] = code
        if by_rule:
            voters = tuple(RULE + rule for rule in sorted(by_rule))
            found[indicator] = Ballots(indicator, voters, said)
    found[RISK] = Ballots(RISK, (f"{RULE}graded",), graded)
    return found


def _language(rule: str) -> str:
    """The language that a rule's id names; that of a platform's list is none.

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
        item: first[item].beside(second[item])
        if item in first and item in second
        else first.get(item) or second[item]
        for item in dict.fromkeys([*first, *second])
    }


@dataclass(frozen=True, slots=True)
class _Coded:
    """Strings as numbers; the number behind the last stands for null."""

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
        return CorpusError(f"{where} names no voter; give every voter a name")
    if item not in items:
        return CorpusError(
            f"{where}: no such item; allowed are {RISK} and the indicators that "
            "`adrisk indicators` lists"
        )
    if twice:
        return CorpusError(f"{where} is there twice; leave one vote a voter and item")
    allowed = ", ".join([*answers_to(str(item)), _UNSURE])
    return CorpusError(f"{where} says {says!r}; allowed are {allowed}")
