"""Corrections of a volume whose slices are counted along another axis later."""

from __future__ import annotations

import numpy as np
import pytest
import qt
from flows.strokes import disc

from WeakMedSAMLib.contract.labels.axis_change import along
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.runs import RunFolder
from WeakMedSAMLib.frontend.labels.slice_direction import SliceDirection

SHAPE = (20, 40, 50)


@pytest.fixture
def turned(corrected):
    """Slice 8 drawn, 9 touched, along k; `ask` has the slices counted along an axis, as a view shows them."""
    bench = corrected()
    bench.show(8)
    bench.editor.stroke(bench.ids["organ"], disc(SHAPE, 8) | disc(SHAPE, 9))
    bench.settle()
    bench.before, bench.voxelsBefore = bench.labels, bench.voxels("organ")
    direction = SliceDirection.__new__(SliceDirection)
    direction._labels, direction._state = bench.logic.labels, bench.logic.state

    def ask(axis, answer=None):
        names = bench.lib.views.sliceViewNames()
        view = next(name for name in names if bench._is_along(name, axis))
        if answer is not None:
            bench.host.dialogs.answer(qt.QMessageBox.Yes if answer else qt.QMessageBox.No)
        direction.choose(view)
        bench.settle()

    bench.ask = ask
    return bench


def test_corrections_stay_as_they_are_known(turned):
    turned.ask("j", True)
    labels = turned.labels
    assert (labels.axis, labels.n_slices) == ("j", SHAPE[1])
    # Nobody took the other slices for edits.
    assert PAINTED.said(labels) == PAINTED.said(along(turned.before, "j"))
    assert set(turned.corrections.states("organ").values()) == {"touched"}
    assert np.array_equal(turned.voxels("organ"), turned.voxelsBefore)
    turned.session.undo()
    turned.settle()
    assert turned.labels == turned.before
    assert dict(turned.corrections.states("organ")) == {8: "drawn", 9: "touched"}


def test_it_is_said_what_becomes_of_them(turned):
    turned.ask("j", False)
    assert turned.labels == turned.before
    said = turned.host.dialogs.shown[-1].text
    assert "stays known" in said
    assert "slice tags" not in said
    turned.session.setTag(turned.key, "organ", 3, 1)
    turned.ask("j", False)
    assert "Remove its slice tags" in turned.host.dialogs.shown[-1].text


def test_one_goes_on_in_the_other_direction(turned):
    turned.ask("j", True)
    turned.show(5, "j")
    turned.editor.stroke(turned.ids["organ"], disc(SHAPE, 5, axis=1, at=(3, 5), radius=2))
    turned.settle()
    states = turned.corrections.states("organ")
    assert states[5] == "drawn"
    assert [*states.values()].count("drawn") == 1
    for _step in range(2):
        turned.session.undo()
        turned.settle()
    assert turned.labels == turned.before
    assert np.array_equal(turned.voxels("organ"), turned.voxelsBefore)


def test_what_a_run_was_told_in_the_other_direction_is_not_taken_for_its_own(turned):
    turned.tell(turned.run.folder)
    assert read_label_file(RunFolder(turned.run.folder).tags).volumes[0].axis == "k"
    turned.ask("j", True)
    told = []
    assert turned.labels.axis == "j"
    turned.corrections.told.connect(told.append)
    first, last = min(turned.corrections.states("organ")), max(turned.corrections.states("organ"))
    turned.corrections.giveBack(first, last)
    turned.host.waitUntil(lambda: turned.corrections._giving is None)
    turned.settle()
    assert not turned.corrections.states("organ")
    assert np.array_equal(turned.voxels("organ"), turned.voxelsBefore)
    assert "these stay as they are" in told[-1]


def test_boxes_in_3d_are_no_question(turned):
    turned.session.undo()
    turned.settle()
    turned.logic.labels.marks.addBox(turned.key, "organ", (3, 4, 8), (9, 9, 9))
    turned.ask("j")
    assert turned.labels.axis == "j"
    assert [box.first for box in BOXES.marks(turned.labels)] == [(3, 4, 8)]


def test_boxes_of_one_slice_are_lost_after_a_question(turned):
    turned.session.undo()
    turned.settle()
    turned.logic.labels.marks.addBox(turned.key, "organ", (3, 4, 8), (9, 9, 8))
    turned.ask("j", True)
    assert "Boxes of one slice are removed" in turned.host.dialogs.shown[-1].text
    assert turned.labels.axis == "j"
    assert not BOXES.marks(turned.labels)
    turned.session.undo()
    assert len(BOXES.marks(turned.labels)) == 1


def test_what_was_drawn_in_the_last_moment_is_known_in_the_other_direction(turned):
    stroke = disc(SHAPE, 12, at=(4, 4)) & ~turned.voxelsBefore
    assert stroke.any()
    turned.show(12)
    turned.editor.stroke(turned.ids["organ"], stroke)
    turned.ask("j", True)
    known = np.zeros(SHAPE, np.uint8)
    for index, painted in PAINTED.slices(turned.labels, "organ").items():
        known[:, index] = painted.pixels == 1
    assert known[stroke].all()
    turned.session.undo()
    turned.settle()
    assert dict(turned.corrections.states("organ")) == {8: "drawn", 9: "touched", 12: "drawn"}


def test_it_is_asked_where_the_first_stroke_was_made_in_the_last_moment(turned):
    turned.session.undo()
    turned.settle()
    turned.show(12)
    turned.editor.stroke(turned.ids["organ"], disc(SHAPE, 12, at=(4, 4)))
    turned.ask("j", False)
    assert turned.labels.axis == "k"
    assert "stays known" in turned.host.dialogs.shown[-1].text
