"""What an update writes beside corrections, and what taking it back leaves."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from flows.strokes import disc

SHAPE = (20, 40, 50)


def told_of(folder):
    """The labels that a run was told."""
    from WeakMedSAMLib.contract.labels.label_files import read_label_file
    from WeakMedSAMLib.contract.runs import RunFolder

    return read_label_file(RunFolder(folder).tags)


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


def test_undo_of_an_update_leaves_what_was_found_fine_and_drawn_in_another_direction_since(updated):
    after = updated.voxels("organ")
    updated.session.changeAxis(updated.key, "j", SHAPE[1])
    updated.settle()
    # An update wrote nothing of these numbers: its slices were others.
    assert not updated.corrections.changedByUpdate(updated.node, updated.ids["organ"])
    updated.corrections.markFine(7, True)
    updated.show(10, "j")
    updated.editor.stroke(updated.ids["organ"], disc(SHAPE, 10, axis=1, at=(6, 30), radius=3))
    updated.settle()
    drawn = updated.voxels("organ")[:, 10]
    updated.corrections.undoUpdate()
    updated.settle()
    wanted = updated.before.copy()
    wanted[:, 7], wanted[:, 10] = after[:, 7], drawn
    assert (after[:, 7] != updated.before[:, 7]).any()
    assert np.array_equal(updated.voxels("organ"), wanted)
    updated.history.redo(updated.node)
    updated.settle()
    wanted = after.copy()
    wanted[:, 10] = drawn
    assert np.array_equal(updated.voxels("organ"), wanted)
    # Of both every pixel is known.
    states = updated.corrections.states("organ")
    assert [index for index, state in states.items() if state == "drawn"] == [7, 10]


def test_edits_and_updates_are_taken_back_in_the_order_in_which_they_were_done(updated):
    from WeakMedSAMLib.frontend.bar.undo import Undo

    undo = Undo(updated.session, updated.history, lambda: updated.node, lambda: updated.key)
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
    undo = Undo(updated.session, updated.history, lambda: updated.node, lambda: updated.key)
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
    shutil.rmtree(bench.run.folder / "updates" / name)
    bench.logic.runs.load(bench.record.runId)
    bench.host.waitUntil(lambda: not bench.logic.isRunning)
    bench.find()
    assert bench.voxels("Läsion").any()


@pytest.fixture
def drawn(corrected):
    """Slice 8 drawn; `new` is what an update draws of both classes, `steps` writes it."""
    bench = corrected()
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8))
    bench.settle()
    bench.before = {name: bench.voxels(name) for name in bench.ids}
    bench.new = np.roll(bench.before["organ"], 1, axis=1)
    bench.done = []
    bench.steps = bench.corrections.putUpdateSteps(
        {"organ": dict(enumerate(bench.new)), "Läsion": {5: np.zeros(SHAPE[1:], bool)}}, bench.done.append
    )
    return bench


def test_an_update_waits_for_the_end_of_a_stroke(drawn, monkeypatch):
    from WeakMedSAMLib.frontend.base.steps import runToEnd
    from WeakMedSAMLib.frontend.results import corrections, update_writing

    assert not update_writing.isMouseDown()
    isDown = [False]
    monkeypatch.setattr(corrections, "isMouseDown", lambda: isDown[0])
    for _piece in range(10):
        next(drawn.steps)
    isDown[0] = True
    for _piece in range(40):
        next(drawn.steps)
    assert np.array_equal(drawn.voxels("organ"), drawn.before["organ"])
    # What was drawn meanwhile stays.
    drawn.show(6)
    drawn.editor.stroke(drawn.ids["organ"], disc(SHAPE, 6, at=(5, 5)))
    stroke = drawn.voxels("organ")[6]
    isDown[0] = False
    assert runToEnd(drawn.steps) == 9
    drawn.settle()
    after = drawn.voxels("organ")
    assert np.array_equal(after[6], stroke)
    assert np.array_equal(after[8], drawn.before["organ"][8])
    assert np.array_equal(after[7], drawn.new[7])
    assert not drawn.voxels("Läsion")[5].any()
    assert dict(drawn.corrections.states("organ")) == {6: "drawn", 8: "drawn"}
    assert drawn.done == [True]


def test_an_update_that_is_cancelled_midway_writes_nothing(drawn):
    while np.array_equal(drawn.voxels("organ"), drawn.before["organ"]):
        next(drawn.steps)
    assert np.array_equal(drawn.voxels("Läsion"), drawn.before["Läsion"])
    drawn.steps.close()
    drawn.settle()
    assert np.array_equal(drawn.voxels("organ"), drawn.before["organ"])
    assert not drawn.corrections.undoUpdate()
    assert dict(drawn.corrections.states("organ")) == {8: "drawn"}
    assert not drawn.done


def test_masks_of_another_volume_under_review_end_it(drawn, make_volume):
    from WeakMedSAMLib.contract.errors import UserError
    from WeakMedSAMLib.frontend.base.steps import runToEnd

    while np.array_equal(drawn.voxels("organ"), drawn.before["organ"]):
        next(drawn.steps)
    drawn.logic.state.currentVolume = make_volume("MR", SHAPE)
    with pytest.raises(UserError, match="Other masks"):
        runToEnd(drawn.steps)
    assert np.array_equal(drawn.voxels("organ"), drawn.before["organ"])


def test_an_update_does_not_bring_back_what_was_given_back_meanwhile(corrected, make_run):
    from WeakMedSAMLib.frontend.base.steps import runToEnd

    bench = corrected()
    machine = bench.voxels("organ")
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8, at=(5, 5)) | disc(SHAPE, 9, at=(5, 5)))
    bench.settle()
    drawing = bench.voxels("organ")
    run = make_run([bench.volume])
    bench.tell(run.folder)
    # While it runs 8 is given back, and of 9 only pixels elsewhere are known.
    bench.corrections.giveBack(8, 9)
    bench.host.waitUntil(lambda: bench.corrections._giving is None)
    bench.settle()
    bench.show(3)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 9, at=(30, 40), radius=2))
    bench.settle()
    new = drawing.copy()
    new[:, 20, 3] = True
    planes = {"organ": {index: new[index] for index in (7, 8, 9)}}
    runToEnd(bench.corrections.putUpdateSteps(planes, lambda _forward: None, told_of(run.folder)))
    bench.settle()
    after = bench.voxels("organ")
    assert np.array_equal(after[7], new[7])
    assert np.array_equal(after[8], machine[8])
    wanted = machine[9] | disc(SHAPE, 9, at=(30, 40), radius=2)[9]
    wanted[20, 3] = True
    assert np.array_equal(after[9], wanted)
    assert dict(bench.corrections.states("organ")) == {9: "touched"}


def test_undo_in_the_segment_editor_takes_an_update_back_and_makes_no_labels(corrected, make_run):
    bench = corrected()
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8) | disc(SHAPE, 9))
    bench.settle()
    bench.host.slicer.util.selectModule("SegmentEditor")
    editor = bench.host.slicer.modules.SegmentEditorWidget.editor
    editor.setSegmentationNode(bench.node)
    before = {name: bench.voxels(name) for name in bench.ids}
    labels = np.where(np.roll(before["organ"], 3, axis=1), 7, np.roll(before["Läsion"], 3, axis=1)).astype(np.uint8)
    bench.update(make_run([bench.volume], labels), labels)
    after = {name: bench.voxels(name) for name in bench.ids}
    states = dict(bench.corrections.states("organ"))
    for call, voxels, updates in ((editor.undo, before, 0), (editor.redo, after, 1), (editor.undo, before, 0)):
        call()
        bench.settle()
        assert all(np.array_equal(bench.voxels(name), each) for name, each in voxels.items())
        assert dict(bench.corrections.states("organ")) == states
        assert not bench.corrections.states("Läsion")
        assert len(bench.logic.state.run(bench.record.runId).updates) == updates
        assert bench.corrections.watch.isMachine("organ", 7)
        assert not bench.corrections.watch.isMachine("organ", 8)
    # What is done next is no more than that.
    bench.show(6)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 6, at=(5, 5)))
    bench.settle()
    assert dict(bench.corrections.states("organ")) == {**states, 6: "drawn"}


@pytest.mark.parametrize("isByEditor", [False, True], ids=["module", "editor"])
def test_what_was_found_fine_since_stays_when_an_update_is_taken_back(corrected, make_run, isByEditor):
    bench = corrected()
    bench.host.slicer.util.selectModule("SegmentEditor")
    editor = bench.host.slicer.modules.SegmentEditorWidget.editor
    editor.setSegmentationNode(bench.node)
    before = bench.voxels("organ")
    labels = np.where(np.roll(before, 3, axis=1), 7, 0).astype(np.uint8)
    bench.update(make_run([bench.volume], labels), labels)
    bench.corrections.markFine(7, True)
    if isByEditor:
        editor.undo()
        bench.settle()
    else:
        assert bench.corrections.undoUpdate()
        bench.settle()
    after = bench.voxels("organ")
    assert np.array_equal(after[7], labels[7] == 7)
    assert np.array_equal(after[8], before[8])
    assert dict(bench.corrections.states("organ")) == {7: "fine"}
    assert not bench.logic.state.run(bench.record.runId).updates
