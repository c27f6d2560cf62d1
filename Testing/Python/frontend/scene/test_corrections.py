"""What becomes of strokes on masks: labels of the volume, by class and slice."""

from __future__ import annotations

import numpy as np
import pytest
from flows.correcting import work_to_end
from flows.strokes import disc

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT

SHAPE = (20, 40, 50)


def painted(bench, name="organ"):
    return PAINTED.slices(bench.labels, name)


def test_a_stroke_makes_the_slice_that_is_shown_drawn(corrected):
    bench = corrected()
    bench.show(8)
    mask = disc(SHAPE, 8)
    before = bench.voxels("organ")
    bench.editor.stroke(bench.ids["organ"], mask)
    bench.settle()
    assert dict(bench.corrections.states("organ")) == {8: "drawn"}
    assert bench.corrections.stateOf("organ", 9) == "machine"
    assert np.array_equal(painted(bench)[8].pixels, (before | mask)[8])
    assert bench.session.undoText == "correct slice 8 of 'organ'"
    # Overwritten by none: the other class is as it was.
    assert not bench.corrections.states("Läsion")


def test_other_slices_of_an_edit_are_touched_until_they_are_called_right(corrected):
    bench = corrected()
    bench.show(8)
    mask = disc(SHAPE, 7) | disc(SHAPE, 8) | disc(SHAPE, 9, radius=2)
    before = bench.voxels("organ")
    bench.editor.stroke(bench.ids["organ"], mask)
    bench.settle()
    assert dict(bench.corrections.states("organ")) == {7: "touched", 8: "drawn", 9: "touched"}
    known = painted(bench)[9].pixels
    assert np.array_equal(known != 255, mask[9] & ~before[9])
    assert (known[known != 255] == 1).all()
    bench.corrections.callRight(9)
    assert np.array_equal(painted(bench)[9].pixels, (before | mask)[9])
    # Edited in view: drawn, too.
    bench.show(7)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 7, at=(5, 5)))
    bench.settle()
    assert dict(bench.corrections.states("organ")) == {7: "drawn", 8: "drawn", 9: "drawn"}


def test_a_stroke_in_another_view_touches_what_it_crosses(corrected):
    bench = corrected()
    bench.show(12)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 25, axis=2, at=(10, 20)))
    bench.settle()
    states = bench.corrections.states("organ")
    assert states.pop(12) == "drawn"
    assert set(states.values()) == {"touched"}
    assert len(states) > 3


def test_what_changes_all_slices_at_once_touches_them(corrected):
    bench = corrected()
    bench.show(10)
    whole = bench.voxels("organ")
    smaller = whole & np.roll(whole, 1, axis=1) & np.roll(whole, -1, axis=1)
    bench.editor.stroke(bench.ids["organ"], smaller, "Set")
    bench.settle()
    states = bench.corrections.states("organ")
    assert [index for index, state in states.items() if state == "drawn"] == [10]
    assert sorted(states) == np.flatnonzero((whole != smaller).any(axis=(1, 2))).tolist()
    assert bench.session.undoText.startswith("correct slices 5-14 of")
    assert bench.corrections.pending == len(states)


def test_undo_and_redo_bring_labels_and_voxels_back_together(corrected):
    bench = corrected()
    bench.show(8)
    before = bench.voxels("organ")
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8) | disc(SHAPE, 9))
    bench.settle()
    after = bench.voxels("organ")
    bench.undo_and_redo("organ", before, after)
    assert dict(bench.corrections.states("organ")) == {8: "drawn", 9: "touched"}
    assert not bench.session.canRedo


def test_undo_of_the_segment_editor_is_undo_here(corrected):
    bench = corrected()
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8))
    bench.settle()
    bench.editor.undo()
    bench.settle()
    assert not bench.corrections.states("organ")
    assert bench.session.redoText == "correct slice 8 of 'organ'"
    bench.editor.redo()
    bench.settle()
    assert dict(bench.corrections.states("organ")) == {8: "drawn"}
    # With something else in between it is a step of its own.
    bench.session.setTag(bench.key, "organ", 2, PRESENT)
    bench.editor.undo()
    bench.settle()
    assert not bench.corrections.states("organ")
    assert bench.session.tag(bench.key, "organ", 2) == PRESENT


def test_drawing_on_an_absent_slice_makes_it_present_and_emptying_one_absent(corrected):
    bench = corrected()
    bench.session.tagRange(bench.key, "organ", 5, 14, True)
    bench.show(2)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 2))
    bench.settle()
    assert bench.session.tag(bench.key, "organ", 2) == PRESENT
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], np.ones(SHAPE, bool) & (np.arange(20) == 8)[:, None, None], "Remove")
    bench.settle()
    assert bench.session.tag(bench.key, "organ", 8) == ABSENT
    assert (painted(bench)[8].state, painted(bench)[8].shows) == ("drawn", False)
    assert bench.labels.presence("organ")[8] == ABSENT
    bench.session.undo()
    bench.session.undo()
    assert bench.session.tag(bench.key, "organ", 8) == PRESENT
    assert bench.session.tag(bench.key, "organ", 2) == ABSENT


def test_a_class_that_another_one_overwrites_is_touched_there(corrected):
    bench = corrected()
    bench.show(8)
    bench.editor.node.SetOverwriteMode(bench.editor.node.OverwriteAllSegments)
    lesion = bench.voxels("Läsion")
    mask = disc(SHAPE, 8, at=(20, 30))
    assert (lesion & mask).any()
    bench.editor.stroke(bench.ids["organ"], mask)
    bench.settle()
    assert bench.corrections.stateOf("organ", 8) == "drawn"
    assert bench.corrections.stateOf("Läsion", 8) == "touched"
    known = painted(bench, "Läsion")[8].pixels
    assert np.array_equal(known == 0, (lesion & mask)[8])
    bench.session.undo()
    bench.settle()
    assert np.array_equal(bench.voxels("Läsion"), lesion)


def test_what_the_module_writes_is_no_correction(corrected):
    bench = corrected()
    with bench.corrections.writing():
        bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8))
    bench.settle()
    assert not bench.corrections.states("organ")
    assert not bench.session.undoText.startswith("correct")
    # It is the machine's now: what is drawn on it and taken off again is no correction either.
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8, at=(5, 5)))
    bench.settle()
    assert bench.corrections.stateOf("organ", 8) == "drawn"
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8, at=(5, 5)), "Remove")
    bench.settle()
    assert bench.corrections.stateOf("organ", 8) == "machine"


@pytest.mark.parametrize("geometry", ["oblique", "flipped", "lps", "sagittal"])
def test_slices_are_those_of_the_volume_however_it_lies(corrected, geometry):
    bench = corrected(geometry=geometry)
    # A sagittal volume is tagged along the slices that the axial view shows.
    axis = bench.labels.axis
    assert (axis != "k") == (geometry == "sagittal")
    number = "kji".index(axis)
    bench.show(8, axis)
    mask = disc(SHAPE, 8, number, radius=3) | disc(SHAPE, 11, number, radius=3)
    before = bench.voxels("organ")
    bench.editor.stroke(bench.ids["organ"], mask)
    bench.settle()
    assert dict(bench.corrections.states("organ")) == {8: "drawn", 11: "touched"}
    assert np.array_equal(painted(bench)[8].pixels, np.take(before | mask, 8, axis=number))
    bench.session.undo()
    assert np.array_equal(bench.voxels("organ"), before)


def test_a_volume_of_one_slice(corrected):
    bench = corrected(shape=(1, 40, 50))
    bench.show(0)
    bench.editor.stroke(bench.ids["organ"], disc((1, 40, 50), 0, at=(3, 3)))
    bench.settle()
    assert dict(bench.corrections.states("organ")) == {0: "drawn"}


@pytest.fixture
def compared(corrected):
    """Slice 8 was drawn and taken back, which is looked at; that was compared, and is not handed over yet."""
    bench = corrected()
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8))
    bench.settle()
    bench.session.undo()
    watch = bench.corrections.watch
    watch._begin()
    work_to_end(watch._runner)
    return bench


def test_what_the_module_writes_once_masks_were_compared_is_no_edit(compared):
    editor = compared.threshold("organ")
    before = compared.voxels("organ")
    editor.apply(0.2)
    editor.finish()
    compared.settle()
    assert not np.array_equal(compared.voxels("organ"), before)
    assert not compared.corrections.states("organ")


@pytest.mark.parametrize("at", [(20, 25), (4, 4)], ids=["again", "elsewhere"])
def test_a_stroke_once_masks_were_compared_is_of_the_slice_that_is_shown(compared, at):
    watch = compared.corrections.watch
    compared.editor.stroke(compared.ids["organ"], disc(SHAPE, 8, at=at))
    # It is looked at once the reader has gone on to another slice.
    compared.host.waitUntil(lambda: watch._runner is None or not watch._runner.isDone)
    compared.show(3)
    compared.settle()
    assert dict(compared.corrections.states("organ")) == {8: "drawn"}
    assert np.array_equal(painted(compared)[8].pixels, compared.voxels("organ")[8])
