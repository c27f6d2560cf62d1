"""Nodes of points and boxes that a person drags, deletes or renames in whatever module."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import slicer.util
import vtk
from flows.marks_bench import BOX, corners, corners_of_voxels

from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid


def test_a_dragged_box_is_one_step_and_snaps_to_voxels(boxed):
    (roi,) = boxed.rois()
    size, center = list(roi.GetSize()), list(roi.GetCenter())
    roi.InvokeEvent(roi.PointStartInteractionEvent)
    for part in (0.2, 0.9, 2.2):
        roi.SetCenter(center[0] + part, center[1], center[2])
        boxed.settle()
        assert boxed.of() == (BOX,)
    roi.InvokeEvent(roi.PointEndInteractionEvent)
    boxed.settle()
    moved = Box("liver", (12, 12, 5), (22, 19, 5))
    assert boxed.of() == (moved,)
    np.testing.assert_allclose(roi.GetCenter(), np.array(center) + np.array((2, 0, 0)), atol=1e-4)
    np.testing.assert_allclose(roi.GetSize(), size, atol=1e-4)
    assert boxed.rois() == [roi]
    assert boxed.logic.session.undoText == "move of box of 'liver' on slice 5"
    boxed.undo()
    assert boxed.of() == (BOX,)
    np.testing.assert_allclose(roi.GetCenter(), center, atol=1e-4)
    boxed.redo()
    assert boxed.of() == (moved,)


def test_a_drag_within_a_voxel_is_no_step_and_is_put_back(boxed):
    (roi,) = boxed.rois()
    center, text = list(roi.GetCenter()), boxed.logic.session.undoText
    roi.SetCenter(center[0] + 0.3, center[1], center[2])
    boxed.settle()
    assert boxed.logic.session.undoText == text
    np.testing.assert_allclose(roi.GetCenter(), center, atol=1e-4)


@pytest.mark.parametrize("change", ["outside", "turned"])
def test_what_is_no_box_of_the_volume_is_put_back_and_told(boxed, change):
    (roi,) = boxed.rois()
    center = list(roi.GetCenter())
    if change == "outside":
        roi.SetCenter(500, 0, 0)
    else:
        turn = vtk.vtkTransform()
        turn.Concatenate(roi.GetObjectToNodeMatrix())
        turn.RotateZ(30)
        roi.SetAndObserveObjectToNodeMatrix(turn.GetMatrix())
    boxed.settle()
    assert [error.code for error in boxed.refused] == ["mark_put_back"]
    assert boxed.of() == (BOX,)
    np.testing.assert_allclose(roi.GetCenter(), center, atol=1e-4)
    np.testing.assert_allclose(corners(roi), corners_of_voxels(boxed.volume, BOX), atol=2e-4)


def test_a_box_over_the_edge_is_cut(boxed):
    (roi,) = boxed.rois()
    roi.SetSize(200, 200, 1)
    boxed.settle()
    assert boxed.of() == (Box("liver", (0, 0, 5), (39, 31, 5)),)


def test_a_deleted_node_is_a_removed_mark(boxed):
    slicer.mrmlScene.RemoveNode(boxed.rois()[0])
    boxed.settle()
    assert boxed.of() == ()
    assert boxed.logic.session.undoText == "removal of box of 'liver' on slice 5"
    boxed.undo()
    assert boxed.of() == (BOX,)
    assert len(boxed.rois()) == 1


def test_several_deleted_nodes_are_one_step(boxed):
    boxed.marks.addPoint(boxed.key, "spleen", (3, 4, 5))
    boxed.settle()
    before = boxed.of()
    for node in slicer.util.getNodesByClass("vtkMRMLMarkupsNode"):
        slicer.mrmlScene.RemoveNode(node)
    boxed.settle()
    assert boxed.of() == ()
    boxed.undo()
    assert boxed.of() == before


def test_a_folder_that_is_deleted_takes_its_marks_along(boxed):
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    hierarchy.RemoveItem(hierarchy.GetItemByName("Marks of Scan"))
    boxed.settle()
    assert boxed.of() == ()
    boxed.undo()
    assert len(boxed.rois()) == 1


def test_emptied_in_the_markups_module(boxed):
    boxed.rois()[0].RemoveAllControlPoints()
    boxed.settle()
    assert boxed.of() == ()
    assert not boxed.rois()


def test_points_that_are_moved_added_and_removed_are_read(bench):
    for voxel in ((3, 4, 5), (6, 4, 5)):
        bench.marks.addPoint(bench.key, "liver", voxel, shows=voxel[0] == 3)
    bench.settle()
    (points,) = bench.lists()
    grid = VoxelGrid.of(bench.volume)
    points.SetNthControlPointPositionWorld(0, *grid.toViews([(8.3, 9, 2)])[0])
    bench.settle()
    assert bench.of() == (Point("liver", (8, 9, 2)), Point("liver", (6, 4, 5), False))
    assert bench.logic.session.undoText == "move of a point of 'liver'"
    points.AddControlPointWorld(vtk.vtkVector3d(*grid.toViews([(1, 1, 1)])[0]))
    bench.settle()
    assert bench.of()[-1] == Point("liver", (1, 1, 1))
    assert points.GetNthControlPointDescription(2) == "liver"
    points.SetNthControlPointDescription(2, "not liver")
    bench.settle()
    assert bench.of()[-1] == Point("liver", (1, 1, 1), False)
    points.RemoveNthControlPoint(1)
    bench.settle()
    assert bench.of() == (Point("liver", (8, 9, 2)), Point("liver", (1, 1, 1), False))
    points.SetNthControlPointPositionWorld(0, 900, 900, 900)
    bench.settle()
    assert [error.code for error in bench.refused] == ["mark_put_back"]
    np.testing.assert_allclose(grid.toIjk(points.GetNthControlPointPositionWorld(0)), (8, 9, 2), atol=1e-4)
    for _ in range(4):
        bench.undo()
    assert bench.of() == (Point("liver", (3, 4, 5)), Point("liver", (6, 4, 5), False))


def test_a_renamed_list_renames_its_class(bench):
    bench.marks.addPoint(bench.key, "liver", (3, 4, 5))
    bench.settle()
    (points,) = bench.lists()
    points.SetName("Leber")
    bench.settle()
    assert bench.logic.session.classes.names == ["Leber", "spleen"]
    assert bench.of() == (Point("Leber", (3, 4, 5)),)
    assert bench.lists() == [points]
    bench.undo()
    assert bench.logic.session.classes.names == ["liver", "spleen"]
    assert bench.lists()[0].GetName() == "liver"


def test_a_node_named_like_another_class_is_of_that_class(boxed):
    (roi,) = boxed.rois()
    roi.SetName("spleen")
    boxed.settle()
    assert boxed.of() == (Box("spleen", BOX.first, BOX.last),)
    assert boxed.rois() == [roi]
    boxed.undo()
    assert boxed.of() == (BOX,)
    (roi,) = boxed.rois()
    roi.SetName("something")
    boxed.settle()
    assert [error.code for error in boxed.refused] == ["mark_not_renamed"]
    assert boxed.of() == (BOX,)
    assert boxed.rois()[0].GetName() == "liver"


def test_a_cloned_node_is_not_ours(boxed):
    (roi,) = boxed.rois()
    clone = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "liver copy")
    clone.CopyContent(roi)
    clone.SetCenter(0, 0, 0)
    boxed.settle()
    assert boxed.of() == (BOX,)
    slicer.mrmlScene.RemoveNode(clone)
    boxed.settle()
    assert boxed.of() == (BOX,)
