"""Generate, correct, Update: the masks of the other slices become better, and what was drawn stays."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import slicer
from flows.driver import fake_worker

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.frontend.base.folders import runsFolder, setRunsFolder
from WeakMedSAMLib.frontend.results.run_results import readRecord
from WeakMedSAMLib.frontend.running import run_writer
from WeakMedSAMLib.frontend.scene.run_models import keepModel, modelText, removeModel
from WeakMedSAMLib.frontend.scene.run_records import folderOf, updateFolderOf

ROOT = Path(__file__).parents[4]


@pytest.fixture
def generated(driver):
    driver.open(worker=fake_worker("--seconds", "0.3"))
    return driver.review_phantom()


def plane(driver, index):
    planes = driver.logic.corrections.watch.planes("Lesion")
    return planes.plane(index).copy()


def square(driver):
    drawn = np.zeros_like(plane(driver, driver.first))
    drawn[2:9, 3:8] = True
    return drawn


def correct(driver, index):
    drawn = square(driver)
    driver.logic.corrections.draw("Lesion", index, drawn)
    driver.host.settle(0.2)
    return drawn


def wait_for_update(driver):
    driver.wait(lambda: not driver.logic.updates.isUnderWay)
    driver.host.settle(0.2)


def test_update_draws_the_other_slices_anew_and_keeps_what_was_drawn(generated):
    driver, middle = generated, (generated.first + generated.last) // 2
    drawn, before = correct(driver, middle), plane(driver, middle + 1)
    button = driver.ui("review", "updateButton")
    assert (button.text, button.enabled) == ("Update (1)", True), button.toolTip
    driver.click("review", "updateButton")
    assert driver.logic.updates.isUnderWay
    assert not driver.ui("review", "updateButton").visible
    wait_for_update(driver)
    assert np.array_equal(plane(driver, middle), drawn)
    after = plane(driver, middle + 1)
    assert after.sum() > before.sum()
    assert button.text == "Update"
    assert "Nothing was corrected" in button.toolTip
    assert "drawn anew" in driver.ui("review", "updateLabel").text
    # The scene knows one run, whose results of this volume are those of the update.
    (record,) = driver.logic.state.runs()
    result = readRecord(record).volumes["000"]
    assert result.folder.is_relative_to(updateFolderOf(record, "000"))
    assert load_run(updateFolderOf(record, "000")).settings.update


def test_undo_takes_the_update_back_and_its_results_with_it(generated):
    driver, middle = generated, (generated.first + generated.last) // 2
    drawn, before = correct(driver, middle), plane(driver, middle + 1)
    driver.logic.updateMasks(60)
    after = plane(driver, middle + 1)
    assert not driver.logic.updates.undoProblem()
    driver.logic.updates.undo()
    driver.host.settle(0.2)
    assert np.array_equal(plane(driver, middle), drawn)
    assert np.array_equal(plane(driver, middle + 1), before)
    (record,) = driver.logic.state.runs()
    assert record.updates == {}
    assert readRecord(record).volumes["000"].folder.is_relative_to(folderOf(record))
    assert driver.logic.updates.undoProblem()
    driver.logic.history.redo(driver.logic.corrections.teaching.segmentationNode)
    driver.host.settle(0.2)
    assert np.array_equal(plane(driver, middle + 1), after)
    assert driver.logic.state.runs()[0].updates


def test_what_is_edited_while_it_runs_stays(driver):
    driver.open(worker=fake_worker("--seconds", "2"))
    driver.review_phantom()
    middle = (driver.first + driver.last) // 2
    correct(driver, middle)
    driver.click("review", "updateButton")
    driver.host.settle(0.3)
    later = correct(driver, middle + 1)
    wait_for_update(driver)
    assert np.array_equal(plane(driver, middle + 1), later)
    # The edit is one that no update has seen.
    assert driver.logic.corrections.pending == 1


def test_cancel_writes_nothing(driver):
    driver.open(worker=fake_worker("--seconds", "30", "--stage", "update"))
    driver.review_phantom()
    middle = (driver.first + driver.last) // 2
    correct(driver, middle)
    before = plane(driver, middle + 1)
    driver.click("review", "updateButton")
    driver.host.settle(1.0)
    driver.click("review", "cancelUpdateButton")
    wait_for_update(driver)
    assert np.array_equal(plane(driver, middle + 1), before)
    assert driver.logic.corrections.pending == 1
    assert "Your corrections are kept" in driver.ui("review", "updateLabel").text
    assert driver.ui("review", "updateButton").enabled
    driver.wait(lambda: not updates_of(driver))


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of Linux and macOS")
def test_a_worker_that_is_killed_loses_nothing(driver):
    driver.open(worker=fake_worker("--seconds", "30", "--stage", "update"))
    driver.review_phantom()
    middle = (driver.first + driver.last) // 2
    drawn, before = correct(driver, middle), plane(driver, middle + 1)
    driver.click("review", "updateButton")
    os.kill(worker_of(driver), signal.SIGKILL)
    wait_for_update(driver)
    assert "SIGKILL" in driver.ui("review", "updateLabel").text
    assert np.array_equal(plane(driver, middle), drawn)
    assert np.array_equal(plane(driver, middle + 1), before)
    assert driver.logic.corrections.pending == 1
    driver.wait(lambda: not updates_of(driver))


def test_a_full_disk_loses_nothing(generated, monkeypatch):
    driver, middle = generated, (generated.first + generated.last) // 2
    drawn = correct(driver, middle)

    def refuse(*_arguments):
        raise UserError("cannot_write", "Cannot write run.json: No space left on device.", "Free some space.")

    monkeypatch.setattr(run_writer, "save_run", refuse)
    with pytest.raises(UserError, match="No space left"):
        driver.logic.updateMasks(60)
    assert "Your corrections are kept" in driver.ui("review", "updateLabel").text
    assert np.array_equal(plane(driver, middle), drawn)
    assert driver.logic.corrections.pending == 1
    driver.wait(lambda: not updates_of(driver))
    monkeypatch.undo()
    driver.logic.updateMasks(60)
    assert driver.logic.corrections.pending == 0


def test_the_end_of_slicer_ends_it(driver):
    driver.open(worker=fake_worker("--seconds", "30", "--stage", "update"))
    driver.review_phantom()
    correct(driver, driver.first)
    driver.click("review", "updateButton")
    number, folder = worker_of(driver), folderOf(driver.run) / "updates"
    driver.close()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    driver.wait(lambda: not folder.is_dir() or not [*folder.iterdir()])


def worker_of(driver):
    """Return the number of the process of the update, once it is at work."""
    job = driver.logic.updates._job
    driver.wait(lambda: job.info.stage == "update")
    return job._process._process.processId()


def updates_of(driver):
    folder = folderOf(driver.run) / "updates"
    return [each.name for each in folder.iterdir()] if folder.is_dir() else []


def test_what_ends_while_another_volume_is_current_is_written_once_its_own_is(driver):
    driver.open(worker=fake_worker("--seconds", "1"))
    driver.review_phantom()
    middle = (driver.first + driver.last) // 2
    drawn, before = correct(driver, middle), plane(driver, middle + 1)
    driver.click("review", "updateButton")
    other, _first, _last = driver.phantom("Other", seed=2)
    driver.choose(other)
    wait_for_update(driver)
    assert "come when that volume" in driver.ui("review", "updateLabel").text
    driver.choose(driver.volume)
    driver.wait(lambda: not driver.logic.updates.waiting)
    wait_for_update(driver)
    assert np.array_equal(plane(driver, middle), drawn)
    assert plane(driver, middle + 1).sum() > before.sum()
    assert driver.logic.corrections.pending == 0


def test_other_classes_than_those_of_the_model_are_refused_at_once(generated):
    driver = generated
    correct(driver, driver.first)
    driver.logic.session.setClasses(ClassTable.from_names(["Lesion", "Other"]))
    driver.host.settle(0.2)
    with pytest.raises(UserError, match="classes changed"):
        driver.logic.updateMasks(60)
    assert driver.logic.updates.cost() == ""


def test_a_class_that_was_renamed_since_is_the_same_class(generated):
    driver, middle = generated, (generated.first + generated.last) // 2
    drawn, before = correct(driver, middle), plane(driver, middle + 1)
    driver.logic.session.renameClass("Lesion", "Läsion")
    driver.host.settle(0.2)
    driver.logic.updateMasks(60)
    planes = driver.logic.corrections.watch.planes("Läsion")
    assert np.array_equal(planes.plane(middle), drawn)
    assert planes.plane(middle + 1).sum() > before.sum()
    assert driver.logic.corrections.pending == 0
    (record,) = driver.logic.state.runs()
    model = Path(load_run(updateFolderOf(record, "000")).settings.model)
    assert [entry["name"] for entry in read_json(model / "model.json")["classes"]] == ["Läsion"]
    assert (model / "model.safetensors").is_file()
    assert [entry["name"] for entry in read_json(folderOf(record) / "model" / "model.json")["classes"]] == ["Lesion"]


def test_a_scene_that_is_closed_ends_it(driver):
    driver.open(worker=fake_worker("--seconds", "30", "--stage", "update"))
    driver.review_phantom()
    correct(driver, driver.first)
    driver.click("review", "updateButton")
    driver.host.settle(0.5)
    driver.host.closeScene()
    assert not driver.logic.updates.isUnderWay
    assert not driver.ui("review", "updateBar").visible
    driver.wait(lambda: not updates_of(driver))


def test_without_the_run_folder_the_model_in_the_scene_is_taken(generated):
    driver, middle = generated, (generated.first + generated.last) // 2
    drawn, before = correct(driver, middle), plane(driver, middle + 1)
    shutil.rmtree(folderOf(driver.run))
    driver.panel("review").refresh()
    assert driver.ui("review", "updateButton").enabled, driver.ui("review", "updateButton").toolTip
    driver.logic.updateMasks(60)
    assert np.array_equal(plane(driver, middle), drawn)
    assert plane(driver, middle + 1).sum() > before.sum()
    (record,) = driver.logic.state.runs()
    assert load_run(folderOf(record)).run_id == record.runId
    assert readRecord(record).volumes["000"].folder.is_relative_to(updateFolderOf(record, "000"))
    # Of what was generated nothing is left; the voxels of a slice that is given back stay.
    driver.logic.corrections.giveBack(middle, middle)
    driver.host.settle(0.3)
    assert driver.logic.corrections.stateOf("Lesion", middle) == "machine"


def test_on_another_computer_it_goes_on_from_the_saved_scene(generated, tmp_path):
    driver, middle = generated, (generated.first + generated.last) // 2
    drawn, before = correct(driver, middle), plane(driver, middle + 1)
    path, elsewhere = tmp_path / "one.mrb", tmp_path / "runs elsewhere"
    assert slicer.util.saveScene(str(path))
    driver.host.closeScene()
    shutil.rmtree(runsFolder())
    setRunsFolder(elsewhere)
    slicer.util.loadScene(str(path))
    driver.wait(lambda: driver.logic.currentKey() is not None)
    driver.host.settle(0.3)
    assert driver.logic.corrections.pending == 1
    driver.click("review", "updateButton")
    assert driver.logic.updates.isUnderWay, driver.ui("review", "updateLabel").text
    assert "encoded first" in driver.ui("review", "updateLabel").text
    wait_for_update(driver)
    assert driver.logic.updates.error is None
    assert np.array_equal(plane(driver, middle), drawn)
    assert plane(driver, middle + 1).sum() > before.sum()
    assert folderOf(driver.logic.state.runs()[0]).parent == elsewhere


@pytest.mark.parametrize("text", ["{", "[]", '{"../model.json": "AA=="}', '{"model.json": "*"}', '{"model.json": 3}'])
def test_a_model_in_the_scene_that_cannot_be_read_is_said(generated, text):
    driver = generated
    correct(driver, driver.first)
    keepModel(driver.logic.state, driver.run.runId, text)
    shutil.rmtree(folderOf(driver.run))
    with pytest.raises(UserError, match="model of the run cannot be read"):
        driver.logic.updateMasks(60)
    assert not folderOf(driver.run).exists()
    assert driver.logic.corrections.pending == 1


def test_the_model_goes_with_its_run(generated):
    driver = generated
    assert modelText(driver.logic.state, driver.run.runId)
    driver.logic.runs.forget(driver.run.runId)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTextNode") == 0


def test_without_run_folder_and_model_it_says_so(generated):
    driver = generated
    correct(driver, driver.first)
    removeModel(driver.logic.state, driver.run.runId)
    shutil.rmtree(folderOf(driver.run))
    with pytest.raises(UserError, match="is gone"):
        driver.logic.updateMasks(60)
    driver.panel("review").refresh()
    driver.host.settle(0.2)
    assert "Generate again" in driver.ui("review", "updateButton").toolTip


def test_an_update_whose_folder_is_gone_leaves_what_was_generated(generated):
    driver = generated
    correct(driver, driver.first)
    driver.logic.updateMasks(60)
    (record,) = driver.logic.state.runs()
    shutil.rmtree(updateFolderOf(record, "000"))
    assert readRecord(record).volumes["000"].folder.is_relative_to(folderOf(record))


def test_example_of_corrections(generated, tmp_path, capsys):
    driver, path = generated, ROOT / "Testing" / "flows" / "correcting_example.py"
    code = path.read_text(encoding="utf-8")
    wrong = [driver.first, driver.first + 1, driver.last]
    truth = np.zeros(slicer.util.arrayFromVolume(driver.volume).shape, np.uint8)
    truth[wrong] = square(driver)
    np.save(tmp_path / "truth.npy", truth)
    found = {"slicer": slicer, "logic": driver.logic, "runId": driver.run.runId, "folder": tmp_path, "wrong": wrong}

    exec(compile(code.replace("Tumour", "Lesion"), str(path), "exec"), found)

    assert capsys.readouterr().out.split() == ["3"]
    assert all(np.array_equal(plane(driver, index), square(driver)) for index in wrong)
    assert driver.logic.corrections.pending == 0
    labels = next(path for path in found["written"] if path.name.endswith("_labels.nrrd"))
    exported = slicer.util.arrayFromVolume(slicer.util.loadVolume(str(labels)))
    assert np.array_equal(exported[wrong] > 0, truth[wrong] > 0)
    document = (ROOT / "docs" / "scripting.md").read_text(encoding="utf-8")
    assert all(line in document for line in code.splitlines() if line and not line.startswith(('"""', "#")))


def test_models_of_both_scenes_are_there_when_one_is_added_to_the_other(generated, tmp_path):
    driver, path = generated, tmp_path / "one.mrb"
    first = driver.run.runId
    assert slicer.util.saveScene(str(path))
    driver.host.closeScene()
    driver.volume, driver.first, driver.last = driver.phantom("Other", seed=2)
    driver.choose(driver.volume)
    driver.tag(driver.volume, driver.first, driver.last)
    driver.generate()
    second = driver.wait_for_end().runId
    driver.host.settle(0.3)
    slicer.util.loadNodesFromFile(str(path), "SceneFile")
    driver.host.settle(0.3)
    state = driver.logic.state
    assert {record.runId for record in state.runs()} == {first, second}
    assert all(modelText(state, run) for run in (first, second))
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTextNode") == 2
