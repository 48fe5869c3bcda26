"""Read the phrase banks: what an ad can say of each indicator, and what stands around it.

In: `phrases/{language}.yaml` (indicators) and `settings/{language}.yaml` (places, work, filler,
look-alikes). Out: a frozen `Bank`. Sentences hold slots in braces; `Slots` fills them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

LANGUAGES = ("en", "es", "pt", "fr")
SPLITS = ("train", "test")

Families = Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]
"""By split, by indicator, by family: the surface forms."""

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Sector:
    """Titles and sentences of one line of work or trade, or of public notices.

    A title comes with the sentence that belongs to it, or with "".
    """

    titles: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bank:
    """Everything that ads in one language are made of.

    `present` and `absent` are by split: no paraphrase family is on both sides. `lookalikes` (by
    split, and kind or sector) and `awareness` (by split) share words with the indicators and mean
    none. `contact` is by what it shows: a "phone" number, or "any" way to reach the author.
    """

    language: str
    present: Families
    absent: Families
    slots: Mapping[str, tuple[str, ...]]
    sectors: Mapping[str, Sector]
    general: Mapping[str, tuple[str, ...]]
    lookalikes: Mapping[str, Mapping[str, tuple[str, ...]]]
    awareness: Mapping[str, tuple[str, ...]]
    notices: Sector
    contact: Mapping[str, tuple[str, ...]]
    greetings: tuple[str, ...]
    closers: tuple[str, ...]
    headings: tuple[str, ...]


class Slots(dict[str, str]):
    """Slot values of one campaign; a slot that was not settled is drawn anew each time.

    So an ad keeps its place and its pay, but not every number in it is the same.
    """

    def __init__(self, settled: Mapping[str, str], bank: Bank, rng: random.Random) -> None:
        super().__init__(settled)
        self._bank, self._rng = bank, rng

    def __missing__(self, slot: str) -> str:
        return self._rng.choice(self._bank.slots[slot])


@lru_cache(maxsize=len(LANGUAGES))
def load_bank(language: str) -> Bank:
    """The bank of one of `LANGUAGES`; read once a process."""
    phrases = read_yaml(_HERE / "phrases" / f"{language}.yaml")
    around = read_yaml(_HERE / "settings" / f"{language}.yaml")
    return Bank(
        language=language,
        present=_families(phrases, "present"),
        absent=_families(phrases, "absent"),
        slots={name: tuple(values) for name, values in around["slots"].items()},
        sectors={name: _sector(fields) for name, fields in around["sectors"].items()},
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
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a data file shipped with this package."""
    # The C parser reads a bank in a tenth of the time; PyYAML may be built without it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    return content


def _sector(fields: Mapping[str, Any]) -> Sector:
    titles = [(t, "") if isinstance(t, str) else next(iter(t.items())) for t in fields["titles"]]
    return Sector(tuple(titles), tuple(fields["lines"]))


def _families(phrases: Mapping[str, Any], state: str) -> Families:
    return {
        split: {
            indicator: {name: tuple(forms) for name, forms in states[state][split].items()}
            for indicator, states in phrases.items()
            if state in states
        }
        for split in SPLITS
    }
