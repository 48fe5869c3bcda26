"""Speed and memory of making synthetic ads, at a tenth of the ads and at all.

    python evaluation/benchmarks/generate.py [--ads 200000]

One process makes a tenth of the ads, another all of them, each once; tables are dropped as they
come. Wall-clock and processor time are printed; on a shared machine the second is the fairer one.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

from adrisk.synthetic.generate import generate


def main() -> None:
    """Measure both sizes, each in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ads", type=int, default=200_000, help="synthetic ads to make")
    parser.add_argument("--alone", action="store_true", help="in this process, one line")
    arguments = parser.parse_args()
    if arguments.alone:
        alone(arguments.ads)
        return
    print(f"{'ads':>10} {'ads/s':>9} {'ads/s of processor':>19} {'peak MiB':>9}")
    for count in (arguments.ads // 10, arguments.ads):
        command = [sys.executable, __file__, "--alone", "--ads", str(count)]
        subprocess.run(command, check=True)


def alone(count: int) -> None:
    """Make the ads in this process and print one line."""
    wall, processor = time.perf_counter(), time.process_time()
    made = sum(table.num_rows for table in generate(count))
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{made:>10,} {made / wall:>9,.0f} {made / processor:>19,.0f} {peak:>9,.0f}", flush=True)


if __name__ == "__main__":
    main()
