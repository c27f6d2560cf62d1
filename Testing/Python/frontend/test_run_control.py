"""Runs of a scene, with a worker and a loader of masks that are made up: what is kept of a run, and who is told."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import slicer

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.running.job_runner import ENDED, IDLE, PREPARING, RUNNING
from WeakMedSAMLib.frontend.running.run_control import Loaded, RunControl, Target
from WeakMedSAMLib.frontend.running.run_trace import Outcome
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord


class Job:
    """As `JobRunner`, but it does what the test says."""

    def __init__(self):
        self.changed, self.ended = Callbacks(), Callbacks()
        self.state, self.runId = IDLE, ""

    @property
    def isRunning(self):
        return self.state in (PREPARING, RUNNING)

    def start(self, runId, *_rest):
        self.runId = runId
        self.go(PREPARING)

    def go(self, state):
        self.state = state
        self.changed()

    def end(self, status, **said):
        self.go(ENDED)
        self.ended(Outcome(self.runId, status, **said))

    def shutdown(self):
        self.state = ENDED


class Loader:
    """A `MaskLoader` of no masks."""

    def __init__(self):
        self.loaded, self.forgotten, self.error, self.steps = [], 0, None, 1

    def findTarget(self, segmentationNode, volumes):
        return Target(min(volumes), segmentationNode)

    def loadSteps(self, record, target):
        self.loaded.append((record.runId, target))
        if self.error is not None:
            raise self.error
        return self._steps()

    def _steps(self):
        for _step in range(self.steps):
            yield None
        return Loaded(missing=["Scan"])

    def forget(self):
        self.forgotten += 1


def plan(runId="a" * 12):
    return SimpleNamespace(
        runId=runId,
        folder=f"/runs/run-{runId}",
        settings=RunSettings(),
        classes=ClassTable.from_names(["Lesion"]),
        volumesById={"000": slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Scan")},
        preparation=lambda: iter(()),
        command=None,
        size=None,
        device="cpu",
    )


@pytest.fixture
def state(fresh_settings):
    made = ModuleState(slicer.mrmlScene)
    yield made
    made.cleanup()


@pytest.fixture
def control(state):
    made = RunControl(Job(), state, Loader())
    yield made
    made.cleanup()


def test_masks_go_where_the_loader_puts_them(control, state, wait_until):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    ready = []
    control.resultsReady.connect(ready.append)
    runId = control.start(plan(), node)
    assert state.run(runId).status == "preparing"
    control.job.go(RUNNING)
    assert state.run(runId).status == "running"
    control.job.end("finished")
    assert control.isRunning
    wait_until(lambda: ready)
    assert control._loader.loaded == [(runId, Target("000", node))]
    assert (ready, state.run(runId).status, state.reviewRunId) == ([runId], "finished", runId)
    assert "no longer in the scene: Scan" in state.run(runId).message
    assert not control.isRunning


def test_masks_that_cannot_be_loaded_are_told(control, state):
    told = []
    control.loadFailed.connect(told.append)
    control._loader.error = UserError("bad_result", "It is spoilt.", "Run it again.")
    runId = control.start(plan())
    control.job.end("finished")
    assert told == [control._loader.error] == [control.error]
    assert state.run(runId).status == "failed"
    assert not control.isRunning


def test_nothing_is_loaded_of_a_run_that_failed_or_whose_scene_is_gone(control, state):
    runId = control.start(plan())
    control.job.end("failed", message="No memory.", code="gpu_out_of_memory")
    assert (state.run(runId).status, control.error.code) == ("failed", "gpu_out_of_memory")
    runId = control.start(plan("b" * 12))
    state.removeRun(runId)
    control.job.end("finished")
    assert control._loader.loaded == []


def test_a_second_control_takes_no_run_of_the_first_for_interrupted(control, state):
    runId = control.start(plan())
    control.job.go(RUNNING)
    state.saveRun(RunRecord("c" * 12, status="running"))
    second = RunControl(Job(), state, Loader())
    second.markInterrupted()
    assert (state.run(runId).status, state.run(runId).message) == ("running", "")
    assert state.run("c" * 12).status == "cancelled"
    second.cleanup()
    assert state.run(runId).status == "running"
    control.abandon()
    assert state.run(runId).status == "cancelled"
    assert "interrupted" in state.run(runId).message
    assert control._loader.forgotten == 1


def test_what_is_loaded_of_an_earlier_run_says_nothing_of_the_last(control, state):
    for runId in ("d" * 12, "e" * 12):
        control.start(plan(runId))
        control.job.end("cancelled", message="Features are kept.")
    control._loader.steps = 10**6
    control.load("d" * 12)
    assert control.isRunning
    control.abandon()
    assert not control.isRunning
    assert [record.message for record in state.runs()] == ["Features are kept."] * 2


@pytest.mark.parametrize("status", ["cancelled", "failed", "finished"])
def test_a_run_that_was_cancelled_stays_so_when_what_it_made_is_loaded(control, state, wait_until, status):
    ready = []
    control.resultsReady.connect(ready.append)
    runId = control.start(plan())
    control.job.end(status if status != "finished" else "cancelled")
    state.saveRun(replace(state.run(runId), status=status))
    control.load(runId)
    wait_until(lambda: ready)
    assert state.run(runId).status == ("cancelled" if status == "cancelled" else "finished")
