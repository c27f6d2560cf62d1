"""What the model makes of scribbles: an outline on their slice, which Enter takes as drawn."""

from __future__ import annotations

import numpy as np
import pytest
from vtk.util.numpy_support import vtk_to_numpy

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.frontend.results.fine_slices import markReviewed
from WeakMedSAMLib.frontend.results.segment_tags import isReviewed
from WeakMedSAMLib.frontend.scene.view_use import ShownSlice

SHAPE = (20, 40, 50)
INDEX = 8


class Model:
    """Is asked like the resident worker; answers when it is told to."""

    def __init__(self):
        self.asked = []

    def __call__(self, volumeNode, axis, index, boxes, points, answered):
        self.asked.append((volumeNode, axis, index, boxes, points))
        self.answered = answered


@pytest.fixture
def scribbling(correcting, click):
    bench = correcting
    bench.model = bench.panel.correct.answers.ask = Model()
    bench.logic.state.currentClass = "organ"
    bench.show(INDEX)
    bench.settle()
    click(bench.ui.correctButton)
    bench.settle()
    click(bench.ui.scribbleButton)
    bench.answers = bench.panel.correct.answers
    bench.mask = np.zeros(SHAPE[1:], bool)
    bench.mask[10:30, 8:30] = True
    return bench


def stroke(bench, place):
    effect = bench.panel.correct.editor.widget.activeEffect()
    labelmap = effect.defaultModifierLabelmap()
    vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(SHAPE)[place] = 1
    labelmap.Modified()
    effect.modifySelectedSegmentByLabelmap(labelmap, effect.ModificationModeAdd)
    bench.host.settle(0.3)


def scribble(bench):
    stroke(bench, np.s_[INDEX, 20, 4:16])
    bench.model.answered(bench.mask, None)
    bench.host.settle(0.1)


def test_the_model_is_asked_by_a_few_points_of_the_strokes(scribbling, click):
    bench = scribbling
    stroke(bench, np.s_[INDEX, 20, 4:16])
    volume, axis, index, boxes, points = bench.model.asked[-1]
    assert (volume, axis, index, boxes) == (bench.volume, "k", INDEX, ())
    assert len(points) == 4
    assert {(20, 4, True), (20, 15, True)} <= {*points}
    assert "is asked about these scribbles" in bench.ui.outlineLabel.text
    click(bench.ui.notScribbleButton)
    stroke(bench, np.s_[INDEX, 35:38, 40])
    points = bench.model.asked[-1][-1]
    assert {shows for *_place, shows in points} == {True, False}
    assert all(column == 40 for _row, column, shows in points if not shows)
    # What is on other slices than that in view, or says but what the class is not, is kept unasked.
    count = len(bench.model.asked)
    stroke(bench, np.s_[INDEX + 3, 35:38, 40])
    assert len(bench.model.asked) == count
    assert bench.corrections.stateOf("organ", INDEX + 3) == "touched"


def test_enter_takes_the_outline_as_drawn_from_other_classes_too_in_one_step(scribbling, press):
    bench = scribbling
    before = {name: bench.voxels(name) for name in ("organ", "Läsion")}
    scribble(bench)
    wanted = bench.mask.copy()
    wanted[20, 4:16] = True
    outline = bench.answers.outline()
    assert (outline.index, outline.axis, outline.color) == (INDEX, "k", pytest.approx((10 / 255, 20 / 255, 30 / 255)))
    assert "Enter takes it as drawn" in bench.ui.outlineLabel.text
    assert bench.ui.outlineButton.visible
    views = bench.logic.views
    assert any("Enter takes it" in line for line in views.use.linesOf(ShownSlice(bench.volume, "k", INDEX)))
    assert not any("Enter takes it" in line for line in views.use.linesOf(ShownSlice(bench.volume, "k", INDEX + 1)))
    assert bench.corrections.stateOf("organ", INDEX) == "touched"
    assert np.array_equal(bench.voxels("organ"), before["organ"])
    steps = bench.session.undoSerial
    press(bench.host.app.layoutManager().sliceWidget("Red").sliceView(), "Return")
    bench.settle()
    assert bench.session.undoText == f"draw slice {INDEX} of 'organ'"
    assert bench.corrections.stateOf("organ", INDEX) == "drawn"
    assert np.array_equal(bench.voxels("organ")[INDEX], wanted)
    assert np.array_equal(bench.voxels("Läsion")[INDEX], before["Läsion"][INDEX] & ~wanted)
    taken = before["Läsion"][INDEX] & wanted
    assert taken.any()
    known = PAINTED.slices(bench.labels, "Läsion")[INDEX].pixels
    assert np.array_equal(known != 255, taken)
    assert bench.answers.outline() is None
    assert not bench.ui.outlineButton.visible
    bench.session.undo()
    bench.settle()
    assert bench.session.undoSerial == steps
    assert bench.corrections.stateOf("organ", INDEX) == "touched"
    for name, mask in before.items():
        assert np.array_equal(bench.voxels(name), mask)


def test_what_was_scribbled_is_in_the_outline_and_what_it_is_not_is_out(scribbling, click):
    bench = scribbling
    stroke(bench, np.s_[INDEX, 20, 4:16])
    click(bench.ui.notScribbleButton)
    stroke(bench, np.s_[INDEX, 12:15, 20])
    bench.model.answered(bench.mask, None)
    bench.host.settle(0.1)
    click(bench.ui.outlineButton)
    bench.settle()
    drawn = bench.voxels("organ")[INDEX]
    assert drawn[20, 4:16].all()
    assert not drawn[12:15, 20].any()
    assert drawn[13, 21]


def test_an_outline_is_left_and_scribbles_stay(scribbling, click, make_volume):
    bench = scribbling
    ways = {
        # As the editor's own key does.
        "escape": lambda: bench.panel.correct.editor.choose(""),
        "end": lambda: click(bench.ui.scribbleButton),
        "undo": bench.session.undo,
        "right": lambda: bench.corrections.callRight(INDEX),
        "volume": lambda: setattr(bench.logic.state, "currentVolume", make_volume("other", SHAPE)),
    }
    for column, (way, leave) in enumerate(ways.items()):
        if bench.panel.correct.scribbling.shows is None:
            click(bench.ui.scribbleButton)
        elif not bench.panel.correct.editor.effect:
            bench.panel.correct.editor.choose("Paint")
        if way == "volume":
            bench.session.undo()
            bench.host.settle(0.2)
        stroke(bench, np.s_[INDEX, 20 + 2 * column, 4:16])
        bench.model.answered(bench.mask, None)
        assert bench.answers.canTake, way
        leave()
        bench.host.settle(0.2)
        assert (bench.answers.outline(), bench.answers.canTake, bench.answers.words) == (None, False, ""), way
        if way in ("escape", "end", "undo"):
            assert bench.corrections.stateOf("organ", INDEX) == "touched"


def test_a_reviewed_mask_from_which_an_outline_is_taken_stays_reviewed(scribbling):
    bench = scribbling
    segment = bench.node.GetSegmentation().GetSegment(bench.ids["Läsion"])
    rows = bench.panel.slices.table.rows
    markReviewed(bench.panel._subject, rows, bench.ids["Läsion"], True, bench.history, bench.corrections)
    bench.host.settle(0.3)
    before = bench.voxels("Läsion")
    scribble(bench)
    bench.answers.take()
    bench.host.settle(0.5)
    assert (bench.voxels("Läsion") != before).any()
    assert (isReviewed(segment), bench.corrections.unseen("Läsion")) == (True, [])


def test_why_there_is_no_outline_is_said_and_an_answer_that_comes_late_is_none(scribbling):
    bench = scribbling
    stroke(bench, np.s_[INDEX, 20, 4:16])
    bench.model.answered(None, UserError("no_prompts", "Nothing says where.", "Give a box."))
    bench.host.settle(0.1)
    assert bench.ui.outlineLabel.text.startswith("No outline: ")
    late = bench.model.answered
    stroke(bench, np.s_[INDEX, 22, 4:16])
    late(bench.mask, None)
    assert not bench.answers.canTake
    bench.model.answered(bench.mask, None)
    assert bench.answers.canTake
    # Without a model they are kept as well.
    bench.answers.ask = None
    stroke(bench, np.s_[INDEX, 24, 4:16])
    assert (bench.answers.canTake, bench.answers.words) == (False, "")
    assert bench.corrections.stateOf("organ", INDEX) == "touched"


def test_points_are_far_from_each_other_and_few():
    from WeakMedSAMLib.frontend.results.correcting.hints import Scribbles
    from WeakMedSAMLib.frontend.results.correcting.scribble_answers import pointsOf

    shows, none = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    shows[5, 5:55] = shows[50:52, 30:33] = True
    points = pointsOf(Scribbles(shows, none))
    assert len(points) == 4
    assert all(shows[row, column] and is_class for row, column, is_class in points)
    assert any(row >= 50 for row, _column, _shows in points), "each stroke has one"
    single = none.copy()
    single[3, 4] = True
    assert pointsOf(Scribbles(single, none)) == ((3, 4, True),)
    assert pointsOf(Scribbles(none, none)) == ()
