"""The two sides that are measured, each run in a process of its own.

    python evaluation/benchmarks/sides.py adrisk MODEL ADS.parquet OUT
    python evaluation/benchmarks/sides.py sklearn MODEL ADS.parquet OUT

A process prints one line of JSON: the seconds from Parquet in to Parquet out, with the model
loaded before the clock starts; its resident memory at that moment, imports and model included; and
the peak from there on. The peak is VmHWM of /proc/self/status, set back after loading through
/proc/self/clear_refs, because how a model was packed is not how ads are scored. Where there is no
/proc, both are ru_maxrss, the peak since the start.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

ROWS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process needed: seconds of work, MiB before the work and at the peak."""

    seconds: float
    loaded_mib: float
    peak_mib: float


def measure(side: str, model: Path, ads: Path, out: Path) -> Measured:
    """Run a side in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, side, str(model), str(ads), str(out)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


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


def resident_mib(name: str) -> float:
    """VmRSS, what is resident now, or VmHWM, the most since it was last set back."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def set_back_peak() -> None:
    """Let VmHWM begin anew at what is resident now; "5" is the kernel's word for it (proc(5))."""
    gc.collect()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def main(side: str, model: str, ads: str, out: str) -> None:
    """Prepare a side, run it once, print what it needed."""
    work = SIDES[side](Path(model), Path(ads), Path(out))
    set_back_peak()
    loaded = resident_mib("VmRSS")
    begun = time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    found = Measured(round(seconds, 4), round(loaded, 1), round(resident_mib("VmHWM"), 1))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main(*sys.argv[1:])
