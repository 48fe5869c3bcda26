"""Speed of contact extraction compared with `phonenumbers.PhoneNumberMatcher`.

    python evaluation/benchmarks/extract.py [--ads N] [--runs 3] [--processes 2]

Both sides get the same synthetic ads, four in five of which have a contact, in the same processes.
adrisk folds the texts, guesses regions and finds phones, e-mails, handles and links, obscured ones
too. The matcher finds plain phones, at its default leniency, with the region of the ad's language.
Processes are started and warmed up before the time is taken; the sides take turns. The number of
contacts found is printed with the number planted, so that a side cannot be fast by finding nothing.

Quality is measured by `python evaluation/contacts.py`.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import phonenumbers
import pyarrow as pa

from adrisk.extract.contacts import contacts_column
from adrisk.extract.places import guess_regions
from adrisk.parallel import cores
from adrisk.synthetic.generate import generate
from adrisk.text.normalise import fold_column

BATCH_ROWS = 2048
SEED, WARMING_SEED = 1, 2
PATIENCE_SECONDS = 10.0
_REGIONS = {"en": "US", "es": "ES", "fr": "FR", "pt": "PT"}


@dataclass(frozen=True, slots=True)
class Measured:
    """Ads with a contact, contacts found, and processor seconds."""

    having: int
    found: int
    seconds: float


def adrisk_side(ads: pa.Table) -> list[int]:
    """Number of contacts found in each ad."""
    texts = ads["text"].combine_chunks()
    regions = guess_regions(ads["location"].to_pylist(), ads["language"].to_pylist())
    return [len(found) for found in contacts_column(texts, fold_column(texts), regions)]


def matcher_side(ads: pa.Table) -> list[int]:
    """Number of plain phones found in each ad."""
    return [
        sum(1 for _ in phonenumbers.PhoneNumberMatcher(text, _REGIONS.get(language, "US")))
        for text, language in zip(ads["text"].to_pylist(), ads["language"].to_pylist(), strict=True)
    ]


SIDES = {"adrisk": adrisk_side, "PhoneNumberMatcher": matcher_side}


def work(side: str, path: str, first: int, rows: int) -> Measured:
    """Run a side on some rows of a file; called in a process of its own."""
    pa.set_cpu_count(1)
    with pa.memory_map(path) as source:
        ads = pa.ipc.open_file(source).read_all().slice(first, rows)
        begun = time.process_time()
        counts = SIDES[side](ads)
        return Measured(sum(map(bool, counts)), sum(counts), time.process_time() - begun)


def main() -> None:
    """Run both sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ads", type=int, default=100_000, help="synthetic ads")
    parser.add_argument("--runs", type=int, default=3, help="runs of each side")
    parser.add_argument("--processes", type=int, default=min(2, cores()))
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="adrisk-bench-") as scratch,
        ProcessPoolExecutor(arguments.processes) as pool,
    ):
        ads = _written(Path(scratch) / "ads.arrow", arguments.ads, SEED)
        warming = _written(Path(scratch) / "warming.arrow", 2 * BATCH_ROWS, WARMING_SEED)
        for side in SIDES:
            _timed(pool, side, warming, 2 * BATCH_ROWS)
        seconds, _ = _timed(pool, "PhoneNumberMatcher", warming, 2 * BATCH_ROWS)
        # The matcher gets the first of the ads where all would take too long.
        fewer = max(BATCH_ROWS, int(2 * BATCH_ROWS / seconds * PATIENCE_SECONDS))
        counts = {"adrisk": arguments.ads, "PhoneNumberMatcher": min(arguments.ads, fewer)}
        runs: dict[str, list[tuple[float, Measured]]] = {side: [] for side in SIDES}
        for _ in range(arguments.runs):
            for side, taken in runs.items():
                taken.append(_timed(pool, side, ads, counts[side]))
    _print(runs, counts, arguments)


def _written(path: Path, count: int, seed: int) -> Path:
    table = pa.concat_tables(generate(count, seed=seed)).select(["text", "language", "location"])
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return path


def _timed(pool: ProcessPoolExecutor, side: str, ads: Path, count: int) -> tuple[float, Measured]:
    firsts = range(0, count, BATCH_ROWS)
    begun = time.perf_counter()
    tasks = [
        pool.submit(work, side, str(ads), first, min(BATCH_ROWS, count - first)) for first in firsts
    ]
    done = [task.result() for task in tasks]
    seconds = time.perf_counter() - begun
    having, found = sum(d.having for d in done), sum(d.found for d in done)
    return seconds, Measured(having, found, sum(d.seconds for d in done))


def _print(
    runs: dict[str, list[tuple[float, Measured]]],
    ads: dict[str, int],
    arguments: argparse.Namespace,
) -> None:
    print(
        f"{arguments.processes} processes on {cores()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, phonenumbers {phonenumbers.__version__}; "
        f"{arguments.runs} runs of each side in turn\n"
    )
    print(
        f"{'':20} {'ads':>8} {'ads/s, median':>14} {'us of processor':>16} {'found in':>9} "
        f"{'found':>8}"
    )
    rates, costs = {}, {}
    for side, taken in runs.items():
        rates[side] = [ads[side] / seconds for seconds, _ in taken]
        costs[side] = [done.seconds / ads[side] * 1e6 for _, done in taken]
        last = taken[-1][1]
        print(
            f"{side:20} {ads[side]:>8,} {median(rates[side]):>14,.0f} {median(costs[side]):>16.1f} "
            f"{last.having / ads[side]:>9.1%} {last.found:>8,}"
        )
    ratios = [ours / theirs for ours, theirs in zip(*rates.values(), strict=True)]
    spared = [theirs / ours for ours, theirs in zip(*costs.values(), strict=True)]
    print()
    for name, values in (("times the ads/s", ratios), ("times less processor time", spared)):
        print(
            f"adrisk / matcher     {median(values):.2f} {name} "
            f"[{min(values):.2f}, {max(values):.2f} lowest and highest pair]"
        )


if __name__ == "__main__":
    main()
