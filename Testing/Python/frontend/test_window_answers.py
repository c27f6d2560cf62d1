"""The window answers all the time: during a run of the real worker, and when a worker writes without end."""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import qt

from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.running import estimates
from WeakMedSAMLib.frontend.running.generate_panel import GeneratePanel
from WeakMedSAMLib.frontend.running.job_runner import JobRunner
from WeakMedSAMLib.frontend.running.worker_command import Command

FAKE = Path(__file__).with_name("misbehaving_worker.py")


class Gaps:
    """The longest time between two events of a 5 ms timer.

    ``all`` has what other programs took of the processor in it, the worker among them, and depends on what else the
    computer does; ``own`` is what this thread worked in between, in milliseconds.
    """

    def __init__(self):
        self.all, self.own = 0.0, 0.0
        # What earlier tests have left is not to be looked through by Python's garbage collector meanwhile.
        gc.collect()
        gc.freeze()
        self._last = (time.perf_counter(), time.thread_time())
        self._timer = qt.QTimer()
        self._timer.setInterval(5)
        self._timer.connect("timeout()", self._tick)
        self._timer.start()

    def _tick(self):
        now = (time.perf_counter(), time.thread_time())
        self.all = max(self.all, 1000 * (now[0] - self._last[0]))
        self.own = max(self.own, 1000 * (now[1] - self._last[1]))
        self._last = now

    def stop(self):
        self._timer.stop()
        gc.unfreeze()


@pytest.fixture
def panel(own_places):
    logic = WeakMedSAMLogic()
    made = GeneratePanel(logic)
    made.widget.show()
    yield made
    made.cleanup()
    made.widget.hide()
    logic.cleanup()


def test_a_talkative_worker_does_not_freeze_the_window(allowance, scene, host, tmp_path):
    def prepared():
        yield 0.5
        return RunFolder(tmp_path / "run-0123456789ab").create()

    job, outcomes, gaps = JobRunner(), [], Gaps()
    job.ended.connect(outcomes.append)
    job.start("0123456789ab", prepared(), lambda run: Command(sys.executable, (str(FAKE), "flood", str(run.path))))
    host.waitUntil(lambda: outcomes, 60)
    gaps.stop()
    print(f"60000 lines: longest time between two events {gaps.all:.0f} ms, {gaps.own:.0f} ms of it our work")
    assert outcomes[0].status == "finished"
    assert gaps.own <= 50 * allowance
    assert job.logText.count("\n") < 2000


def test_a_run_of_the_real_worker_never_stops_the_window_for_50_ms(allowance, panel, make_volume, host):
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
    print(f"a real run: longest time between two events {gaps.all:.0f} ms, {gaps.own:.0f} ms of it our work")
    assert logic.job.outcome.status == "finished", logic.job.outcome
    assert ready == [runId]
    assert gaps.own <= 50 * allowance
    assert not estimates.isMeasured("cpu"), "what a run with settings of its own took says nothing of others"
    assert logic.job.previewPath.is_file()
    host.waitUntil(lambda: panel.ui.outcomeFrame.visible)
    assert panel.ui.outcomeTitle.text.endswith(": 1 mask in 1 volume")
    assert "see Details" in panel.ui.outcomeText.text
    assert "Worth knowing" in panel.ui.notesLabel.text
    assert "on the CPU" in panel.ui.outcomeTitle.toolTip
