"""Slices that are prepared in the background, as a user meets it: when, when not, and what is said of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import slicer
from flows.filter_programs import EMBED, RESIDENT
from flows.resident_log import FAKE, said, started

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.steps import runToEnd
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.running import resident_worker, slice_preparation
from WeakMedSAMLib.frontend.running.generate_panel import GeneratePanel
from WeakMedSAMLib.frontend.running.worker_command import Command, residentCommand
from WeakMedSAMLib.frontend.scene.run_records import RunRecord

pytestmark = pytest.mark.usefixtures("own_places")
SOON_MS = 60
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def logic(monkeypatch, log):
    """A logic whose worker behaves as `logic.behaviour` says, with all packages there, and a shorter wait."""

    def command(folder, *arguments):
        real = residentCommand(folder, *arguments)
        words = real.arguments[real.arguments.index("resident") :]
        return Command(sys.executable, (str(FAKE), made.behaviour, str(log), *words), {"PYTHONUTF8": "1"})

    monkeypatch.setattr(resident_worker, "residentCommand", command)
    monkeypatch.setattr(slice_preparation, "arePackagesThere", lambda: True)
    monkeypatch.setattr(slice_preparation, "Coalesced", lambda function, _ms: Coalesced(function, SOON_MS))
    folders.cacheFolder().mkdir(parents=True)
    made = WeakMedSAMLogic()
    made.behaviour = "good"
    monkeypatch.setattr(made.probe, "ask", lambda: None)
    yield made
    made.cleanup()


@pytest.fixture
def panel(logic):
    made = GeneratePanel(logic)
    made.widget.show()
    yield made
    made.cleanup()
    made.widget.hide()


@pytest.fixture
def label(logic, panel):
    """label(volume, first=3): make it current and tag slices from that one to the last but one."""

    def label(volume, first=3):
        logic.state.currentVolume = volume
        last = logic.session.volume(logic.identifyNow(volume)).n_slices - 2
        logic.tagRange(volume, logic.session.classes.names[0], first, last)

    return label


@pytest.fixture
def settle(host):
    """Let what would begin soon begin."""
    return lambda: host.settle(0.3)


def test_it_begins_once_after_the_first_label(logic, label, make_volume, wait_until, settle, log):
    volume = make_volume()
    logic.state.currentVolume = volume
    key = logic.identifyNow(volume)
    settle()
    assert not started(log), "nothing is begun before a label"
    label(volume)
    wait_until(lambda: said(log, "encode"))
    wait_until(lambda: logic.cachedKeys() == {key})
    for first in (4, 5):
        label(volume, first)
        settle()
    assert (len(started(log)), len(said(log)), len(said(log, "encode"))) == (1, 1, 1)
    assert said(log)[0]["axis"] == logic.session.volume(key).axis


@pytest.mark.parametrize("kind", ["box", "point"])
def test_any_label_counts(logic, panel, make_volume, wait_until, log, kind):
    volume = logic.state.currentVolume = make_volume()
    name = logic.session.classes.names[0]
    if kind == "box":
        logic.addBox(volume, name, (2, 2, 4), (9, 9, 4))
    else:
        logic.addPoint(volume, name, (5, 5, 4))
    wait_until(lambda: said(log, "encode"))


def test_labels_of_a_file_count_and_those_of_a_scene_do_not(logic, panel, make_volume, wait_until, settle, log):
    volume = logic.state.currentVolume = make_volume()
    key = logic.identifyNow(volume)
    logic.session.addClass("Oedema")
    logic.session.setTag(key, "Oedema", 3, PRESENT)
    cohort, text = logic.session.exportCohort(), logic.session.toJson()
    logic.preparation.forget()
    logic.session.fromJson(text)
    logic.identifyNow(volume)
    settle()
    assert logic.labels.ofCurrent().is_said()
    assert not started(log)
    logic.session.removeClass("Oedema")
    logic.labels.takeForCurrent(cohort)
    wait_until(lambda: said(log, "encode"))


def test_a_label_that_is_taken_back_begins_nothing(logic, label, make_volume, settle, log):
    label(make_volume())
    logic.session.undo()
    settle()
    assert not started(log)


def test_the_panel_says_how_far_it_is_and_nothing_once_it_is_done(logic, panel, label, make_volume, wait_until):
    logic.behaviour = "slow"
    label(make_volume())
    wait_until(lambda: panel.ui.prepareLabel.visible)
    wait_until(lambda: panel.ui.prepareLabel.text == "Preparing slices: 1 of 12; Generate will start sooner")
    assert panel.stateInWords() == "preparing slices, 1 of 12"
    logic.preparation.isOn = False
    assert not panel.ui.prepareLabel.visible
    assert panel.stateInWords() == "ready"


def test_volumes_follow_each_other(logic, label, make_volume, wait_until, settle, log):
    one, other = make_volume("one"), make_volume("other")
    for node in (one, other):
        logic.state.setInCohort(node, True)
        label(node)
    wait_until(lambda: len(logic.cachedKeys()) == 2)
    settle()
    assert len(said(log, "encode")) == 2
    assert len(started(log)) == 1


def test_what_is_prepared_shortens_the_estimate(logic, panel, label, make_volume, wait_until):
    volume = make_volume(shape=(600, 6, 6))
    logic.behaviour = "slow"
    label(volume)
    wait_until(lambda: panel.ui.estimateLabel.text)
    before = panel.ui.estimateLabel.text
    logic.preparation.isOn = False
    logic.resident.cleanup()
    logic.preparation.keys.add(logic.keyOf(volume))
    logic.preparation.changed()
    wait_until(lambda: panel.ui.estimateLabel.text != before)


def test_switched_off_it_begins_nothing_and_ends_what_it_does(
    logic, panel, label, make_volume, wait_until, settle, log
):
    panel.ui.prepareCheck.checked = False
    assert not logic.preparation.isOn
    label(make_volume())
    settle()
    assert not started(log)
    logic.behaviour = "slow"
    panel.ui.prepareCheck.checked = True
    wait_until(lambda: said(log, "encode"))
    panel.ui.prepareCheck.checked = False
    wait_until(lambda: said(log, "stop"))
    settle()
    assert len(said(log, "encode")) == 1
    assert not panel.ui.prepareLabel.visible


def test_the_choice_is_kept(logic, panel):
    assert panel.ui.prepareCheck.checked
    logic.preparation.isOn = False
    other = WeakMedSAMLogic()
    # Two that follow one scene take what the other writes for edits.
    other.cleanup()
    assert not other.preparation.isOn


def test_it_waits_while_a_run_is_under_way_and_gives_way_to_one(
    logic, label, make_volume, wait_until, settle, log, monkeypatch
):
    running = [True]
    monkeypatch.setattr(type(logic.runs), "isRunning", property(lambda _self: running[0]))
    logic.behaviour = "slow"
    label(make_volume())
    settle()
    assert not started(log)
    running[0] = False
    logic.runs.changed()
    wait_until(lambda: said(log, "encode"))
    running[0] = True
    logic.runs.changed()
    wait_until(lambda: said(log, "stop"))
    settle()
    assert len(said(log, "encode")) == 1
    running[0] = False
    logic.runs.changed()
    wait_until(lambda: len(said(log, "encode")) == 2)
    assert len(started(log)) == 1, "the worker stays"


def test_what_a_run_has_encoded_is_not_prepared(logic, label, make_volume, settle, log):
    volume = make_volume()
    logic.state.saveRun(RunRecord("0123456789ab", status="finished", volumes={"000": volume.GetID()}))
    label(volume)
    settle()
    assert not started(log)


def test_without_packages_nothing_begins_and_nobody_is_asked(logic, label, make_volume, settle, log, monkeypatch, host):
    monkeypatch.setattr(slice_preparation, "arePackagesThere", lambda: False)
    label(make_volume())
    settle()
    assert not started(log)
    assert host.dialogs.texts == []
    assert logic.preparation.words == ""


def test_packages_that_cannot_be_looked_for_are_not_there(monkeypatch):
    def refuse():
        raise UserError("slicer_too_old", "Old.")

    monkeypatch.undo()
    monkeypatch.setattr(slice_preparation, "findMissing", refuse)
    assert not slice_preparation.arePackagesThere()


@pytest.mark.parametrize(
    ("behaviour", "word"), [("full", "full."), ("fault", "weights"), ("crash", "a library says its last words")]
)
def test_an_error_is_said_there_and_once(
    logic, panel, label, make_volume, wait_until, settle, log, host, behaviour, word
):
    logic.behaviour = behaviour
    label(make_volume("one"))
    wait_until(lambda: "not prepared" in panel.ui.prepareLabel.text)
    assert word in panel.ui.prepareLabel.text.lower()
    label(make_volume("other"))
    settle()
    assert len(started(log)) == 1
    assert host.dialogs.texts == []
    before = len(started(log)) + len(said(log, "encode"))
    panel.storageBox.cleared()
    assert logic.preparation.words == ""
    wait_until(lambda: len(started(log)) + len(said(log, "encode")) > before)


def test_another_device_is_another_try(logic, label, make_volume, wait_until, log):
    logic.behaviour = "full"
    label(make_volume())
    wait_until(lambda: "not prepared" in logic.preparation.words)
    logic.behaviour = "good"
    logic.state.device = "cpu"
    label(make_volume())
    wait_until(lambda: logic.preparation.keys)
    assert logic.preparation.words == ""


def test_a_copy_that_the_worker_has_let_go_of_is_given_again(logic, label, make_volume, wait_until, log):
    logic.behaviour = "gone"
    label(make_volume())
    wait_until(lambda: logic.preparation.keys)
    assert len(said(log, "encode")) == 2


def test_cancelled_updates_count_as_no_try(logic, label, make_volume, wait_until, log, tmp_path):
    logic.behaviour = "slow"
    label(make_volume())
    for count in range(1, slice_preparation._MOST_TRIES + 2):
        wait_until(lambda count=count: len(said(log, "encode")) == count)
        logic.resident.update(str(tmp_path), lambda _line: None, lambda _error: None)
        logic.resident.stopUpdate()
    logic.behaviour = "good"
    wait_until(lambda: logic.preparation.keys)


def test_ct_volumes_are_encoded_again_once_another_one_needs_another_window(
    logic, label, make_volume, wait_until, settle, log
):
    logic.behaviour = "ct"
    one, other = make_volume("one"), make_volume("other")
    for node in (one, other):
        logic.state.setInCohort(node, True)
    label(one)
    wait_until(lambda: len(logic.preparation.keys) == 1)
    label(other)
    wait_until(lambda: len(said(log, "encode")) == 3)
    settle()
    asked = [(one["volume"][:3], one["windows"]) for one in said(log, "encode")]
    assert asked == [("000", []), ("001", [[-160.0, 240.0]]), ("000", [[-1000.0, 400.0]])]


def test_a_box_is_answered_meanwhile(logic, label, make_volume, wait_until, log):
    logic.behaviour = "slow"
    volume, got = make_volume(), []
    label(volume)
    wait_until(lambda: said(log, "encode"))
    logic.resident.ask(volume, "k", 3, [((2, 5), (3, 9))], [], lambda *answer: got.append(answer))
    wait_until(lambda: got)
    assert got[0][1] is None
    assert (len(started(log)), len(said(log))) == (1, 1), "one worker, one copy"
    assert logic.preparation.words


def test_a_closed_scene_ends_it(logic, label, make_volume, wait_until, settle, log):
    logic.behaviour = "slow"
    label(make_volume())
    wait_until(lambda: said(log, "encode"))
    slicer.mrmlScene.Clear(0)
    wait_until(lambda: said(log, "stop") and said(log, "close"))
    settle()
    assert logic.preparation.words == ""
    assert len(said(log, "encode")) == 1


def test_it_ends_with_the_panel(logic, panel, label, make_volume, wait_until, settle, log):
    logic.behaviour = "slow"
    label(make_volume())
    wait_until(lambda: said(log, "encode"))
    panel.cleanup()
    wait_until(lambda: said(log, "stop"))
    label(make_volume())
    settle()
    assert len(said(log, "encode")) == 1


def test_a_run_of_the_window_finds_what_the_real_worker_has_prepared(
    logic, label, make_volume, wait_until, monkeypatch
):
    """Two CT, one of them with lungs, and a volume along another axis: copies of the window, keys of the engine."""

    def command(*arguments):
        found = residentCommand(*arguments)
        words = found.arguments[found.arguments.index("resident") :]
        return replace(found, program=sys.executable, arguments=("-c", RESIDENT, *words))

    monkeypatch.setattr(resident_worker, "residentCommand", command)
    belly = np.full((6, 32, 40), -1000, np.int16)
    belly[:, 4:28, 5:35] = np.random.default_rng(0).integers(-50, 100, (6, 24, 30))
    chest = belly.copy()
    chest[:, 8:22, 8:30] = -700
    volumes = [
        make_volume("belly", array=belly, geometry="lps"),
        make_volume("chest", array=chest, geometry="oblique"),
        make_volume("sagittal", (12, 10, 14), geometry="sagittal"),
    ]
    logic.state.device = "cpu"
    for count, node in enumerate(volumes, 1):
        logic.state.setInCohort(node, True)
        label(node, 2)
        wait_until(lambda count=count: len(logic.preparation.keys) == count, 60)
    wait_until(lambda: not logic.preparation.words and logic.preparation._next() is None, 60)
    folder = runToEnd(logic.planRun(volumes, RunSettings(device="cpu", backbone="filters")).preparation())
    command = [sys.executable, "-c", EMBED, str(folder.path), str(folders.cacheFolder())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout.split() == ["3", "0"], done.stderr
