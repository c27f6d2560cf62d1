"""Scenes that come and go: closed during a run, module reloaded, saved and loaded, another one imported."""

from __future__ import annotations

import os
import stat
import sys

import numpy as np
import pytest
import slicer
from flows.driver import fake_worker, is_alive

from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.labels.session_store import keptCopies
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.results.segment_history import SegmentsAdded


def test_scene_closed_during_a_run(driver):
    volume, first, last = driver.phantom()
    driver.open(fake_worker("--seconds", "60"))
    driver.tag(volume, first, last)
    run_id = driver.generate()
    driver.wait(lambda: driver.logic.job.info.stage == "embed")
    worker = driver.logic.job._process._process.processId()
    assert is_alive(worker)

    driver.host.closeScene()

    assert not is_alive(worker)
    assert not driver.logic.isRunning
    assert driver.logic.state.runs() == []
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    # The run folder stays, to be listed and deleted; and no tag is lost.
    assert [run.folder.name for run in folders.runsOnDisk(folders.runsFolder())] == [f"run-{run_id}"]
    (copy,) = keptCopies(folders.runsFolder())
    kept = read_label_file(copy)
    assert kept.volumes[0].counts("Lesion").present == last - first + 1
    # The module works with the next scene.
    volume, first, last = driver.phantom("Next", 2)
    driver.tag(volume, first, last)
    assert driver.ui("generate", "generateButton").enabled


def test_results_never_go_into_another_scene(driver):
    volume, first, last = driver.phantom()
    driver.open(fake_worker("--seconds", "0.2"))
    driver.tag(volume, first, last)
    driver.generate()
    driver.wait(lambda: driver.logic.runs._loading is not None or not driver.logic.isRunning)
    driver.host.closeScene()
    driver.host.settle(0.5)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_module_reloaded_during_a_run(driver):
    volume, first, last = driver.phantom()
    widget = driver.open(fake_worker("--seconds", "60"))
    driver.tag(volume, first, last)
    run_id = driver.generate()
    driver.wait(lambda: driver.logic.job.info.stage == "embed")
    worker = driver.logic.job._process._process.processId()
    assert is_alive(worker)
    before = sys.modules["WeakMedSAMLib.frontend.logic"]
    modules = {name: module for name, module in sys.modules.items() if name.startswith("WeakMedSAMLib")}
    try:
        widget.onReload()
        driver.host.settle(0.1)

        assert not is_alive(worker)
        assert driver.widget is not widget
        # Nobody has left the module, so that Slicer does not say that it is entered.
        driver.go_to(0)
        driver.press("P")
        assert driver.logic.session.tag(driver.logic.currentKey(), "Lesion", 0) == PRESENT
        driver.press("Z")
        assert sys.modules["WeakMedSAMLib.frontend.logic"] is not before
        key = driver.logic.identifyNow(volume)
        assert driver.logic.session.volume(key).counts("Lesion").present == last - first + 1
        assert driver.logic.state.run(run_id).status == "cancelled"
        assert "interrupted" in driver.logic.state.run(run_id).message
    finally:
        driver.close()
        # Other tests have imported the files as they were.
        sys.modules.update(modules)


def test_end_of_slicer_stops_the_worker(driver):
    volume, first, last = driver.phantom()
    driver.open(fake_worker("--seconds", "60"))
    driver.tag(volume, first, last)
    driver.generate()
    driver.wait(lambda: driver.logic.job.info.stage == "embed")
    worker = driver.logic.job._process._process.processId()
    assert is_alive(worker)
    driver.close()
    assert not is_alive(worker)
    # Slicer does not close the scene at its end; the tags are kept even so, and once.
    (copy,) = keptCopies(folders.runsFolder())
    assert read_label_file(copy).volumes[0].counts("Lesion").present == last - first + 1


def test_at_its_end_the_module_holds_nothing_of_the_scene(driver):
    volume, first, last = driver.phantom()
    driver.open(fake_worker("--seconds", "0.2"))
    driver.tag(volume, first, last)
    driver.generate()
    record = driver.wait_for_end()
    node = slicer.mrmlScene.GetNodeByID(record.segmentations["000"])
    review, export = driver.panel("review"), driver.panel("export")
    driver.wait(lambda: review._subject is not None and export._choices)
    history = driver.logic.history
    history.add(SegmentsAdded(node, {}))
    driver.close()
    assert history.last(node) is None
    assert (review._subject, review.masks._subject, export._choices) == (None, None, [])


def test_a_script_that_ends_holds_nothing_of_the_scene(driver):
    driver.open(fake_worker())
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    logic = WeakMedSAMLogic()
    logic.history.add(SegmentsAdded(node, {}))
    driver.logic.history.add(SegmentsAdded(node, {}))
    logic.cleanup()
    assert logic.history.last(node) is None
    # What the panel can take back stays.
    assert driver.logic.history.last(node) is not None


def test_the_first_volume_of_the_next_scene_is_another_one(driver):
    volume, _first, _last = driver.phantom()
    driver.open(fake_worker())
    driver.choose(volume)
    before = volume.GetID()
    driver.host.closeScene()
    volume, _first, _last = driver.phantom("Next", 2, show=False)
    assert volume.GetID() == before, "or this test shows nothing"
    heard = []
    driver.logic.volumeChanged.connect(lambda: heard.append(driver.logic.state.currentVolume))
    driver.logic.state.currentVolume = volume
    assert heard == [volume]


def test_the_last_few_copies_of_tags_are_kept(driver):
    volume, first, last = driver.phantom()
    driver.open(fake_worker())
    driver.tag(volume, first, last)
    folder = folders.runsFolder()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "of somebody else.txt").write_text("", encoding="utf-8")
    folder.chmod(0o755)
    for index in range(7):
        key = driver.logic.currentKey()
        driver.logic.session.toggle(key, "Lesion", index)
        latest = driver.logic.labels.store.keepCopy(folder)
    assert driver.logic.labels.store.keepCopy(folder) != latest
    assert not latest.exists(), "the same tags were kept twice"
    copies = keptCopies(folder)
    assert len(copies) == 5
    assert (
        read_label_file(copies[0]).volumes[0].state("Lesion")[6]
        != read_label_file(copies[1]).volumes[0].state("Lesion")[6]
    )
    assert {path.parent for path in copies} == {folder / "tags-of-closed-scenes"}
    if os.name != "nt":
        assert stat.S_IMODE(copies[0].parent.stat().st_mode) == 0o700, "they hold names of volumes"


def test_saved_scene_goes_on(driver, tmp_path):
    volume, first, last = driver.phantom("Müller")
    driver.open(fake_worker("--seconds", "0.3"))
    driver.tag(volume, first, last)
    run_id = driver.generate()
    driver.wait_for_end()
    (mask,) = driver.segments(run_id).values()
    path = tmp_path / "sceñe one.mrb"

    assert slicer.util.saveScene(str(path))
    driver.host.closeScene()
    assert driver.logic.state.runs() == []
    slicer.util.loadScene(str(path))
    driver.host.settle(0.2)

    logic = driver.logic
    assert logic.state.currentVolume.GetName() == "Müller"
    driver.wait(lambda: logic.currentKey() is not None)
    counts = logic.session.volume(logic.currentKey()).counts("Lesion")
    assert (counts.present, counts.untagged) == (last - first + 1, 0)
    assert [record.status for record in logic.state.runs()] == ["finished"]
    np.testing.assert_array_equal(*driver.segments(run_id).values(), mask)
    # And on: one more slice is tagged, and a second run stays apart from the first.
    driver.go_to(last + 1)
    driver.press("P")
    second = driver.generate()
    assert driver.wait_for_end().status == "finished"
    assert [record.runId for record in logic.state.runs()] == [run_id, second]
    assert logic.segmentationsOf(run_id) != logic.segmentationsOf(second)


def test_scene_loaded_into_another_keeps_the_tags_of_both(driver, tmp_path):
    volume, first, last = driver.phantom("One", 1)
    driver.open(fake_worker())
    driver.tag(volume, first, last)
    path = tmp_path / "one.mrb"
    assert slicer.util.saveScene(str(path))
    driver.host.closeScene()
    two, first2, last2 = driver.phantom("Two", 2)
    driver.tag(two, first2, last2)

    slicer.util.loadNodesFromFile(str(path), "SceneFile")
    driver.host.settle(0.2)

    session = driver.logic.session
    found = {entry.name: entry.counts("Lesion").present for entry in session.cohort.volumes}
    assert found == {"One": last - first + 1, "Two": last2 - first2 + 1}
    assert {node.GetName() for node in driver.logic.state.cohort()} == {"One", "Two"}


def test_same_scan_under_another_name_is_known_again(driver):
    volume, first, last = driver.phantom()
    driver.open(fake_worker())
    driver.tag(volume, first, last)
    copy = slicer.util.addVolumeFromArray(slicer.util.arrayFromVolume(volume).astype(float), name="Other file")
    slicer.mrmlScene.RemoveNode(volume)
    driver.choose(copy)
    assert driver.logic.session.volume(driver.logic.currentKey()).counts("Lesion").present == last - first + 1


def test_tags_of_a_broken_scene_do_not_stop_the_module(driver):
    driver.open(fake_worker())
    driver.logic.state.tagsJson = "{not json"
    assert "cannot be read" in driver.host.dialogs.texts[0]
    driver.close()
    driver.open(fake_worker())
    assert "cannot be read" in driver.host.dialogs.texts[1]
    assert driver.logic.session.classes.names == ["Lesion"]
    # What cannot be read stays in the scene until something else is to be kept.
    assert driver.logic.state.tagsJson == "{not json"


def test_tags_that_cannot_be_read_outlive_the_next_change(driver):
    text = '{"format": "of a later version"}'
    driver.open(fake_worker())
    driver.logic.state.tagsJson = text
    assert driver.host.dialogs.texts
    volume, first, last = driver.phantom()
    driver.tag(volume, first, last)
    state = driver.logic.state
    assert state.tagsJson != text
    assert state.unreadableTags == [text]
    assert driver.logic.session.volume(driver.logic.currentKey()).counts("Lesion").present == last - first + 1


@pytest.mark.parametrize("text", ["{not json", '{"format": "of a later version"}'])
def test_an_imported_scene_with_unreadable_tags_takes_none_away(driver, tmp_path, text):
    driver.open(fake_worker())
    driver.logic.state.tagsJson = text
    driver.logic.state.node.SetParameter("tags", text)
    path = tmp_path / "other.mrb"
    assert slicer.util.saveScene(str(path))
    driver.host.closeScene()
    volume, first, last = driver.phantom()
    driver.tag(volume, first, last)
    shown = len(driver.host.dialogs.texts)

    slicer.util.loadNodesFromFile(str(path), "SceneFile")
    driver.host.settle(0.2)

    assert len(driver.host.dialogs.texts) == shown + 1
    session, state = driver.logic.session, driver.logic.state
    present = session.volume(driver.logic.currentKey()).counts("Lesion").present
    assert present == last - first + 1
    assert state.tagsJson == session.toJson()
    assert state.unreadableTags == [text]
