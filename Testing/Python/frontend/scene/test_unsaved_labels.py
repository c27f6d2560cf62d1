"""Labels after a crash of Slicer: kept in private files, offered when their volume comes, never taken by themselves.

A crash is a process that dies. Within one process `crash` does what the system does then: it lets go of the lock, and
nothing of the logic hears of anything any more.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import slicer

from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.labels.recovery.offer_box import offerInWords
from WeakMedSAMLib.frontend.labels.recovery.unsaved_files import KEPT_DAYS
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic

ROOT = Path(__file__).resolve().parents[4]
SHAPE = (12, 20, 16)
WORDS = "Slicer ended before these labels of the volume were saved"


class Desk:
    """One start of Slicer after the other."""

    def __init__(self, host, make_volume):
        self.host, self._make = host, make_volume
        self.logic = self.node = None

    def start(self, name="Mustermann", geometry="plain", array=None):
        """A new logic and the volume, current and ready."""
        self.logic = WeakMedSAMLogic()
        self.load(name, geometry, array)
        return self

    def load(self, name="Mustermann", geometry="plain", array=None):
        self.node = self._make(name, array=voxels() if array is None else array, geometry=geometry)
        self.logic.state.currentVolume = self.node
        self.key = self.host.waitUntil(self.logic.currentKey)
        self.settle()

    def settle(self):
        """Wait until what was looked for is found."""
        self.host.waitUntil(lambda: self.logic.labels.offer._work is None)

    def keep(self):
        """Have what is unsaved written now; it would be within two seconds."""
        unsaved = self.logic.labels.unsaved
        unsaved.look()
        self.host.waitUntil(lambda: unsaved._work is None)

    def tag(self, first=2, last=5, name="Lesion"):
        self.logic.session.tagRange(self.key, name, first, last)
        self.keep()
        return self.labels

    @property
    def labels(self):
        return self.logic.session.volume(self.key)

    @property
    def offer(self):
        return self.logic.labels.offer

    def crash(self):
        """End without a word, and close the scene that is gone with it."""
        unsaved = self.logic.labels.unsaved
        unsaved._timer.stop()
        atexit.unregister(unsaved.files.end)
        self.logic._scene.cleanup()
        self.logic.state.cleanup()
        if unsaved.files._held is not None:
            unsaved.files._held.close()
        self.host.closeScene()
        self.host.slicer.mrmlScene.RemoveNode(self.logic.state.node)
        self.logic = None


@pytest.fixture
def desk(host, own_places, make_volume):
    made = Desk(host, make_volume)
    yield made
    if made.logic is not None:
        made.logic.cleanup()


def voxels():
    return np.random.default_rng(3).integers(0, 500, SHAPE).astype(np.int16)


def kept():
    """All that lies in the folder, but locks."""
    return sorted(path for path in folders.unsavedLabelsFolder().rglob("*") if path.is_file() and path.name != "lock")


def paint(desk, index=4, state="drawn"):
    pixels = np.zeros(SHAPE[1:], np.uint8)
    pixels[3:9, 2:7] = 1
    desk.logic.session.edit("draw", desk.key, lambda labels: PAINTED.put(labels, "Lesion", index, state, pixels))
    return pixels


def test_labels_of_a_crash_are_offered_and_restored_as_one_step(desk):
    desk.start()
    before = desk.tag()
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


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace('"version": 3', '"version": 99'),
        lambda text: json.dumps({**json.loads(text), "volumes": []}),
        lambda text: text.replace(f'"slices": {SHAPE[0]}', '"slices": 11'),
    ],
)
def test_a_broken_file_is_said_and_kept(desk, spoil):
    desk.start()
    desk.tag()
    desk.crash()
    (path,) = kept()
    broken = spoil(path.read_text("utf-8"))
    assert broken != path.read_text("utf-8")
    path.write_text(broken, "utf-8")
    desk.start()
    (text,) = desk.host.dialogs.texts
    assert "cannot be read" in text
    assert desk.offer.found is None
    (aside,) = kept()
    assert str(aside) in text
    assert aside.read_text("utf-8") == broken
    # Once.
    desk.crash()
    desk.start()
    assert len(desk.host.dialogs.texts) == 1
    desk.tag()
    assert desk.labels.is_said()


def test_where_nothing_can_be_written_labelling_goes_on(desk):
    folders.unsavedLabelsFolder().write_text("in the way", "utf-8")
    desk.start()
    desk.tag(2, 5)
    (text,) = desk.host.dialogs.texts
    assert text.startswith("Labels are not kept in case Slicer crashes.")
    desk.tag(7, 8)
    assert len(desk.host.dialogs.texts) == 1
    assert desk.labels.is_said()
    # And where it becomes possible it is done by itself.
    folders.unsavedLabelsFolder().unlink()
    desk.keep()
    assert len(kept()) == 1


def test_a_folder_that_somebody_deleted_is_made_again(desk):
    desk.start()
    desk.tag(2, 5)
    shutil.rmtree(folders.unsavedLabelsFolder())
    desk.tag(7, 8)
    (path,) = kept()
    assert read_label_file(path).volumes[0].state("Lesion")[7] == PRESENT


def test_old_files_go(desk):
    desk.start()
    desk.tag()
    desk.crash()
    (path,) = kept()
    old = time.time() - (KEPT_DAYS + 1) * 86400
    os.utime(path, (old, old))
    desk.start()
    assert desk.offer.found is None
    assert list(folders.unsavedLabelsFolder().iterdir()) == []


_OTHER = """
import sys
from pathlib import Path
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.recovery.unsaved_files import UnsavedFiles
labels = VolumeLabels("scan", sys.argv[2], n_slices=12)
labels.tag_range("Lesion", 2, 5)
files = UnsavedFiles(lambda: Path(sys.argv[1]))
files.want(ClassTable.from_names(["Lesion"]), {sys.argv[2]: labels})
files.write()
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def other(desk):
    """Another process with labels of the same volume that are not saved."""
    key = content_hash(voxels())
    command = [sys.executable, "-c", _OTHER, str(folders.unsavedLabelsFolder()), key]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True
    ) as process:
        assert process.stdout.readline().strip() == "ready"
        yield process
        process.kill()


def test_files_of_a_slicer_that_lives_are_nobodys_until_it_is_killed(desk, other):
    desk.start()
    assert len(kept()) == 1
    assert desk.offer.found is None
    os.kill(other.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    other.wait(20)
    desk.offer.forget()
    desk.offer.look()
    desk.settle()
    assert desk.offer.found is not None
    desk.offer.restore()
    assert np.flatnonzero(desk.labels.state("Lesion") == PRESENT).tolist() == [2, 3, 4, 5]


def test_a_script_that_ends_without_cleaning_up_is_no_crash(desk, monkeypatch):
    ends = []
    monkeypatch.setattr(atexit, "register", ends.append)
    desk.start()
    desk.tag()
    ends[0]()
    assert kept() == []
