"""Peak memory of scoring at few ads and at ten times as many; it should stay flat.

    python evaluation/benchmarks/memory.py [--ads 50000] [--times 10]

The larger file repeats the smaller one with new ids, so that only the number of ads differs. Each
is scored in processes of its own, whose memory is added up, imports and model included. Only the
signatures of the campaigns and one row of flags per ad grow with the ads. Copies are cheaper than
new ads: for speed, see score.py.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from corpora import ads_to_score, repeated, train_adrisk, training_ads
from sides import measure


def main() -> None:
    """Score both files, print both peaks and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ads", type=int, default=50_000, help="ads of the smaller file")
    parser.add_argument("--times", type=int, default=10, help="factor of the larger file")
    parser.add_argument("--train", type=int, default=8_000, help="synthetic training ads")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="adrisk-bench-") as scratch:
        place = Path(scratch)
        model = place / "model"
        train_adrisk(training_ads(place / "training.parquet", arguments.train), model)
        small = ads_to_score(place / "small.parquet", arguments.ads)
        large = repeated(small, place / "large.parquet", arguments.times)
        peaks = []
        print(f"{'ads':>10} {'peak MiB':>9} {'before':>7} {'seconds':>8}")
        for ads in (small, large):
            found = measure("adrisk", model, ads, place / f"scored-{ads.stem}")
            count = pq.read_metadata(ads).num_rows
            peaks.append(found.peak_mib)
            print(
                f"{count:>10,} {found.peak_mib:>9,.0f} {found.loaded_mib:>7,.0f} "
                f"{found.seconds:>8.1f}",
                flush=True,
            )
        print(f"\n{peaks[1] / peaks[0]:.2f} times the memory for {arguments.times} times the ads")


if __name__ == "__main__":
    main()
