"""Scribbles lie where they were painted, along whichever axis the slices are counted, with a run folder and without."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from vtk.util.numpy_support import vtk_to_numpy

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED

SHAPE = (20, 40, 50)
AXES = "kji"


@pytest.fixture
def scribbling(correcting, click):
    """`correcting`, scribbling on the class that is chosen; `stroke` paints what shows it, on k, j, i."""
    click(correcting.ui.correctButton)
    correcting.host.settle(0.1)
    click(correcting.ui.scribbleButton)
    correcting.name = correcting.panel.correct.states.className
    correcting.part = correcting.panel.correct.scribbling

    def stroke(place):
        effect = correcting.panel.correct.editor.widget.activeEffect()
        labelmap = effect.defaultModifierLabelmap()
        array = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(SHAPE)
        array[place] = 1
        labelmap.Modified()
        effect.modifySelectedSegmentByLabelmap(labelmap, effect.ModificationModeAdd)

    correcting.stroke = stroke
    return correcting


def known(bench):
    """The pixels that show the class, k x j x i."""
    whole = np.zeros(SHAPE, bool)
    planes = np.moveaxis(whole, AXES.index(bench.labels.axis), 0)
    for index, painted in PAINTED.slices(bench.labels, bench.name).items():
        planes[index] = painted.pixels == 1
    return whole


def turn(bench, axis):
    bench.session.changeAxis(bench.key, axis, SHAPE[AXES.index(axis)])
    bench.host.settle(0.3)


def box(*places):
    whole = np.zeros(SHAPE, bool)
    for place in places:
        whole[place] = True
    return whole


@pytest.mark.parametrize("axis", ["i", "j"])
def test_scribbles_lie_where_they_were_painted_in_another_direction_than_that_of_the_run(scribbling, axis):
    first, second = np.s_[4, 10:12, 5:9], np.s_[6:8, 20:22, 30:33]
    scribbling.stroke(first)
    scribbling.host.settle(0.3)
    assert np.array_equal(known(scribbling), box(first))
    turn(scribbling, axis)
    scribbling.stroke(second)
    scribbling.host.settle(0.3)
    assert scribbling.labels.axis == axis
    assert np.array_equal(known(scribbling), box(first, second))
    # They are shown as they are known, and go with an undo.
    found = scribbling.part._hints.scribbles(scribbling.name, "k")
    assert sorted(found) == [4, 6, 7]
    while "scribble" in scribbling.session.undoText:
        scribbling.session.undo()
    assert np.array_equal(known(scribbling), box(first))
    assert sorted(scribbling.part._hints.scribbles(scribbling.name, "k")) == [4]


def test_a_stroke_of_the_last_moment_is_not_lost_when_the_direction_changes(scribbling):
    scribbling.stroke(np.s_[4, 10:12, 5:9])
    turn(scribbling, "j")
    assert np.array_equal(known(scribbling), box(np.s_[4, 10:12, 5:9]))


def test_a_stroke_of_the_last_moment_goes_to_its_own_volume_when_another_is_chosen(scribbling, make_volume):
    other = make_volume("second", SHAPE)
    scribbling.logic.state.setInCohort(other, True)
    scribbling.host.settle(0.3)
    own = scribbling.key
    scribbling.stroke(np.s_[4, 10:12, 5:9])
    scribbling.logic.state.currentVolume = other
    scribbling.host.settle(0.5)
    painted = PAINTED.slices(scribbling.session.volume(own), scribbling.name)
    assert {index: int((each.pixels == 1).sum()) for index, each in painted.items()} == {4: 8}
    labels = scribbling.session.volume(scribbling.logic.labels.keyOf(other))
    assert labels is None or not PAINTED.slices(labels, scribbling.name)


def test_scribbles_that_could_not_be_handed_on_are_handed_on_at_the_next(scribbling, monkeypatch):
    from WeakMedSAMLib.contract.errors import UserError

    def refuse(*_given):
        raise UserError("no_volume", "There is no volume.")

    with monkeypatch.context() as patch:
        patch.setattr(scribbling.corrections, "putScribbles", refuse)
        scribbling.stroke(np.s_[4, 10, 5:9])
        with pytest.raises(UserError):
            scribbling.part.read()
        assert not known(scribbling).any()
    scribbling.stroke(np.s_[5, 10, 5:9])
    scribbling.host.settle(0.3)
    assert np.array_equal(known(scribbling), box(np.s_[4:6, 10, 5:9]))


def test_one_leaves_scribbling_even_where_they_cannot_be_handed_on(scribbling, monkeypatch):
    from WeakMedSAMLib.contract.errors import UserError

    def refuse(*_given):
        raise UserError("no_volume", "There is no volume.")

    scribbling.stroke(np.s_[4, 10, 5:9])
    monkeypatch.setattr(scribbling.corrections, "putScribbles", refuse)
    with pytest.raises(UserError):
        scribbling.part.end()
    assert scribbling.part.shows is None
    assert scribbling.panel.correct.editor.segmentationNode is scribbling.node


def test_scribbles_count_without_a_run_folder(correcting, click, request):
    shutil.rmtree(correcting.run.folder)
    correcting.panel.correct.choose(None, "")
    correcting.panel._onRunsChanged()
    correcting.host.settle(0.1)
    assert correcting.panel._subject.result is None
    scribbling = request.getfixturevalue("scribbling")
    assert scribbling.ui.scribbleButton.enabled
    scribbling.stroke(np.s_[4, 10, 5:9])
    scribbling.host.settle(0.3)
    assert np.array_equal(known(scribbling), box(np.s_[4, 10, 5:9]))


def test_scribbles_can_be_taken_away_in_another_direction(scribbling):
    from WeakMedSAMLib.frontend.results.segment_images import setMask

    scribbling.stroke(np.s_[4, 10:12, 5:9])
    scribbling.host.settle(0.3)
    turn(scribbling, "j")
    hints = scribbling.part._hints
    setMask(hints.segmentationNode, hints.segmentIdOf(scribbling.name, True), hints._packed({}, "j"))
    scribbling.host.settle(0.3)
    assert not known(scribbling).any()


def test_a_ball_that_scribbles_on_several_slices_is_one_step_to_undo(scribbling):
    session = scribbling.session
    scribbling.stroke(np.s_[4:7, 10:12, 5:9])
    scribbling.host.settle(0.3)
    assert np.array_equal(known(scribbling), box(np.s_[4:7, 10:12, 5:9]))
    assert "slices 4 to 6" in session.undoText
    session.undo()
    scribbling.host.settle(0.3)
    assert not known(scribbling).any()
    session.redo()
    scribbling.host.settle(0.3)
    assert np.array_equal(known(scribbling), box(np.s_[4:7, 10:12, 5:9]))
