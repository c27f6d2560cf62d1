"""Scribbles on masks are lost by nothing that happens between two strokes, and go to the class that one sees."""

from __future__ import annotations

import numpy as np
import pytest
from vtk.util.numpy_support import vtk_to_numpy

from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.frontend.bar.undo import Undo

SHAPE = (20, 40, 50)


@pytest.fixture
def scribbling(correcting, click):
    """`correcting`, scribbling on the second class; `stroke` paints what shows it, on k, j, i."""
    correcting.logic.state.currentClass = "organ"
    correcting.settle()

    def begin():
        if not correcting.ui.correctButton.checked:
            click(correcting.ui.correctButton)
        correcting.host.settle(0.1)
        if correcting.panel.correct.scribbling.shows is None:
            click(correcting.ui.scribbleButton)

    def stroke(place):
        effect = correcting.panel.correct.editor.widget.activeEffect()
        labelmap = effect.defaultModifierLabelmap()
        vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(SHAPE)[place] = 1
        labelmap.Modified()
        effect.modifySelectedSegmentByLabelmap(labelmap, effect.ModificationModeAdd)

    correcting.begin, correcting.stroke = begin, stroke
    return correcting


def known(bench, name="organ"):
    """Slice -> pixels that are known of a class."""
    return {index: int((one.pixels != 255).sum()) for index, one in PAINTED.slices(bench.labels, name).items()}


def test_scribbles_that_came_out_of_a_file_stay_beside_a_stroke(scribbling):
    pixels = np.full(SHAPE[1:], 255, np.uint8)
    pixels[3, 3:9] = 1
    scribbling.session.edit(
        "import", scribbling.key, lambda labels: PAINTED.put(labels, "organ", 8, "scribbled", pixels)
    )
    scribbling.settle()
    scribbling.begin()
    scribbling.stroke(np.s_[8, 20, 4:16])
    scribbling.host.settle(0.3)
    assert known(scribbling) == {8: 18}


def test_scribbles_of_a_class_stay_when_it_is_renamed(scribbling):
    scribbling.begin()
    scribbling.stroke(np.s_[8, 20, 4:16])
    scribbling.host.settle(0.3)
    scribbling.session.renameClass("organ", "Organ 2")
    scribbling.logic.state.currentClass = "Organ 2"
    scribbling.settle()
    scribbling.stroke(np.s_[8, 22, 4:16])
    scribbling.host.settle(0.3)
    assert known(scribbling, "Organ 2") == {8: 24}


def test_undo_right_after_a_stroke_takes_that_stroke_back(scribbling):
    undo = Undo(scribbling.session, scribbling.history, lambda: scribbling.node, scribbling.logic.currentKey)
    scribbling.begin()
    scribbling.stroke(np.s_[8, 20, 4:16])
    scribbling.host.settle(0.3)
    scribbling.stroke(np.s_[9, 22, 4:16])
    assert undo.undo() == "scribble 'organ' on slice 9"
    scribbling.host.settle(0.3)
    assert known(scribbling) == {8: 12}
    undo.cleanup()


def test_another_volume_in_between_changes_neither_class_nor_scribbles(scribbling, make_volume):
    scribbling.begin()
    scribbling.stroke(np.s_[8, 20, 4:16])
    scribbling.host.settle(0.3)
    logic, other = scribbling.logic, make_volume("other", SHAPE)
    logic.state.setInCohort(other, True)
    logic.state.currentVolume = other
    logic.identifyNow(other)
    scribbling.host.settle(0.3)
    assert logic.state.currentClass == "organ"
    logic.state.currentVolume = scribbling.volume
    scribbling.host.settle(0.3)
    scribbling.begin()
    scribbling.stroke(np.s_[8, 22, 4:16])
    scribbling.host.settle(0.3)
    assert known(scribbling) == {8: 24}
    found = scribbling.panel.correct.scribbling._hints.scribbles("organ", "k")
    assert {index: int(one.shows.sum()) for index, one in found.items()} == {8: 24}
