"""What the window itself takes of an update: from the click until the worker is asked, and from its end to the pixels.

    python Testing/flows/update_clicks.py --classes 1,4

100 slices of 256 x 256 in the scene of Slicer (slicer-core), the module in the stand-in Slicer of Testing/host, and a
stand-in of the worker that draws by grey values: the time that it takes is left out, and measured by
`weakmedsam benchmark answers`. A tenth of the slices of each class is drawn.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path[:0] = [str(ROOT), str(ROOT / "Testing")]

from host.host import start  # noqa: E402

HOST = start()

import numpy as np  # noqa: E402
import slicer.util  # noqa: E402
from host.user import User  # noqa: E402

from flows.driver import Driver  # noqa: E402
from WeakMedSAMLib.frontend.trial.self_test import FakeWorkerProcess  # noqa: E402

SHAPE = (100, 256, 256)
LIMIT_S = 600
SEED = 1


class TimedWorker(FakeWorkerProcess):
    """Notes when it was asked, and when it had ended."""

    options = ("--seconds", "0.1")
    asked = ended = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.finished.connect(lambda _exit: setattr(TimedWorker, "ended", time.perf_counter()))

    def start(self, command: Any) -> None:
        """Start it on a run folder."""
        TimedWorker.asked = time.perf_counter()
        super().start(command)


def scan() -> np.ndarray:
    """A bright ball of many slices in noise: k x j x i."""
    k, j, i = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    ball = ((k - 50) / 45) ** 2 + ((j - 128) / 70) ** 2 + ((i - 128) / 70) ** 2 < 1
    noise = np.random.default_rng(SEED).normal(100, 15, SHAPE)
    return (noise + 400 * ball).astype(np.int16)


def measure(classes: int, folder: Path) -> dict[str, Any]:
    """Generate, correct and update once; seconds, and the longest time without an answer in ms."""
    driver, names = Driver(HOST, User(HOST), folder), [f"class {number + 1}" for number in range(classes)]
    driver.open(worker=TimedWorker)
    logic = driver.logic
    driver.wait(lambda: logic.probe.isAnswered, LIMIT_S)
    volume = slicer.util.addVolumeFromArray(scan(), np.diag([-1.0, -1.0, 3.0, 1.0]), "scan")
    logic.setClasses(names)
    driver.choose(volume)
    driver.wait(lambda: logic.currentKey() is not None, LIMIT_S)
    for name in names:
        logic.tagRange(volume, name, 10, 89)
    logic.startRun([volume], device="cpu")
    record = logic.waitForRun(LIMIT_S)
    assert record.status == "finished", record.message
    driver.widget.panel.goTo("review")
    driver.host.settle(1.0)
    for name in names:
        for index in range(14, 90, 10):
            shown = logic.corrections.watch.planes(name).plane(index)
            logic.corrections.draw(name, index, np.roll(shown, 3, axis=0))
    driver.host.settle(1.0)
    button = driver.ui("review", "updateButton")
    assert button.enabled, button.toolTip
    with driver.longest_block() as block:
        clicked = time.perf_counter()
        button.click()
        driver.wait(lambda: not logic.updates.isUnderWay, LIMIT_S)
        shown_at = time.perf_counter()
    assert logic.updates.error is None, logic.updates.error
    assert "drawn anew" in driver.ui("review", "updateLabel").text
    driver.close()
    HOST.closeScene()
    before, after = TimedWorker.asked - clicked, shown_at - TimedWorker.ended
    return {"before_s": round(before, 2), "after_s": round(after, 2), "longest_block_ms": str(block)}


def main() -> None:
    """Read the command line and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", default="1,4")
    asked = parser.parse_args()
    found = {}
    for count in asked.classes.split(","):
        with tempfile.TemporaryDirectory() as folder:
            found[count] = measure(int(count), Path(folder))
    print(json.dumps({"load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None, **found}, indent=1))


if __name__ == "__main__":
    main()
