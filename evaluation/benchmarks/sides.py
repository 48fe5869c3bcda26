"""Sides of the scoring benchmark, each run in a session of processes of its own.

    python evaluation/benchmarks/sides.py adrisk MODEL ADS.parquet OUT
    python evaluation/benchmarks/sides.py sklearn MODEL ADS.parquet OUT
    python evaluation/benchmarks/sides.py sklearn-cores MODEL ADS.parquet OUT
    python evaluation/benchmarks/sides.py sklearn-once MODEL ADS.parquet OUT

A side loads its model, prints that it is ready, scores, and prints the seconds from Parquet in to
Parquet out. Meanwhile the caller adds up the needs of all its processes, workers included: memory
once a second (the proportional set size of Linux, in which a page shared by two counts half in
each), and processor time several times a second, so that little is lost when a process ends.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import Pipeline

ROWS_AT_ONCE = 2048
_LOADED = "loaded"
_SAMPLE_SECONDS = 1.0
_TURNS_A_SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """Wall-clock and processor seconds of a side, and its MiB before the work and at the peak."""

    seconds: float
    processor_seconds: float
    loaded_mib: float
    peak_mib: float


def measure(side: str, model: Path, ads: Path, out: Path) -> Measured:
    """Run a side in processes of its own."""
    command = [sys.executable, __file__, side, str(model), str(ads), str(out)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - piped above
        if process.stdout.readline().strip() != _LOADED:
            raise RuntimeError(f"the side {side} did not start; its error is above")
        loaded = session_mib(process.pid)
        peaks, done = [loaded], threading.Event()
        before = _session_seconds(process.pid)
        after = dict(before)

        def watch() -> None:
            for turn in count(1):
                after.update(_session_seconds(process.pid))
                if turn % _TURNS_A_SAMPLE == 0:
                    peaks.append(session_mib(process.pid))
                if done.wait(_SAMPLE_SECONDS / _TURNS_A_SAMPLE):
                    break

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            seconds = process.stdout.read().split()
        finally:
            done.set()
            watcher.join()
    if process.returncode or not seconds:
        raise RuntimeError(f"the side {side} failed; its error is above")
    used = sum(after.values()) - sum(before.values())
    return Measured(float(seconds[-1]), used, round(loaded, 1), round(max(peaks), 1))


def session_mib(leader: int) -> float:
    """Proportional set size of all processes of a session."""
    total = 0
    for entry in _session(leader):
        with suppress(OSError, ValueError):  # processes come and go
            rollup = (entry / "smaps_rollup").read_text(encoding="ascii")
            total += sum(int(x.split()[1]) for x in rollup.splitlines() if x.startswith("Pss:"))
    return total / 1024


def _session_seconds(leader: int) -> dict[str, float]:
    """Processor time of each process of a session."""
    found = {}
    for entry in _session(leader):
        with suppress(OSError, ValueError):
            # The name may hold blanks and brackets; user and system time are the 12th and 13th
            # fields behind it.
            fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            found[entry.name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def _session(leader: int) -> Iterator[Path]:
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getsid(int(entry.name)) == leader:
                yield entry


def adrisk_side(model: Path, ads: Path, out: Path) -> Callable[[], object]:
    """The whole scoring path: folding, indicators, contacts, campaigns, policy, evidence."""
    from adrisk.api import score
    from adrisk.model.model import Model
    from adrisk.policy.policy import PolicyConfig

    loaded = Model.load(model)

    def work() -> None:
        with tempfile.TemporaryDirectory() as workspace:
            score(loaded, [str(ads)], out, Path(workspace), policy=PolicyConfig())

    return work


def sklearn_side(model: Path, ads: Path, out: Path) -> Callable[[], object]:
    """TF-IDF and logistic regression: one probability per ad and nothing else."""
    pipeline = _loaded(model)
    return lambda: _write_risk(ads, out, (pipeline.predict_proba(t)[:, 1] for t in _texts(ads)))


def sklearn_cores_side(model: Path, ads: Path, out: Path) -> Callable[[], object]:
    """The same in one forked process per core."""
    from adrisk.parallel import cores

    _pipelines.append(_loaded(model))
    forked = multiprocessing.get_context("fork")

    def work() -> None:
        with ProcessPoolExecutor(cores(), forked) as pool:
            _write_risk(ads, out, pool.map(_predicted, _texts(ads)))

    return work


def sklearn_once_side(model: Path, ads: Path, out: Path) -> Callable[[], object]:
    """The same in one process with each text scored once; copies get the same score."""
    pipeline = _loaded(model)
    known: dict[str, float] = {}

    def risk(texts: list[str]) -> list[float]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, pipeline.predict_proba(new)[:, 1].tolist(), strict=True))
        return [known[text] for text in texts]

    return lambda: _write_risk(ads, out, map(risk, _texts(ads)))


_pipelines: list[Pipeline] = []  # inherited by the forked processes


def _predicted(texts: list[str]) -> np.ndarray:
    return _pipelines[0].predict_proba(texts)[:, 1]


def _loaded(model: Path) -> Pipeline:
    import skops.io

    # The file was written by this benchmark a moment ago.
    return skops.io.load(model, trusted=skops.io.get_untrusted_types(file=model))


def _texts(ads: Path) -> Iterator[list[str]]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(ads).iter_batches(ROWS_AT_ONCE, columns=["text"]):
        yield batch["text"].to_pylist()


def _write_risk(ads: Path, out: Path, risks: Iterable[Sequence[float] | np.ndarray]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out.mkdir(parents=True)
    form = pa.schema([("ad_id", pa.string()), ("risk", pa.float32())])
    ids = pq.ParquetFile(ads).iter_batches(ROWS_AT_ONCE, columns=["ad_id"])
    with pq.ParquetWriter(out / "scores.parquet", form, compression="zstd") as writer:
        for batch, risk in zip(ids, risks, strict=True):
            rows = [batch["ad_id"], pa.array(risk, pa.float32())]
            writer.write_table(pa.table(rows, schema=form))


SIDES = {
    "adrisk": adrisk_side,
    "sklearn": sklearn_side,
    "sklearn-cores": sklearn_cores_side,
    "sklearn-once": sklearn_once_side,
}


def main(side: str, model: str, ads: str, out: str) -> None:
    """Prepare a side, run it once, print the seconds."""
    work = SIDES[side](Path(model), Path(ads), Path(out))
    print(_LOADED, flush=True)
    begun = time.perf_counter()
    work()
    print(round(time.perf_counter() - begun, 4))


if __name__ == "__main__":
    main(*sys.argv[1:])
