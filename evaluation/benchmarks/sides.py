"""The two sides that are measured, each run in a session of processes of its own.

    python evaluation/benchmarks/sides.py adrisk MODEL ADS.parquet OUT
    python evaluation/benchmarks/sides.py sklearn MODEL ADS.parquet OUT

A side loads its model, says so, works, and prints the seconds from Parquet in to Parquet out.
Meanwhile the caller adds up the memory of all its processes, workers included, once a
second: the proportional set size of Linux, in which a page shared by two counts half in each.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROWS_AT_ONCE = 2048
_LOADED = "loaded"
_SAMPLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What one side needed: seconds of work, MiB before the work and at the peak."""

    seconds: float
    loaded_mib: float
    peak_mib: float


def measure(side: str, model: Path, ads: Path, out: Path) -> Measured:
    """Run a side in processes of its own."""
    command = [sys.executable, __file__, side, str(model), str(ads), str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        if process.stdout.readline().strip() != _LOADED:
            raise RuntimeError(f"the side {side} did not start; its error is above")
        loaded = session_mib(process.pid)
        peaks, done = [loaded], threading.Event()

        def watch() -> None:
            while not done.wait(_SAMPLE_SECONDS):
                peaks.append(session_mib(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            seconds = process.stdout.read().split()
        finally:
            done.set()
            watcher.join()
    if process.returncode or not seconds:
        raise RuntimeError(f"the side {side} failed; its error is above")
    return Measured(float(seconds[-1]), round(loaded, 1), round(max(peaks), 1))


def session_mib(leader: int) -> float:
    """Proportional set size of all processes of a session."""
    total = 0
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):  # processes come and go
            if os.getsid(int(entry.name)) == leader:
                rollup = (entry / "smaps_rollup").read_text(encoding="ascii")
                total += sum(int(x.split()[1]) for x in rollup.splitlines() if x.startswith("Pss:"))
    return total / 1024


def adrisk_side(model: Path, ads: Path, out: Path) -> Callable[[], object]:
    """The whole scoring path: folding, indicators, contacts, campaigns, policy, evidence."""
    from adrisk.model import Model
    from adrisk.policy import PolicyConfig
    from adrisk.stages import score

    loaded = Model.load(model)

    def work() -> None:
        with tempfile.TemporaryDirectory() as workspace:
            score(loaded, [str(ads)], out, Path(workspace), policy=PolicyConfig())

    return work


def sklearn_side(model: Path, ads: Path, out: Path) -> Callable[[], object]:
    """TF-IDF and logistic regression: one probability an ad, and nothing else."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import skops.io

    # The file was written by this benchmark a moment ago.
    trusted = skops.io.get_untrusted_types(file=model)
    pipeline = skops.io.load(model, trusted=trusted)
    form = pa.schema([("ad_id", pa.string()), ("risk", pa.float32())])

    def work() -> None:
        out.mkdir(parents=True)
        with pq.ParquetWriter(out / "scores.parquet", form, compression="zstd") as writer:
            columns = ["ad_id", "text"]
            for batch in pq.ParquetFile(ads).iter_batches(ROWS_AT_ONCE, columns=columns):
                risk = pipeline.predict_proba(batch["text"].to_pylist())[:, 1]
                rows = [batch["ad_id"], pa.array(risk, pa.float32())]
                writer.write_table(pa.table(rows, schema=form))

    return work


SIDES = {"adrisk": adrisk_side, "sklearn": sklearn_side}


def main(side: str, model: str, ads: str, out: str) -> None:
    """Prepare a side, run it once, print how long it took."""
    work = SIDES[side](Path(model), Path(ads), Path(out))
    print(_LOADED, flush=True)
    begun = time.perf_counter()
    work()
    print(round(time.perf_counter() - begun, 4))


if __name__ == "__main__":
    main(*sys.argv[1:])
