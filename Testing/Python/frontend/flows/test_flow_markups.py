"""Markups files in and out of the panel, and Markups that somebody else put into the scene, taken over as labels."""

from __future__ import annotations

import numpy as np
import pytest
import qt
import slicer
import slicer.util
import vtk
from flows.driver import fake_worker
from flows.placing import marks, message

from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid
from WeakMedSAMLib.frontend.scene.scene_volumes import toWorld

BOX = Box("Lesion", (12, 22, 20), (30, 40, 20), complete=True)
POINTS = (Point("Lesion", (15, 25, 20)), Point("Lesion", (40, 30, 21), False))


def entry(driver, name):
    driver.panel("tags").menu.actions[name].trigger()


def put(driver):
    edits, key = driver.logic.labels.marks, driver.logic.currentKey()
    edits.addBox(key, "Lesion", BOX.first, BOX.last, complete=True)
    for point in POINTS:
        edits.addPoint(key, "Lesion", point.voxel, point.shows)


def moved(volume):
    """Put a volume under a transform."""
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    turn = vtk.vtkTransform()
    turn.RotateX(20)
    turn.Translate(5, 6, 7)
    transform.SetMatrixTransformToParent(turn.GetMatrix())
    volume.SetAndObserveTransformNodeID(transform.GetID())
    return transform


@pytest.mark.parametrize("isMoved", [False, True])
def test_boxes_and_points_go_out_to_markups_and_come_back_as_one_step(work, tmp_path, isMoved):
    if isMoved:
        moved(work.logic.state.currentVolume)
    put(work)
    path = tmp_path / "scan ü.mrk.json"
    work.host.dialogs.answer(str(path))
    entry(work, "export")
    entry(work, "clearMarks")
    assert marks(work) == ()
    serial = work.logic.session.undoSerial
    work.host.dialogs.answer(str(path), qt.QMessageBox.Ok)
    entry(work, "import")
    assert marks(work) == (BOX, *POINTS)
    assert "tags imported" in work.host.dialogs.texts[-1]
    work.logic.session.undo()
    assert marks(work) == ()
    assert work.logic.session.undoSerial == serial
    assert work.logic.session.classes.names == ["Lesion"]


def test_the_dialogs_name_markups(work):
    work.host.dialogs.answer("", "")
    entry(work, "import")
    entry(work, "export")
    assert [".mrk.json" in shown.text or ".mrk.json" in str(vars(shown)) for shown in work.host.dialogs.shown] == [
        True
    ] * 2


def test_what_a_markups_file_leaves_out_is_told(work, tmp_path, make_volume):
    put(work)
    other = make_volume("Other", (12, 20, 22))
    work.logic.tagRange(other, "Lesion", 2, 4)
    work.logic.tagRange(work.logic.state.currentVolume, "Lesion", 18, 22)
    work.host.dialogs.answer(str(tmp_path / "marks.mrk.json"), qt.QMessageBox.Ok)
    entry(work, "export")
    told = work.host.dialogs.texts[-1]
    assert "Other" in told
    assert "slice_tags" in told


def test_markups_come_to_the_current_volume_alone(work, tmp_path, make_volume):
    """Two volumes of one patient lie over each other: the labels are of the one in the bar."""
    first = work.logic.state.currentVolume
    put(work)
    path = tmp_path / "marks.mrk.json"
    work.host.dialogs.answer(str(path))
    entry(work, "export")
    array = slicer.util.arrayFromVolume(first)
    matrix = vtk.vtkMatrix4x4()
    first.GetIJKToRASMatrix(matrix)
    second = make_volume("T2", array=array[::-1].copy(), geometry=slicer.util.arrayFromVTKMatrix(matrix))
    work.logic.state.setInCohort(first, True)
    work.logic.state.setInCohort(second, True)
    work.choose(second)
    work.host.dialogs.answer(str(path), qt.QMessageBox.Ok)
    entry(work, "import")
    assert marks(work) == (BOX, *POINTS)
    assert "'T2'" in work.host.dialogs.texts[-1]
    work.logic.session.undo()
    assert marks(work) == ()
    assert work.logic.marksOf(first) == (BOX, *POINTS)


@pytest.mark.parametrize(("place", "expected"), [("outside", "outside of the volume"), ("turned", "not parallel")])
def test_files_that_do_not_fit_are_told_and_change_nothing(work, tmp_path, place, expected):
    volume = work.logic.state.currentVolume
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Lesion")
    node.SetSize(10, 10, 10)
    if place == "outside":
        node.SetCenter(900, 900, 900)
    else:
        turn = vtk.vtkTransform()
        turn.Translate(*VoxelGrid.of(volume).toViews([(20, 30, 20)])[0])
        turn.RotateZ(30)
        node.SetAndObserveObjectToNodeMatrix(turn.GetMatrix())
    writer = slicer.vtkMRMLMarkupsROIJsonStorageNode()
    writer.SetFileName(str(tmp_path / "box.mrk.json"))
    assert writer.WriteData(node)
    before = work.logic.session.toJson()
    work.host.dialogs.answer(str(tmp_path / "box.mrk.json"), qt.QMessageBox.Ok)
    entry(work, "import")
    assert expected in work.host.dialogs.texts[-1]
    assert work.logic.session.toJson() == before


def test_without_a_volume_markups_are_refused(driver, window, tmp_path):
    driver.open(fake_worker())
    (tmp_path / "a.mrk.json").write_text('{"@schema": "x", "markups": []}')
    driver.host.dialogs.answer(str(tmp_path / "a.mrk.json"), qt.QMessageBox.Ok)
    driver.panel("tags").menu.actions["import"].trigger()
    assert "There is no volume to tag" in driver.host.dialogs.texts[-1]


# Nodes that somebody else made


def entries(driver):
    """The entries for Markups in the menu, as it is opened."""
    menu = driver.panel("tags").menu
    menu.menu.popup(qt.QPoint(0, 0))
    driver.host.settle(0.05)
    menu.menu.hide()
    assert menu.markups.menuAction().enabled == bool(menu.markups.actions())
    return list(menu.markups.actions())


def dragged(path):
    """What Slicer makes of a file that is dragged into it."""
    logic = slicer.vtkSlicerMarkupsLogic()
    logic.SetMRMLScene(slicer.mrmlScene)
    assert logic.LoadMarkups(str(path), path.name[: -len(".mrk.json")])


@pytest.mark.parametrize("isMoved", [False, True])
def test_a_file_that_was_dragged_into_slicer_is_taken_over(work, tmp_path, isMoved):
    put(work)
    work.host.settle(0.1)
    assert not entries(work)
    path = tmp_path / "scan.mrk.json"
    work.host.dialogs.answer(str(path))
    entry(work, "export")
    entry(work, "clearMarks")
    work.host.settle(0.1)
    dragged(path)
    work.host.settle(0.1)
    # It is no label by itself.
    assert marks(work) == ()
    nodes = list(slicer.util.getNodesByClass("vtkMRMLMarkupsNode"))
    if isMoved:
        transform = moved(work.logic.state.currentVolume)
        for node in nodes:
            node.SetAndObserveTransformNodeID(transform.GetID())
    assert {action.text for action in entries(work)} == {"Lesion (box): Lesion", "Lesion (points): Lesion"}
    for left in (1, 0):
        entries(work)[0].trigger()
        work.host.settle(0.1)
        assert len(entries(work)) == left
    assert set(marks(work)) == {BOX, *POINTS}
    assert not any(node.GetDisplayVisibility() for node in nodes)
    assert "is hidden now" in message(work)
    work.press("Z")
    work.press("Z")
    assert marks(work) == ()
    assert all(node.GetScene() is not None for node in nodes)


def test_what_slicer_calls_its_nodes_is_of_the_current_class(work):
    volume, session = work.logic.state.currentVolume, work.logic.session
    session.addClass("Edge")
    session.addClass("Rim")
    grid = VoxelGrid.of(volume)
    # As the toolbar of Markups names them, and as a second one of a class is called.
    for name, voxel in (("F", (5, 6, 7)), ("Edge_1", (8, 9, 10))):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        node.AddControlPoint(vtk.vtkVector3d(*grid.toViews([voxel])[0]))
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    roi.SetCenter(*grid.toViews([(20, 30, 15)])[0])
    roi.SetSize(*np.array((4.9, 6.9, 2.9)) * np.linalg.norm(grid.local[:3, :3], axis=0))
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "a line")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "empty")
    work.logic.state.currentClass = "Rim"
    found = entries(work)
    assert [action.text for action in found] == ["F (points): Rim", "Edge_1 (points): Edge", "R (box): Rim"]
    for _ in found:
        entries(work)[0].trigger()
    expected = {Point("Rim", (5, 6, 7)), Point("Edge", (8, 9, 10)), Box("Rim", (18, 27, 14), (22, 33, 16))}
    assert set(marks(work)) == expected


def test_what_cannot_be_taken_over_says_why(work):
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    roi.SetCenter(900, 0, 0)
    roi.SetSize(5, 5, 5)
    (action,) = entries(work)
    assert action.text == "R (box)"
    action.trigger()
    assert "outside of the volume" in message(work)
    assert roi.GetDisplayVisibility()
    assert marks(work) == ()


@pytest.mark.parametrize("scaled", ["volume", "box", "both"])
def test_a_box_under_a_transform_that_scales_is_where_it_is_seen(work, scaled):
    volume = work.logic.state.currentVolume
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    turn = vtk.vtkTransform()
    turn.Scale(2, 0.5, 1.5)
    transform.SetMatrixTransformToParent(turn.GetMatrix())
    for node in {"volume": [volume], "box": [roi], "both": [volume, roi]}[scaled]:
        node.SetAndObserveTransformNodeID(transform.GetID())
    grid, box = VoxelGrid.of(volume), Box("Lesion", (12, 22, 18), (30, 40, 21))
    corners = grid.toViews([np.array(box.first) - 0.5, np.array(box.last) + 0.5])
    toNode = np.linalg.inv(toWorld(roi))
    low, high = (corners @ toNode[:3, :3].T + toNode[:3, 3]).tolist()
    roi.SetCenter(*np.add(low, high) / 2)
    roi.SetSize(*np.abs(np.subtract(high, low)))
    work.host.settle(0.1)
    (action,) = entries(work)
    action.trigger()
    assert marks(work) == (box,), message(work)


@pytest.mark.parametrize("name", ["not Lesion", "Not Lesion_1", "all of Lesion", "Lesion_2"])
def test_what_the_name_of_a_node_says_counts_as_in_a_file(work, name):
    grid = VoxelGrid.of(work.logic.state.currentVolume)
    work.logic.session.addClass("Edge")
    work.logic.state.currentClass = "Edge"
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    points.AddControlPoint(vtk.vtkVector3d(*grid.toViews([(5, 6, 7)])[0]))
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", name)
    roi.SetCenter(*grid.toViews([(20, 30, 15)])[0])
    roi.SetSize(*np.array((4.9, 6.9, 2.9)) * np.linalg.norm(grid.local[:3, :3], axis=0))
    isNot = name.lower().startswith("not")
    for action in reversed(entries(work)):
        action.trigger()
        work.host.settle(0.05)
        if isNot and action.text.endswith("(box)"):
            assert "use points for what does not" in message(work)
    box = Box("Lesion", (18, 27, 14), (22, 33, 16), name.startswith("all"))
    assert marks(work) == (*[box] * (not isNot), Point("Lesion", (5, 6, 7), not isNot))
