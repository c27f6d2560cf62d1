"""The window answers all the time: during a run of the real worker, and when a worker writes without end."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import qt
import slicer

from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.frontend import estimates, places
from WeakMedSAMLib.frontend.generate_panel import GeneratePanel
from WeakMedSAMLib.frontend.job_runner import JobRunner
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.worker_command import Command

FAKE = Path(__file__).with_name("fake_worker.py")


def waited():
    """Seconds that this thread wanted to run and other programs had the processor, as far as the system says."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except OSError:
        return 0.0


class Gaps:
    """The longest time between two events of a 5 ms timer, with and without the time that other programs took."""

    def __init__(self):
        self.all, self.own = 0.0, 0.0
        self._last = (time.perf_counter(), waited())
        self._timer = qt.QTimer()
        self._timer.setInterval(5)
        self._timer.connect("timeout()", self._tick)
        self._timer.start()

    def _tick(self):
        now = (time.perf_counter(), waited())
        passed, others = now[0] - self._last[0], now[1] - self._last[1]
        self.all, self.own = max(self.all, 1000 * passed), max(self.own, 1000 * (passed - others))
        self._last = now

    def stop(self):
        self._timer.stop()


@pytest.fixture
def panel(scene, tmp_path):
    slicer.app.userSettings().clear()
    places.setRunsFolder(tmp_path / "runs")
    places.setCacheFolder(tmp_path / "cache")
    logic = WeakMedSAMLogic()
    made = GeneratePanel(logic)
    made.widget.show()
    yield made
    made.cleanup()
    made.widget.hide()
    logic.cleanup()


def test_a_talkative_worker_does_not_freeze_the_window(scene, host, tmp_path):
    def prepared():
        yield 0.5
        return RunFolder(tmp_path / "run-0123456789ab").create()

    job, outcomes, gaps = JobRunner(), [], Gaps()
    job.ended.connect(outcomes.append)
    job.start("0123456789ab", prepared(), lambda run: Command(sys.executable, (str(FAKE), "flood", str(run.path))))
    host.waitUntil(lambda: outcomes, 60)
    gaps.stop()
    print(f"window blocked by us for {gaps.own:.0f} ms at most by 60000 lines ({gaps.all:.0f} ms in all)")
    assert outcomes[0].status == "finished"
    assert gaps.own <= 50
    assert job.logText.count("\n") < 2000


def test_a_run_of_the_real_worker_never_stops_the_window_for_50_ms(panel, make_volume, host):
    pytest.importorskip("torch", reason="the worker's packages are not installed")
    k, j, i = np.mgrid[:8, :40, :36]
    ball = (k - 4) ** 2 * 9 + (j - 20) ** 2 + (i - 17) ** 2 < 70
    array = (np.random.default_rng(0).normal(100, 20, ball.shape) + 400 * ball).astype(np.int16)
    logic = panel.logic
    node = make_volume("ball", array=array, geometry="oblique")
    logic.state.currentVolume, logic.state.device = node, "cpu"
    logic.tagRange(node, logic.session.classes.names[0], 2, 5)
    ready = []
    logic.resultsReady.connect(ready.append)
    host.settle(0.2)
    gaps = Gaps()
    quick = {"classifier_steps": 40, "segmenter_steps": 4, "pam_slices": 4, "novelty_references": 300, "rounds": 1}
    runId = logic.startRun(overrides=quick)
    host.waitUntil(lambda: not logic.isRunning, 240)
    gaps.stop()
    print(f"window blocked by us for {gaps.own:.0f} ms at most during a real run ({gaps.all:.0f} ms in all)")
    assert logic.job.outcome.status == "finished", logic.job.outcome
    assert ready == [runId]
    assert gaps.own <= 50
    assert estimates.isMeasured("cpu"), "what it took counts for the next estimate"
    assert logic.job.previewPath.is_file()
    host.waitUntil(lambda: panel.ui.outcomeFrame.visible)
    assert panel.ui.outcomeTitle.text.endswith("Masks of 1 volume are ready")
    assert "Worth knowing" in panel.ui.outcomeText.text
