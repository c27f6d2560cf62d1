"""A large scan on the whole way through Slicer's scene: seconds, memory of the window, and how long it did not answer.

    python Testing/flows/large_scan.py IMAGE MASK --label 6 --size 512,512,400

The scan is resampled to that size, loaded, tagged where the mask shows the label, and segmented by the real worker with
an empty feature cache. The module runs in the stand-in Slicer of Testing/host.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(ROOT), str(ROOT / "Testing")]

from host.host import start  # noqa: E402

HOST = start()

import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402, N813
import slicer  # noqa: E402
from host.user import User  # noqa: E402

from flows.driver import Driver  # noqa: E402
from WeakMedSAMLib.engine.base.memory import private_memory_mb  # noqa: E402
from WeakMedSAMLib.studies.large_scan import resample  # noqa: E402

LIMIT_S = 7200
MIN_PIXELS = 20


class Measured:
    """Seconds and private memory of the window by step."""

    def __init__(self) -> None:
        self.steps: dict[str, dict[str, float]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure the block."""
        started = time.monotonic()
        yield
        self.steps[name] = {"seconds": round(time.monotonic() - started, 1), "window_mb": round(private_memory_mb())}
        print(name, self.steps[name], file=sys.stderr, flush=True)


def measure(image: Path, mask: Path, label: int, size: tuple[int, ...], work: Path) -> dict[str, object]:
    """Load, tag, generate, wait; JSON values."""
    scan, truth = work / "large.nrrd", work / "large_mask.nrrd"
    resample(image, scan, size, sitk.sitkLinear)
    resample(mask, truth, size, sitk.sitkNearestNeighbor)
    driver, measured = Driver(HOST, User(HOST), work / "module"), Measured()
    with measured.step("open the module"):
        driver.open(probe=None)
        driver.wait(lambda: driver.logic.probe.isAnswered, LIMIT_S)
    with measured.step("load the scan"):
        volume = slicer.util.loadVolume(str(scan))
    # By the scene's own reader: it holds the slices of some files in the other order.
    expected = slicer.util.arrayFromVolume(slicer.util.loadLabelVolume(str(truth))) == label
    shown = np.flatnonzero(expected.sum((1, 2)) >= MIN_PIXELS)
    with measured.step("tag"):
        driver.choose(volume)
        driver.wait(lambda: driver.logic.currentKey() is not None, LIMIT_S)
        driver.tag(volume, int(shown[0]), int(shown[-1]))
    with driver.longest_block() as block:
        with measured.step("generate, until the worker runs"):
            run_id = driver.generate()
        with measured.step("run, until the masks are in the scene"):
            record = driver.wait_for_end(LIMIT_S)
    assert record.status == "finished", record.message
    (found,) = driver.segments(run_id).values()
    dice = 2 * np.count_nonzero(found & expected) / (np.count_nonzero(found) + np.count_nonzero(expected))
    driver.close()
    return {"size": size, "steps": measured.steps, "longest_block_ms": str(block), "dice": round(float(dice), 3)}


def main() -> None:
    """Read the command line and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path)
    parser.add_argument("mask", type=Path)
    parser.add_argument("--label", type=int, default=1)
    parser.add_argument("--size", default="512,512,400")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = tuple(int(part) for part in asked.size.split(","))
        print(json.dumps(measure(asked.image, asked.mask, asked.label, size, Path(folder)), indent=1))


if __name__ == "__main__":
    main()
