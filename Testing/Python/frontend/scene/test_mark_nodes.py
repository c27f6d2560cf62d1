"""Nodes of points and boxes: views of the labels."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import slicer.util
import vtk
from flows.marks_bench import BOX, corners, corners_of_voxels

from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid
from WeakMedSAMLib.frontend.scene.scene_volumes import matrixOf

SHEARED = np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
LEFT = np.array([[1, 0, 0, 5], [0, 1, 0, 6], [0, 0, -3, 7], [0, 0, 0, 1]])


@pytest.mark.parametrize("geometry", ["plain", "lps", "flipped", "anisotropic", "oblique", "sagittal", "left"])
@pytest.mark.parametrize("isMoved", [False, True])
def test_a_box_lies_on_the_borders_of_its_voxels_in_every_geometry(open_bench, geometry, isMoved):
    bench = open_bench(geometry=LEFT if geometry == "left" else geometry)
    if isMoved:
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        turn = vtk.vtkTransform()
        turn.RotateX(20)
        turn.Translate(5, 6, 7)
        transform.SetMatrixTransformToParent(turn.GetMatrix())
        bench.volume.SetAndObserveTransformNodeID(transform.GetID())
    bench.marks.addBox(bench.key, "liver", BOX.first, BOX.last)
    bench.marks.addPoint(bench.key, "liver", (3, 4, 5))
    bench.settle()
    (roi,) = bench.rois()
    assert roi.GetParentTransformNode() is bench.volume.GetParentTransformNode()
    np.testing.assert_allclose(corners(roi), corners_of_voxels(bench.volume, BOX), atol=2e-4)
    assert np.linalg.det(matrixOf(roi.GetObjectToNodeMatrix())[:3, :3]) == pytest.approx(1)
    (points,) = bench.lists()
    voxel = VoxelGrid.of(bench.volume).toIjk(points.GetNthControlPointPositionWorld(0))
    np.testing.assert_allclose(voxel, (3, 4, 5), atol=1e-4)
    # What is read of nodes that nobody touched says the same.
    for node in (roi, points):
        node.Modified()
    before = bench.of()
    bench.settle()
    assert bench.of() == before
    assert not bench.refused


def test_nodes_look_as_marks_should(boxed):
    boxed.marks.addPoint(boxed.key, "liver", (3, 4, 5))
    boxed.marks.addPoint(boxed.key, "liver", (4, 4, 5), shows=False)
    boxed.settle()
    (roi,), (points,) = boxed.rois(), boxed.lists()
    color = np.array(boxed.logic.session.classes[0].color) / 255
    assert (roi.GetName(), points.GetName()) == ("liver", "liver")
    assert [points.GetNthControlPointDescription(number) for number in range(2)] == ["liver", "not liver"]
    # What is not the class is seen to be so in the views.
    assert [points.GetNthControlPointLabel(number) for number in range(2)] == ["", "not liver"]
    assert points.GetDisplayNode().GetPointLabelsVisibility()
    for node in (roi, points):
        display = node.GetDisplayNode()
        np.testing.assert_allclose(display.GetSelectedColor(), color, atol=0.01)
        assert not node.GetSaveWithScene()
        assert not display.GetSaveWithScene()
        shown = set(display.GetViewNodeIDs())
        assert shown == {f"vtkMRMLSliceNode{name}" for name in ("Red", "Green", "Yellow")}
    display = roi.GetDisplayNode()
    assert not display.GetHandlesInteractive()
    assert not display.GetRotationHandleVisibility()
    boxed.nodes.select(boxed.key, boxed.of()[0])
    assert display.GetHandlesInteractive()
    boxed.nodes.select(None, None)
    assert not display.GetHandlesInteractive()
    boxed.logic.session.changeClass("liver", color=(1, 2, 3))
    boxed.settle()
    assert boxed.rois() == [roi]
    np.testing.assert_allclose(display.GetSelectedColor(), np.array((1, 2, 3)) / 255, atol=0.01)


@pytest.mark.parametrize("kind", ["box", "point"])
def test_a_box_is_an_outline_alone_and_a_point_a_dot(bench, kind):
    if kind == "box":
        bench.marks.addBox(bench.key, "liver", BOX.first, BOX.last)
    else:
        bench.marks.addPoint(bench.key, "liver", (15, 15, 5))
    bench.settle()
    assert bench.logic.views.showSlice(bench.volume, "k", 5, "Red")
    colored = np.ptp(bench.host.sliceImage("Red").astype(int), axis=2) > 60
    assert colored.any()
    n = 5
    filled = np.logical_and.reduce(
        [colored[y : colored.shape[0] - n + y, x : colored.shape[1] - n + x] for y in range(n) for x in range(n)]
    )
    assert filled.any() == (kind == "point")


def test_marks_of_a_volume_are_in_one_folder(boxed):
    boxed.marks.addPoint(boxed.key, "spleen", (3, 4, 5))
    boxed.settle()
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    (roi,), (points,) = boxed.rois(), boxed.lists()
    parents = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in (roi, points)}
    (folder,) = parents
    assert hierarchy.GetItemName(folder) == "Marks of Scan"
    boxed.logic.session.undo()
    boxed.logic.session.undo()
    boxed.settle()
    assert not boxed.rois()
    assert not hierarchy.GetItemByName("Marks of Scan")


def test_undo_and_redo_make_and_remove_nodes(boxed):
    boxed.undo()
    assert not boxed.rois()
    boxed.redo()
    assert len(boxed.rois()) == 1


def test_marks_are_seen_where_their_volume_is(boxed, make_volume):
    (roi,) = boxed.rois()
    other = make_volume("Other")
    composite = boxed.host.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    composite.SetBackgroundVolumeID(other.GetID())
    boxed.settle()
    assert set(roi.GetDisplayNode().GetViewNodeIDs()) == {"vtkMRMLSliceNodeGreen", "vtkMRMLSliceNodeYellow"}
    slicer.util.setSliceViewerLayers(background=other)
    boxed.settle()
    assert roi.GetDisplayNode().GetViewNodeIDs() == ("vtkMRMLViewNodeNowhere",)
    for view in slicer.util.getNodesByClass("vtkMRMLViewNode"):
        assert not roi.GetDisplayNode().IsDisplayableInView(view.GetID())


def test_of_two_volumes_in_one_place_a_box_belongs_to_one(boxed, make_volume):
    """T1 and T2 of a patient: what is dragged, deleted or undone is of the volume that the box was drawn in."""
    other = make_volume("T2")
    boxed.logic.state.setInCohort(boxed.volume, True)
    boxed.logic.state.currentVolume = other
    key = boxed.host.waitUntil(lambda: boxed.logic.keyOf(other))
    boxed.settle()
    assert len(boxed.rois()) == 1
    boxed.marks.addBox(key, "liver", (1, 2, 5), (9, 8, 5))
    boxed.settle()
    first, second = boxed.rois()
    for shown, seen, hidden in ((other, second, first), (boxed.volume, first, second)):
        slicer.util.setSliceViewerLayers(background=shown)
        boxed.settle()
        assert "vtkMRMLSliceNodeRed" in seen.GetDisplayNode().GetViewNodeIDs()
        assert hidden.GetDisplayNode().GetViewNodeIDs() == ("vtkMRMLViewNodeNowhere",)
    second.SetCenter(second.GetCenter()[0] + 3, *list(second.GetCenter())[1:])
    boxed.settle()
    assert boxed.of() == (BOX,)
    assert boxed.marks.of(key) == (Box("liver", (4, 2, 5), (12, 8, 5)),)
    slicer.mrmlScene.RemoveNode(first)
    boxed.settle()
    assert boxed.of() == ()
    assert len(boxed.marks.of(key)) == 1
    boxed.undo()
    assert boxed.of() == (BOX,)


def test_classes_renamed_and_removed(boxed):
    boxed.logic.session.renameClass("liver", "Leber")
    boxed.settle()
    assert [node.GetName() for node in boxed.rois()] == ["Leber"]
    boxed.logic.session.removeClass("Leber")
    boxed.settle()
    assert not boxed.rois()
    boxed.undo()
    assert len(boxed.rois()) == 1


def test_a_removed_volume_takes_its_nodes_along_and_keeps_its_labels(boxed):
    slicer.mrmlScene.RemoveNode(boxed.volume)
    boxed.settle()
    assert not boxed.rois()
    assert boxed.of() == (BOX,)


def test_a_cloned_volume_has_the_same_marks(boxed, make_volume):
    array = slicer.util.arrayFromVolume(boxed.volume)
    clone = make_volume("Clone", array=array.copy())
    boxed.logic.state.setInCohort(clone, True)
    boxed.logic.state.setInCohort(boxed.volume, True)
    boxed.host.waitUntil(lambda: boxed.logic.keyOf(clone) is not None)
    boxed.settle()
    one, other = boxed.rois()
    one.SetCenter(one.GetCenter()[0] + 3, *list(one.GetCenter())[1:])
    boxed.settle()
    assert boxed.of() == (Box("liver", (13, 12, 5), (23, 19, 5)),)
    np.testing.assert_allclose(one.GetCenter(), other.GetCenter(), atol=1e-4)
    slicer.mrmlScene.RemoveNode(other)
    boxed.settle()
    assert boxed.of() == ()
    assert not boxed.rois()


def test_a_sheared_volume_shows_points_alone(open_bench):
    bench = open_bench(geometry=SHEARED)
    bench.marks.addBox(bench.key, "liver", BOX.first, BOX.last)
    bench.marks.addPoint(bench.key, "liver", (3, 4, 5))
    bench.settle()
    assert not bench.rois()
    assert len(bench.lists()) == 1


def test_marks_travel_in_the_scene_once(boxed, tmp_path):
    boxed.marks.addPoint(boxed.key, "spleen", (3, 4, 5), shows=False)
    boxed.settle()
    before = boxed.of()
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    boxed.host.closeScene()
    assert not slicer.util.getNodesByClass("vtkMRMLMarkupsNode")
    assert not boxed.nodes._volumes
    slicer.util.loadScene(str(path))
    boxed.host.waitUntil(lambda: boxed.logic.currentKey() is not None)
    boxed.host.settle(0.2)
    assert boxed.of() == before
    assert (len(boxed.rois()), len(boxed.lists())) == (1, 1)
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    ids = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), ids, True)
    names = [hierarchy.GetItemName(ids.GetId(number)) for number in range(ids.GetNumberOfIds())]
    assert names.count("Marks of Scan") == 1


def test_closing_the_scene_keeps_no_step(boxed):
    boxed.host.closeScene()
    boxed.settle()
    assert not boxed.logic.session.canUndo
    assert boxed.nodes.selected is None
