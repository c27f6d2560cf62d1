"""Memory of a run by the number of its volumes: a worker's private peak, stage by stage, on generated scans.

    python -m Testing.faults.many_volumes 10 40 100 400

Prints a line of JSON for each number; each run is a process of its own. The backbone is the tiny one of tests, whose
64 x 64 inputs leave the arrays of the method small beside PyTorch: what grows is seen by the difference of two lines.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Event, Stage
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.base.memory import PeakMemory, private_memory_mb
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import write_volume
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder

from .tiny_run import CLASSES, NAME, QUICK, outputs

SLICES, SIDE = 16, 64
_SHOWN = {"ball": (4, 8), "rod": (7, 12)}  # first and last slice, moved by up to two from scan to scan


def make_cohort(folder: Path, count: int, boxed: bool = False, **overrides) -> RunFolder:
    """Make the run folder of so many generated scans, every slice of each tagged, and the ball boxed if so asked."""
    scans, tagged = [], []
    for number in range(count):
        scans.append(folder / f"scan {number}.nrrd")
        shift = number % 3
        _write_scan(scans[-1], number, shift)
        volume = VolumeLabels(f"scan {number}", n_slices=SLICES, size=(SIDE, SIDE, SLICES))
        if boxed:
            BOXES.put(volume, [Box("ball", (15, 17 + shift, 6 + shift), (28, 30 + shift, 6 + shift), complete=True)])
        for name in CLASSES:
            first, last = _SHOWN[name]
            volume.tag_range(name, first + shift, last + shift)
        tagged.append(volume)
    settings = RunSettings(device="cpu", backbone=NAME, overrides={**QUICK, **overrides})
    return make_run(folder / "out", scans, CohortLabels(ClassTable.from_names(list(CLASSES)), tagged), settings)


def _write_scan(path: Path, number: int, shift: int) -> None:
    """A body with a bright ball and a rod less bright."""
    generator = np.random.default_rng(number)
    k, j, i = np.mgrid[:SLICES, :SIDE, :SIDE]
    array = generator.normal(100, 15, k.shape) + 150 * ((j - 32) ** 2 + (i - 32) ** 2 < 28**2)
    for name, shape, bright in (
        ("ball", (j - 24 - shift) ** 2 + (i - 22) ** 2 < 40, 500),
        ("rod", (abs(j - 42) < 4) & (abs(i - 34 - shift) < 12), 300),
    ):
        first, last = (slice_ + shift for slice_ in _SHOWN[name])
        array[shape & (k >= first) & (k <= last)] += bright
    geometry = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 3.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0), (SIDE, SIDE, SLICES))
    write_volume(path, array.astype(np.int16), geometry)


class _StagePeaks:
    """The highest private memory of each stage: a listener of events."""

    def __init__(self, memory: PeakMemory) -> None:
        self._memory, self._stage = memory, "start"
        self.peaks: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, Stage):
            self.close()
            self._stage = event.stage if event.state == "started" else f"after {event.stage}"

    def close(self) -> None:
        """End the stage of now."""
        peak, self._memory.peak_mb = max(self._memory.peak_mb, private_memory_mb()), 0.0
        self.peaks[self._stage] = round(max(self.peaks.get(self._stage, 0.0), peak), 1)


def measure(count: int, **overrides) -> dict:
    """Private memory of a worker in a process of its own, in MB: ``before`` the run, ``peak``, ``stages``.

    ``results`` is a hash over all that the run made.
    """
    command = [sys.executable, "-m", "Testing.faults.many_volumes", "--one", str(count), json.dumps(overrides)]
    found = subprocess.run(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(found.stdout.splitlines()[-1])


def _measure_here(count: int, overrides: dict) -> dict:
    with tempfile.TemporaryDirectory() as place:
        places = make_cohort(Path(place), count, **overrides)
        _warm_up(Path(place))
        before = private_memory_mb()
        with PeakMemory(0.01) as memory:
            stages = _StagePeaks(memory)
            run_folder(places.path, report=stages, cache_root=Path(place) / "cache")
            stages.close()
        peak = max(stages.peaks.values())
        return {
            "volumes": count,
            "before": round(before, 1),
            "peak": peak,
            "open_files": len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else None,
            "stages": stages.peaks,
            "results": _hash_of(places),
        }


def _warm_up(folder: Path) -> None:
    """A run of two scans, after which what is imported or kept once is there."""
    (folder / "first").mkdir()
    places = make_cohort(folder / "first", 2)
    run_folder(places.path, cache_root=folder / "first" / "cache")


def _hash_of(places: RunFolder) -> str:
    digest = sha256()
    for name, found in sorted(outputs(places).items()):
        digest.update(name.encode() + (found if isinstance(found, bytes) else found.tobytes()))
    return digest.hexdigest()


def main() -> None:
    """Measure by each number of volumes that was named."""
    if sys.argv[1] == "--one":
        print(json.dumps(_measure_here(int(sys.argv[2]), json.loads(sys.argv[3]))))
        return
    for count in sys.argv[1:]:
        print(json.dumps(measure(int(count))), flush=True)


if __name__ == "__main__":
    main()
