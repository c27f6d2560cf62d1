"""What tools of Slicer's Segment Editor do to a segment, by the VTK classes and the editor's logic that do it there."""

from __future__ import annotations

import vtk
from slicer_core.vtkITK import vtkITKIslandMath


class Tools:
    """Smoothing, Islands and Threshold on segments of an `Editor`, as their buttons *Apply* do.

    Parameters
    ----------
    editor : flows.strokes.Editor
    """

    def __init__(self, editor):
        self._editor, self._logic, self._slicer = editor, editor.logic, editor._slicer

    def smooth(self, segment_id, size=3):
        """Median smoothing, by a kernel of so many voxels along each axis."""
        image = self._padded(self._choose(segment_id), size)
        median = vtk.vtkImageMedian3D()
        median.SetInputData(image)
        median.SetKernelSize(size, size, size)
        self._put(segment_id, median, image)

    def keep_largest_island(self, segment_id):
        """Remove all islands but the largest one."""
        image = self._choose(segment_id)
        as_int = vtk.vtkImageCast()
        as_int.SetInputData(self._thresholded(image, 1, None).GetOutput())
        as_int.SetOutputScalarTypeToInt()
        islands = vtkITKIslandMath()
        islands.SetInputConnection(as_int.GetOutputPort())
        islands.SetFullyConnected(False)
        islands.SetMinimumSize(1)
        islands.Update()
        # They are numbered by size, the largest first.
        self._put(segment_id, self._thresholded(islands.GetOutput(), 1, 1), image)

    def threshold(self, segment_id, low, high):
        """All voxels of the source volume with values in a range."""
        self._choose(segment_id)
        self._logic.UpdateAlignedSourceVolume()
        image = self._logic.GetAlignedSourceVolume()
        self._put(segment_id, self._thresholded(image, low, high), image)

    def _choose(self, segment_id):
        self._editor.history.SaveState()
        self._editor.node.SetSelectedSegmentID(segment_id)
        self._logic.UpdateReferenceGeometryImage()
        self._logic.UpdateSelectedSegmentLabelmap()
        return self._logic.GetSelectedSegmentLabelmap()

    def _padded(self, image, margin):
        """The labelmap of a segment ends where the segment does; a kernel looks beyond."""
        pad = vtk.vtkImageConstantPad()
        pad.SetInputData(image)
        extent = list(image.GetExtent())
        pad.SetOutputWholeExtent([each + margin * (1 if at % 2 else -1) for at, each in enumerate(extent)])
        pad.Update()
        return self._placed(pad.GetOutput(), image)

    def _thresholded(self, image, low, high):
        threshold = vtk.vtkImageThreshold()
        threshold.SetInputData(image)
        threshold.ThresholdByUpper(low) if high is None else threshold.ThresholdBetween(low, high)
        threshold.SetInValue(1)
        threshold.SetOutValue(0)
        threshold.SetOutputScalarTypeToUnsignedChar()
        threshold.Update()
        return threshold

    def _put(self, segment_id, source, like):
        source.Update()
        modifier = self._placed(source.GetOutput(), like)
        mode = self._logic.ModificationModeSet
        self._logic.ModifySegmentByLabelmap(self._editor.segmentation, segment_id, modifier, mode, False, False)

    def _placed(self, image, like):
        """An image at the place of another one."""
        placed, matrix = self._slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
        placed.DeepCopy(image)
        like.GetImageToWorldMatrix(matrix)
        placed.SetImageToWorldMatrix(matrix)
        return placed
