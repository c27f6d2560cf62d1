"""Where the voxels of a volume lie, and its slices along one of its own axes.

Arrays are numpy in k, j, i order; positions are LPS millimetres, as in ITK. Slices are taken along an index axis and
never resampled for it, so that whatever the orientation of a volume, results go back to exactly the voxels they came
from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk  # noqa: N813

AXES = ("i", "j", "k")
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
# Axis order of the k, j, i array that brings (slices, rows, columns) to the front; each is undone by its inverse.
_STACK_ORDER = {"k": (0, 1, 2), "j": (1, 0, 2), "i": (2, 0, 1)}


@dataclass(frozen=True)
class Geometry:
    """Placing of a voxel grid in the patient.

    Parameters
    ----------
    origin : tuple of 3 floats
        Centre of voxel (0, 0, 0), LPS mm.
    spacing : tuple of 3 floats
        Distance of neighbouring voxels along i, j, k in mm.
    direction : tuple of 9 floats
        Row-major 3 x 3 matrix whose columns are the unit vectors of i, j, k in LPS. Columns need not be orthogonal.
    size : tuple of 3 ints
        Number of voxels along i, j, k.
    """

    origin: tuple[float, float, float]
    spacing: tuple[float, float, float]
    direction: tuple[float, ...]
    size: tuple[int, int, int]

    @classmethod
    def of(cls, image: sitk.Image | sitk.ImageFileReader) -> Geometry:
        """Geometry of a 3-D image, or of a reader that has read its header."""
        return cls(image.GetOrigin(), image.GetSpacing(), image.GetDirection(), image.GetSize())

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the numpy array: k, j, i."""
        return self.size[::-1]

    @property
    def axes(self) -> np.ndarray:
        """3 x 3 matrix whose columns are the unit vectors of i, j, k in LPS."""
        return np.array(self.direction).reshape(3, 3)

    @property
    def ijk_to_ras(self) -> np.ndarray:
        """4 x 4 matrix from voxel index to RAS mm, as 3D Slicer has it."""
        matrix = np.eye(4)
        matrix[:3, :3] = _LPS_TO_RAS @ (self.axes * self.spacing)
        matrix[:3, 3] = _LPS_TO_RAS @ self.origin
        return matrix

    @property
    def is_left_handed(self) -> bool:
        """Whether i, j, k are a left-handed system: 3D Slicer holds such a volume with its k planes reversed."""
        return bool(np.linalg.det(self.axes) < 0)

    def turned(self) -> Geometry:
        """The same voxels with the k planes in reversed order, at the same places."""
        axes = self.axes
        last = np.array(self.origin) + axes[:, 2] * self.spacing[2] * (self.size[2] - 1)
        axes[:, 2] *= -1
        x, y, z = last.tolist()
        return Geometry((x, y, z), self.spacing, tuple(axes.ravel().tolist()), self.size)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(abs(np.linalg.det(self.axes)) * np.prod(self.spacing) / 1000)

    def image(self, array: np.ndarray) -> sitk.Image:
        """SimpleITK image of a k, j, i array in this geometry.

        Raises
        ------
        ValueError
            The array has another shape.
        """
        if array.shape != self.shape:
            raise ValueError(f"an array of shape {array.shape} does not fit a volume of shape {self.shape}")
        image = sitk.GetImageFromArray(array)
        image.SetOrigin(self.origin)
        image.SetSpacing(self.spacing)
        image.SetDirection(self.direction)
        return image


def slice_stack(array_kji: np.ndarray, axis: str) -> np.ndarray:
    """View of a volume as slices x rows x columns; of layers of it (first axis) those of each.

    Slices along k have rows j and columns i; along j rows k and columns i; along i rows k and columns j.
    """
    return array_kji.transpose(_with_layers(array_kji, _STACK_ORDER[axis]))


def from_slice_stack(stack: np.ndarray, axis: str) -> np.ndarray:
    """View of slices x rows x columns as the k, j, i volume they came from; undoes `slice_stack`."""
    return stack.transpose(_with_layers(stack, np.argsort(_STACK_ORDER[axis])))


def in_plane_spacing(geometry: Geometry, axis: str) -> tuple[float, float]:
    """Distance of neighbouring rows and of neighbouring columns of a slice in mm."""
    row_axis, column_axis = plane_axes(axis)
    return geometry.spacing[row_axis], geometry.spacing[column_axis]


def slice_spacing(geometry: Geometry, axis: str) -> float:
    """Distance of neighbouring slices along their axis in mm."""
    return geometry.spacing[AXES.index(axis)]


def slice_count(geometry: Geometry, axis: str) -> int:
    """Number of slices along an axis."""
    return geometry.size[AXES.index(axis)]


def _with_layers(array: np.ndarray, order: Iterable[int]) -> list[int]:
    before = array.ndim - 3
    return [*range(before), *(before + int(axis) for axis in order)]


def plane_axes(axis: str) -> tuple[int, int]:
    """Index (0 for i, 1 for j, 2 for k) of the axes along which rows and columns of a slice are counted."""
    rows, columns = _STACK_ORDER[axis][1:]
    return 2 - rows, 2 - columns
