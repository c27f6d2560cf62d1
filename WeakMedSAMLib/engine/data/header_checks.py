"""What the header of a volume may claim, checked before anything is allocated; the same for every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.lengths import truncated

MAX_VOXELS = 2**31
# No deflate stream unpacks to more than 1032 times its length. Checked only where the promise is big enough to hurt.
_MAX_UNPACKING = 1032
_HARMLESS_BYTES = 2**26
_FARTHEST = 1e9  # mm; what is farther is no place, and overflows in what is reckoned from it


def size_3d(path: Path, size: tuple[int, ...]) -> tuple[int, int, int]:
    """Size along i, j, k: one slice for a 2-D image; further axes must have one element.

    Raises
    ------
    UserError
        ``volume_is_line``, ``volume_is_empty``, ``volume_is_4d``.
    """
    shape = " x ".join(map(str, size))
    if len(size) < 2:
        message = f"{path} has one dimension; a scan has three."
        raise UserError("volume_is_line", message, "Export the scan itself as a volume.", values={"file": str(path)})
    if min(size) < 1:
        raise UserError(
            "volume_is_empty",
            f"{path} holds no voxels ({shape}).",
            "Export the volume again.",
            values={"file": str(path)},
        )
    if any(n > 1 for n in size[3:]):
        raise UserError(
            "volume_is_4d",
            f"{path} has {len(size)} dimensions ({shape}); a scan has three.",
            "Export the one time point, echo or layer that you want as a volume of its own.",
            values={"file": str(path), "size": list(size)},
        )
    i, j, k = (*size[:3], 1)[:3]
    return i, j, k


def check_components(path: Path, components: int) -> None:
    """Refuse several numbers a voxel; `UserError` ``volume_is_vector``."""
    if components != 1:
        what = "a colour image" if components in (3, 4) else "a vector image"
        raise UserError(
            "volume_is_vector",
            f"{path} is {what}: it has {components} numbers a voxel.",
            "Export one component, or a grey-scale volume.",
            values={"file": str(path), "components": components},
        )


def check_size(path: Path, size: tuple[int, int, int]) -> None:
    """Refuse no voxels, and more than can be worked on; `UserError` ``volume_is_empty``, ``volume_too_large``."""
    voxels = int(np.prod(size_3d(path, size), dtype=object))
    if voxels > MAX_VOXELS:
        shape = " x ".join(map(str, size))
        raise UserError(
            "volume_too_large",
            f"The header of {path} claims {shape} = {voxels:,} voxels; at most {MAX_VOXELS:,} can be worked on.",
            "Check the file; if it really is so large, crop or resample it.",
            values={"file": str(path), "voxels": voxels},
        )


def check_promise(path: Path, size: tuple[int, int, int], voxel_bytes: int, there: int) -> None:
    """Refuse files far too short for what their header claims, before that much memory is taken."""
    claimed = int(np.prod(size, dtype=object)) * voxel_bytes
    if claimed > max(_HARMLESS_BYTES, there * _MAX_UNPACKING):
        raise truncated(path, f"its header claims {claimed:,} bytes of voxels and there are {there:,} bytes")


def check_geometry(path: Path, geometry: Geometry) -> None:
    """Refuse numbers that place no voxel; `UserError` ``volume_bad_geometry``."""
    numbers = np.array([*geometry.origin, *geometry.spacing, *geometry.direction])
    is_near = np.isfinite(numbers).all() and np.abs(numbers).max() < _FARTHEST
    if not is_near or min(geometry.spacing) <= 0 or abs(np.linalg.det(geometry.axes)) < 1e-6:
        raise UserError(
            "volume_bad_geometry",
            f"{path} has no usable geometry: spacing {geometry.spacing}, direction {geometry.direction}.",
            "Correct it in 3D Slicer (Volumes, Volume Information) and save it as NRRD.",
            values={"file": str(path)},
        )
