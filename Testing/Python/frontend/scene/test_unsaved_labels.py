"""Labels after a crash of Slicer: kept in private files, offered when their volume comes, never taken by themselves."""

from __future__ import annotations

import os
import stat
import time

import numpy as np
import pytest
import slicer
from flows.crashes import SHAPE, kept, paint, voxels

from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.labels.recovery.offer_box import offerInWords
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic

WORDS = "Slicer ended before these labels of the volume were saved"


def test_labels_of_a_crash_are_offered_and_restored_as_one_step(desk):
    desk.start()
    desk.tag()
    desk.logic.addBox(desk.node, "Lesion", (2, 3, 4), (9, 8, 4))
    desk.logic.addPoint(desk.node, "Lesion", (4, 5, 4))
    pixels = paint(desk)
    before = desk.labels
    desk.keep()
    desk.crash()

    desk.start("another name")
    assert not desk.labels.is_said(), "nothing is taken by itself"
    assert desk.offer.found.labels.states["Lesion"].tolist() == before.states["Lesion"].tolist()
    words = offerInWords(desk.offer.found, desk.labels)
    assert words.startswith(WORDS)
    assert "slices tagged: 12, boxes: 1, points: 1, slices corrected: 1." in words
    steps = desk.logic.session.undoSerial
    desk.offer.restore()
    assert desk.offer.found is None
    assert desk.labels.name == "another name"
    assert desk.labels.further == before.further
    assert PAINTED.slices(desk.labels, "Lesion")[4].pixels.tolist() == pixels.tolist()
    assert desk.labels.by_rest["Lesion"].tolist() == before.by_rest["Lesion"].tolist()
    desk.logic.session.undo()
    assert not desk.labels.is_said()
    assert desk.logic.session.undoSerial == steps
    desk.logic.session.redo()
    assert desk.labels.further == before.further


def test_classes_come_along(desk):
    desk.start()
    desk.logic.setClasses(["liver", "cyst"])
    desk.logic.session.changeClass("cyst", labelValue=9)
    desk.tag(name="cyst")
    desk.crash()
    desk.start()
    desk.offer.restore()
    assert [(each.name, each.label_value) for each in desk.logic.session.classes] == [("liver", 1), ("cyst", 9)]
    desk.logic.session.undo()
    assert desk.logic.session.classes.names == ["Lesion"]


def test_a_class_whose_label_value_is_taken_is_said(desk):
    desk.start()
    desk.logic.setClasses(["liver"])
    desk.tag(name="liver")
    desk.crash()
    desk.start()
    desk.logic.setClasses(["spleen", "cyst"])
    (message,) = desk.offer.restore()
    assert "'liver' is in use already: it became 3" in message
    assert desk.labels.class_names() == ["liver"]


def test_labels_that_are_there_are_replaced_only_after_it_was_said(desk):
    desk.start()
    desk.tag(2, 5)
    desk.crash()
    desk.start()
    later = desk.logic.session
    later.tagRange(desk.key, "Lesion", 8, 9, False)
    later.setTag(desk.key, "Lesion", 0, ABSENT)
    mine = desk.labels
    words = offerInWords(desk.offer.found, desk.labels)
    assert "The volume has labels: slices tagged: 3. 'Restore' puts the others in their place" in words
    desk.offer.restore()
    assert np.flatnonzero(desk.labels.state("Lesion") == PRESENT).tolist() == [2, 3, 4, 5]
    later.undo()
    assert desk.labels == mine


def test_the_same_labels_in_the_scene_are_offered_to_nobody(desk, tmp_path):
    desk.start()
    desk.tag()
    path = tmp_path / "scene.mrb"
    desk.host.waitUntil(lambda: not desk.logic.labels.store._isDue)
    assert slicer.util.saveScene(str(path))
    # Slicer dies before it is seen that the scene was saved.
    desk.crash()
    assert len(kept()) == 1
    desk.logic = WeakMedSAMLogic()
    slicer.util.loadScene(str(path))
    desk.host.waitUntil(desk.logic.currentKey)
    desk.settle()
    assert desk.offer.found is None
    assert kept() == []
    # Of a scene that was loaded and not changed nothing is kept.
    desk.keep()
    assert kept() == []


@pytest.mark.parametrize("suffix", ["mrml", "mrb"])
def test_a_saved_scene_leaves_nothing(desk, tmp_path, suffix):
    desk.start()
    desk.tag()
    assert len(kept()) == 1
    folder = tmp_path / "scene"
    folder.mkdir()
    # The scene gets labels a moment later where the computer is slow.
    desk.host.waitUntil(lambda: not desk.logic.labels.store._isDue)
    assert slicer.util.saveScene(str(folder / f"scene.{suffix}"))
    desk.keep()
    assert kept() == []
    assert list(folders.unsavedLabelsFolder().iterdir()) == []
    # What is labelled from then on is kept again, and not once it is as in the scene.
    desk.tag(7, 8)
    assert len(kept()) == 1
    desk.logic.session.undo()
    desk.keep()
    assert kept() == []


def test_a_change_while_the_scene_is_saved_is_not_taken_for_saved(desk, tmp_path):
    desk.start()
    desk.tag()
    store = desk.logic.labels.store
    # As with many volumes: the scene gets the labels a moment later.
    store._lastSeconds = 1.0
    desk.logic.session.toggle(desk.key, "Lesion", 9)
    assert store._isDue
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    assert not store.isSaved()
    desk.host.waitUntil(lambda: not store._isDue)
    assert not store.isSaved()
    desk.keep()
    (path,) = kept()
    assert read_label_file(path).volumes[0].state("Lesion")[9] == PRESENT


def test_an_orderly_end_leaves_nothing(desk, host):
    for end in (lambda: desk.logic.cleanup(), host.closeScene, lambda: desk.logic.labels.unsaved.files.end()):
        desk.start()
        desk.tag()
        assert len(kept()) == 1
        end()
        host.settle(0.05)
        assert kept() == []
        assert list(folders.unsavedLabelsFolder().iterdir()) == []
        desk.logic.cleanup()
        host.closeScene()
    # A write that is under way as the scene closes does not come after.
    desk.start()
    desk.logic.session.tagRange(desk.key, "Lesion", 1, 2)
    desk.logic.labels.unsaved.look()
    host.closeScene()
    host.settle(0.2)
    assert kept() == []


def test_the_module_may_be_loaded_anew(desk):
    desk.start()
    desk.tag()
    desk.logic.cleanup()
    assert kept() == []
    # The scene has the labels, and nobody has saved it.
    desk.logic = WeakMedSAMLogic()
    desk.host.waitUntil(desk.logic.currentKey)
    desk.keep()
    assert len(kept()) == 1


def test_labels_that_were_all_taken_back_leave_nothing(desk):
    desk.start()
    desk.tag()
    desk.logic.session.clearTags(desk.key, "Lesion")
    desk.keep()
    assert kept() == []


def test_it_is_written_by_itself_soon(desk):
    desk.start()
    begun = time.monotonic()
    for index in range(5):
        desk.logic.session.toggle(desk.key, "Lesion", index)
    desk.host.waitUntil(kept, 6)
    assert time.monotonic() - begun < 5
    (path,) = kept()
    assert read_label_file(path).volumes[0].counts("Lesion").present == 5


def test_files_are_private_and_name_no_volume(desk):
    desk.start("Mustermann PID4711")
    desk.tag()
    paint(desk)
    desk.keep()
    (path,) = kept()
    assert path.stem == desk.key
    found = b"".join(each.read_bytes() for each in folders.unsavedLabelsFolder().rglob("*") if each.is_file())
    assert b"Mustermann" not in found + str(path.relative_to(folders.unsavedLabelsFolder())).encode()
    assert b"PID4711" not in found
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert {stat.S_IMODE(each.stat().st_mode) for each in path.parents[:2]} == {0o700}


def test_later_and_discard(desk):
    desk.start()
    desk.tag(2, 5)
    desk.crash()
    desk.start()
    desk.tag(7, 8)
    desk.crash()
    desk.start()
    # The latest first.
    assert np.flatnonzero(desk.offer.found.labels.state("Lesion") == PRESENT).tolist() == [7, 8]
    desk.offer.later()
    assert desk.offer.found is None
    desk.host.slicer.mrmlScene.RemoveNode(desk.node)
    desk.load()
    assert desk.offer.found is None, "it is asked once"
    assert len(kept()) == 2
    desk.logic.cleanup()
    desk.host.closeScene()

    desk.start()
    desk.offer.discard()
    desk.settle()
    assert np.flatnonzero(desk.offer.found.labels.state("Lesion") == PRESENT).tolist() == [2, 3, 4, 5]
    desk.offer.discard()
    desk.settle()
    assert desk.offer.found is None
    assert list(folders.unsavedLabelsFolder().iterdir()) == []


def test_what_was_restored_goes_once_it_is_saved(desk, tmp_path):
    desk.start()
    desk.tag()
    desk.crash()
    desk.start()
    desk.offer.restore()
    desk.keep()
    assert len(kept()) == 2, "a crash before it is saved loses nothing"
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    desk.keep()
    assert kept() == []
    assert list(folders.unsavedLabelsFolder().iterdir()) == []


def test_another_volume_gets_no_offer(desk):
    desk.start()
    desk.tag()
    desk.crash()
    desk.start(array=voxels() + 1)
    assert desk.offer.found is None
    desk.load()
    assert desk.offer.found is not None
    desk.logic.state.currentVolume = None
    assert desk.offer.found is None
    assert len(kept()) == 1


def test_a_left_handed_volume_is_known_however_it_is_turned(desk):
    flip = np.diag([1.0, 1.0, -1.0, 1.0])
    desk.start(geometry=flip)
    desk.tag(1, 3)
    pixels = paint(desk, 2)
    desk.keep()
    desk.crash()
    # As Slicer loads a file of it.
    desk.start(array=np.ascontiguousarray(voxels()[::-1]))
    assert desk.offer.found is not None
    desk.offer.restore()
    last = SHAPE[0] - 1
    assert np.flatnonzero(desk.labels.state("Lesion") == PRESENT).tolist() == [last - 3, last - 2, last - 1]
    assert PAINTED.slices(desk.labels, "Lesion")[last - 2].pixels.tolist() == pixels.tolist()
    desk.keep()
    desk.crash()
    # And as it was.
    desk.start(geometry=flip)
    desk.offer.restore()
    assert np.flatnonzero(desk.labels.state("Lesion") == PRESENT).tolist() == [1, 2, 3]


@pytest.mark.parametrize("isEnabled", [False, True])
def test_undo_of_the_scene_makes_no_difference(desk, isEnabled):
    desk.start()
    desk.tag()
    desk.crash()
    before = slicer.mrmlScene.GetUndoFlag()
    slicer.mrmlScene.SetUndoFlag(isEnabled)
    try:
        desk.start()
        desk.offer.restore()
        assert desk.labels.is_said()
        assert desk.logic.session.undoText == "restoring of labels that were not saved"
        desk.logic.session.undo()
        assert not desk.labels.is_said()
    finally:
        slicer.mrmlScene.SetUndoFlag(before)
