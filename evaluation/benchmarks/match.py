"""Speed of matching the rules, compared with running every pattern on every sentence.

    python evaluation/benchmarks/match.py
    python evaluation/benchmarks/match.py --ads 20000 --naive 300

Both sides search the same patterns in the same plain text, in this process on one core, and must
find the same spans; times are processor times. The naive side gets fewer ads, as it is slow.

`find_rule_hits`, which every model calls for every ad, caches sentences. It is timed in batches
with an empty cache, on ads of which half are copies, most of them edited, and on ads that are all
different. Patterns are compiled and rules loaded before; loading the rules is timed on its own.
"""

from __future__ import annotations

import argparse
import platform
import time
from statistics import median

import pyarrow as pa

from adrisk.rules.entries import LANGUAGES
from adrisk.rules.match import find_rule_hits, match_column
from adrisk.rules.matcher import LanguageMatcher, clear_caches
from adrisk.rules.patterns import Phrase
from adrisk.rules.plain_text import plain
from adrisk.rules.prefilter import Prefilter, sentences
from adrisk.rules.rulebook import load_rulebook
from adrisk.rules.ruleset import load_ruleset
from adrisk.synthetic.generate import generate
from adrisk.text.normalise import fold_column, fold_text

Match = tuple[int, int, int, int]
"""Ad, phrase, start and end of a match."""

BATCH = 4096


def main() -> None:
    """Make the ads, time both sides in turn, print the table."""
    arguments = _arguments()
    begun = time.process_time()
    for code in LANGUAGES:
        LanguageMatcher(code, load_ruleset())
    loading = time.process_time() - begun
    texts, languages = _ads(arguments.ads)
    kinds = {
        "find_rule_hits, half of them copies": (texts, languages),
        "find_rule_hits, all different": _ads(arguments.ads, duplicates=0.0),
    }
    few = texts[: arguments.naive], languages[: arguments.naive]
    match_column(*few)  # patterns are compiled when first searched
    fast: list[float] = []
    slow: list[float] = []
    for _ in range(arguments.runs):
        begun = time.process_time()
        match_column(texts, languages)
        fast.append(len(texts) / (time.process_time() - begun))
        begun = time.process_time()
        naive = _naive(*few)
        slow.append(len(few[0]) / (time.process_time() - begun))
    same = naive == _prefiltered(*few)
    found = {kind: _hits_per_second(*ads, arguments.runs) for kind, ads in kinds.items()}
    letters = sum(map(len, texts)) / len(texts)
    print(
        f"one core ({platform.machine()}), Python {platform.python_version()}; synthetic ads of "
        f"{letters:.0f} characters on average; {arguments.runs} runs of each side in turn\n"
    )
    print(f"{'':34} {'ads':>8} {'ads/s, median':>14}")
    print(f"{'adrisk, whole way to evidence':34} {len(texts):>8,} {median(fast):>14,.0f}")
    for kind, rates in found.items():
        print(f"{kind:34} {len(texts):>8,} {median(rates):>14,.0f}")
    print(f"{'every pattern, one by one':34} {len(few[0]):>8,} {median(slow):>14,.0f}")
    ratios = [ours / theirs for ours, theirs in zip(fast, slow, strict=True)]
    print(
        f"\nadrisk / one by one               {median(ratios):.1f} times the ads/s "
        f"[{min(ratios):.1f}, {max(ratios):.1f} lowest and highest pair]"
    )
    print(f"rules of {len(LANGUAGES)} languages read in     {loading:.2f} s")
    print(f"matches found by both: {'the same' if same else 'NOT THE SAME'}, {len(naive):,}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ads", type=int, default=20_000, help="synthetic ads to match")
    parser.add_argument("--naive", type=int, default=1_000, help="of them for the naive side")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side")
    return parser.parse_args()


def _hits_per_second(texts: list[str], languages: list[str | None], runs: int) -> list[float]:
    """Ads per second of `find_rule_hits`, each run with an empty cache."""
    folded = fold_column(pa.array(texts, pa.large_string()))
    rates: list[float] = []
    find_rule_hits(texts, folded, languages)
    for _ in range(runs):
        clear_caches()
        find_rule_hits(texts[:1], folded[:1], [None])  # reads the rules of all languages
        begun = time.process_time()
        for first in range(0, len(texts), BATCH):
            some = slice(first, first + BATCH)
            find_rule_hits(texts[some], folded[some], languages[some])
        rates.append(len(texts) / (time.process_time() - begun))
    return rates


def _ads(count: int, duplicates: float = 0.5) -> tuple[list[str], list[str | None]]:
    texts: list[str] = []
    languages: list[str | None] = []
    for table in generate(count, seed=11, duplicates=duplicates):
        texts += table["text"].to_pylist()
        languages += table["language"].to_pylist()
    return texts, languages


def _phrases(language: str) -> list[tuple[int, Phrase]]:
    book = load_rulebook(language)
    found = [phrase for rule in book.rules for phrase in rule.phrases]
    return list(enumerate([*found, *book.disclaimers, *book.hedges]))


def _naive(texts: list[str], languages: list[str | None]) -> set[Match]:
    """Matches of every pattern in every sentence of every ad."""
    matches: set[Match] = set()
    patterns = {code: [(n, p.pattern) for n, p in _phrases(code)] for code in LANGUAGES}
    for ad, (text, language) in enumerate(zip(texts, languages, strict=True)):
        read = plain([fold_text(text)]).text
        starts, stops = (a.tolist() for a in sentences(read))
        for number, pattern in patterns[str(language)]:
            for start, stop in zip(starts, stops, strict=True):
                for hit in pattern.finditer(read, start, stop):
                    matches.add((ad, number, *hit.span()))
    return matches


def _prefiltered(texts: list[str], languages: list[str | None]) -> set[Match]:
    """The same matches by the prefilter, which runs a pattern only where its words occur."""
    matches: set[Match] = set()
    for code in LANGUAGES:
        listed = _phrases(code)
        screen = Prefilter([phrase for _, phrase in listed])
        for ad, (text, language) in enumerate(zip(texts, languages, strict=True)):
            if language != code:
                continue
            read = plain([fold_text(text)]).text
            spans = list(zip(*(a.tolist() for a in sentences(read)), strict=True))
            found = screen.candidates([read[start:stop] for start, stop in spans])
            for (start, stop), numbers in zip(spans, found, strict=True):
                for number in numbers:
                    for hit in listed[number][1].pattern.finditer(read, start, stop):
                        matches.add((ad, number, *hit.span()))
    return matches


if __name__ == "__main__":
    main()
