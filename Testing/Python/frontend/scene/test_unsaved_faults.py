"""Files of unsaved labels that are broken, cannot be written, are old, or are those of another process."""

from __future__ import annotations

import atexit
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from flows.crashes import SHAPE, kept, voxels

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.labels.recovery import unsaved_files, unsaved_offer
from WeakMedSAMLib.frontend.labels.recovery.unsaved_files import KEPT_DAYS

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
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


@pytest.mark.parametrize(
    "code",
    ["tags_too_new", "cannot_read", "unknown_volume", "file_missing"],
)
def test_a_file_that_is_not_broken_is_left_as_it_is(desk, monkeypatch, code):
    desk.start()
    desk.tag()
    desk.crash()
    (path,) = kept()
    text = path.read_text("utf-8")

    def refuse(left):
        if code == "file_missing":
            left.path.unlink()
        raise UserError(code, "It is refused.")

    with monkeypatch.context() as patch:
        if code == "tags_too_new":
            path.write_text(text.replace('"version": 3', '"version": 99'), "utf-8")
        else:
            patch.setattr(unsaved_offer, "readLeft", refuse)
        desk.start()
        desk.offer.forget()
        desk.offer.look()
        desk.settle()
        (said,) = desk.host.dialogs.texts
        assert "cannot be read" in said
        assert (f"is kept: {path}" in said) == ("is kept" in said) == path.exists()
        assert kept() == ([path] if code != "file_missing" else [])
    if code != "file_missing":
        path.write_text(text, "utf-8")
        desk.offer.forget()
        desk.offer.look()
        desk.settle()
        assert desk.offer.found is not None


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


def test_where_nothing_can_be_locked_it_is_said_and_no_folder_is_left(desk, monkeypatch):
    tried = []

    def refuse(path):
        tried.append(path)
        path.touch()
        raise OSError(errno.ENOLCK, "No locks available")

    real = unsaved_files.hold
    monkeypatch.setattr(unsaved_files, "hold", refuse)
    desk.start()
    for first in (1, 3, 5):
        desk.tag(first, first)
    (text,) = desk.host.dialogs.texts
    assert "No locks available" in text
    assert len(tried) == 1, "it is tried once a minute"
    assert list(folders.unsavedLabelsFolder().iterdir()) == []
    monkeypatch.setattr(unsaved_files, "hold", real)
    desk.logic.labels.unsaved.files._triesAt = 0
    desk.keep()
    assert len(kept()) == 1


def test_any_refusal_of_the_system_is_said(desk, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    desk.start()
    monkeypatch.setattr(unsaved_files, "private_folder", refuse)
    desk.tag()
    (text,) = desk.host.dialogs.texts
    assert "Permission denied" in text
    assert desk.labels.is_said()


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
