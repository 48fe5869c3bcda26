"""Phrase banks: the sentences of ads in one language, by indicator and topic.

In: `phrases/{language}.yaml` (indicators), `settings/{language}.yaml` (regions, work, filler,
look-alikes) and `style.yaml`. Out: a frozen `PhraseBank`. Sentences have slots in braces, which
`Slots` fills; ` || ` separates two clauses that may be in either order.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

from adrisk.documents import read_yaml

LANGUAGES = ("en", "es", "pt", "fr")
SPLITS = ("train", "test")

Families = Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]
"""By split, by indicator, by family: the surface forms."""

CLAUSES = " || "
"""Separator of the two clauses of a form."""

_HERE = Path(__file__).parent
_NOTHING: frozenset[str] = frozenset()
_STEM = 5  # letters of a word that identify its topic
_TOO_COMMON = 0.02  # a stem in more of the sentences than this is no topic
_TELLING_SLOTS = re.compile(r"\{(?!place|name|n\}|contact|chat|obscured|email|w_)(\w+)\}")


@dataclass(frozen=True, slots=True)
class Sector:
    """Titles and sentences of one line of work or trade, or of public notices.

    Each title has the sentence that belongs to it, or "".
    """

    titles: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a language with its slot values, including those shared by the language.

    `words` are the slots of dialect, which have one value throughout an ad. `only` are those for
    which the region has a single word.
    """

    code: str
    share: float
    slots: Mapping[str, tuple[str, ...]]
    words: tuple[str, ...]
    only: dict[str, str]


@dataclass(frozen=True, slots=True)
class Style:
    """Short phrases and labels of a language; described at the top of `style.yaml`."""

    links: tuple[str, ...]
    at: tuple[str, ...]
    dot: tuple[str, ...]
    titles: Mapping[str, tuple[str, ...]]
    fields: Mapping[str, str]
    countries: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PhraseBank:
    """All sentences and words for ads in one language.

    `present` and `absent` are by split: no paraphrase family is in both. The family `common` has
    the most usual wordings and is drawn more often than the others. `lookalikes` (by split, and
    kind or sector) and `awareness` (by split) share words with the indicators without stating
    them. `contact` is by channel: "phone" or "any". `topics` are the rarer word stems and slots of
    every sentence: two sentences that share one would repeat or contradict each other.
    `title_topics` are those of titles with a sentence of their own. `proper` words keep their
    capital inside a sentence.
    """

    language: str
    regions: tuple[Region, ...]
    present: Families
    absent: Families
    sectors: Mapping[str, Sector]
    general: Mapping[str, tuple[str, ...]]
    lookalikes: Mapping[str, Mapping[str, tuple[str, ...]]]
    awareness: Mapping[str, tuple[str, ...]]
    notices: Sector
    contact: Mapping[str, tuple[str, ...]]
    greetings: tuple[str, ...]
    closers: tuple[str, ...]
    headings: tuple[str, ...]
    style: Style
    topics: Mapping[str, frozenset[str]]
    title_topics: Mapping[tuple[str, str], frozenset[str]]
    proper: frozenset[str]

    def topics_of(self, sentence: str) -> frozenset[str]:
        """The topics of a sentence of the bank; none for any other sentence."""
        return self.topics.get(sentence, _NOTHING)


class Slots(dict[str, str]):
    """Slot values of one campaign; a slot without a fixed value is drawn on each use.

    So an ad keeps its place and its pay, while other numbers in it vary.
    """

    def __init__(self, fixed: Mapping[str, str], region: Region, rng: random.Random) -> None:
        super().__init__(fixed)
        self._slots, self._rng = region.slots, rng
        self._last: dict[str, str] = {}

    def __missing__(self, slot: str) -> str:
        # Consecutive draws differ, to avoid "from Monday to Monday".
        value = self._rng.choice(self._slots[slot])
        while value == self._last.get(slot) and len(self._slots[slot]) > 1:
            value = self._rng.choice(self._slots[slot])
        self._last[slot] = value
        return value


@lru_cache(maxsize=len(LANGUAGES))
def load_bank(language: str) -> PhraseBank:
    """The bank of one of `LANGUAGES`; cached."""
    phrases = read_yaml(_HERE / "phrases" / f"{language}.yaml")
    around = read_yaml(_HERE / "settings" / f"{language}.yaml")
    style = _styles()[language]
    families = {state: _families(phrases, state) for state in ("present", "absent")}
    sectors = {name: _sector(fields) for name, fields in around["sectors"].items()}
    sectors["spam"] = _sector(style["spam"])
    sentences = [*_texts(phrases), *_texts(around["sectors"]), *_texts(style["spam"])]
    sentences += _texts({name: around[name] for name in ("general", "lookalikes", "awareness")})
    return PhraseBank(
        language=language,
        regions=tuple(_regions(around)),
        present=families["present"],
        absent=families["absent"],
        sectors=sectors,
        general={group: tuple(lines) for group, lines in around["general"].items()},
        lookalikes={
            split: {group: tuple(parts[split]) for group, parts in around["lookalikes"].items()}
            for split in SPLITS
        },
        awareness={split: tuple(around["awareness"][split]) for split in SPLITS},
        notices=_sector(around["notices"]),
        contact={way: tuple(forms) for way, forms in around["contact"].items()},
        greetings=tuple(around["greetings"]),
        closers=tuple(around["closers"]),
        headings=tuple(around["headings"]),
        style=Style(
            links=tuple(style["links"]),
            at=tuple(style["at"]),
            dot=tuple(style["dot"]),
            titles={kind: tuple(ways) for kind, ways in style["titles"].items()},
            fields=style["fields"],
            countries=style["countries"],
        ),
        topics=_topics(sentences),
        title_topics={
            (title, line): frozenset(_stems(f"{title} {line}") if line else ())
            for sector in (*sectors.values(), _sector(around["notices"]))
            for title, line in sector.titles
        },
        proper=_proper(sentences),
    )


T_co = TypeVar("T_co", covariant=True)


class _Choices(Protocol[T_co]):
    def __len__(self) -> int: ...

    def __getitem__(self, at: int, /) -> T_co: ...


class FastRandom(random.Random):
    """A random generator whose `choice` is one multiplication."""

    def choice(self, seq: _Choices[T_co]) -> T_co:
        """One element of a sequence that is not empty."""
        return seq[int(self.random() * len(seq))]


@lru_cache(maxsize=1)
def _styles() -> Any:
    return read_yaml(_HERE / "style.yaml")


def _sector(fields: Mapping[str, Any]) -> Sector:
    titles = [(t, "") if isinstance(t, str) else next(iter(t.items())) for t in fields["titles"]]
    return Sector(tuple(titles), tuple(fields["lines"]))


def _regions(around: Mapping[str, Any]) -> Iterator[Region]:
    shared = {name: tuple(values) for name, values in around["slots"].items()}
    for code, region in around["regions"].items():
        own = {name: tuple(values) for name, values in region["slots"].items()}
        words = {slot: values for slot, values in own.items() if slot.startswith("w_")}
        only = {slot: values[0] for slot, values in words.items() if len(values) == 1}
        several = tuple(slot for slot in words if slot not in only)
        yield Region(code, float(region["share"]), shared | own, several, only)


def _families(phrases: Mapping[str, Any], state: str) -> Families:
    return {
        split: {
            indicator: {name: tuple(forms) for name, forms in states[state][split].items()}
            for indicator, states in phrases.items()
            if state in states
        }
        for split in SPLITS
    }


def _texts(content: object) -> list[str]:
    """Every sentence in a part of a data file, without keys."""
    if isinstance(content, str):
        return [content]
    if isinstance(content, Mapping):
        return [text for value in content.values() for text in _texts(value)]
    if isinstance(content, list):
        return [text for value in content for text in _texts(value)]
    return []


def _topics(sentences: Iterable[str]) -> dict[str, frozenset[str]]:
    """The topics of every sentence: its slots, and its stems that few sentences share."""
    stems = {sentence: _stems(sentence) for sentence in sentences}
    often = Counter(stem for of_one in stems.values() for stem in of_one)
    common = {stem for stem, count in often.items() if count > _TOO_COMMON * len(stems)}
    return {
        sentence: frozenset(of_one - common) | {*_TELLING_SLOTS.findall(sentence)}
        for sentence, of_one in stems.items()
    }


def _stems(sentence: str) -> set[str]:
    plain = unicodedata.normalize("NFD", re.sub(r"\{\w+\}", " ", sentence).lower())
    letters = "".join([c for c in plain if not unicodedata.combining(c)])
    return {word[:_STEM] for word in re.findall(r"[a-z]{5,}", letters)}


def _proper(sentences: Iterable[str]) -> frozenset[str]:
    """Words with a capital inside some sentence."""
    proper = set()
    for sentence in sentences:
        words = sentence.replace(CLAUSES, " . ").split()
        for before, word in pairwise(words):
            if word[0].isupper() and before[-1] not in '.!?:"«':
                proper.add(word.strip('.,;:!?()"»'))
    return frozenset(proper)
