"""Precision and recall of contact extraction on the hand-made suites.

    python evaluation/contacts.py [held_out|development] [--wrong]

Reads `tests/extract/suites`; its README explains the marks. A found contact is right if its kind
and value are those marked and its span overlaps; a found mention if its kind is right and its span
overlaps. One finding matches one mark. Intervals are Wilson's, at 95 %. The ads are few and
hand-made: they show these ways of writing, not how frequent each is in real ads.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from scipy.stats import binomtest

from adrisk.extract.contacts import find_contacts
from adrisk.extract.mentions import find_mentions
from adrisk.extract.places import guess_region

SUITES = Path(__file__).parents[1] / "tests" / "extract" / "suites"
CONTACTS = ("phone", "email", "handle", "link")
KINDS = (*CONTACTS, "price", "wage", "hours", "place")
_MARK = re.compile(r"\{\{(\w+)(!?)(?: ([^|]+))?\|((?:(?!\}\}).)*(?:\}(?=\}\}))?)\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Found:
    """A marked or a found span; only contacts have a `value`."""

    kind: str
    start: int
    end: int
    value: str | None
    obscured: bool


@dataclass(frozen=True, slots=True)
class Case:
    """An ad and its marks."""

    way: str
    language: str
    location: str | None
    text: str
    marked: tuple[Found, ...]


@dataclass(slots=True)
class Tally:
    """Counts of right, missed and false findings of one kind."""

    right: int = 0
    missed: int = 0
    false: int = 0
    exact: int = 0
    agreed: int = 0

    @property
    def recall(self) -> tuple[float, float, float]:
        """Value, low, high."""
        return _share(self.right, self.right + self.missed)

    @property
    def precision(self) -> tuple[float, float, float]:
        """Value, low, high."""
        return _share(self.right, self.right + self.false)


@dataclass(slots=True)
class Judged:
    """Counts by kind and by language, and the ads with an error."""

    ads: int = 0
    kinds: dict[str, Tally] = field(default_factory=lambda: {kind: Tally() for kind in KINDS})
    languages: dict[str, Tally] = field(default_factory=dict)
    wrong: list[tuple[Case, list[Found], list[Found]]] = field(default_factory=list)

    def together(self, kinds: tuple[str, ...]) -> Tally:
        """The sum of the counts of some kinds."""
        total = Tally()
        for kind in kinds:
            tally = self.kinds[kind]
            for name in ("right", "missed", "false", "exact", "agreed"):
                setattr(total, name, getattr(total, name) + getattr(tally, name))
        return total


def cases(part: str) -> Iterator[Case]:
    """The ads of a part, `held_out` or `development`."""
    for path in sorted(SUITES.glob(f"{part}*.yaml")):
        content: Mapping[str, Mapping[str, list[str | dict[str, str]]]] = yaml.safe_load(
            path.read_text(encoding="utf-8")
        )
        for way, languages in content.items():
            for language, ads in languages.items():
                for ad in ads:
                    written = ad if isinstance(ad, str) else ad["ad"]
                    location = None if isinstance(ad, str) else ad.get("location")
                    yield Case(way, language, location, *read(written))


def read(written: str) -> tuple[str, tuple[Found, ...]]:
    """The text and the marks of a marked ad.

    >>> read("ring {{phone! +447700900123|o77oo 900123}}")[0]
    'ring o77oo 900123'
    """
    text, at, marked = "", 0, []
    for match in _MARK.finditer(written):
        text += written[at : match.start()]
        kind, hidden, value, inside = match.groups()
        if kind not in KINDS or (value is None) == (kind in CONTACTS):
            raise ValueError(f"{written!r}: {match.group()} is not a mark; see the README")
        marked.append(Found(kind, len(text), len(text) + len(inside), value, bool(hidden)))
        text += inside
        at = match.end()
    text += written[at:]
    if "{{" in text or ("|" in text and "}}" in text):
        raise ValueError(f"{written!r}: a mark in it cannot be read")
    return text, tuple(marked)


def find(case: Case) -> list[Found]:
    """Contacts and mentions that adrisk finds in an ad."""
    region = guess_region(case.location, case.language)
    contacts = find_contacts(case.text, region)
    return [
        *(Found(c.kind, c.start, c.end, c.value, c.obscured) for c in contacts),
        *(
            Found(m.kind, m.start, m.end, None, m.obscured)
            for m in find_mentions(case.text, contacts)
        ),
    ]


def judge(part: str) -> Judged:
    """Compare the findings in every ad of a part with the marks."""
    done = Judged()
    for case in cases(part):
        done.ads += 1
        found, missed = find(case), []
        language = done.languages.setdefault(case.language, Tally())
        for mark in case.marked:
            match = next((f for f in found if _matches(f, mark)), None)
            for tally in (done.kinds[mark.kind], language):
                if match is None:
                    tally.missed += 1
                    continue
                tally.right += 1
                tally.exact += (match.start, match.end) == (mark.start, mark.end)
                tally.agreed += match.obscured == mark.obscured
            if match is None:
                missed.append(mark)
            else:
                found.remove(match)
        for extra in found:
            done.kinds[extra.kind].false += 1
            language.false += 1
        if found or missed:
            done.wrong.append((case, missed, found))
    return done


def _matches(found: Found, mark: Found) -> bool:
    return (
        found.kind == mark.kind
        and found.start < mark.end
        and mark.start < found.end
        and (mark.value is None or (found.value or "").lower() == mark.value.lower())
    )


def _share(part: int, whole: int) -> tuple[float, float, float]:
    if not whole:
        return float("nan"), 0.0, 1.0
    interval = binomtest(part, whole).proportion_ci(method="wilson")
    return part / whole, interval.low, interval.high


def _line(name: str, tally: Tally) -> str:
    shares = "  ".join(
        "{:.3f} [{:.3f}, {:.3f}]".format(*s) for s in (tally.recall, tally.precision)
    )
    right = max(1, tally.right)
    return (
        f"{name:12} {tally.right + tally.missed:4} {tally.right + tally.false:6}  {shares}"
        f"  {tally.exact / right:5.3f}  {tally.agreed / right:5.3f}"
    )


def main() -> None:
    """Print the table of a part; `--wrong` adds every ad with an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="?", default="held_out", choices=["held_out", "development"])
    parser.add_argument("--wrong", action="store_true", help="show what is missed or false")
    arguments = parser.parse_args()
    done = judge(arguments.part)
    ways = Counter(case.way for case in cases(arguments.part))
    print(
        f"{arguments.part}: {done.ads} ads; " + ", ".join(f"{n} {way}" for way, n in ways.items())
    )
    print(
        f"\n{'':12} {'n':>4} {'found':>6}  {'recall':20}  {'precision':20}  exact  obscured agrees"
    )
    for kind, tally in done.kinds.items():
        print(_line(kind, tally))
    print(_line("contacts", done.together(CONTACTS)))
    print(_line("the others", done.together(KINDS[len(CONTACTS) :])))
    print()
    for language, tally in done.languages.items():
        print(_line(language, tally))
    if arguments.wrong:
        for case, missed, false in done.wrong:
            print(f"\n{case.way}, {case.language}: {case.text!r}")
            for label, things in (("missed", missed), ("false", false)):
                for f in things:
                    print(f"  {label:6} {f.kind:6} {case.text[f.start : f.end]!r} {f.value or ''}")


if __name__ == "__main__":
    main()
