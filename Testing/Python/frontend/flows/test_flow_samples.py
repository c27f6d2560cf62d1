"""What version 0.1 wrote still opens in the module, and means the same places in the patient.

Slices are compared by position, never by number: a later version may number them otherwise. See Testing/samples.
"""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import qt
import slicer
from flows.driver import fake_worker, segment_masks
from flows.strokes import Editor
from samples import opened

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.results import slice_digests
from WeakMedSAMLib.frontend.running import estimates
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, folderOf

LABELS = tuple(opened.LABELS)


@pytest.fixture
def old(driver, tmp_path):
    """The saved scene, loaded into the module, with copies of its run folders where runs are looked for."""
    runs = [opened.run_copy(what, folders.runsFolder()) for what in ("fast_finished", "paper_cancelled")]
    driver.open(fake_worker())
    loadScene(driver, tmp_path, "scene.mrb")
    finished, cancelled = (run.name.removeprefix("run-") for run in runs)
    return SimpleNamespace(driver=driver, logic=driver.logic, folder=runs[0], finished=finished, cancelled=cancelled)


def loadScene(driver, folder, name):
    """Load a copy, so that nothing is written beside the sample."""
    shutil.copy(opened.SAMPLES / name, folder)
    slicer.util.loadScene(str(folder / name))
    driver.host.settle(0.2)


def positionsOf(node, slices):
    """Where along z (mm) slices lie that are numbered along k as the volume is held in the scene."""
    import vtk

    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return sorted(round(matrix.MultiplyPoint((0, 0, int(k), 1))[2], 3) for k in slices)


def taggedPositions(logic, node, label):
    """Where the slices lie that are tagged present in the scene."""
    state = logic.session.volume(logic.identifyNow(node)).state(label)
    return positionsOf(node, np.flatnonzero(np.asarray(state) == PRESENT))


def maskPositions(masks, node):
    return {label: positionsOf(node, np.flatnonzero(mask.any(axis=(1, 2)))) for label, mask in masks.items()}


def truePositions(name):
    return {label: opened.true_positions(name, label) for label in LABELS}


def masksOf(logic, runId):
    """Name of each volume -> its node and masks of a run by class."""
    record = logic.state.run(runId)
    nodes = [slicer.mrmlScene.GetNodeByID(each) for each in record.volumes.values()]
    pairs = zip(nodes, logic.segmentationsOf(runId), strict=True)
    return {node.GetName(): (node, segment_masks(segmentation, node)) for node, segmentation in pairs}


def test_the_scene_has_its_classes_volumes_tags_and_runs(old):
    logic = old.logic
    assert [(entry.name, entry.label_value) for entry in logic.session.classes] == [("ball", 1), ("rod", 2)]
    assert logic.state.currentVolume.GetName() == "right"
    assert [node.GetName() for node in logic.state.cohort()] == ["right", "left"]
    for node in logic.state.cohort():
        found = {label: taggedPositions(logic, node, label) for label in LABELS}
        assert found == truePositions(node.GetName())
    assert [(record.runId, record.preset, record.status) for record in logic.state.runs()] == [
        (old.finished, "fast", "finished"),
        (old.cancelled, "paper", "cancelled"),
    ]
    requireMasks(logic, old.finished)


def requireMasks(logic, runId):
    """The masks of a run lie where the scans have what they show."""
    masks = masksOf(logic, runId)
    assert sorted(masks) == ["left", "right"]
    for name, (node, found) in masks.items():
        assert maskPositions(found, node) == truePositions(name)


def test_masks_are_loaded_from_the_run_folder_again_and_stay_when_it_is_deleted(old):
    for node in old.logic.segmentationsOf(old.finished):
        slicer.mrmlScene.RemoveNode(node)
    old.logic.runs.load(old.finished)
    old.driver.wait(lambda: not old.logic.isRunning)
    requireMasks(old.logic, old.finished)
    nodes = old.logic.segmentationsOf(old.finished)
    deleteRun(old)
    assert not old.folder.exists()
    assert [record.runId for record in old.logic.state.runs()] == [old.cancelled]
    assert all(node.GetScene() is not None and node.GetSegmentation().GetNumberOfSegments() == 2 for node in nodes)


def deleteRun(old):
    """Choose the finished run in the box Storage, and delete it."""
    driver = old.driver
    driver.ui("generate", "storageSection").collapsed = False
    choices = driver.ui("generate", "runComboBox")
    driver.wait(lambda: choices.count == 2)
    texts = [choices.itemText(place) for place in range(2)]
    choices.currentIndex = next(place for place, text in enumerate(texts) if old.finished[:6] in text)
    driver.host.dialogs.answer(qt.QMessageBox.Ok)
    driver.ui("generate", "deleteRunButton").click()
    driver.wait(lambda: choices.count == 1)


def test_a_run_is_reviewed_and_its_threshold_changed(old):
    driver, panel = old.driver, old.driver.panel("review")
    ui = panel.ui
    assert ui.runSelector.count == 2
    left = old.logic.state.currentVolume = slicer.util.getNode("left")
    driver.wait(lambda: panel._subject.volumeNode is left and ui.thresholdSlider.enabled)
    assert [ui.classTable.item(row, 0).text() for row in range(ui.classTable.rowCount)] == list(LABELS)
    before = masksOf(old.logic, old.finished)["left"][1]
    ui.thresholdSlider.value = 90
    panel.threshold.finish()
    node, after = masksOf(old.logic, old.finished)["left"]
    assert 0 < after["ball"].sum() < before["ball"].sum()
    assert set(maskPositions(after, node)["ball"]) <= set(opened.true_positions("left", "ball"))
    assert (after["rod"] == before["rod"]).all()
    ui.resetButton.click()
    assert (masksOf(old.logic, old.finished)["left"][1]["ball"] == before["ball"]).all()


def corrected(old, name):
    """Erase part of the ball of a volume by a stroke on one slice, which a view shows; returns slice and pixels."""
    logic, driver = old.logic, old.driver
    node = logic.state.currentVolume = slicer.util.getNode(name)
    driver.wait(lambda: logic.corrections.teaching is not None and logic.corrections.teaching.volumeNode is node)
    driver.host.settle(0.3)
    teaching = logic.corrections.teaching
    planes = logic.corrections.watch.planes("ball")
    index = next(at for at in range(planes.count) if planes.plane(at).any())
    logic.views.makeCurrent(logic.state, node)
    assert logic.views.showSlice(node, "k", index, logic.state.sliceView or "Red")
    mask = np.zeros(slicer.util.arrayFromVolume(node).shape, bool)
    mask[index] = planes.plane(index)
    mask[index, : np.flatnonzero(planes.plane(index).any(axis=1))[2]] = False
    mask[index] ^= planes.plane(index)  # its upper rows
    assert mask.any()
    Editor(slicer, teaching.segmentationNode, node).stroke(teaching.segmentIds["ball"], mask, "Remove")
    driver.host.settle(0.3)
    return index, logic.corrections.watch.planes("ball").plane(index).copy()


@pytest.mark.parametrize("name", ["right", "left"])
def test_a_stroke_on_its_masks_becomes_a_label_and_teaches(old, name):
    logic = old.logic
    before = masksOf(logic, old.finished)[name][1]
    index, drawn = corrected(old, name)
    assert 0 < drawn.sum() < before["ball"][index].sum()
    (painted,) = [PAINTED.slices(logic.labels.ofCurrent(), "ball")]
    assert {at: one.state for at, one in painted.items()} == {index: "drawn"}
    assert np.array_equal(painted[index].pixels, drawn)
    assert logic.corrections.pending == 1
    teaching = logic.corrections.teaching
    digests = slice_digests.digestsFor(teaching.segment("ball"), teaching.volumeNode, "k")
    assert [at for at, one in enumerate(digests.seen) if one != digests.machine[at]] == [index]
    assert logic.updates.problem() == ""
    logic.updateMasks(60)
    after = masksOf(logic, old.finished)[name][1]
    assert np.array_equal(after["ball"][index], drawn)
    logic.updates.undo()
    old.driver.host.settle(0.2)
    assert np.array_equal(masksOf(logic, old.finished)[name][1]["rod"], before["rod"])


def test_an_update_without_the_run_folder_is_refused_with_the_way_out_and_loses_nothing(old):
    """As on another computer: scenes of 0.1 hold no model."""
    index, drawn = corrected(old, "right")
    shutil.rmtree(old.folder)
    old.driver.host.settle(0.2)
    assert "Generate" in old.logic.updates.problem()
    with pytest.raises(UserError):
        old.logic.updateMasks(60)
    assert np.array_equal(PAINTED.slices(old.logic.labels.ofCurrent(), "ball")[index].pixels, drawn)
    assert old.logic.corrections.pending == 1


def test_masks_and_report_are_exported(old, tmp_path):
    written = {path.name: path for path in old.logic.exportMasks(old.finished, tmp_path / "out")}
    report = written.pop("report.html").read_text(encoding="utf-8")
    assert all(label in report for label in LABELS)
    assert old.finished in report
    assert len(written) == 4
    for name in ("right", "left"):
        labels = opened.placed_labels(written[f"{name}_labels.nrrd"], name)
        assert min(opened.each_label(labels, opened.true_labels(name)).values()) > 0.85
        requireSegments(written[f"{name}_masks.seg.nrrd"], name)


@pytest.mark.parametrize("name", ["right", "left"])
def test_exports_are_loaded(scene, name):
    labels = opened.placed_labels(opened.SAMPLES / "exports" / f"{name}_labels.nrrd", name)
    assert min(opened.each_label(labels, opened.true_labels(name)).values()) > 0.85
    requireSegments(opened.SAMPLES / "exports" / f"{name}_masks.seg.nrrd", name)


def requireSegments(path, name):
    """A segmentation file lies, loaded by Slicer, where its scan has what it shows."""
    volume = slicer.util.loadVolume(str(opened.scan(name)))
    masks = segment_masks(slicer.util.loadSegmentation(str(path)), volume)
    assert maskPositions(masks, volume) == truePositions(name)


@pytest.fixture
def imported(driver):
    """imported(tag file): the scans loaded as a user does, and that file imported; name -> node."""
    driver.open(fake_worker())

    def imports(file, *answers):
        nodes = {name: slicer.util.loadVolume(str(opened.scan(name))) for name in ("right", "left")}
        for node in nodes.values():
            driver.logic.identifyNow(node)
            driver.logic.state.setInCohort(node, True)
        driver.choose(nodes["right"])
        driver.host.dialogs.answer(str(opened.SAMPLES / "tags" / file), *answers)
        driver.panel("tags").menu.actions["import"].trigger()
        driver.host.settle(0.1)
        return nodes

    return imports


@pytest.mark.parametrize("file", ["by_module.json", "by_module.csv"])
def test_tags_that_the_module_exported_are_imported(driver, imported, file):
    for name, node in imported(file).items():
        assert {label: taggedPositions(driver.logic, node, label) for label in LABELS} == truePositions(name)


@pytest.mark.parametrize("file", ["by_file.json", "by_file.csv"])
def test_tags_of_the_command_line_are_imported_on_the_slices_that_were_meant(driver, imported, file):
    nodes = imported(file)
    for name, node in nodes.items():
        assert taggedPositions(driver.logic, node, "ball") == opened.true_positions(name, "ball")


@pytest.mark.parametrize("file", ["by_file_without_hash.json", "by_file_without_hash.csv"])
def test_tags_without_hashes_are_asked_about(driver, imported, file):
    nodes = imported(file, "In the order of the file")
    for name, node in nodes.items():
        assert taggedPositions(driver.logic, node, "ball") == opened.true_positions(name, "ball")
    assert "left: as Slicer shows slices, 'ball' present 0-1" in driver.host.dialogs.shown[1].text
    assert "right:" not in driver.host.dialogs.shown[1].text


def test_tags_of_a_volume_that_slicer_turns_when_the_scene_is_loaded_stay_on_their_slices(driver, tmp_path):
    driver.open(fake_worker())
    loadScene(driver, tmp_path, "scripted.mrb")
    node = slicer.util.getNode("scripted")
    found = {label: taggedPositions(driver.logic, node, label) for label in LABELS}
    assert found == truePositions("scripted")


def test_settings_are_read(driver, tmp_path):
    text = (opened.SAMPLES / "settings.ini").read_text(encoding="utf-8").replace("/scans", tmp_path.as_posix())
    (tmp_path / "settings.ini").write_text(text, encoding="utf-8")
    kept, settings = qt.QSettings(str(tmp_path / "settings.ini"), qt.QSettings.IniFormat), slicer.app.userSettings()
    settings.clear()
    for key in kept.allKeys():
        settings.setValue(key, kept.value(key))

    assert folders.runsFolder() == tmp_path / "runs of Zoë"
    assert folders.cacheFolder() == tmp_path / "cache"
    # What 0.1 measured may be the times of a run on trial, which taught it too.
    assert not estimates.isMeasured("cpu")
    earlier = tmp_path / "earlier runs" / "run-0123456789ab"
    earlier.mkdir(parents=True)
    assert folderOf(RunRecord("0123456789ab", folder="run-0123456789ab")) == earlier
    driver.open(fake_worker())
    assert driver.ui("export", "folderEdit").currentPath == str(tmp_path / "exports")
