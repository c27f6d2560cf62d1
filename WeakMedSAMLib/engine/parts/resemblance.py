"""What resembles the place of a point: a box for decoders that answer boxes alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from scipy import ndimage
from scipy.sparse.csgraph import connected_components

# x0, y0, x1, y1 in fractions of the frame.
Box: TypeAlias = tuple[float, float, float, float]

# Cosine from which a cell resembles the point's, without what all cells of the slice share. Of values from 0.15 to 0.8
# on five sets of scans, 0.25 to 0.35 gave the best boxes on the last level of the default backbone.
_LIKE = 0.3
_DISTANCE = 1.0  # likeness that a whole frame takes off, where points say what is not meant


def box_around_point(features: np.ndarray, row: float, column: float, avoid: Sequence[tuple[float, float]] = ()) -> Box:
    """Box around the connected cells that resemble the place of a point.

    Parameters
    ----------
    features : numpy.ndarray
        C x h x w of one slice.
    row, column : float
        Of the point, in fractions of the frame.
    avoid : sequence of pairs of float
        Rows and columns of points elsewhere: cells that resemble one of them more, or as much and lie nearer to it, are
        left out.

    Returns
    -------
    tuple of float
        x0, y0, x1, y1 in fractions of the frame.
    """
    height, width = features.shape[1:]
    # Without what all cells share, which would make everything alike.
    centred = features - features.mean((1, 2), keepdims=True)
    unit = centred / (np.linalg.norm(centred, axis=0) + 1e-6)
    y, x = _cell(row, height), _cell(column, width)
    own = _likeness(unit, y, x)
    like, near = own > _LIKE, own - _nearness_lost(unit, y, x)
    for other in avoid:
        there = _cell(other[0], height), _cell(other[1], width)
        like &= near >= _likeness(unit, *there) - _nearness_lost(unit, *there)
    like[y, x] = True
    pieces, _count = ndimage.label(like)
    rows, columns = np.nonzero(pieces == pieces[y, x])
    return (
        float(columns.min() / width),
        float(rows.min() / height),
        float((columns.max() + 1) / width),
        float((rows.max() + 1) / height),
    )


def boxes_around_points(
    features: np.ndarray, points: Sequence[tuple[float, float]], avoid: Sequence[tuple[float, float]] = ()
) -> list[Box]:
    """Boxes around what resembles points, one for all that lie in each other's, as those of a stroke do.

    Parameters
    ----------
    features, avoid
        As of `box_around_point`.
    points : sequence of pairs of float
        Rows and columns, in fractions of the frame.

    Returns
    -------
    list of tuple of float
        As of `box_around_point`; the box of several points is the median of theirs, with all of them in it.
    """
    if not points:
        return []
    boxes = np.array([box_around_point(features, *point, avoid) for point in points]).reshape(-1, 4)
    places = np.array(points, float).reshape(-1, 2)[:, ::-1]
    within = ((places >= boxes[:, None, :2]) & (places <= boxes[:, None, 2:])).all(2)
    count, piece = connected_components(within & within.T, directed=False)
    found: list[Box] = []
    for own in (piece == number for number in range(count)):
        low, high = np.split(np.median(boxes[own], 0), 2)
        sides = np.concatenate([np.minimum(low, places[own].min(0)), np.maximum(high, places[own].max(0))])
        found.append((float(sides[0]), float(sides[1]), float(sides[2]), float(sides[3])))
    return found


def _cell(place: float, count: int) -> int:
    return min(count - 1, max(0, int(place * count)))


def _nearness_lost(unit: np.ndarray, y: int, x: int) -> np.ndarray:
    """What distance from a cell takes off likeness: of tissue that is the same, the nearer point decides."""
    height, width = unit.shape[1:]
    down, across = (np.arange(height) - y) / height, (np.arange(width) - x) / width
    return _DISTANCE * np.hypot(down[:, None], across[None, :])


def _likeness(unit: np.ndarray, y: int, x: int) -> np.ndarray:
    """Cosine of every cell with the mean of the 3 x 3 around one: h x w."""
    mean = unit[:, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].mean((1, 2))
    return np.einsum("c,chw->hw", mean / (np.linalg.norm(mean) + 1e-6), unit)
