"""The lock: every package of the tested tree, its exact version and the hashes of its files.

    python tools/lock.py [--upgrade]

In:   `pyproject.toml` with all extras, and the versions that the lock holds now, which are kept
      where they still fit (`--upgrade` takes the newest instead).
Out:  `constraints.txt`, installed by `make run` and `make test` without a search for versions:
      `pip install --no-deps --require-hashes -r constraints.txt`;
      `constraints-cpu.txt`, the CPU build of torch, which is taken where pip is configured with a
      place that offers it (`find-links` or an index): a tenth of the size;
      `constraints-cuda.txt`, the libraries that the build of torch on PyPI loads on Linux.

uv resolves for every platform and Python version at once, in an environment of its own that is
thrown away.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "constraints.txt"
CPU_LOCK = ROOT / "constraints-cpu.txt"
CUDA_LOCK = ROOT / "constraints-cuda.txt"
HEADER = "# Written by `make lock`: do not edit."
_CUDA = re.compile(r"(nvidia|cuda|triton)\b")
_SETTINGS = {  # what pip is configured with, and the variable that tells uv
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "cert": "SSL_CERT_FILE",
}


def main() -> None:
    """Resolve, and write the three files."""
    parser = argparse.ArgumentParser(description="Write the files constraints*.txt.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    upgrade = parser.parse_args().upgrade
    kept = "" if upgrade else "".join(map(versions, (LOCK, CUDA_LOCK)))
    with tempfile.TemporaryDirectory() as folder:
        locked = entries(resolve(Path(folder), kept))
        write_cpu_build(*re.findall(r"(?m)^torch==[\d.]+", "\n".join(locked)), Path(folder))
    write(LOCK, [line for line in locked if not _CUDA.match(line)])
    write(CUDA_LOCK, [line for line in locked if _CUDA.match(line)])


def resolve(folder: Path, kept: str) -> str:
    """Requirements with hashes for all extras, starting from the versions in `kept`."""
    venv.create(folder / "uv", with_pip=True)
    binaries = folder / "uv" / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([binaries / "python", "-m", "pip", "install", "-qq", "uv"], check=True)
    output = folder / "resolved.txt"
    output.write_text(kept, encoding="utf-8")  # uv prefers the versions in its output file
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    options += ["--no-annotate", "--no-header", "--extra", "dev"]
    subprocess.run(
        [binaries / "uv", "pip", "compile", *options, "pyproject.toml", "--output-file", output],
        check=True,
        cwd=ROOT,
        env=os.environ | pip_settings(),
        stdout=subprocess.DEVNULL,
    )
    return output.read_text(encoding="utf-8")


def pip_settings() -> Mapping[str, str]:
    """The index and certificates of pip's configuration, under uv's names; no local folders."""
    settings = {}
    for name, variable in _SETTINGS.items():
        value = (
            os.environ.get(f"PIP_{name.upper().replace('-', '_')}")
            or subprocess.run(
                [sys.executable, "-m", "pip", "config", "get", f"global.{name}"],
                capture_output=True,
                text=True,
            ).stdout.strip()
        )
        words = [word for word in value.split() if not word.startswith("file:")]
        if words:
            settings[variable] = " ".join(words)
    return settings


def versions(lock: Path) -> str:
    """The lines of a lock without hashes, so that those of files added since are taken too."""
    return re.sub(r" --hash=\S+", "", lock.read_text(encoding="utf-8"))


def entries(text: str) -> list[str]:
    """The packages of a requirements file, each with its hashes on one line."""
    lines = re.sub(r"\s*\\\n\s*", " ", text).splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def write_cpu_build(pin: str, folder: Path) -> None:
    """The hash of the CPU build, from wherever pip finds it for this platform and Python."""
    pin += "+cpu"
    download = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--only-binary=:all:"]
    found = subprocess.run([*download, "--dest", folder, pin], capture_output=True)
    if found.returncode == 0:
        (wheel,) = folder.glob("torch-*.whl")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        write(CPU_LOCK, [f"{pin} --hash=sha256:{digest}"])
    elif pin not in CPU_LOCK.read_text(encoding="utf-8"):
        write(CPU_LOCK, [])
        print(f"pip finds no {pin}: {CPU_LOCK.name} is empty, and environments take PyPI's build")


def write(lock: Path, lines: Sequence[str]) -> None:
    """One of the files, a package a line."""
    lock.write_text("\n".join([HEADER, *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
