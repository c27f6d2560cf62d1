"""Section 4 as a user sees it: what is missing, what to expect, a run, its end, and what it leaves on the disk."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import qt
import slicer

from WeakMedSAMLib.contract.probe_report import DeviceReport, ProbeReport
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings, load_run, save_run
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.running import run_plan
from WeakMedSAMLib.frontend.running.generate_panel import GeneratePanel
from WeakMedSAMLib.frontend.running.run_writer import VolumeInRun, writeRunSteps
from WeakMedSAMLib.frontend.running.worker_command import Command
from WeakMedSAMLib.frontend.scene.run_records import RunRecord

FAKE = Path(__file__).with_name("misbehaving_worker.py")
GPU = DeviceReport("cuda:0", "Big GPU", 24 * 2**30, 20 * 2**30)
CPU = DeviceReport("cpu", "Some CPU", 16 * 2**30, 8 * 2**30)


def settle(host):
    """Let what was put off happen, also on a computer that has much else to do."""
    host.settle(0.1)
    host.settle()


@pytest.fixture
def logic(own_places, monkeypatch):
    made = WeakMedSAMLogic()
    monkeypatch.setattr(made.probe, "ask", lambda: None)
    made.probe.report = ProbeReport(ready=True, devices=[GPU, CPU])
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
def tagged(logic, make_volume):
    node = make_volume("MR head", (12, 20, 20))
    logic.state.currentVolume = node
    logic.tagRange(node, logic.session.classes.names[0], 3, 7)
    return node


@pytest.fixture
def worker(monkeypatch):
    """worker("good"): the next run is one of the fake worker."""

    def use(behaviour):
        def command(run, *_arguments, **_options):
            return Command(sys.executable, (str(FAKE), behaviour, str(run.path)))

        monkeypatch.setattr(run_plan, "workerCommand", command)

    return use


def test_without_a_volume_it_says_what_to_do(panel, host):
    settle(host)
    assert not panel.ui.generateButton.enabled
    assert "volume" in panel.ui.generateButton.toolTip
    assert panel.stateInWords() == ""
    assert not panel.ui.estimateLabel.visible
    assert not panel.ui.cancelButton.visible
    assert not panel.ui.installFrame.visible
    assert not panel.ui.runFrame.visible
    assert not panel.ui.outcomeFrame.visible


def test_ready_says_what_to_expect_and_where_it_runs(panel, tagged, host):
    settle(host)
    assert panel.ui.generateButton.enabled
    assert panel.stateInWords() == "ready"
    assert panel.ui.estimateLabel.text.startswith("Takes ")
    assert panel.ui.estimateLabel.text.endswith(" on Big GPU (a guess).")
    assert "no run on this GPU" in panel.ui.estimateLabel.toolTip
    assert "0.75" in panel.ui.estimateLabel.toolTip
    assert panel.ui.deviceComboBox.itemText(0) == "Automatic (GPU: Big GPU, 24 GB, 20 GB free)"
    panel.ui.deviceComboBox.currentIndex = panel.ui.deviceComboBox.findData("cpu")
    settle(host)
    assert panel.logic.state.device == "cpu"
    assert "on the CPU" in panel.ui.estimateLabel.text
    assert "another computer" in panel.ui.estimateLabel.toolTip


def test_what_is_rarely_needed_is_folded_and_its_header_says_what_is_chosen(panel, tagged, host, make_segmentation):
    settle(host)
    ui = panel.ui
    assert ui.detailsSection.collapsed
    folded = ("presetComboBox", "deviceComboBox", "segmentationSelector", "storageSection", "logSection")
    assert [name for name in folded if getattr(ui, name).visible] == []
    assert ui.detailsSection.text == "Details"
    panel.logic.state.preset, panel.logic.state.device = "paper", "cpu"
    ui.segmentationSelector.setCurrentNode(
        make_segmentation(tagged, {"a": np.ones((12, 20, 20))}, "By hand " + 40 * "x")
    )
    settle(host)
    assert ui.detailsSection.text == "Details: Paper, on the CPU, into By hand xxxx…xxxxxxxxxxx"
    ui.detailsSection.collapsed = False
    assert [name for name in folded if not getattr(ui, name).visible] == ["logSection"], "there is no log yet"


def test_a_double_click_does_not_cancel_what_it_has_begun(panel, tagged, host, user, worker):
    worker("slow")
    settle(host)
    place = panel.ui.generateButton.pos
    user.click(panel.ui.generateButton)
    settle(host)
    assert panel.ui.generateButton.visible
    assert not panel.ui.generateButton.enabled
    assert not panel.ui.cancelButton.visible
    user.click(panel.ui.generateButton)
    host.waitUntil(lambda: panel.ui.cancelButton.visible)
    assert panel.logic.job.state in ("preparing", "running")
    settle(host)
    assert panel.ui.cancelButton.pos == place
    panel.ui.cancelButton.click()
    host.waitUntil(lambda: not panel.logic.isRunning)


def test_a_run_of_a_script_can_be_cancelled_at_once(panel, tagged, host, worker):
    worker("slow")
    panel.logic.startRun()
    settle(host)
    assert panel.ui.cancelButton.visible
    panel.cancel()
    host.waitUntil(lambda: not panel.logic.isRunning)


def test_what_to_expect_is_known_as_soon_as_a_folded_section_opens(logic, tagged, host):
    panel = GeneratePanel(logic)
    settle(host)
    assert not panel.ui.estimateLabel.visible, "nobody sees the panel yet"
    assert panel.ui.estimateLabel.text.startswith("Takes ")
    panel.cleanup()


def test_a_device_of_another_computer_is_said_to_be_missing(panel, logic, host):
    logic.state.device = "cuda:3"
    settle(host)
    assert "not found" in panel.ui.deviceComboBox.currentText


def test_what_is_missing_is_offered_and_installed_on_a_click_only(panel, tagged, host, click):
    host.packaging.missing.update(["monai", "safetensors"])
    panel.enter()
    settle(host)
    assert panel.ui.installFrame.visible
    assert "monai" in panel.ui.installText.text
    assert "pypi.org" in panel.ui.installText.text
    assert not panel.ui.generateButton.enabled
    assert "Install" in panel.ui.generateButton.toolTip
    assert host.packaging.asked == []
    click(panel.ui.installButton)
    settle(host)
    kind, names, options = host.packaging.asked[0]
    assert (kind, names) == ("pip_install", ["monai>=1.3", "safetensors>=0.4"])
    assert options["constraints"]
    assert not panel.ui.installFrame.visible
    assert panel.ui.generateButton.enabled


def test_an_installation_that_fails_stays_in_the_box_with_its_log(panel, host, click):
    host.packaging.missing.add("monai")
    host.packaging.fails = True
    panel.enter()
    click(panel.ui.installButton)
    settle(host)
    assert panel.ui.installResult.visible
    assert "monai" in panel.ui.installResult.text
    assert panel.ui.installLog.visible
    assert panel.ui.installLog.toPlainText()
    assert panel.ui.installButton.enabled


def test_without_the_pytorch_extension_the_button_says_why(panel, host):
    host.packaging.missing.add("torch")
    panel.enter()
    assert not panel.ui.installButton.enabled
    assert "Extensions Manager" in panel.ui.installButton.toolTip
    assert panel.ui.installOfflineButton.enabled


def test_a_run_shows_its_stage_its_progress_its_picture_and_its_end(panel, tagged, host, click, worker):
    worker("slow")
    settle(host)
    click(panel.ui.generateButton)
    host.waitUntil(lambda: panel.logic.job.info.stage == "classifier")
    settle(host)
    assert panel.ui.runFrame.visible
    assert panel.ui.stageLabel.text.startswith("Learning which slices show a class (step 7 of 12)")
    assert "Time left" in panel.ui.timeLabel.text
    assert 0 < panel.ui.progressBar.value < 1000
    host.waitUntil(lambda: panel.ui.cancelButton.visible)
    assert not panel.ui.generateButton.visible
    assert panel.stateInWords().startswith("running, ")
    for name in ("presetComboBox", "deviceComboBox", "probeButton", "segmentationSelector"):
        widget = getattr(panel.ui, name)
        assert (widget.enabled, widget.toolTip) == (False, "Wait until the run has ended.")
    panel.ui.logSection.collapsed = False
    settle(host)
    assert "embed: finished" in panel.ui.logText.toPlainText()
    click(panel.ui.cancelButton)
    assert not panel.ui.cancelButton.enabled
    assert "5 seconds" in panel.ui.cancelButton.toolTip
    host.waitUntil(lambda: not panel.logic.isRunning)
    settle(host)
    assert not panel.ui.runFrame.visible
    assert panel.ui.outcomeFrame.visible


def test_the_picture_of_each_stage_is_shown_as_soon_as_it_is_there(panel, tagged, host, click, worker):
    worker("pictures")
    settle(host)
    click(panel.ui.generateButton)
    for stage in ("classifier", "segmenter-1"):
        host.waitUntil(lambda stage=stage: (panel.logic.job.previewPath or Path()).name == f"{stage}.png")
        assert not panel.ui.previewLabel.pixmap.isNull()
        assert panel.runView._shownPreview[0] == panel.logic.job.previewPath
        (panel.logic.job.runFolder / f"after-{stage}").touch()
    host.waitUntil(lambda: not panel.logic.isRunning)


def test_the_end_is_one_line_and_what_was_noted_is_in_the_details(panel, tagged, host, click, worker):
    worker("good")
    settle(host)
    click(panel.ui.generateButton)
    host.waitUntil(lambda: panel.logic.job.outcome and not panel.logic.isRunning)
    settle(host)
    ui = panel.ui
    assert re.fullmatch(r"✓ Finished \d\d:\d\d: 1 mask in 1 volume", ui.outcomeTitle.text)
    assert "a few seconds on the CPU" in ui.outcomeTitle.toolTip
    assert ui.outcomeText.text == "⚠ 1 note on this run: see Details"
    assert "Only one volume. Tag more." in ui.outcomeText.toolTip
    assert "Only one volume. Tag more." in ui.notesLabel.text
    assert not ui.outcomeButtons.visible
    ui.detailsSection.collapsed = False
    click(ui.copyFinishedLogButton)
    assert "✓ Finished" in slicer.app.clipboard().text()
    assert ui.openFinishedFolderButton.enabled
    assert ui.openFinishedFolderButton.toolTip == "Show the files of this run"
    assert panel.stateInWords().startswith("finished ")


@pytest.mark.parametrize(
    ("behaviour", "words"), [("error", ("gpu_out_of_memory", "Use the CPU")), ("mute", ("exit code 5", "Run it again"))]
)
def test_a_failure_is_said_with_code_way_out_folder_and_log(panel, tagged, host, click, worker, behaviour, words):
    worker(behaviour)
    settle(host)
    click(panel.ui.generateButton)
    host.waitUntil(lambda: panel.logic.job.outcome)
    settle(host)
    assert panel.ui.outcomeTitle.text.startswith("✗ The run failed at ")
    assert panel.stateInWords().startswith("failed ")
    assert all(word in panel.ui.outcomeText.text for word in words)
    assert panel.ui.openFolderButton.enabled
    assert not panel.ui.detailsButtons.visible
    click(panel.ui.copyLogButton)
    assert "The run failed" in slicer.app.clipboard().text()
    assert panel.ui.generateButton.enabled, "it can be tried again"
    assert panel.ui.generateButton.visible
    assert not panel.ui.cancelButton.visible


def test_an_outcome_is_not_shown_in_another_scene(panel, tagged, host, click, worker):
    worker("error")
    settle(host)
    click(panel.ui.generateButton)
    host.waitUntil(lambda: panel.logic.job.outcome)
    host.closeScene()
    settle(host)
    assert not panel.ui.outcomeFrame.visible


def make_runs(count):
    session = TagSession()
    for number in range(count):
        node = slicer.util.addVolumeFromArray(np.full((3, 4, 5), number, np.int16) + np.arange(5, dtype=np.int16))
        session.ensureVolume(f"scan {number}", f"{number:064x}", "k", 3)
        list(
            writeRunSteps(
                folders.runsFolder(), [VolumeInRun(node, f"{number:064x}")], session, RunSettings(), f"{number:012x}"
            )
        )
        slicer.mrmlScene.RemoveNode(node)


def test_storage_is_counted_when_opened_and_a_run_is_deleted_after_a_question(panel, host, click):
    make_runs(2)
    assert panel.ui.runsSizeLabel.text == ""
    panel.ui.storageSection.collapsed = False
    host.waitUntil(lambda: "runs: 2" in panel.ui.runsSizeLabel.text)
    assert panel.ui.runComboBox.count == 2
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d scan [01] \[", panel.ui.runComboBox.currentText)
    assert panel.ui.runComboBox.toolTip == panel.ui.runComboBox.currentText
    panel.storageBox.openRun()
    assert host.dialogs.texts[-1].startswith("file://")
    assert "scan" not in host.dialogs.texts[-1]
    host.dialogs.answer(qt.QMessageBox.Cancel)
    click(panel.ui.deleteRunButton)
    assert panel.ui.runComboBox.count == 2
    assert "scan" in host.dialogs.texts[-1]
    host.dialogs.answer(qt.QMessageBox.Ok)
    click(panel.ui.deleteRunButton)
    host.waitUntil(lambda: panel.ui.runComboBox.count == 1)
    assert len(list(folders.runsFolder().iterdir())) == 1
    host.waitUntil(lambda: "runs: 1" in panel.ui.runsSizeLabel.text)


def test_runs_that_were_made_by_the_model_of_a_run_are_counted_before_it_is_deleted(panel, host, click):
    make_runs(2)
    older, newer = sorted(folders.runsFolder().iterdir(), key=lambda folder: load_run(folder).created)
    description = load_run(older)
    save_run(older, replace(description, settings=replace(description.settings, model=str(RunFolder(newer).model))))
    panel.ui.storageSection.collapsed = False
    asked = {}
    for place in range(2):
        panel.ui.runComboBox.currentIndex = place
        host.dialogs.answer(qt.QMessageBox.Cancel)
        click(panel.ui.deleteRunButton)
        asked[place] = host.dialogs.texts[-1]
    assert "made by this model: 1" in asked[0]
    assert "this model" not in asked[1]


def test_of_a_deleted_run_whose_folder_holds_other_files_it_is_said_that_the_folder_stays(panel, host, click):
    make_runs(1)
    folder = next(iter(folders.runsFolder().iterdir()))
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    panel.ui.storageSection.collapsed = False
    host.dialogs.answer(qt.QMessageBox.Ok)
    click(panel.ui.deleteRunButton)
    host.waitUntil(lambda: panel.ui.runComboBox.count == 0)
    settle(host)
    assert str(folder) in host.dialogs.texts[-1]
    assert "stays" in host.dialogs.texts[-1]
    assert "notes.txt" in host.dialogs.texts[-1]


def test_the_cache_is_cleared_after_a_question_and_not_during_a_run(panel, tagged, host, click, worker):
    entry = folders.cacheFolder() / ("a" * 64)
    entry.mkdir(parents=True)
    (entry / "image.npy").write_bytes(b"0" * 5000)
    panel.ui.storageSection.collapsed = False
    host.waitUntil(lambda: "5 kB" in panel.ui.cacheSizeLabel.text)
    worker("slow")
    panel.generate()
    settle(host)
    assert not panel.ui.clearCacheButton.enabled
    assert "Wait" in panel.ui.clearCacheButton.toolTip
    panel.cancel()
    host.waitUntil(lambda: not panel.logic.isRunning)
    settle(host)
    host.dialogs.answer(qt.QMessageBox.Ok)
    click(panel.ui.clearCacheButton)
    host.waitUntil(lambda: not entry.exists())


def test_features_count_as_kept_only_while_there_is_a_cache(logic, tagged, tmp_path):
    logic.state.saveRun(RunRecord("0123456789ab", status="finished", volumes={"000": tagged.GetID()}))
    assert logic.cachedKeys() == set()
    (tmp_path / "cache").mkdir()
    assert logic.cachedKeys() == {logic.currentKey()}


def test_another_folder_is_used_once_it_is_there(panel, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    panel.ui.storageSection.collapsed = False
    for half in ("half", str(tmp_path / "elsew")):
        panel.ui.runsFolderEdit.currentPath = half
        panel.ui.cacheFolderEdit.currentPath = half
    assert folders.runsFolder() == tmp_path / "runs"
    assert folders.cacheFolder() == tmp_path / "cache"
    panel.ui.runsFolderEdit.currentPath = str(tmp_path / "elsewhere")
    assert folders.runsFolder() == tmp_path / "elsewhere"


def test_every_control_can_be_reached_and_says_what_it_is_for(panel):
    controls = [widget for name, widget in vars(panel.ui).items() if name.endswith(("Button", "ComboBox", "Edit"))]
    assert len(controls) > 12
    assert [widget.name for widget in controls if not widget.toolTip] == []
    labels = [panel.ui.presetLabel, panel.ui.deviceLabel, panel.ui.runsFolderLabel, panel.ui.cacheFolderLabel]
    assert all(label.buddy() is not None for label in labels)
