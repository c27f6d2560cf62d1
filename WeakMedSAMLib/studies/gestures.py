"""What a reader's hand gives who knows the true mask of a class: points, boxes, as inexact as a hand is, drawings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.marks import Voxel
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.engine.data.geometry import AXES, plane_axes, slice_stack
from WeakMedSAMLib.engine.data.mask_tags import MIN_PIXELS

LARGE_ENOUGH = 0.7  # of the largest area: slices on which a reader would make the gesture
EDGE_SIGMA = 0.03  # of the side of the box
# Edges are voxel borders: no hand is better than a rounded one, whose error is uniform over one voxel.
ROUNDING_SIGMA = 12**-0.5
JITTER_SIGMA = 0.1  # of the radius of the largest disc around the middle
_TRIES = 100
FEW = 10  # of so many positive slices one is drawn


@dataclass(frozen=True, eq=False)
class Drawing:
    """A slice of a class, drawn: ``pixels`` is bool, rows x columns, and true."""

    class_name: str
    index: int
    pixels: np.ndarray


Gesture = Callable[[str, np.ndarray, str, np.random.Generator], list[Point] | list[Box] | list[Drawing]]


def middle_point(name: str, mask: np.ndarray, axis: str, generator: np.random.Generator) -> list[Point]:
    """Point into the middle of a class on one slice.

    The middle is the pixel farthest from the border of the class; the hand is off by a normal of a tenth of that
    distance, and never outside of the class.

    Parameters
    ----------
    name : str
        Of the class.
    mask : numpy.ndarray
        bool, k x j x i.
    axis : str
        Slice axis.
    generator : numpy.random.Generator
        What chance decides; it chooses the same slice for every gesture.

    Returns
    -------
    list
        Empty for a class that no slice shows.
    """
    stack = slice_stack(mask, axis)
    return [
        Point(name, _voxel(axis, index, *_jittered_middle(stack[index], generator)))
        for index in chosen_slice(stack, generator)
    ]


def boxes_of_one_slice(name: str, mask: np.ndarray, axis: str, generator: np.random.Generator) -> list[Box]:
    """Box every piece of a class on one slice; parameters and slice as for `middle_point`."""
    stack = slice_stack(mask, axis)
    return boxes_on(name, stack, axis, chosen_slice(stack, generator), generator)


def boxes_of_every_slice(name: str, mask: np.ndarray, axis: str, generator: np.random.Generator) -> list[Box]:
    """Box every piece of a class on every slice that is tagged as showing it; parameters as for `middle_point`."""
    stack = slice_stack(mask, axis)
    return boxes_on(name, stack, axis, _shown(stack), generator)


def boxes_in_3d(name: str, mask: np.ndarray, axis: str, generator: np.random.Generator) -> list[Box]:
    """Box every piece of a class in 3-D, from its first to its last tagged slice; parameters as for `middle_point`.

    He is off within slices alone: where a class begins and ends was looked up for the tags, see `effort_gestures` for
    a reader whose tags are off.
    """
    stack, shown = slice_stack(mask, axis), np.zeros(len(slice_stack(mask, axis)), bool)
    shown[_shown(stack)] = True
    found = []
    for slices, rows, columns in _pieces(stack & shown[:, None, None]):
        top, bottom = _off(rows, stack.shape[1], generator)
        left, right = _off(columns, stack.shape[2], generator)
        first, last = _voxel(axis, slices.start, top, left), _voxel(axis, slices.stop - 1, bottom, right)
        found.append(Box(name, first, last, complete=True))
    return found


def drawn_tenth(name: str, mask: np.ndarray, axis: str, generator: np.random.Generator) -> list[Drawing]:
    """Draw every tenth of the slices that show a class, the middle one of each ten; parameters as for `middle_point`.

    Of fewer than twenty it is one, the middle one. Nothing is left to chance, and the hand is exact.
    """
    shown = _shown(slice_stack(mask, axis))
    tens = np.array_split(shown, a_tenth(len(shown)))
    return drawings(name, mask, axis, [int(ten[len(ten) // 2]) for ten in tens if len(ten)])


def drawings(name: str, mask: np.ndarray, axis: str, indices: Sequence[int]) -> list[Drawing]:
    """Draw those of some slices that are tagged as showing a class (bool, k x j x i), exactly."""
    stack = slice_stack(mask, axis)
    shown = set(_shown(stack).tolist())
    return [Drawing(name, index, stack[index]) for index in indices if index in shown]


def a_tenth(count: int) -> int:
    """How many slices are drawn of so many positive ones: at most a tenth, but one."""
    return max(1, count // FEW)


GESTURES: dict[str, Gesture] = {
    "point": middle_point,
    "box": boxes_of_one_slice,
    "box-every-slice": boxes_of_every_slice,
    "box-3d": boxes_in_3d,
    "drawn-tenth": drawn_tenth,
}


def _shown(stack: np.ndarray) -> np.ndarray:
    """Slices that are tagged as showing the class."""
    return np.flatnonzero(_areas(stack) >= MIN_PIXELS)


def _areas(stack: np.ndarray) -> np.ndarray:
    return np.count_nonzero(stack, axis=(1, 2))


def chosen_slice(stack: np.ndarray, generator: np.random.Generator) -> list[int]:
    """One of the slices on which the class is large; none if none shows it."""
    areas = _areas(stack)
    shown = _shown(stack)
    return [int(generator.choice(shown[areas[shown] >= LARGE_ENOUGH * areas.max()]))] if shown.size else []


def _jittered_middle(mask: np.ndarray, generator: np.random.Generator) -> tuple[int, int]:
    """Row and column."""
    # Beyond the picture the class does not go on.
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    middle = np.unravel_index(int(distance.argmax()), mask.shape)
    for _ in range(_TRIES):
        row, column = np.rint(generator.normal(middle, JITTER_SIGMA * distance[middle])).astype(int)
        if 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and mask[row, column]:
            return int(row), int(column)
    return int(middle[0]), int(middle[1])


def boxes_on(
    name: str, stack: np.ndarray, axis: str, indices: Sequence[int] | np.ndarray, generator: np.random.Generator
) -> list[Box]:
    """Box every piece of a class on these slices of its mask (bool, slices x rows x columns), as inexact as a hand."""
    found = []
    for index in map(int, indices):
        for rows, columns in _pieces(stack[index]):
            top, bottom = _off(rows, stack.shape[1], generator)
            left, right = _off(columns, stack.shape[2], generator)
            corners = _voxel(axis, index, top, left), _voxel(axis, index, bottom, right)
            found.append(Box(name, *corners, complete=True))
    return found


def _pieces(mask: np.ndarray) -> Iterator[tuple[slice, ...]]:
    """Where the connected pieces of a class lie; diagonal neighbours hang together.

    Pieces of fewer pixels than a tag needs get no box, unless there are no others.
    """
    pieces, _ = ndimage.label(mask, np.ones((3,) * mask.ndim, bool))
    large = np.bincount(pieces.ravel())[1:] >= MIN_PIXELS
    for place, is_large in zip(ndimage.find_objects(pieces), large, strict=True):
        if is_large or not large.any():
            yield place


def _off(side: slice, count: int, generator: np.random.Generator) -> tuple[int, int]:
    """First and last voxel of a side of a box, as a hand draws it in a volume of so many voxels."""
    sigma = max(EDGE_SIGMA * (side.stop - side.start), ROUNDING_SIGMA)
    start, stop = np.rint(generator.normal((side.start, side.stop), sigma)).astype(int)
    first = min(max(int(start), 0), count - 1)
    return first, max(min(int(stop), count) - 1, first)


def _voxel(axis: str, index: int, row: int, column: int) -> Voxel:
    """The voxel (i, j, k) at a row and column of a slice."""
    rows, columns = plane_axes(axis)
    found = {AXES.index(axis): index, rows: row, columns: column}
    return found[0], found[1], found[2]
