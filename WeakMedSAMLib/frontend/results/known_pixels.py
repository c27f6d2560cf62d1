"""Pixels that a reader knows, which stay where the module draws a mask anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.labels.painted_slice import SHOWN, UNKNOWN, Slices
from WeakMedSAMLib.frontend.results.segment_images import PackedMask


class KnownPixels:
    """What is painted of a class, beside a mask that holds only a part of the volume.

    Parameters
    ----------
    axis : {"i", "j", "k"}
        Along which slices are counted.
    slices : mapping of int to PaintedSlice
    mask : PackedMask
        Of a part of the volume, whose voxels it counts.
    shape : tuple of int
        Voxels of the volume along k, j, i.
    """

    def __init__(self, axis: str, slices: Slices, mask: PackedMask, shape: tuple[int, int, int]) -> None:
        self._number = 2 - AXES.index(axis)
        shown = {index: painted for index, painted in slices.items() if painted.shows}
        begin = np.array(mask.first[::-1])
        end = begin + mask.shape
        for index, painted in shown.items():
            first, last = self._extentOf(index, painted.pixels == SHOWN)
            begin, end = np.minimum(begin, first), np.maximum(end, last)
        begin, end = np.maximum(begin, 0), np.minimum(end, shape)
        k, j, i = (int(count) for count in end - begin)
        self._begin, self._shape = begin, (k, j, i)
        offset = np.array(mask.first[::-1]) - begin
        self._inside = tuple(slice(int(at), int(at) + count) for at, count in zip(offset, mask.shape, strict=True))
        self._slices = slices

    def around(self, mask: PackedMask) -> PackedMask:
        """Return an empty mask of the part that holds the given one and all that is known to show the class."""
        bits = np.zeros(-(-int(np.prod(self._shape)) // 8), np.uint8)
        k, j, i = (int(at) for at in self._begin)
        return replace(mask, bits=bits, shape=self._shape, first=(i, j, k))

    def inside(self, array: np.ndarray) -> np.ndarray:
        """Return the part of an array of `around` that the given mask has, a view; what is beside it becomes False."""
        array[...] = False
        return array[self._inside]

    def putInto(self, array: np.ndarray) -> None:
        """Put what is known into an array (bool) of `around`."""
        part = [slice(int(at), int(at) + count) for at, count in zip(self._begin, self._shape, strict=True)]
        rows, columns = (each for number, each in enumerate(part) if number != self._number)
        for index, painted in self._slices.items():
            at = index - int(self._begin[self._number])
            if 0 <= at < self._shape[self._number]:
                plane, pixels = np.moveaxis(array, self._number, 0)[at], painted.pixels[rows, columns]
                np.copyto(plane, pixels == SHOWN, where=pixels != UNKNOWN)

    def laidOver(self, mask: PackedMask) -> PackedMask:
        """Return a mask with what is known in place of what it has there."""
        array = np.zeros(self._shape, bool)
        self.inside(array)[...] = mask.array
        self.putInto(array)
        return replace(self.around(mask), bits=np.packbits(array))

    def _extentOf(self, index: int, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return first and last + 1 along k, j, i of the pixels of a slice."""
        first, last = [], []
        for number in (0, 1):
            found = np.flatnonzero(shown.any(axis=1 - number))
            first.append(int(found[0]))
            last.append(int(found[-1]) + 1)
        first.insert(self._number, index)
        last.insert(self._number, index + 1)
        return np.array(first), np.array(last)


def turnedSlices(axis: str, slices: Slices, count: int) -> Slices:
    """Return what is painted with voxels along k counted from the other end; of so many slices."""
    if axis == "k":
        return {count - 1 - index: painted for index, painted in slices.items()}
    return {index: painted.flipped() for index, painted in slices.items()}
