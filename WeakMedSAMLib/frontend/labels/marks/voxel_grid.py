"""From places in the views to voxels of a volume and back, and boxes as Slicer's ROI nodes have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.marks import Voxel
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas, matrixOf, toWorld

_SHEARED = 1e-3  # cosine between two axes
_PARALLEL = 0.999
# As `slice_views.currentSlice` rounds: a view may lie just between two slices.
_HALF = 0.5 + 1e-4


@dataclass(frozen=True)
class VoxelGrid:
    """Where the voxels of a volume lie.

    Attributes
    ----------
    local : numpy.ndarray
        4 x 4, from voxel index to the volume's own RAS in mm.
    world : numpy.ndarray
        4 x 4, from the volume's own RAS to that of the views.
    size : tuple of int
        Voxels along i, j and k.
    """

    local: np.ndarray
    world: np.ndarray
    size: tuple[int, int, int]

    @classmethod
    def of(cls, volumeNode: VolumeNode) -> VoxelGrid:
        """Return the grid of a volume as it is now; its size is 0 without an image."""
        image = volumeNode.GetImageData()
        return cls(ijkToRas(volumeNode), toWorld(volumeNode), tuple(image.GetDimensions()) if image else (0, 0, 0))

    def isSame(self, other: VoxelGrid) -> bool:
        """Say whether another grid is the same."""
        same = np.array_equal(self.local, other.local) and np.array_equal(self.world, other.world)
        return same and self.size == other.size

    @property
    def isSheared(self) -> bool:
        """Whether the axes of the volume are not at right angles to each other."""
        axes = self._axes
        return float(np.abs(axes.T @ axes - np.eye(3)).max()) > _SHEARED

    def requireStraight(self, name: str) -> None:
        """Raise `UserError` ``sheared_volume`` if no box can be drawn along the axes of the volume."""
        if self.isSheared:
            text = _("'{name}' is sheared: its axes are not at right angles, and Slicer's boxes are.")
            hint = _("Mark it by points, or resample the volume first.")
            raise UserError("sheared_volume", text.format(name=name), hint, {"name": name})

    def toIjk(self, place: Any) -> np.ndarray:
        """Return a place of the views (RAS in mm) in voxels, with fractions."""
        return (np.linalg.inv(self.world @ self.local) @ [*place, 1.0])[:3]

    def toViews(self, ijk: Any) -> np.ndarray:
        """Return voxels with fractions, N x 3, as places of the views (RAS in mm), N x 3."""
        points = np.asarray(ijk, float)
        matrix = self.world @ self.local
        return points @ matrix[:3, :3].T + matrix[:3, 3]

    def voxelAt(self, place: Any) -> Voxel | None:
        """Return the voxel at a place of the views; None outside of the volume."""
        found = np.floor(self.toIjk(place) + _HALF).astype(int)
        inside = bool(((found >= 0) & (found < self.size)).all())
        return (int(found[0]), int(found[1]), int(found[2])) if inside else None

    def clipped(self, voxels: Any) -> np.ndarray:
        """Return voxels, N x 3, moved to the nearest ones of the volume."""
        return np.clip(np.floor(np.asarray(voxels, float) + _HALF).astype(int), 0, np.array(self.size) - 1)

    # Boxes as nodes

    def frameOf(self, box: Box) -> tuple[np.ndarray, np.ndarray]:
        """Return a box as an ROI node has it.

        Returns
        -------
        numpy.ndarray
            4 x 4, right-handed: axes along those of the volume, the middle of the box, in the volume's own RAS.
        numpy.ndarray
            Its size along these axes in mm.
        """
        low, high = np.array(box.first) - 0.5, np.array(box.last) + 0.5
        frame = np.eye(4)
        frame[:3, :3] = self._axes
        if np.linalg.det(frame[:3, :3]) < 0:
            # A box is the same on either side of its middle.
            frame[:3, 2] *= -1
        frame[:3, 3] = (self.local @ [*(low + high) / 2, 1.0])[:3]
        return frame, (high - low) * np.linalg.norm(self.local[:3, :3], axis=0)

    def voxelsOf(self, roiNode: Any) -> tuple[Voxel, Voxel] | None:
        """Return the lowest and the highest voxel of an ROI node, by the borders of voxels next to its faces.

        None if it is not along the axes of the volume, or holds nothing of it.
        """
        size = np.array(roiNode.GetSize(), float)
        frame = toWorld(roiNode) @ matrixOf(roiNode.GetObjectToNodeMatrix())
        inVoxels = np.linalg.inv(self.world @ self.local) @ frame
        steps = np.abs(inVoxels[:3, :3])
        along = steps.max(axis=1) / np.maximum(np.linalg.norm(steps, axis=1), 1e-12)
        if not size.any() or along.min() < _PARALLEL:
            return None
        half, middle = steps @ size / 2, inVoxels[:3, 3]
        first = np.floor(middle - half + 1.0 + 1e-6).astype(int)
        last = np.floor(middle + half + 1e-6).astype(int)
        # Thinner than a voxel it is of the one that holds its middle.
        thin = last < first
        first[thin] = last[thin] = np.floor(middle + 0.5).astype(int)[thin]
        first, last = np.maximum(first, 0), np.minimum(last, np.array(self.size) - 1)
        if (last < first).any():
            return None
        return _voxel(first), _voxel(last)

    @property
    def _axes(self) -> np.ndarray:
        return self.local[:3, :3] / np.linalg.norm(self.local[:3, :3], axis=0)


def _voxel(numbers: np.ndarray) -> Voxel:
    return int(numbers[0]), int(numbers[1]), int(numbers[2])
