"""Strokes as Slicer's Segment Editor makes them: by its logic, through masking and overwriting."""

from __future__ import annotations

import numpy as np
import vtk
from vtk.util.numpy_support import vtk_to_numpy


class Editor:
    """A Segment Editor on one segmentation.

    Parameters
    ----------
    slicer : module
    segmentation : vtkMRMLSegmentationNode
    volume : vtkMRMLScalarVolumeNode
    """

    def __init__(self, slicer, segmentation, volume):
        self._slicer, self.segmentation, self.volume = slicer, segmentation, volume
        self.node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
        self.node.SetAndObserveSegmentationNode(segmentation)
        self.node.SetAndObserveSourceVolumeNode(volume)
        self.node.SetOverwriteMode(self.node.OverwriteNone)
        self.logic = slicer.vtkSlicerSegmentEditorLogic()
        self.logic.SetMRMLScene(slicer.mrmlScene)
        self.logic.SetSegmentEditorNode(self.node)
        self.history = slicer.vtkSegmentationHistory()
        self.history.SetSegmentation(segmentation.GetSegmentation())

    def stroke(self, segment_id, mask, mode="Add"):
        """Paint (``Add``), erase (``Remove``) or set the voxels of a mask, k x j x i of the volume."""
        self.history.SaveState()
        modifier = self._slicer.vtkOrientedImageData()
        modifier.SetDimensions(*mask.shape[::-1])
        modifier.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        matrix = vtk.vtkMatrix4x4()
        self.volume.GetIJKToRASMatrix(matrix)
        modifier.SetImageToWorldMatrix(matrix)
        vtk_to_numpy(modifier.GetPointData().GetScalars())[:] = mask.ravel()
        self.node.SetSelectedSegmentID(segment_id)
        how = getattr(self.logic, f"ModificationMode{mode}")
        self.logic.ModifySegmentByLabelmap(self.segmentation, segment_id, modifier, how, False, False)

    def undo(self):
        """As Ctrl+Z in the Segment Editor."""
        self.history.RestorePreviousState()

    def redo(self):
        """As Ctrl+Y in the Segment Editor."""
        self.history.RestoreNextState()


def disc(shape, index, axis=0, radius=4, at=None):
    """A disc on one slice along an axis of an array (k x j x i)."""
    mask = np.zeros(shape, bool)
    plane = np.moveaxis(mask, axis, 0)[index]
    rows, columns = np.ogrid[: plane.shape[0], : plane.shape[1]]
    y, x = at or (plane.shape[0] // 2, plane.shape[1] // 2)
    plane[...] = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return mask
