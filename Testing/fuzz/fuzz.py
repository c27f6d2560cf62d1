"""Fuzz every reader of the product with spoiled inputs: ``python Testing/fuzz/fuzz.py --count 100``.

Each input must work or be refused by a `UserError`; any other exception, a crash, more than ten seconds of the
processor, more than a gibibyte of memory, or a file touched outside of the input's folder is a finding. Inputs depend
on kind, seed and number alone, so that ``--target nrrd --seed 1 --first 57 --count 1 --keep FOLDER`` makes one again.
The exit code is 1 if there are findings. Runs on Linux (memory limit).
"""

from __future__ import annotations

import argparse
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS = (
    "nrrd",
    "nhdr",
    "meta",
    "nifti",
    "dicom",
    "enhanced",
    "tags-json",
    "tags-csv",
    "painted",
    "mrk-json",
    "run",
    "events",
    "state",
    "cache",
    "model",
)
# For a child that waits for something without working; one that works too long ends by itself.
_PATIENCE_SECONDS = 300.0


@dataclass
class Tally:
    """What became of the inputs of one kind."""

    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[int, str]] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """How many were read."""
        return sum(self.outcomes.values())

    def add(self, number: int, outcome: str) -> None:
        """Count one."""
        word = outcome.partition(" ")[0]
        self.outcomes[word] += 1
        if word == "FINDING":
            self.findings.append((number, outcome))


def fuzz(kind: str, seed: str, first: int, count: int, place: Path, until: float = float("inf")) -> Tally:
    """Read `count` inputs of a kind in child processes; one that dies is started again after the input it died of."""
    tally, number = Tally(), first
    while number < first + count and time.monotonic() < until:
        number = _child(kind, seed, number, first + count - number, place, until, tally)
    return tally


def _child(kind: str, seed: str, first: int, count: int, place: Path, until: float, tally: Tally) -> int:
    """Run one child until it is done or dead; returns the number of the next input."""
    (place / "temporary").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(HERE / "child.py"), kind, seed, str(first), str(count), str(place)]
    environment = {
        **os.environ,
        "TMPDIR": str(place / "temporary"),
        "HOME": str(place / "home"),
        "OMP_NUM_THREADS": "1",
    }
    with (place.parent / "stderr.txt").open("w+b") as errors:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=place, env=environment, bufsize=0)
        try:
            number, is_open = _listen(child, first, until, tally)
        finally:
            child.kill()
            child.wait()
        if is_open and time.monotonic() < until:
            errors.seek(0)
            how = errors.read()[-2000:].decode("utf-8", "replace")
            tally.add(number, f"FINDING the process died or hung (exit code {child.returncode}): {how}")
            number += 1
    return number


def _listen(child: subprocess.Popen[bytes], first: int, until: float, tally: Tally) -> tuple[int, bool]:
    """Take the child's lines; returns the next input, and whether that is one it never came back from."""
    number, is_open, rest = first, True, b""
    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while time.monotonic() < until and selector.select(min(_PATIENCE_SECONDS, max(0.0, until - time.monotonic()))):
            piece = os.read(child.stdout.fileno(), 1 << 16)
            if not piece:
                child.wait()
                return number, is_open or child.returncode != 0
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                word, found, outcome = line.decode("utf-8", "replace").partition(" ")[0], *_told(line)
                if word not in ("begin", "end"):
                    continue  # what a library prints
                is_open = word == "begin"
                if word == "end":
                    tally.add(found, outcome)
                    number = found + 1
    return number, is_open


def _told(line: bytes) -> tuple[int, str]:
    words = line.decode("utf-8", "replace").split(" ", 2)
    number = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return number, words[2] if len(words) > 2 else ""


def main() -> int:
    """Fuzz as the command line says; see the module."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", action="append", choices=KINDS, help="kind of input; all by default")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=100, help="inputs of each kind")
    parser.add_argument("--seconds", type=float, help="in place of --count: how long to go on, all kinds together")
    parser.add_argument("--keep", type=Path, help="folder in which the last input of each kind is left")
    options = parser.parse_args()
    kinds = options.target or KINDS
    findings = 0
    with tempfile.TemporaryDirectory(prefix="weakmedsam-fuzz-") as folder:
        for kind in kinds:
            until = time.monotonic() + options.seconds / len(kinds) if options.seconds else float("inf")
            count = options.count if not options.seconds else 10**9
            tally = fuzz(kind, options.seed, options.first, count, Path(folder) / kind / "place", until)
            print(f"{kind}: {tally.inputs} inputs, {dict(tally.outcomes)}", flush=True)
            for number, what in tally.findings:
                print(f"  --target {kind} --seed {options.seed} --first {number} --count 1: {what}", flush=True)
            findings += len(tally.findings)
            if options.keep:
                shutil.copytree(Path(folder) / kind / "place" / "input", options.keep / kind, dirs_exist_ok=True)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
