"""A picture of one slice with the outlines of its segments, turned as radiologists look at it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.frontend.base.steps import Steps, runToEnd
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf, ijkToWorld

EDGE_PIXELS = 480
# Per normal of the slice (R, A, S): the directions that go to the right and down in the picture, in RAS.
_RIGHT = np.array([[0, -1, 0], [-1, 0, 0], [-1, 0, 0]])
_DOWN = np.array([[0, 0, -1], [0, 0, -1], [0, -1, 0]])
_Color = tuple[int, int, int]


def sliceSteps(volumeNode: Any, axis: str, index: int, masks: Sequence[tuple[np.ndarray, _Color]]) -> Steps[np.ndarray]:
    """Draw one slice, in short pieces.

    Parameters
    ----------
    volumeNode : vtkMRMLScalarVolumeNode
        Shown with the window of its display node.
    axis : {"i", "j", "k"}
    index : int
        0-based slice along the axis.
    masks : sequence of (numpy.ndarray, (red, green, blue))
        bool slices (the other two axes in the order of k, j, i) and their colours, 0..255.

    Returns
    -------
    numpy.ndarray
        uint8, rows x columns x 3; right on the left and front on top for axial slices, head on top for the others.
        `EDGE_PIXELS` along its longer side.
    """
    plane = np.take(arrayOf(volumeNode), index, axis=2 - AXES.index(axis))
    orient, size = _orientation(volumeNode, axis, plane.shape)
    grey = _scale(orient(_toGrey(volumeNode, plane)), size)
    yield None
    picture = np.repeat(grey[:, :, None], 3, axis=2)
    for mask, color in masks:
        picture[_findOutline(_scale(orient(mask), size))] = color
        yield None
    return picture


def drawSlice(volumeNode: Any, axis: str, index: int, masks: Sequence[tuple[np.ndarray, _Color]]) -> np.ndarray:
    """Draw one slice at once; see `sliceSteps`."""
    return runToEnd(sliceSteps(volumeNode, axis, index, masks))


def pngBase64(picture: np.ndarray) -> str:
    """Return a picture (uint8, rows x columns x 3) as the text of a PNG file, for a page."""
    image = vtk.vtkImageData()
    image.SetDimensions(picture.shape[1], picture.shape[0], 1)
    pixels = np.ascontiguousarray(picture[::-1]).reshape(-1, 3)
    image.GetPointData().SetScalars(numpy_to_vtk(pixels, deep=True))
    writer = vtk.vtkPNGWriter()
    writer.SetWriteToMemory(True)
    writer.SetInputData(image)
    writer.Write()
    return base64.b64encode(vtk_to_numpy(writer.GetResult()).tobytes()).decode("ascii")


def _toGrey(volumeNode: Any, plane: np.ndarray) -> np.ndarray:
    display = volumeNode.GetDisplayNode()
    values = np.nan_to_num(plane.astype(np.float32))
    if display is not None and display.GetWindow() > 0:
        low, high = display.GetLevel() - display.GetWindow() / 2, display.GetLevel() + display.GetWindow() / 2
    else:
        low, high = np.percentile(values, (1, 99))
    return np.clip((values - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)


def _orientation(volumeNode: Any, axis: str, shape: tuple[int, int]) -> tuple[Any, tuple[int, int]]:
    """Return the function that turns a slice, and the size of the picture (rows, columns) in pixels."""
    number = AXES.index(axis)
    columnAxis, rowAxis = (n for n in range(3) if n != number)
    directions = ijkToWorld(volumeNode)[:3, :3]
    across, along = directions[:, columnAxis], directions[:, rowAxis]
    normal = int(np.argmax(np.abs(np.cross(across, along))))
    right, down = _RIGHT[normal], _DOWN[normal]
    isTurned = abs(along @ right) / np.linalg.norm(along) > abs(across @ right) / np.linalg.norm(across)
    if isTurned:
        across, along = along, across
    rows, columns = shape[::-1] if isTurned else shape
    millimetres = np.array([rows * np.linalg.norm(along), columns * np.linalg.norm(across)])
    size = np.maximum(np.round(millimetres / millimetres.max() * EDGE_PIXELS), 1).astype(int)
    flips = (slice(None, None, -1 if along @ down < 0 else 1), slice(None, None, -1 if across @ right < 0 else 1))

    def orient(plane: np.ndarray) -> np.ndarray:
        return (np.swapaxes(plane, 0, 1) if isTurned else plane)[flips]

    return orient, (int(size[0]), int(size[1]))


def _scale(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    rows, columns = (np.arange(n) * old // n for n, old in zip(size, plane.shape, strict=False))
    return plane[rows][:, columns]


def _findOutline(mask: np.ndarray) -> np.ndarray:
    """Return the pixels of a mask that touch its outside."""
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inside
