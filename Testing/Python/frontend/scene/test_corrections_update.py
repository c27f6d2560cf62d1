"""What an update writes beside corrections, and what taking it back leaves."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from flows.strokes import disc

SHAPE = (20, 40, 50)


@pytest.fixture
def updated(corrected):
    """Slice 8 drawn, 9 touched, 4 fine; then an update that draws a small disc on each slice from 4 to 12."""
    bench = corrected()
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8) | disc(SHAPE, 9))
    bench.settle()
    bench.corrections.markFine(4, True)
    bench.before = bench.voxels("organ")
    bench.new = disc(SHAPE, 0, radius=2, at=(8, 8))[0]
    bench.count = bench.corrections.putUpdate({"organ": dict.fromkeys(range(4, 13), bench.new)})
    bench.settle()
    return bench


def test_an_update_writes_no_slice_that_is_known(updated):
    after = updated.voxels("organ")
    for index in (4, 8):
        assert np.array_equal(after[index], updated.before[index])
    for index in (5, 6, 7, 10, 11, 12):
        assert np.array_equal(after[index], updated.new)
    # Known pixels of a touched slice stay; the others are new.
    known = updated.corrections.paintedOf(updated.ids["organ"])[1][9].pixels
    assert np.array_equal(after[9], np.where(known == 255, updated.new, known == 1))
    assert updated.count == 7
    # It is the machine's: nothing was corrected.
    assert dict(updated.corrections.states("organ")) == {4: "fine", 8: "drawn", 9: "touched"}


def test_undo_of_an_update_leaves_what_was_edited_since(updated):
    updated.show(6)
    updated.editor.stroke(updated.ids["organ"], disc(SHAPE, 6))
    updated.settle()
    drawn = updated.voxels("organ")[6]
    assert updated.corrections.undoUpdate()
    updated.settle()
    after = updated.voxels("organ")
    assert np.array_equal(after[6], drawn)
    for index in (5, 7, 9, 10):
        assert np.array_equal(after[index], updated.before[index])
    assert dict(updated.corrections.states("organ")) == {4: "fine", 6: "drawn", 8: "drawn", 9: "touched"}
    # Done again, it leaves the edit, too.
    updated.history.redo(updated.node)
    updated.settle()
    assert np.array_equal(updated.voxels("organ")[6], drawn)
    assert np.array_equal(updated.voxels("organ")[7], updated.new)
    assert updated.corrections.undoUpdate()
    assert not updated.corrections.undoUpdate()


def test_edits_and_updates_are_taken_back_in_the_order_in_which_they_were_done(updated):
    from WeakMedSAMLib.frontend.bar.undo import Undo

    undo = Undo(updated.session, updated.history, lambda: updated.node)
    updated.show(6)
    updated.editor.stroke(updated.ids["organ"], disc(SHAPE, 6))
    updated.settle()
    texts = []
    for _step in range(4):
        texts.append(undo.undo())
        updated.settle()
    assert texts == [
        "correct slice 6 of 'organ'",
        "update the masks",
        "mark slice 4 as fine",
        "correct slices 8-9 of 'organ'",
    ]
    assert not updated.corrections.states("organ")
    for _step in range(3):
        undo.redo()
        updated.settle()
    assert np.array_equal(updated.voxels("organ")[7], updated.new)
    assert dict(updated.corrections.states("organ")) == {4: "fine", 8: "drawn", 9: "touched"}
    undo.cleanup()


def test_what_was_drawn_in_the_last_moment_is_no_part_of_what_the_module_writes(updated):
    from WeakMedSAMLib.frontend.bar.undo import Undo

    updated.show(6)
    updated.editor.stroke(updated.ids["organ"], disc(SHAPE, 6))
    editor = updated.threshold("organ")
    editor.apply(0.2)
    editor.finish()
    assert updated.corrections.stateOf("organ", 6) == "drawn"
    updated.settle()
    assert dict(updated.corrections.states("organ")) == {4: "fine", 6: "drawn", 8: "drawn", 9: "touched"}
    # Undo takes back what was done last, if nobody has seen it yet, too.
    undo = Undo(updated.session, updated.history, lambda: updated.node)
    updated.show(11)
    updated.editor.stroke(updated.ids["organ"], disc(SHAPE, 11))
    assert undo.undo() == "correct slice 11 of 'organ'"
    assert undo.undo() == "change the threshold"
    assert undo.undo() == "correct slice 6 of 'organ'"
    undo.cleanup()


def test_an_edit_before_what_the_module_wrote_was_seen_is_of_the_slice_in_view(updated):
    updated.corrections.putUpdate({"organ": dict.fromkeys(range(5, 13), ~updated.new)})
    updated.show(6)
    updated.editor.stroke(updated.ids["organ"], disc(SHAPE, 6), "Remove")
    updated.settle()
    assert dict(updated.corrections.states("organ")) == {4: "fine", 6: "drawn", 8: "drawn", 9: "touched"}


def test_new_masks_of_a_class_that_is_known_on_every_slice_are_reviewed(corrected, make_run, lib):
    bench = corrected()
    bench.corrections.mark({"organ": range(20)}, {}, "review")
    bench.load(make_run([bench.volume]))
    segments = bench.node.GetSegmentation()
    assert lib.segments.isReviewed(segments.GetSegment(bench.ids["organ"]))
    assert not lib.segments.isReviewed(segments.GetSegment(bench.ids["Läsion"]))


def test_masks_that_are_loaded_again_are_those_of_the_update(corrected, make_run):
    bench = corrected()
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:15, 5:10, 5:10] = 7
    bench.update(make_run([bench.volume], labels), labels)
    bench.host.slicer.mrmlScene.RemoveNode(bench.node)
    bench.host.settle(0.2)
    bench.logic.runs.load(bench.record.runId)
    bench.host.waitUntil(lambda: not bench.logic.isRunning)
    bench.find()
    assert np.array_equal(bench.voxels("organ"), labels == 7)
    # Without the folder of the update what was generated counts.
    bench.host.slicer.mrmlScene.RemoveNode(bench.node)
    (name,) = bench.logic.state.run(bench.record.runId).updates.values()
    shutil.rmtree(bench.run.folder.parent / name)
    bench.logic.runs.load(bench.record.runId)
    bench.host.waitUntil(lambda: not bench.logic.isRunning)
    bench.find()
    assert bench.voxels("Läsion").any()
