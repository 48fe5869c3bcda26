"""Speed and memory of linking ads into campaigns, by number of ads.

    python evaluation/benchmarks/link.py [--sizes 10000 100000 1000000 2000000] [--hard 1000000]

Each size is one run of `adrisk link` in a process of its own, from a Parquet file of planted ads to
campaigns.parquet and campaigns.links.parquet, with everything included: start of Python, reading,
folding, signatures, contacts and their pseudonyms, grouping, links, writing. Field ads have as many
copies as real ones, a tenth of whose texts were distinct (arXiv 2405.13348); half of the hard ads
are distinct. Seconds are wall-clock; processor seconds and peak memory (proportional set size) are
of all processes together. Writes evaluation/results/link.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq
from planted import SCHEMA, Habits, batches
from sides import session_mib

from adrisk.parallel import cores

RESULTS = Path(__file__).parents[1] / "results" / "link.json"
KINDS: Mapping[str, Habits] = {
    "field": Habits(copies=0.94, tail=1.02),
    "hard": Habits(copies=0.62, tail=1.1),
}
_SAMPLE_SECONDS = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run."""

    kind: str
    ads: int
    distinct_texts: int
    campaigns: int
    seconds: float
    processor_seconds: float
    peak_mib: float


def main() -> None:
    """Link every size, print a table, write the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    sizes = [10_000, 100_000, 1_000_000, 2_000_000]
    parser.add_argument("--sizes", type=int, nargs="*", default=sizes, help="numbers of field ads")
    parser.add_argument("--hard", type=int, nargs="*", default=[1_000_000], help="of hard ads")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="RESULTS.json")
    arguments = parser.parse_args()
    print(f"{cores()} cores ({platform.machine()}), Python {platform.python_version()}\n")
    print(
        f"{'':6} {'ads':>10} {'distinct':>10} {'campaigns':>10} {'seconds':>8} {'processor s':>11} "
        f"{'peak MiB':>9}"
    )
    taken = []
    wanted = [("field", size) for size in arguments.sizes]
    wanted += [("hard", size) for size in arguments.hard]
    for kind, size in wanted:
        with tempfile.TemporaryDirectory(prefix="adrisk-bench-") as scratch:
            taken.append(_measured(kind, size, Path(scratch)))
        m = taken[-1]
        print(
            f"{m.kind:6} {m.ads:>10,} {m.distinct_texts:>10,} {m.campaigns:>10,} {m.seconds:>8.1f} "
            f"{m.processor_seconds:>11.1f} {m.peak_mib:>9,.0f}",
            flush=True,
        )
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        results = {
            "command": "python evaluation/benchmarks/link.py",
            "data": "planted ads (evaluation/benchmarks/planted.py): they say nothing of the field",
            "cores": cores(),
            "python": platform.python_version(),
            "runs": [asdict(m) for m in taken],
        }
        arguments.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _measured(kind: str, size: int, place: Path) -> Measured:
    ads, out = place / "ads.parquet", place / "campaigns.parquet"
    texts: set[int] = set()
    with pq.ParquetWriter(ads, SCHEMA, compression="zstd") as writer:
        for batch in batches(size, seed=1, habits=KINDS[kind]):
            writer.write_table(batch.select(SCHEMA.names))
            texts.update(map(hash, batch["text"].to_pylist()))
    command = [sys.executable, "-m", "adrisk", "link", str(ads), "-o", str(out)]
    environment = {**os.environ, "ADRISK_WORKSPACE": str(place / "ws"), "ADRISK_PROGRESS": "off"}
    begun = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env=environment, start_new_session=True
    ) as process:
        peak, used = 0.0, {}
        while process.poll() is None:
            used |= _processor_seconds(process.pid)
            peak = max(peak, session_mib(process.pid))
            time.sleep(_SAMPLE_SECONDS)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise RuntimeError("adrisk link failed; its error is above")
    campaigns = pq.read_table(out, columns=["campaign_id"])["campaign_id"]
    return Measured(
        kind=kind,
        ads=size,
        distinct_texts=len(texts),
        campaigns=len(campaigns.unique()),
        seconds=round(seconds, 1),
        processor_seconds=round(sum(used.values()), 1),
        peak_mib=round(peak),
    )


def _processor_seconds(leader: int) -> dict[int, float]:
    """Processor seconds of each process of a session so far."""
    used = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # processes come and go
            if os.getsid(int(entry.name)) == leader:
                fields = (entry / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
                used[int(entry.name)] = (int(fields[11]) + int(fields[12])) / _TICKS
    return used


if __name__ == "__main__":
    main()
