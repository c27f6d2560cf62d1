"""Files of unsaved labels stay until the labels are somewhere else: in the scene's file, or in a copy."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import slicer
from flows.crashes import kept

from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.frontend.base import folders


def _import_other_scene(folder):
    """Add a scene that has nothing of the module, as Add Data does."""
    other = slicer.vtkMRMLScene()
    other.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    other.SetURL(str(folder / "other.mrml"))
    assert other.Commit()
    slicer.mrmlScene.SetURL(str(folder / "other.mrml"))
    assert slicer.mrmlScene.Import()


def _write_text_in_memory(_folder):
    slicer.mrmlScene.SetSaveToXMLString(1)
    slicer.mrmlScene.Commit()
    slicer.mrmlScene.SetSaveToXMLString(0)


def _fail_to_save(folder):
    assert not slicer.util.saveScene(str(folder / "missing" / "scene.mrb"))


def _save(desk, path):
    # The scene gets labels a moment later where the computer is slow.
    desk.host.waitUntil(lambda: not desk.logic.labels.store._isDue)
    assert slicer.util.saveScene(str(path))


@pytest.mark.parametrize("happen", [_import_other_scene, _write_text_in_memory, _fail_to_save])
def test_what_only_looks_like_saving_removes_nothing(desk, tmp_path, happen):
    path = tmp_path / "scene.mrml"
    desk.start()
    desk.logic.session.toggle(desk.key, "Lesion", 11)
    # An import leaves the time alone as long as a volume is in no file.
    slicer.mrmlScene.RemoveNode(desk.node)
    _save(desk, path)
    desk.keep()
    desk.tag()
    desk.host.waitUntil(lambda: not desk.logic.labels.store._isDue)
    before = slicer.mrmlScene.GetStoredTime()
    happen(tmp_path)
    assert slicer.mrmlScene.GetStoredTime() > before
    for _ in range(2):
        desk.keep()
        assert len(kept()) == 1
        desk.host.settle(0.02)
    _save(desk, path)
    desk.keep()
    assert kept() == []


def test_an_import_takes_no_saving_for_its_own(desk, tmp_path):
    desk.start()
    desk.tag()
    # Modules load several nodes at once as an import, which leaves the time of the scene alone.
    slicer.mrmlScene.StartState(slicer.vtkMRMLScene.ImportState)
    slicer.mrmlScene.EndState(slicer.vtkMRMLScene.ImportState)
    desk.host.settle(0.02)
    _save(desk, tmp_path / "scene.mrml")
    desk.keep()
    assert kept() == []


@pytest.mark.parametrize("end", ["save", "close", "leave"])
def test_what_was_restored_and_taken_back_stays(desk, tmp_path, end):
    desk.start()
    desk.tag()
    desk.crash()
    left = kept()
    desk.start()
    desk.offer.restore()
    desk.logic.session.undo()
    if end == "save":
        _save(desk, tmp_path / "scene.mrb")
        desk.keep()
        assert kept() == left
        desk.logic.session.redo()
        _save(desk, tmp_path / "scene.mrb")
        desk.keep()
        assert kept() == []
    elif end == "close":
        desk.host.closeScene()
        assert kept() == left
    else:
        desk.logic.cleanup()
        assert kept() == left


def test_what_was_restored_and_changed_goes_once_it_is_saved(desk, tmp_path):
    desk.start()
    desk.tag()
    desk.crash()
    desk.start()
    desk.offer.restore()
    desk.tag(9, 10)
    _save(desk, tmp_path / "scene.mrb")
    desk.keep()
    assert kept() == []


@pytest.mark.parametrize("isEnd", [False, True])
def test_where_no_copy_can_be_kept_files_stay_and_are_offered(desk, isEnd):
    desk.start()
    desk.tag()
    desk.crash()
    desk.start()
    desk.offer.restore()
    desk.logic.session.toggle(desk.key, "Lesion", 9)
    shutil.rmtree(folders.runsFolder(), ignore_errors=True)
    folders.runsFolder().parent.mkdir(parents=True, exist_ok=True)
    folders.runsFolder().write_text("in the way", "utf-8")
    if isEnd:
        desk.logic.cleanup()
        desk.host.closeScene()
        desk.start()
    else:
        desk.host.closeScene()
        desk.load()
    assert len(kept()) == 2
    labels = desk.offer.found.labels
    assert np.flatnonzero(labels.state("Lesion") == PRESENT).tolist() == [2, 3, 4, 5, 9]
    desk.offer.later()
