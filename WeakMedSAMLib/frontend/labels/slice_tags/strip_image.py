"""The picture of the tag strip, made with numpy so that its cost does not grow with the number of slices.

A tag is readable by its shape alone: present fills the whole height of a row, absent is a hatched band in its middle,
untagged is empty.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED

Color = tuple[int, int, int]
_MIN_EDGE_DISTANCE = 5


def columnStates(state: np.ndarray, width: int) -> np.ndarray:
    """Return the tag that each of `width` columns shows for a row of tags.

    Where several slices share a column, present wins, then untagged, so that neither a small lesion nor a slice that
    was missed can hide.

    Parameters
    ----------
    state : numpy.ndarray
        int8 (n_slices,), at least one slice.
    width : int
        Number of columns, at least 1.
    """
    count = state.size
    if count <= width:
        return state[np.arange(width) * count // width]
    starts = np.arange(width) * count // width
    rank = np.select([state == PRESENT, state == UNTAGGED], [2, 1], 0)
    return np.array([ABSENT, UNTAGGED, PRESENT], np.int8)[np.maximum.reduceat(rank, starts)]


def runsOf(state: np.ndarray, fewest: float = 1) -> list[tuple[int, int, int]]:
    """Return the runs of equal tags as (first slice, last slice, tag), in order.

    Parameters
    ----------
    state : numpy.ndarray
        int8 (n_slices,), at least one slice.
    fewest : float
        Shorter runs are left out.
    """
    starts = np.concatenate([[0], np.flatnonzero(np.diff(state)) + 1])
    ends = np.append(starts[1:], state.size)
    isLong = ends - starts >= fewest
    starts, ends = starts[isLong], ends[isLong] - 1
    return list(zip(starts.tolist(), ends.tolist(), state[starts].tolist(), strict=True))


def edgeColumns(count: int, width: int) -> np.ndarray:
    """Return the columns at which a new slice begins, none where slices are too narrow for lines between them."""
    if width < count * _MIN_EDGE_DISTANCE:
        return np.zeros(0, int)
    return -(-np.arange(1, count) * width // count)


def rowImage(state: np.ndarray, size: tuple[int, int], color: Color, base: Color, ink: Color) -> np.ndarray:
    """Return the picture of one class, uint8 (height, width, 3), red, green, blue.

    Parameters
    ----------
    state : numpy.ndarray
        Tags, int8 (n_slices,).
    size : tuple of int
        Width and height in pixels.
    color : tuple of int
        Of the class.
    base, ink : tuple of int
        Background and text colour of the window.
    """
    width, height = size
    columns = columnStates(state, width)
    present, absent = columns == PRESENT, columns == ABSENT
    # Lines of one pixel's height, spread over the rows: much faster than to fill columns one by one.
    line = np.where(present[:, None], np.array(color, np.uint8), np.array(base, np.uint8))
    image = np.empty((height, width, 3), np.uint8)
    image[:] = line
    top, bottom = _band(height)
    band = np.where(absent[:, None], _mix(color, base, 0.25), line)
    image[top:bottom] = np.where((absent & _hatch(width, bottom - top))[..., None], _mix(ink, base, 0.55), band)
    edges = edgeColumns(state.size, width)
    image[:, edges] = (image[:, edges] * 0.75 + np.array(base) * 0.25).astype(np.uint8)
    return _outline(image, present, ink)


def rowsImage(rows: list[np.ndarray]) -> bytes:
    """Return pictures below one another as bytes of QImage.Format_RGB32 (blue, green, red, 255)."""
    image = np.concatenate(rows)
    opaque = np.full((*image.shape[:2], 1), 255, np.uint8)
    return np.concatenate([image[..., ::-1], opaque], axis=2).tobytes()


def _band(height: int) -> tuple[int, int]:
    third = max(1, height // 3)
    return (height - third) // 2, (height - third) // 2 + third


@lru_cache(maxsize=8)
def _hatch(width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return (x + y) % 5 == 0


def _outline(image: np.ndarray, present: np.ndarray, ink: Color) -> np.ndarray:
    """Draw a line around what is present: a colour close to the background must still be seen."""
    for y in (0, -1):
        image[y] = np.where(present[:, None], np.array(ink, np.uint8), image[y])
    ends = np.flatnonzero(np.diff(present.astype(np.int8), prepend=0, append=0))
    image[:, np.minimum(ends, present.size - 1)] = ink
    return image


def _mix(color: Color, base: Color, share: float) -> np.ndarray:
    mixed = [round(share * part + (1 - share) * other) for part, other in zip(color, base, strict=True)]
    return np.array(mixed, np.uint8)
