"""What a hurried reader's hand adds to `gestures`: ranges that end beside the truth, scribbles, lengths of contours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.marks import Voxel
from WeakMedSAMLib.contract.labels.painted_slice import NOT_SHOWN, SHOWN, UNKNOWN
from WeakMedSAMLib.studies.gestures import JITTER_SIGMA

END_OFF = 2  # slices, either way
LEAST_SCRIBBLED, MOST_SCRIBBLED = 0.4, 0.7  # of the skeleton
_SMOOTHING = 0.15  # of the radius of the largest disc
_OUTSIDE = 0.5  # of that radius: so far from the class lies the scribble outside of it
_EIGHT = np.ones((3, 3), bool)
TOLERANCE = 1.0  # pixels: a contour so near to the true one is right


def erring_ranges(shown: np.ndarray, generator: np.random.Generator) -> list[tuple[int, int]]:
    """First and last slice of each stretch on which a class is shown, each off by up to two slices.

    Parameters
    ----------
    shown : numpy.ndarray
        bool, one a slice.
    generator : numpy.random.Generator
        What chance decides: each end is off by -2 to 2, all alike. A stretch keeps a slice, and stays in the volume.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shown.astype(np.int8), [0]])))
    found = []
    for start, stop in edges.reshape(-1, 2):
        first, last = (int(end + generator.integers(-END_OFF, END_OFF + 1)) for end in (start, stop - 1))
        middle = int(start + stop - 1) // 2
        found.append((min(max(first, 0), middle), max(min(last, len(shown) - 1), middle)))
    return found


def erring_box(box: Box, axis: str, ranges: Sequence[tuple[int, int]], generator: np.random.Generator) -> Box:
    """A box in 3-D whose ends along the slice axis are off by up to two slices each, as those of ranges are.

    Parameters
    ----------
    box : Box
        With true ends.
    axis : str
        Slice axis.
    ranges : sequence
        First and last slice of each range that it may lie in: it stays inside the first one that it meets, if any.
    generator : numpy.random.Generator
        What chance decides. A box keeps a slice.
    """
    along = "ijk".index(axis)
    first, last = box.first[along], box.last[along]
    low, high = next(((one, other) for one, other in ranges if one <= last and first <= other), (first, last))
    middle = min(max((first + last) // 2, low), high)
    first, last = (int(end + generator.integers(-END_OFF, END_OFF + 1)) for end in (first, last))
    first, last = min(max(first, low), middle), max(min(last, high), middle)
    return replace(box, first=_moved(box.first, along, first), last=_moved(box.last, along, last))


def _moved(voxel: Voxel, along: int, index: int) -> Voxel:
    i, j, k = (index if axis == along else at for axis, at in enumerate(voxel))
    return i, j, k


def skeleton(mask: np.ndarray) -> np.ndarray:
    """Lines in the middle of a mask (bool, rows x columns), a pixel wide, by the thinning of Zhang and Suen (1984)."""
    kept = np.pad(np.asarray(mask, bool), 1)
    while True:
        before = kept
        for step in (0, 1):
            kept = kept & ~_thinned_away(kept, step)
        if (kept == before).all():
            return kept[1:-1, 1:-1]


def _thinned_away(mask: np.ndarray, step: int) -> np.ndarray:
    """Pixels of the border that one half of a step of the thinning removes."""
    north, south = np.roll(mask, 1, 0), np.roll(mask, -1, 0)
    east, west = np.roll(mask, -1, 1), np.roll(mask, 1, 1)
    around = [north, np.roll(north, -1, 1), east, np.roll(south, -1, 1), south, np.roll(south, 1, 1), west]
    around.append(np.roll(north, 1, 1))
    count = sum(one.astype(np.int8) for one in around)
    turns = sum((~one & other).astype(np.int8) for one, other in zip(around, [*around[1:], around[0]], strict=True))
    if step == 0:
        open_ = ~(north & east & south) & ~(east & south & west)
    else:
        open_ = ~(north & east & west) & ~(north & south & west)
    return np.asarray(mask & (count >= 2) & (count <= 6) & (turns == 1) & open_)


def scribbles(mask: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A scribble in a class and one outside of it.

    The one inside is a connected 40 to 70 % of the skeleton of the smoothed class, moved by a normal of a tenth of the
    radius of the largest disc, as far as it stays inside; the other one runs as long at half that radius around it.

    Parameters
    ----------
    mask : numpy.ndarray
        bool, rows x columns, not empty.
    generator : numpy.random.Generator
        What chance decides.

    Returns
    -------
    numpy.ndarray
        uint8, rows x columns: 1 shows the class, 0 does not, 255 is unknown.
    """
    # Beyond the picture the class does not go on.
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    radius = float(distance.max())
    smooth = ndimage.gaussian_filter(mask.astype(float), _SMOOTHING * radius) > 0.5
    line = skeleton(smooth & mask)
    if not line.any():
        line = distance == radius
    share = generator.uniform(LEAST_SCRIBBLED, MOST_SCRIBBLED)
    inside = _part_of(line, max(1, round(share * int(line.sum()))), generator)
    moved = np.rint(generator.normal(0.0, JITTER_SIGMA * radius, 2)).astype(int)
    shifted = ndimage.shift(inside, moved, order=0) & mask
    inside = shifted if shifted.any() else inside
    away = ndimage.distance_transform_edt(~mask)
    at = max(2.0, _OUTSIDE * radius)
    outside = _part_of((away > at - 1) & (away <= at), int(inside.sum()), generator)
    pixels = np.full(mask.shape, UNKNOWN, np.uint8)
    pixels[outside], pixels[inside] = NOT_SHOWN, SHOWN
    return pixels


def _part_of(line: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """So many pixels of a line that hang together, from one of its pixels on; fewer of a shorter piece."""
    part = np.zeros_like(line)
    places = np.argwhere(line)
    if not len(places):
        return part
    part[tuple(places[generator.integers(len(places))])] = True
    while (missing := count - int(part.sum())) > 0:
        new = np.argwhere(ndimage.binary_dilation(part, _EIGHT) & line & ~part)[:missing]
        if not len(new):
            break
        part[tuple(new.T)] = True
    return part


def contour_length(mask: np.ndarray, spacing: Sequence[float]) -> float:
    """Length of the contour of a mask (bool, rows x columns), in the unit of the spacing of rows and columns.

    By Crofton's formula along rows and columns: steps of the border, of which a slanting line has too many, times pi/4.
    """
    padded = np.pad(np.asarray(mask, bool), 1)
    rows, columns = (int(np.count_nonzero(np.diff(padded, axis=axis))) for axis in (0, 1))
    return float(np.pi / 4 * (rows * spacing[1] + columns * spacing[0]))


def changed_length(drawn: np.ndarray, truth: np.ndarray, spacing: Sequence[float]) -> tuple[float, int]:
    """What is to be drawn to put a mask right (both bool, rows x columns), and how many pieces are to be taken away.

    The length of the true contour that is farther than a pixel from the one of the mask (added path length: Vaassen et
    al., Physics and Imaging in Radiation Oncology 2020). Pieces of the mask that touch nothing true go by a click each.
    """
    pieces, count = ndimage.label(drawn, _EIGHT)
    false = count - len(np.unique(pieces[truth & drawn]))
    border = _border(truth)
    if not border.any():
        return 0.0, false
    kept = _border(drawn & np.isin(pieces, np.unique(pieces[truth & drawn])))
    far = border if not kept.any() else border & (ndimage.distance_transform_edt(~kept) > TOLERANCE)
    return contour_length(truth, spacing) * float(far.sum() / border.sum()), false


def _border(mask: np.ndarray) -> np.ndarray:
    """Pixels of a mask that have a neighbour outside of it; beyond the picture is outside."""
    return np.asarray(mask & ~ndimage.binary_erosion(mask))
