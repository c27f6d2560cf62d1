"""Runs from click to end, with real processes that behave well, badly and not at all."""

from __future__ import annotations

import gc
import os
import sys
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
import slicer
from flows.driver import is_alive

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Hello, Warning_, encode, refer_to
from WeakMedSAMLib.contract.run_folder import RunFolder, volume_id
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.contract.stages import PAPER
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.running import estimates, process_tree
from WeakMedSAMLib.frontend.running.job_runner import JobRunner
from WeakMedSAMLib.frontend.running.run_trace import RunTrace
from WeakMedSAMLib.frontend.running.worker_command import Command
from WeakMedSAMLib.frontend.running.worker_process import QtWorkerProcess
from WeakMedSAMLib.frontend.trial import self_test

SIZE = estimates.RunSize(1, 100, 10)
FAKE = Path(__file__).with_name("misbehaving_worker.py")
POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="looks at processes as Linux and macOS show them")


def prepared(folder, pieces=3):
    for piece in range(pieces):
        yield piece / pieces
    return RunFolder(folder).create()


def fake(behaviour):
    return lambda places: Command(sys.executable, (str(FAKE), behaviour, str(places.path)), {"PYTHONUTF8": "1"})


def wait(until, seconds=10.0):
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it takes too long"
        slicer.app.processEvents()
        time.sleep(0.002)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "Läufe mit Leerzeichen" / "run-0123456789ab"


@pytest.fixture
def job(scene):
    made = JobRunner()
    made.infos, made.outcomes, made.previews, made.codes = [], [], [], []
    made.progress.connect(made.infos.append)
    made.ended.connect(made.outcomes.append)
    made.preview.connect(made.previews.append)
    made.warning.connect(lambda event: made.codes.append(event.code))
    yield made
    made.shutdown()


def ran(job, folder, behaviour, seconds=15.0):
    job.start("0123456789ab", prepared(folder), fake(behaviour))
    wait(lambda: job.outcomes, seconds)
    assert len(job.outcomes) == 1
    assert not job.isRunning
    return job.outcomes[0]


def test_a_run_goes_from_preparation_to_results_whatever_is_printed_in_between(job, folder):
    states = []
    job.changed.connect(lambda: states.append(job.state))
    outcome = ran(job, folder, "good")
    assert (outcome.status, outcome.volumeIds, outcome.folder) == ("finished", ("000",), folder)
    assert states == ["preparing", "running", "ended"]
    assert job.codes == ["one_volume"]
    assert job.previews == [folder / "results" / "000" / "preview.png"], "a path that leads out is not believed"
    assert outcome.device == "cpu"
    assert set(outcome.secondsByStage) >= {"embed", "classifier", "segmenter-1", "masks"}
    assert "a library says hello" in job.logText
    assert "half a line" in job.logText
    assert "left out" in job.logText, "a line of 3 MB is not kept"
    assert " 70 %" in job.logText
    assert "60 %" not in job.logText, "of a progress bar only the end is kept"


SLOW = {"embed": 30.0, "masks": 20.0}


def trace_of(overrides=None, preset="fast", **versions):
    """A trace of a run that took so long, by a worker of these versions."""
    trace = RunTrace(
        "0123456789ab", SIZE, "cpu", time.monotonic, settings=RunSettings(preset, overrides=overrides or {})
    )
    trace.take(encode(Hello(versions={"weakmedsam": "1", **versions}, device="cpu")), isError=False)
    trace.progress.secondsByStage.update(SLOW)
    return trace


@pytest.mark.usefixtures("fresh_settings")
def test_only_runs_of_the_real_worker_as_the_panel_starts_them_teach_the_estimates():
    for trace in (trace_of(fake=True), trace_of({"segmenter_steps": 3})):
        trace.teach()
        assert not estimates.isMeasured("cpu")
    trace_of(preset="paper").teach()
    assert not estimates.isMeasured("cpu")
    trace_of().teach()
    assert estimates.expectedStages(SIZE)["embed"] == pytest.approx(30.0)


@pytest.mark.parametrize("is_trial", [False, True])
def test_a_run_of_the_self_test_teaches_nothing(scene, folder, monkeypatch, is_trial):
    taught = []
    monkeypatch.setattr(RunTrace, "teach", lambda self: taught.append(self))
    job = JobRunner(isTrial=is_trial)
    job.outcomes = []
    job.ended.connect(job.outcomes.append)
    ran(job, folder, "good")
    assert job.outcome.status == "finished"
    assert bool(taught) != is_trial
    job.shutdown()


@pytest.mark.usefixtures("own_places")
def test_the_self_test_tries_its_runs_without_teaching(scene, monkeypatch):
    made, ran_by = [], []

    def runner(**options):
        made.append((JobRunner(**options), options))
        return made[-1][0]

    monkeypatch.setattr(self_test, "JobRunner", runner)
    monkeypatch.setattr(self_test, "findMissing", list)
    test = self_test.WeakMedSAMTest()
    monkeypatch.setattr(test, "_runAndCheck", lambda logic, volume, timeout: ran_by.append(logic.job))
    monkeypatch.setattr(test, "_checkAnswers", lambda logic, volume: None)
    for each in (test.test_RunWithStandIn, test.test_RunWithWorker):
        test.setUp()
        each()
        test.tearDown()
    assert ran_by == [job for job, _options in made]
    assert [options["isTrial"] for _job, options in made] == [True, True]


def test_volumes_get_their_names_back_from_the_thousandth_on_too():
    names = {volume_id(999): "Kopf 999", volume_id(1000): "Kopf 1000"}
    trace = RunTrace("0123456789ab", SIZE, "cpu", time.monotonic, names)
    for number in (999, 1000):
        message = f"V{refer_to(volume_id(number))[1:]} is dark, 'volume 12345' is not."
        event, _texts = trace.take(encode(Warning_(code="x", message=message, volume=volume_id(number))), isError=False)
        assert event.message == f"'Kopf {number}' is dark, 'volume 12345' is not."


def test_a_run_is_told_by_the_stages_of_its_preset(job, folder):
    settings = RunSettings("paper")
    job.start("0123456789ab", prepared(folder), fake("good"), SIZE, settings=settings)
    assert (job.info.number, job.info.total) == (1, len(estimates.stagesOf(PAPER)))
    assert job.info.secondsLeft is None
    wait(lambda: job.outcomes)


def test_progress_never_goes_back_and_ends_near_the_whole(job, folder):
    size = estimates.RunSize(1, 20, 10)
    job.start("0123456789ab", prepared(folder), fake("slow"), size)
    wait(lambda: job.outcomes)
    fractions = [info.fraction for info in job.infos]
    assert len(fractions) >= 5
    assert fractions == sorted(fractions)
    assert 0 < fractions[-1] < 1
    shown = {(info.stage, info.number) for info in job.infos if info.stage}
    assert all(estimates.STAGES.index(stage) + 1 == number for stage, number in shown)
    assert all(info.text != info.stage for info in job.infos), "every stage is called by words"


@pytest.mark.parametrize(
    ("behaviour", "code", "words"),
    [
        ("mute", "worker_died", ("exit code 5", "something of a library")),
        pytest.param("killed", "worker_died", ("SIGKILL", "memory"), marks=POSIX_ONLY),
        ("error", "gpu_out_of_memory", ("does not suffice", "CPU")),
    ],
)
def test_a_failure_is_told_with_its_reason_and_a_way_out(job, folder, behaviour, code, words):
    outcome = ran(job, folder, behaviour)
    assert (outcome.status, outcome.code) == ("failed", code)
    assert outcome.hint
    assert all(word in outcome.message + outcome.hint for word in words)


def test_a_program_that_is_not_there_is_a_failure_in_words(job, folder):
    job.start("0123456789ab", prepared(folder), lambda places: Command("/no/such/program", ()))
    wait(lambda: job.outcomes)
    assert job.outcomes[0].code == "worker_not_started"


def test_a_cancelled_run_stops_by_itself_and_leaves_no_cancel_file(job, folder):
    job.start("0123456789ab", prepared(folder), fake("polite"))
    wait(lambda: job.info.stage == "embed")
    begun = time.monotonic()
    job.cancel()
    assert job.state == "cancelling"
    wait(lambda: job.outcomes)
    assert time.monotonic() - begun < 2
    assert job.outcomes[0].status == "cancelled"
    assert not RunFolder(folder).cancel.exists()


@POSIX_ONLY
@pytest.mark.parametrize("behaviour", ["hang", "launcher"])
def test_a_worker_that_does_not_hear_is_ended_with_all_that_it_started_within_five_seconds(job, folder, behaviour):
    job.start("0123456789ab", prepared(folder), fake(behaviour))
    wait(lambda: job.state == "running" and (folder / "pids.txt").exists() and (folder / "pids.txt").read_text())
    pids = [int(word) for word in (folder / "pids.txt").read_text(encoding="ascii").split()]
    assert all(is_alive(pid) for pid in pids)
    begun = time.monotonic()
    job.cancel()
    wait(lambda: job.outcomes)
    assert time.monotonic() - begun < 5
    assert job.outcomes[0].status == "cancelled"
    wait(lambda: not any(is_alive(pid) for pid in pids), 1)


@POSIX_ONLY
def test_the_worker_behind_a_launcher_that_died_does_not_stay(job, folder):
    # The launcher stays until it is told: by then the worker behind it has been seen.
    job.log.connect(lambda text: (folder / "go").touch() if text == "ready" else None)
    outcome = ran(job, folder, "vanish")
    pids = [int(word) for word in (folder / "pids.txt").read_text(encoding="ascii").split()]
    assert outcome.status == "failed"
    wait(lambda: not any(is_alive(pid) for pid in pids), 1)


def test_it_can_be_cancelled_while_volumes_are_written(job, folder):
    closed = []

    def endless():
        try:
            while True:
                yield 0.5
        finally:
            closed.append(True)

    job.start("0123456789ab", endless(), fake("good"))
    wait(lambda: job.infos)
    job.cancel()
    assert job.outcomes[0].status == "cancelled"
    assert closed, "the generator cleans up behind itself"


def test_an_error_while_volumes_are_written_is_told(job):
    def failing():
        yield 0.0
        raise UserError("disk_full", "The disk is full.", "Free some space.")

    job.start("0123456789ab", failing(), fake("good"))
    wait(lambda: job.outcomes)
    assert (job.outcomes[0].status, job.outcomes[0].code, job.outcomes[0].folder) == ("failed", "disk_full", None)


def test_an_unforeseen_error_while_volumes_are_written_does_not_raise(job):
    def failing():
        yield 0.0
        raise ZeroDivisionError("nobody thought of it")

    job.start("0123456789ab", failing(), fake("good"))
    wait(lambda: job.outcomes)
    assert "nobody thought of it" in job.outcomes[0].message


def test_a_second_run_waits_for_the_first(job, folder):
    job.start("0123456789ab", prepared(folder), fake("polite"))
    with pytest.raises(UserError, match="under way"):
        job.start("0123456789ac", prepared(folder), fake("good"))
    wait(lambda: job.state == "running")
    job.shutdown()
    assert not job.isRunning
    assert job.outcomes == [], "a shutdown is silent"


def test_a_failing_listener_does_not_harm_the_run(job, folder):
    job.progress.connect(lambda info: 1 / 0)
    job.changed.connect(lambda: 1 / 0)
    assert ran(job, folder, "good").status == "finished"


def test_on_windows_nothing_is_ended_by_the_id_of_a_process_that_is_gone(monkeypatch):
    started = []
    monkeypatch.setattr(process_tree, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(process_tree.ProcessTree, "_start", lambda self, *command: started.append(command))
    tree = process_tree.ProcessTree(4711)
    tree.kill(isRootRunning=False)
    assert started == []
    tree.kill()
    assert started == [("taskkill", ["/PID", "4711", "/T", "/F"])]


def test_after_a_normal_end_the_tree_is_told_that_its_root_is_gone(job, folder, monkeypatch):
    told = []
    monkeypatch.setattr(process_tree.ProcessTree, "kill", lambda self, isRootRunning=True: told.append(isRootRunning))
    ran(job, folder, "good")
    assert told == [False]


@POSIX_ONLY
def test_where_there_is_no_proc_one_ps_runs_at_a_time_and_is_freed(monkeypatch, scene):
    monkeypatch.setattr(process_tree, "_PROC", Path("/no/such/folder"))
    tree = process_tree.ProcessTree(os.getpid())
    tree.note()
    helper = weakref.ref(tree._helper)
    tree.note()
    assert tree._helper is helper()
    wait(lambda: tree._helper is None)
    assert os.getpid() in tree._known
    wait(lambda: gc.collect() is not None and helper() is None)
    monkeypatch.setattr(tree, "_start", lambda *command: process_tree.ProcessTree._start(tree, "/no/such/ps", []))
    tree.note()
    wait(lambda: tree._helper is None)


def test_what_ran_is_freed(job, folder):
    made = []

    def factory():
        process = QtWorkerProcess()
        made.append(weakref.ref(process))
        return process

    job._factory = factory
    ran(job, folder, "good")
    wait(lambda: gc.collect() is not None and made[0]() is None)
    job.outcomes.clear()
    job.start("0123456789ab", prepared(folder), fake("slow"))
    wait(lambda: job.state == "running")
    job.shutdown()
    wait(lambda: gc.collect() is not None and made[1]() is None)


def test_calls_that_are_put_off_do_not_keep_a_panel(scene):
    calls = []
    later = Coalesced(lambda: calls.append(1), 1)
    later()
    later()
    wait(lambda: calls)
    assert calls == [1]
    there = weakref.ref(later)
    later()
    del later
    gc.collect()
    assert there() is None


def test_descendants_are_found_through_all_generations():
    table = {1: (0, "a"), 2: (1, "b"), 3: (2, "c"), 4: (1, "d"), 9: (8, "e")}
    assert sorted(process_tree.findDescendants(table, [1])) == [2, 3, 4]
    text = "    1     0 Mon Nov  3 10:00:00 2026\n   20     1 Mon Nov  3 10:00:01 2026\nrubbish\n"
    assert process_tree.tableFromPs(text) == {1: (0, "Mon Nov  3 10:00:00 2026"), 20: (1, "Mon Nov  3 10:00:01 2026")}
