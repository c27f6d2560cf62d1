"""Masks onto the grid of a scan, by where both lie: turned, with axes exchanged, or cropped; never resampled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.geometry import Geometry

# Programs round positions and directions differently, which adds up over many slices: a tenth of the shortest side of a
# voxel, as for the slices of a series, leaves no doubt which voxel is meant.
_TOLERANCE = 0.1


@dataclass(frozen=True)
class _Steps:
    """How the voxels of one grid are counted in another.

    Parameters
    ----------
    axes : tuple of 3 ints
        For i, j, k of the one grid the axis of the other along which it runs.
    signs : tuple of 3 ints
        1 or -1: whether it runs that way.
    first : tuple of 3 ints
        Place of voxel (0, 0, 0) of the one grid in the other.
    """

    axes: tuple[int, ...]
    signs: tuple[int, ...]
    first: tuple[int, ...]

    def lows_and_highs(self, size: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """First and last place, along i, j, k of the other grid, of a grid of this size."""
        low, high = np.array(self.first), np.array(self.first)
        for n, (axis, sign) in enumerate(zip(self.axes, self.signs, strict=True)):
            low[axis] += min(0, sign * (size[n] - 1))
            high[axis] += max(0, sign * (size[n] - 1))
        return low, high


def place_labels(
    labels: np.ndarray, geometry: Geometry, onto: Geometry, path: Path, onto_path: Path, is_cropped: bool = False
) -> np.ndarray:
    """Labels on another grid whose voxels lie at the same places.

    Parameters
    ----------
    labels : numpy.ndarray
        ... x k x j x i, in the shape of ``geometry``.
    geometry, onto : Geometry
        Where they lie, and where they are wanted.
    path, onto_path : Path
        What to call both in errors.
    is_cropped : bool
        The labels may have any extent, and are 0 outside of it, as in segmentations of 3D Slicer.

    Returns
    -------
    numpy.ndarray
        ... x k x j x i in the shape of ``onto``; 0 where the labels do not reach.

    Raises
    ------
    UserError
        ``grids_differ``: voxels lie between those of the other grid; labels lie outside of it; or the grids overlap
        in parts only.
    """
    if is_cropped and not labels.any():
        return np.zeros((*labels.shape[:-3], *onto.shape), labels.dtype)
    steps = _steps(geometry, onto)
    if steps is None:
        raise grids_differ(geometry, onto, path, onto_path)
    ordered = _order(labels, steps)
    low, high = steps.lows_and_highs(geometry.size)
    if not is_cropped and not _one_holds_the_other(low, high, onto.size):
        raise grids_differ(geometry, onto, path, onto_path)
    if (low == 0).all() and (high == np.array(onto.size) - 1).all():
        return ordered
    placed = np.zeros((*labels.shape[:-3], *onto.shape), labels.dtype)
    inside = ordered[_cut(np.maximum(0, -low), np.array(onto.size) - low)]
    placed[_cut(np.maximum(0, low), high + 1)] = inside
    if (lost := np.count_nonzero(labels) - np.count_nonzero(placed)) > 0:
        raise _differ(f"has {lost:,} labelled voxels outside of {onto_path}", path)
    return placed


def covering(geometry: Geometry, other: Geometry) -> Geometry:
    """A grid in the order of the first that holds both; the first itself where their voxels do not lie alike."""
    steps = _steps(other, geometry)
    if steps is None:
        return geometry
    low, high = steps.lows_and_highs(other.size)
    low, high = np.minimum(low, 0), np.maximum(high, np.array(geometry.size) - 1)
    x, y, z = (np.array(geometry.origin) + geometry.axes @ (low * geometry.spacing)).tolist()
    i, j, k = (high - low + 1).tolist()
    return replace(geometry, origin=(x, y, z), size=(i, j, k))


def same_grid(geometry: Geometry, other: Geometry) -> bool:
    """Whether all voxels lie at the same places, in the same order."""
    return geometry.size == other.size and _distance(geometry, other, np.eye(3), np.zeros(3)) <= _tolerance(other)


def _steps(geometry: Geometry, onto: Geometry) -> _Steps | None:
    """How one grid is counted in another; None where its voxels lie between those of the other."""
    geometry = _as_deep(geometry, onto)
    to_index = np.linalg.inv(onto.axes * onto.spacing)
    matrix = np.rint(to_index @ (geometry.axes * geometry.spacing))
    first = np.rint(to_index @ (np.array(geometry.origin) - onto.origin))
    is_order = (np.abs(matrix).sum(0) == 1).all() and (np.abs(matrix).sum(1) == 1).all()
    if not is_order or np.abs(first).max() > 2**31 or _distance(geometry, onto, matrix, first) > _tolerance(onto):
        return None
    axes = np.abs(matrix).argmax(0)
    signs = matrix[axes, range(3)].astype(int)
    return _Steps(tuple(axes.tolist()), tuple(signs.tolist()), tuple(first.astype(int).tolist()))


def _as_deep(geometry: Geometry, onto: Geometry) -> Geometry:
    """A grid whose single slices are as thick as those of another: without a next slice, spacing says nothing."""
    along = np.abs(onto.axes.T @ geometry.axes).argmax(0)
    i, j, k = (onto.spacing[along[n]] if count == 1 else geometry.spacing[n] for n, count in enumerate(geometry.size))
    return replace(geometry, spacing=(i, j, k))


def _distance(geometry: Geometry, onto: Geometry, matrix: np.ndarray, first: np.ndarray) -> float:
    """How far the outermost voxels lie at most, in mm, from where whole steps on the other grid lead."""
    ends = np.array(list(product(*((0, count - 1) for count in geometry.size))))
    here = np.array(geometry.origin) + (ends * geometry.spacing) @ geometry.axes.T
    there = np.array(onto.origin) + ((ends @ matrix.T + first) * onto.spacing) @ onto.axes.T
    return float(np.abs(here - there).max())


def _tolerance(geometry: Geometry) -> float:
    return _TOLERANCE * min(geometry.spacing)


def _order(labels: np.ndarray, steps: _Steps) -> np.ndarray:
    """The labels with the axes of the other grid, in its directions."""
    before = labels.ndim - 3
    flips = [slice(None)] * before + [slice(None, None, sign) for sign in reversed(steps.signs)]
    # Array axes are k, j, i: axis n of the grid is 2 - n.
    order = [before + 2 - steps.axes.index(axis) for axis in (2, 1, 0)]
    return labels[tuple(flips)].transpose(*range(before), *order)


def _cut(low: np.ndarray, high: np.ndarray) -> tuple[Any, ...]:
    """Index of a box, given along i, j, k."""
    return (..., *(slice(int(first), max(0, int(end))) for first, end in zip(low[::-1], high[::-1], strict=True)))


def _one_holds_the_other(low: np.ndarray, high: np.ndarray, size: tuple[int, ...]) -> bool:
    ends = np.array(size) - 1
    return bool((low >= 0).all() and (high <= ends).all()) or bool((low <= 0).all() and (high >= ends).all())


def grids_differ(geometry: Geometry, other: Geometry, path: Path, other_path: Path) -> UserError:
    """The error that voxels of two files do not lie at the same places."""
    if geometry.size != other.size:
        return _differ(f"has {_times(geometry.size)} voxels, {other_path} has {_times(other.size)}", path)
    return _differ(f"has the size of {other_path}, but lies elsewhere or is turned or flipped", path)


def _times(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))


def _differ(what: str, path: Path) -> UserError:
    return UserError("grids_differ", f"{path} {what}.", "Give two files that belong to the same volume.")
