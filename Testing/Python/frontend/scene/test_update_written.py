"""Masks of an update on their way into the scene and into a report: cancelled, counted in another direction by then."""

from __future__ import annotations

import numpy as np
import pytest
from flows.correcting import work_to_end
from flows.strokes import disc

from WeakMedSAMLib.contract.labels.label_files import read_label_file, remove_label_file
from WeakMedSAMLib.contract.runs import RunFolder, load_run
from WeakMedSAMLib.frontend.base.local_time import localTime
from WeakMedSAMLib.frontend.results import machine_masks, mask_updates

SHAPE = (20, 40, 50)


class Told:
    """Where an update says how it ended."""

    def __init__(self):
        self.finishedWith = self.failedWith = None

    def start(self, text=""):
        pass

    def progress(self, fraction, secondsLeft=None):
        pass

    def finished(self, text=""):
        self.finishedWith = text

    def failed(self, text):
        self.failedWith = text


@pytest.fixture
def ending(corrected, make_run):
    """A volume with slice 8 drawn, and another run of it whose masks lie elsewhere."""
    bench = corrected()
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8))
    bench.settle()
    bench.before = {name: bench.voxels(name) for name in bench.ids}
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:18, 5:9, 4:20] = 1
    labels[2:18, 30:36, 4:20] = 7
    bench.another, bench.map = make_run([bench.volume], labels), labels
    bench.updates, bench.told = bench.logic.updates, Told()
    bench.updates.useProgress(bench.told)
    return bench


def is_as_before(bench):
    return all(np.array_equal(bench.voxels(name), mask) for name, mask in bench.before.items())


def wait(bench):
    bench.host.waitUntil(lambda: not bench.updates.isUnderWay)
    bench.settle()


@pytest.mark.parametrize("written", [0, 1, 2])
def test_cancel_takes_back_all_that_is_written(ending, written):
    folder = ending.end_update(ending.another)
    runner = ending.updates._loading
    # Piece by piece, until so many classes are written.
    while sum(not np.array_equal(ending.voxels(name), mask) for name, mask in ending.before.items()) < written:
        next(runner._generator)
    ending.updates.cancel()
    wait(ending)
    assert is_as_before(ending)
    assert "cancelled" in ending.told.failedWith
    assert ending.corrections.pending == 1
    assert ending.logic.state.run(ending.record.runId).updates == {}
    # It holds a copy of the volume.
    ending.host.waitUntil(lambda: not folder.exists())
    assert ending.updates.undoProblem()


def test_cancel_comes_too_late_once_all_is_written(ending):
    folder = ending.end_update(ending.another)
    work_to_end(ending.updates._loading)
    ending.updates.cancel()
    wait(ending)
    assert ending.told.failedWith is None
    assert "drawn anew" in ending.told.finishedWith
    assert np.array_equal(ending.voxels("organ")[10], ending.map[10] == 7)
    assert ending.corrections.pending == 0
    assert ending.logic.state.run(ending.record.runId).updates == {"000": folder.name}
    assert folder.is_dir()
    ending.updates.undo()
    ending.settle()
    assert is_as_before(ending)


@pytest.mark.parametrize("how", ["abandon", "cancel"])
def test_an_update_that_failed_leaves_no_copy_of_the_volume_however_it_ends(ending, monkeypatch, how):
    folder = ending.end_update(ending.another)
    runner = ending.updates._loading

    def fail(*_given):
        raise OSError("disk")

    monkeypatch.setattr(ending.corrections, "putUpdateSteps", fail)
    # It has failed, and nobody was told yet.
    work_to_end(runner)
    getattr(ending.updates, how)()
    wait(ending)
    assert ending.updates.error.code == "cancelled"
    assert is_as_before(ending)
    ending.host.waitUntil(lambda: not folder.exists())


def test_what_it_was_told_is_read_once(ending, monkeypatch):
    read = []

    def noted(path):
        read.append(path)
        return read_label_file(path)

    for module in (mask_updates, machine_masks):
        monkeypatch.setattr(module, "read_label_file", noted)
    folder = ending.end_update(ending.another)
    wait(ending)
    assert [path for path in read if path.is_relative_to(folder)] == [read[0]]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_slices_may_be_counted_in_another_direction_by_then(ending, when):
    def turn():
        ending.session.changeAxis(ending.key, "j", SHAPE[1])
        ending.settle()

    if when == "before":
        turn()
    ending.end_update(ending.another)
    if when == "meanwhile":
        next(ending.updates._loading._generator)
        turn()
    wait(ending)
    known = ending.before["organ"][8]
    assert np.array_equal(ending.voxels("organ")[8], known)
    others = [index for index in range(SHAPE[0]) if index != 8]
    assert np.array_equal(ending.voxels("organ")[others], (ending.map == 7)[others])


def report_of(bench, tmp_path):
    from WeakMedSAMLib.frontend.results.export_work import exportRun

    written = exportRun(bench.logic.state.run(bench.record.runId), tmp_path / "out")
    return next(path for path in written if path.name == "report.html").read_text(encoding="utf-8")


def test_the_report_says_which_masks_an_update_drew_and_of_what(ending, tmp_path):
    ending.corrections.markFine(3, True)
    ending.corrections.markFine(4, True)
    before = report_of(ending, tmp_path)
    assert "update" not in before
    folder = ending.end_update(ending.another)
    wait(ending)
    text = report_of(ending, tmp_path)
    created = load_run(folder).created
    assert f"drawn by an update of {localTime(created)}" in text
    assert "<tr><td>organ</td><td>1</td><td>2</td><td>0</td></tr>" in text
    assert "<tr><td>Läsion</td><td>0</td><td>2</td><td>0</td></tr>" in text
    remove_label_file(RunFolder(folder).tags)
    assert "does not say any more" in report_of(ending, tmp_path)
    ending.updates.undo()
    ending.settle()
    assert "update" not in report_of(ending, tmp_path)
