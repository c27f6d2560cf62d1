"""Placing boxes and points with mouse and keyboard, by Slicer's own place mode."""

from __future__ import annotations

import numpy as np
import pytest
import qt
import slicer
import slicer.util
from flows.placing import assert_nothing_left, hint, is_placing, marks, message, modes, pens

from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.points import Point


def test_a_box_is_a_press_and_two_clicks(work):
    work.click("tags", "boxButton")
    assert is_placing()
    assert "corner of the box around 'Lesion'" in hint(work)
    assert work.ui("tags", "boxButton").checked
    work.click_at((30, 40, 20))
    assert "opposite corner" in hint(work)
    work.click_at((12, 22, 20))
    assert marks(work) == (Box("Lesion", (12, 22, 20), (30, 40, 20)),)
    assert work.logic.session.undoText == "new box of 'Lesion' on slice 20"
    assert_nothing_left(work)
    assert "box: counts as present" in work.panel("tags")._notes.annotations._actors["Red"][0].GetInput()
    # Its handles are there at once; the model was asked about the slice, rows first.
    (roi,) = slicer.util.getNodesByClass("vtkMRMLMarkupsROINode")
    assert roi.GetDisplayNode().GetHandlesInteractive()
    ((node, axis, index, boxes, points, _answered),) = work.asked
    assert (node, axis, index) == (work.logic.state.currentVolume, "k", 20)
    assert (boxes, points) == ((((22, 40), (12, 30)),), ())
    work.press("Z")
    assert marks(work) == ()
    work.press("Y")
    assert len(marks(work)) == 1


def test_points_with_keys(work):
    work.press("O")
    assert "Click on 'Lesion'" in hint(work)
    work.click_at((15, 16, 20))
    work.press("Shift+O")
    assert "not 'Lesion'" in hint(work)
    work.click_at((40, 41, 20))
    assert marks(work) == (Point("Lesion", (15, 16, 20)), Point("Lesion", (40, 41, 20), False))
    assert [question[4] for question in work.asked] == [((16, 15, True),), ((16, 15, True), (41, 40, False))]
    assert_nothing_left(work)


def test_the_box_is_shown_while_the_mouse_moves_and_enter_takes_it(work):
    work.press("X")
    work.press("Return")  # nothing to take yet
    assert work.panel("tags").marks.actions.kind == "box"
    work.click_at((30, 40, 20))
    work.hover_at((10, 20, 20))
    outlines = work.panel("tags").marks._outlines
    assert outlines.viewsOf("preview") == ["Red"]
    lines = outlines.shown("preview").lines
    np.testing.assert_allclose((lines.min(axis=(0, 1)), lines.max(axis=(0, 1))), ((9.5, 19.5, 20), (30.5, 40.5, 20)))
    work.press("Return")
    assert marks(work) == (Box("Lesion", (10, 20, 20), (30, 40, 20)),)
    assert outlines.shown("preview") is None
    assert_nothing_left(work)


def test_escape_leaves_what_is_placed_and_then_takes_back_what_was(work):
    work.press("X")
    work.click_at((30, 40, 20))
    work.press("Escape")
    assert_nothing_left(work)
    assert marks(work) == ()
    work.press("X")
    work.click_at((30, 40, 20))
    work.click_at((10, 20, 20))
    assert "New box of 'Lesion' on slice 20" in hint(work)
    work.press("Escape")
    assert marks(work) == ()
    assert hint(work) == ""
    work.press("X")
    work.click_at((30, 40, 20))
    work.click_at((10, 20, 20))
    work.press("Return")
    assert hint(work) == ""
    work.press("Escape")  # it was taken
    assert len(marks(work)) == 1


def test_whatever_one_does_next_takes_it(work):
    work.press("O")
    work.click_at((15, 16, 20))
    work.press("P")
    assert hint(work) == ""
    work.press("Escape")
    assert len(marks(work)) == 1


def test_the_same_again_is_nothing_to_take_back(work):
    work.press("P")
    for _ in range(2):
        work.press("O")
        work.click_at((15, 16, 20))
    work.press("Escape")
    assert len(marks(work)) == 1
    assert work.logic.labels.ofCurrent().counts("Lesion").present == 1


def test_pressing_the_button_again_leaves(work):
    work.click("tags", "boxButton")
    work.click("tags", "boxButton")
    assert_nothing_left(work)
    work.click("tags", "boxButton")
    work.click("tags", "pointButton")
    assert work.panel("tags").marks.actions.kind == "point"
    assert len(pens()) == 1
    work.click("tags", "leaveButton")
    assert_nothing_left(work)


def test_a_box_by_its_outermost_points(work):
    action = work.panel("tags").menu.actions["extreme"]
    action.trigger()
    assert action.checked
    work.press("X")
    for voxel in ((20, 10, 20), (35, 25, 20), (20, 42, 20)):
        work.click_at(voxel)
        assert is_placing()
    assert "3 of 4" in hint(work)
    work.click_at((8, 22, 20))
    assert marks(work) == (Box("Lesion", (8, 10, 20), (35, 42, 20)),)
    assert_nothing_left(work)


def test_tagging_keys_are_off_while_placing_and_the_view_says_so(work):
    work.press("X")
    for key in ("S", "P", "A", "1", "N"):
        work.press(key)
    labels = work.logic.labels.ofCurrent()
    assert not labels.is_said()
    assert work.panel("tags").actions.start is None
    actor = work.panel("tags")._notes.annotations._actors["Red"][0]
    assert "tagging keys are off" in actor.GetInput()
    work.press("Escape")
    assert "tagging keys are off" not in actor.GetInput()
    work.press("P")
    assert work.logic.labels.ofCurrent().counts("Lesion").present == 1


def test_both_corners_lie_on_one_slice(work):
    work.press("X")
    work.click_at((30, 40, 20))
    work.go_to(22)
    work.click_at((10, 20, 22))
    assert "begun on slice 20" in message(work)
    assert marks(work) == ()
    assert is_placing()
    work.go_to(20)
    work.click_at((10, 20, 20))
    assert marks(work) == (Box("Lesion", (10, 20, 20), (30, 40, 20)),)


def test_a_corner_outside_is_at_the_edge_and_a_point_outside_is_none(work):
    size = work.logic.labels.ofCurrent().size
    work.press("X")
    work.click_at((30, 40, 20))
    work.click_at((size[0] + 1, size[1] + 1, 20))
    assert marks(work) == (Box("Lesion", (30, 40, 20), (size[0] - 1, size[1] - 1, 20)),)
    work.press("O")
    work.click_at((size[0] + 1, 3, 20))
    assert len(marks(work)) == 1
    assert "outside of the volume" in message(work)
    assert is_placing()
    work.press("Escape")
    assert_nothing_left(work)


def test_a_click_in_another_view_places_nothing(work):
    work.press("X")
    work.click_at((30, 40, 20), view="Green")
    assert "corner of the box" in hint(work)
    assert work.panel("tags").marks._outlines.shown("preview") is None


@pytest.mark.parametrize(
    "end", ["exit", "cleanup", "close", "volume", "remove", "class", "rename", "mode", "pen", "other", "right"]
)
def test_whatever_ends_a_gesture_leaves_nothing_behind(work, end, make_volume):
    other = make_volume("Other")
    session = work.logic.session
    session.addClass("Edge")
    interaction, selection = modes()
    work.press("X")
    work.click_at((30, 40, 20))
    assert is_placing()
    if end == "exit":
        work.select("Data")
    elif end == "cleanup":
        work.host.unloadModule("WeakMedSAM")
        work.host.settle(0.1)
        assert not is_placing()
        assert not slicer.util.getNodesByClass("vtkMRMLMarkupsNode")
        return
    elif end == "close":
        work.host.closeScene()
    elif end == "volume":
        work.logic.state.currentVolume = other
    elif end == "remove":
        slicer.mrmlScene.RemoveNode(work.logic.state.currentVolume)
    elif end == "class":
        session.removeClass("Lesion")
    elif end == "rename":
        session.renameClass("Lesion", "Tumour")
    elif end == "mode":
        interaction.SwitchToViewTransformMode()
    elif end == "pen":
        slicer.mrmlScene.RemoveNode(pens()[0])
    elif end == "right":
        widget, x, y = work.point_at((20, 20, 20))
        work.user.click(widget, x, y, qt.Qt.RightButton)
    else:
        theirs = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Theirs")
        selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsLineNode")
        selection.SetActivePlaceNodeID(theirs.GetID())
        work.host.settle(0.1)
        assert is_placing()
        assert selection.GetActivePlaceNodeID() == theirs.GetID()
        assert not pens()
        interaction.SwitchToViewTransformMode()
        selection.SetActivePlaceNodeID(None)
        slicer.mrmlScene.RemoveNode(theirs)
    assert_nothing_left(work)
    for key in (session.volume(volume.sha256) for volume in session.cohort.volumes):
        assert not key.further


def test_what_the_toolbar_offers_is_as_before(work):
    interaction, selection = modes()
    theirs = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Theirs")
    selection.SetReferenceActivePlaceNodeClassName("vtkMRMLMarkupsLineNode")
    selection.SetActivePlaceNodeID(theirs.GetID())
    interaction.SetPlaceModePersistence(0)
    work.press("O")
    work.click_at((15, 16, 20))
    assert selection.GetActivePlaceNodeID() == theirs.GetID()
    assert selection.GetActivePlaceNodeClassName() == "vtkMRMLMarkupsLineNode"
    assert not interaction.GetPlaceModePersistence()
    assert not is_placing()
    selection.SetActivePlaceNodeID(None)


def test_a_view_that_cuts_across_is_refused_with_align_view(work):
    node = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    turn = node.GetSliceToRAS()
    c, s = np.cos(0.3), np.sin(0.3)
    for row, values in enumerate(((1, 0, 0), (0, c, -s), (0, s, c))):
        for column, value in enumerate(values):
            turn.SetElement(row, column, value)
    node.UpdateMatrices()
    work.host.settle(0.1)
    work.press("X")
    assert "cuts across the slices" in message(work)
    assert not is_placing()
    work.click("tags", "alignButton")
    work.press("X")
    assert is_placing()


def test_a_sheared_volume_takes_points_and_no_boxes(work, make_volume):
    matrix = np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
    node = make_volume("Sheared", (30, 40, 44), matrix, show=True)
    work.choose(node)
    work.go_to(12)
    work.press("X")
    assert "sheared" in message(work)
    assert not is_placing()
    work.press("O")
    work.click_at((15, 16, 12))
    assert marks(work) == (Point("Lesion", (15, 16, 12)),)


@pytest.mark.parametrize("geometry", ["lps", "flipped", "anisotropic", "oblique", "left"])
def test_boxes_are_where_one_clicks_in_every_geometry(work, make_volume, geometry):
    matrix = np.diag([1.0, 1, -3, 1]) if geometry == "left" else geometry
    node = make_volume("Other", (20, 40, 44), matrix, show=True)
    work.choose(node)
    slicer.util.setSliceViewerLayers(background=node, fit=True, rotateToVolumePlane=True)
    work.go_to(12)
    work.press("X")
    work.click_at((10, 30, 12))
    work.click_at((25, 8, 12))
    assert marks(work) == (Box("Lesion", (10, 8, 12), (25, 30, 12)),)


def test_an_old_scene_with_class_keys_of_ours_keeps_working(work):
    # A class may have had X as its key before boxes did.
    from dataclasses import replace

    session = work.logic.session
    session.setClasses([replace(session.classes[0], shortcut="X")])
    work.host.settle(0.1)
    work.press("X")
    assert work.panel("tags").marks.actions.kind == "box"


def test_a_scene_that_is_saved_while_one_places_holds_nothing_unfinished(work, tmp_path):
    work.press("O")
    work.click_at((15, 16, 20))
    work.press("X")
    work.click_at((30, 40, 20))
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    work.click_at((12, 22, 20))
    assert len(marks(work)) == 2
    assert modes()[0].GetSaveWithScene()
    work.host.closeScene()
    slicer.util.loadScene(str(path))
    work.host.waitUntil(lambda: work.logic.currentKey() is not None)
    assert_nothing_left(work)
    assert marks(work) == (Point("Lesion", (15, 16, 20)),)
    assert len(slicer.util.getNodesByClass("vtkMRMLMarkupsNode")) == 1
