"""Drawing on a volume before there are masks: what is drawn becomes labels that the first masks learn from."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from vtk.util.numpy_support import vtk_to_numpy

from WeakMedSAMLib.contract.labels.painted import KIND
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.frontend.results.correcting.hints import hintsOf
from WeakMedSAMLib.frontend.results.review_panel import ReviewPanel

SHAPE = (6, 16, 18)


@pytest.fixture
def start(logic, make_volume, host, click):
    """The review of a volume without masks, of two classes."""

    class Start:
        def __init__(self):
            self.logic, self.host = logic, host
            self.node = make_volume("MR", SHAPE, show=True)
            self.panel = ReviewPanel(logic.state, logic.runs, logic.views, logic.history, logic.corrections)
            self.panel.useHistory(logic.session)
            self.ui = self.panel.ui

        def ready(self):
            logic.setClasses(["liver", "cyst"])
            logic.state.currentVolume = self.node
            logic.state.currentClass = "liver"
            logic.identifyNow(self.node)
            self.settle()
            return self

        def settle(self):
            host.settle(0.2)

        def press(self, name):
            click(getattr(self.ui, name))
            self.settle()

        def stroke(self, place, shows=True):
            widget = self.panel.correct.editor.widget
            effect = widget.activeEffect()
            labelmap = effect.defaultModifierLabelmap()
            array = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(SHAPE)
            array[place] = 1
            labelmap.Modified()
            mode = effect.ModificationModeAdd if shows else effect.ModificationModeRemove
            effect.modifySelectedSegmentByLabelmap(labelmap, mode)
            self.settle()

        def painted(self, name="liver"):
            return KIND.slices(logic.labels.ofCurrent(), name)

        def show(self, index):
            logic.views.makeCurrent(logic.state, self.node)
            assert logic.views.showSlice(self.node, "k", index, "Red")
            self.settle()

    made = Start()
    made.panel.widget.show()
    made.panel.enter()
    host.settle(0.2)
    yield made
    made.panel.cleanup()
    made.panel.widget.deleteLater()


def test_what_stands_in_the_way_is_said_at_the_button(start, logic):
    button = start.ui.correctButton
    assert (button.visible, button.enabled) == (True, False)
    assert "Choose a volume first." in button.toolTip
    logic.setClasses([])
    logic.state.currentVolume = start.node
    start.settle()
    logic.identifyNow(start.node)
    start.settle()
    assert (button.enabled, "Add a class first." in button.toolTip) == (False, True)
    start.ready()
    assert (button.enabled, "before there are masks" in button.toolTip) == (True, True)
    assert not start.ui.fineButton.visible
    assert not start.ui.updateFrame.visible
    assert "'Correct' draws on slices before" in start.ui.messageLabel.text


def test_strokes_become_scribbles_of_the_current_class_and_undo_takes_them_back(start, logic):
    start.ready().press("correctButton")
    assert start.ui.scribbleButton.checked
    start.stroke(np.s_[2, 4:6, 3:9])
    ((index, one),) = start.painted().items()
    assert (index, one.state, np.count_nonzero(one.pixels == 1), np.count_nonzero(one.pixels == 0)) == (
        2,
        "scribbled",
        12,
        0,
    )
    assert logic.labels.ofCurrent().presence("liver")[2] == PRESENT
    start.press("notScribbleButton")
    start.stroke(np.s_[2, 10, 3:9])
    assert np.count_nonzero(start.painted()[2].pixels == 0) == 6
    logic.state.currentClass = "cyst"
    start.settle()
    start.stroke(np.s_[3, 10, 3:5])
    assert np.count_nonzero(start.painted("cyst")[3].pixels == 0) == 2
    for _ in range(3):
        logic.session.undo()
    start.settle()
    assert (start.painted(), start.painted("cyst")) == ({}, {})
    hints = hintsOf(start.node)
    assert not any(one.shows.any() for one in hints.scribbles("liver", "k").values())
    logic.session.redo()
    start.settle()
    assert hints.scribbles("liver", "k")[2].shows.sum() == 12


def test_a_slice_is_drawn_when_what_was_painted_is_all_of_it_and_strokes_go_on_from_there(start, logic):
    start.ready().press("correctButton")
    start.show(2)
    start.stroke(np.s_[2, 4:10, 3:9])
    assert start.ui.rightButton.visible
    assert start.ui.rightButton.text == "That is all of it"
    start.press("rightButton")
    assert start.painted()[2].state == "drawn"
    assert start.painted()[2].pixels.sum() == 36
    start.stroke(np.s_[2, 10, 3:9])
    assert (start.painted()[2].state, start.painted()[2].pixels.sum()) == ("drawn", 42)
    start.press("notScribbleButton")
    start.stroke(np.s_[2, 4:6, 3:9])
    assert start.painted()[2].pixels.sum() == 30
    assert not hintsOf(start.node).scribbles("liver", "k")[2].not_.any()
    logic.corrections.giveBack(2, 2)
    start.settle()
    assert start.painted() == {}


def test_what_was_painted_elsewhere_is_seen_and_kept(start, logic):
    start.ready()
    square = np.zeros(SHAPE[1:], bool)
    square[2:5, 2:5] = True
    logic.session.edit("import", logic.currentKey(), lambda labels: KIND.put(labels, "liver", 4, "drawn", square))
    start.press("correctButton")
    start.stroke(np.s_[4, 8, 3:9])
    assert start.painted()[4].pixels.sum() == 9 + 6


def test_scene_and_mrb_keep_it_and_one_goes_on(start, logic, host, tmp_path):
    start.ready().press("correctButton")
    start.stroke(np.s_[2, 4:6, 3:9])
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    start.panel.setScene(None)
    host.closeScene()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    start.node = slicer.util.getNode("MR")
    logic.state.currentVolume = start.node
    logic.identifyNow(start.node)
    start.panel.setScene(slicer.mrmlScene)
    start.settle()
    assert np.count_nonzero(start.painted()[2].pixels == 1) == 12
    assert not hintsOf(start.node).segmentationNode.GetDisplayNode().GetVisibility()
    start.press("correctButton")
    start.stroke(np.s_[2, 4, 3:9], shows=False)
    assert np.count_nonzero(start.painted()[2].pixels == 1) == 6


def test_leaving_takes_the_last_stroke_and_hides_scribbles(start):
    start.ready().press("correctButton")
    start.stroke(np.s_[2, 4:6, 3:9])
    hints = hintsOf(start.node)
    assert hints.segmentationNode.GetDisplayNode().GetVisibility()
    start.press("correctButton")
    assert not start.panel.correct.editor.isOn
    assert not hints.segmentationNode.GetDisplayNode().GetVisibility()
    assert list(start.painted()) == [2]
    assert start.panel.stateInWords() == ""  # nothing is there to be updated


def counts(start, name="liver"):
    """Slice -> pixels that are painted, and that are seen as scribbles."""
    painted = {index: np.count_nonzero(one.pixels == 1) for index, one in start.painted(name).items()}
    seen = {index: one.shows.sum() for index, one in hintsOf(start.node).scribbles(name, "k").items()}
    return painted, seen


def test_what_was_painted_of_a_class_stays_when_it_is_renamed_and_no_ghost_of_it(start, logic):
    start.ready().press("correctButton")
    start.stroke(np.s_[2, 4:6, 3:9])
    logic.session.renameClass("liver", "Leber")
    logic.state.currentClass = "Leber"
    start.settle()
    assert counts(start, "liver") == ({}, {})
    start.stroke(np.s_[2, 8, 3:9])
    assert counts(start, "Leber") == ({2: 18}, {2: 18})
    logic.session.removeClass("Leber")
    start.settle()
    assert counts(start, "Leber") == ({}, {})
    logic.session.undo()
    start.settle()
    assert counts(start, "Leber") == ({2: 18}, {2: 18})


@pytest.mark.parametrize("isLeft", [True, False])
def test_what_was_painted_stays_when_the_volume_is_moved(start, isLeft):
    start.ready().press("correctButton")
    start.stroke(np.s_[2, 4:6, 3:9])
    if isLeft:
        start.press("correctButton")
    start.node.SetOrigin(11, 7, 3)
    start.settle()
    if isLeft:
        start.press("correctButton")
    else:
        # The first one finds that the volume is elsewhere.
        start.stroke(np.s_[3, 8, 3:9])
    start.stroke(np.s_[2, 8, 3:9])
    assert counts(start) == ({2: 18}, {2: 18})
