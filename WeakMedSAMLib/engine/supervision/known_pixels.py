"""Pixels of which it is known whether they show a class, slice by slice, drawn when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from WeakMedSAMLib.contract.labels import painted_slice

# What painted labels have is what is known.
SHOWN, NOT_SHOWN, UNKNOWN = painted_slice.SHOWN, painted_slice.NOT_SHOWN, painted_slice.UNKNOWN

Draw = Callable[[int], np.ndarray]


class KnownPixels(Mapping[int, np.ndarray]):
    """Slice -> C x rows x columns, uint8, in the volume's own pixels: 1 shows the class, 0 does not, 255 unknown.

    Parameters
    ----------
    slices : iterable of int
        On which anything is known.
    draw : callable
        Gives the pixels of one of them.
    """

    def __init__(self, slices: Iterable[int] = (), draw: Draw | None = None) -> None:
        self._slices, self._draw = sorted(set(slices)), draw
        self._known = frozenset(self._slices)

    def __getitem__(self, index: int) -> np.ndarray:
        if index not in self._known or self._draw is None:
            raise KeyError(index)
        return self._draw(index)

    def __iter__(self) -> Iterator[int]:
        return iter(self._slices)

    def __len__(self) -> int:
        return len(self._slices)


def first_known(parts: Sequence[KnownPixels], shares: np.ndarray) -> KnownPixels:
    """Return what several sources know, the first one that knows a pixel counting.

    Parameters
    ----------
    parts : sequence of KnownPixels
        The most trusted first.
    shares : numpy.ndarray
        C x C, bool: whether a pixel of one class may be one of the other. Where it may not, it shows no other class.
    """

    def draw(index: int) -> np.ndarray:
        found: np.ndarray | None = None
        for part in parts:
            if index in part:
                pixels = with_exclusion(part[index], shares)
                found = pixels if found is None else np.where(found == UNKNOWN, pixels, found)
        if found is None:
            raise KeyError(index)
        return found

    return KnownPixels((index for part in parts for index in part), draw)


def with_exclusion(pixels: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Known pixels C x rows x columns, with those of each class known not to show the classes that exclude it."""
    result = pixels.copy()
    for column, row in enumerate(shares):
        for other in np.flatnonzero(~row):
            result[other][(pixels[column] == SHOWN) & (result[other] == UNKNOWN)] = NOT_SHOWN
    return result
