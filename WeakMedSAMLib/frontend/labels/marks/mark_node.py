"""One node of the scene that shows marks: a point list a class, an ROI a box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk

from WeakMedSAMLib.contract.classes import SegmentClass
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.mrk_json import description_of
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import matrixOf

POINT_LIST, ROI = "vtkMRMLMarkupsFiducialNode", "vtkMRMLMarkupsROINode"
# In place of no view at all, which Slicer takes for all of them.
NOWHERE = "vtkMRMLViewNodeNowhere"
_SELECTION = "vtkMRMLSelectionNodeSingleton"
_EXACT_MM = 1e-4
# In the middle of a box Slicer draws a point, which would be read as one of the labels.
_UNSEEN = 0.05  # percent of the view


def addNode(scene: Any, className: str, name: str) -> Any:
    """Add a Markups node that is a view of labels: it is not saved, since the labels are."""
    selection = scene.GetNodeByID(_SELECTION)
    before = (selection.GetActivePlaceNodeClassName(), selection.GetActivePlaceNodeID()) if selection else None
    node = scene.AddNewNodeByClass(className, name)
    if selection is not None and before is not None:
        # Slicer makes each new one that into which one places; somebody may just be placing something else.
        selection.SetReferenceActivePlaceNodeClassName(before[0])
        selection.SetReferenceActivePlaceNodeID(before[1])
    node.SetSaveWithScene(False)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(False)
    if className == ROI:
        display.SetGlyphScale(_UNSEEN)
        display.SetFillVisibility(False)
        display.SetRotationHandleVisibility(False)
        display.SetTranslationHandleVisibility(False)
        display.SetHandlesInteractive(False)
    return node


def removeNode(node: Any) -> None:
    """Take a node out of its scene and out of the views; nothing happens if it is in none."""
    if node.GetScene() is None:
        return
    if node.GetDisplayNode() is not None:
        # A view may keep on drawing what it drew last of a node that is gone.
        node.GetDisplayNode().SetVisibility(False)
    node.GetScene().RemoveNode(node)


def follow(node: Any, volumeNode: VolumeNode, entry: SegmentClass) -> None:
    """Give a node the colour of its class and the transform of its volume."""
    color, display = [part / 255 for part in entry.color], node.GetDisplayNode()
    if display is not None and not np.allclose(display.GetSelectedColor(), color, atol=1e-3):
        display.SetColor(*color)
        display.SetSelectedColor(*color)
    transform = volumeNode.GetParentTransformNode()
    if node.GetParentTransformNode() is not transform:
        node.SetAndObserveTransformNodeID(transform.GetID() if transform is not None else None)


def showIn(node: Any, viewIds: Sequence[str]) -> None:
    """Show a node in these views and in no others."""
    display, wanted = node.GetDisplayNode(), list(viewIds) or [NOWHERE]
    if display is not None and list(display.GetViewNodeIDs() or ()) != wanted:
        display.RemoveAllViewNodeIDs()
        for viewId in wanted:
            display.AddViewNodeID(viewId)


def writeBox(node: Any, box: Box, grid: VoxelGrid) -> None:
    """Put an ROI where a box is; nothing changes if it is there."""
    frame, size = grid.frameOf(box)
    now = matrixOf(node.GetObjectToNodeMatrix())
    isThere = np.allclose(now, frame, atol=_EXACT_MM) and np.allclose(node.GetSize(), size, atol=_EXACT_MM)
    if isThere and node.GetNumberOfControlPoints():
        return
    with slicer.util.NodeModify(node):
        node.SetAndObserveObjectToNodeMatrix(_vtkMatrix(frame))
        node.SetSize(*size)


def writePoints(node: Any, points: Sequence[Point], grid: VoxelGrid) -> None:
    """Make these the points of a list, in this order; nothing changes if they are."""
    places = grid.toViews([point.voxel for point in points]) if points else np.zeros((0, 3))
    texts = [description_of(point) for point in points]
    if _isAt(node, texts, places):
        return
    with slicer.util.NodeModify(node):
        while node.GetNumberOfControlPoints() > len(points):
            node.RemoveNthControlPoint(node.GetNumberOfControlPoints() - 1)
        for number, (text, place) in enumerate(zip(texts, places, strict=True)):
            if number >= node.GetNumberOfControlPoints():
                node.AddControlPointWorld(vtk.vtkVector3d(*place))
            else:
                node.SetNthControlPointPositionWorld(number, *place)
            node.SetNthControlPointDescription(number, text)
            # Points that are not the class look like those that are, but for what stands beside them.
            node.SetNthControlPointLabel(number, "" if points[number].shows else text)
        node.GetDisplayNode().SetPointLabelsVisibility(True)


def _isAt(node: Any, texts: Sequence[str], places: np.ndarray) -> bool:
    # One more may just be on its way to where somebody clicks.
    defined = _definedIn(node)
    return [node.GetNthControlPointDescription(number) for number in defined] == list(texts) and all(
        np.allclose(node.GetNthControlPointPositionWorld(number), place, atol=_EXACT_MM)
        for number, place in zip(defined, places, strict=True)
    )


def _definedIn(node: Any) -> list[int]:
    numbers = range(node.GetNumberOfControlPoints())
    return [number for number in numbers if node.GetNthControlPointPositionStatus(number) == node.PositionDefined]


def readPoints(node: Any, className: str, grid: VoxelGrid, before: Sequence[Point]) -> list[Point] | None:
    """Return the points that a list has now; None if one lies outside of the volume.

    Parameters
    ----------
    node : vtkMRMLMarkupsFiducialNode
    className : str
        Of the list.
    grid : VoxelGrid
    before : sequence of Point
        What it had: what a point without a description that can be read says.
    """
    found: list[Point] = []
    for number in _definedIn(node):
        voxel = grid.voxelAt(node.GetNthControlPointPositionWorld(number))
        if voxel is None:
            return None
        text = (node.GetNthControlPointDescription(number) or "").strip()
        known = before[number].shows if number < len(before) else True
        said = {description_of(Point(className, voxel, sign)): sign for sign in (True, False)}
        shows = said.get(text, known)
        found.append(Point(className, voxel, shows))
    return list(dict.fromkeys(found))


def _vtkMatrix(matrix: np.ndarray) -> Any:
    made = vtk.vtkMatrix4x4()
    for row in range(4):
        for column in range(4):
            made.SetElement(row, column, float(matrix[row, column]))
    return made
