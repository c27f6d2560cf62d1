"""What is painted on one slice for one class: pixels that are known, packed, and never changed.

A slice along k has rows j and columns i; along j rows k and columns i; along i rows k and columns j.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias, get_args

import numpy as np

from WeakMedSAMLib.contract.labels.labelled_volume import LabelledVolume
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED

SHOWN, NOT_SHOWN, UNKNOWN = 1, 0, 255
# By hand; the machine's mask, said to be right; some pixels only.
State: TypeAlias = Literal["drawn", "fine", "scribbled"]
STATES: tuple[State, ...] = get_args(State)
# Axis of the slices -> axes (0 for i, 1 for j, 2 for k) along which rows and columns are counted.
PLANES = {"k": (1, 0), "j": (2, 0), "i": (2, 1)}
# Of packing; one level, so that equal pixels are equal bytes. A higher one takes many times as long.
_LEVEL = 1


@dataclass(frozen=True)
class PaintedSlice:
    """What is known of the pixels of one slice for one class; made by `of`, never changed, equal by content.

    Attributes
    ----------
    state : {"drawn", "fine", "scribbled"}
        Of all but a scribbled one every pixel is known.
    shape : tuple of int
        Rows and columns.
    packed : bytes
        The pixels as bits, packed: a kilobyte or so.
    shows : bool
        Whether a pixel shows the class.
    """

    state: State
    shape: tuple[int, int]
    packed: bytes
    shows: bool

    @classmethod
    def of(cls, state: State, pixels: np.ndarray) -> PaintedSlice:
        """Keep pixels.

        Parameters
        ----------
        state : {"drawn", "fine", "scribbled"}
        pixels : numpy.ndarray
            Rows x columns: 1 (or True) shows the class, 0 does not, 255 unknown, the latter in scribbles alone.

        Raises
        ------
        ValueError
            For another state, shape or value.
        """
        pixels = np.asarray(pixels)
        if state not in STATES or pixels.ndim != 2 or not pixels.size:
            raise ValueError(f"a painted slice is {', '.join(STATES)} and of rows x columns")
        if pixels.dtype != bool:  # masks of a hundred slices come at once, and hold nothing else
            _require_values(state, pixels)
        rows, columns = pixels.shape
        shown = pixels if pixels.dtype == bool else pixels == SHOWN
        # A bit a pixel: whether it shows the class; of scribbles another one, whether it is known.
        bits = np.packbits(shown).tobytes()
        if state == "scribbled":
            bits += np.packbits(pixels != UNKNOWN).tobytes()
        return cls(state, (rows, columns), zlib.compress(bits, _LEVEL), bool(shown.any()))

    @property
    def pixels(self) -> np.ndarray:
        """Rows x columns, uint8: 1 shows the class, 0 does not, 255 unknown; read-only."""
        return pixels_of_bits(self.state, self.shape, zlib.decompress(self.packed))

    @property
    def is_whole(self) -> bool:
        """Whether every pixel is known."""
        return self.state != "scribbled"

    @property
    def says(self) -> int:
        """What it says of its slice: `PRESENT`, `ABSENT`, or `UNTAGGED` for pixels that do not show it alone."""
        return PRESENT if self.shows else ABSENT if self.is_whole else UNTAGGED

    def flipped(self) -> PaintedSlice:
        """Return it with the rows in reversed order."""
        return PaintedSlice.of(self.state, self.pixels[::-1])


Slices: TypeAlias = dict[int, PaintedSlice]


def _require_values(state: str, pixels: np.ndarray) -> None:
    """ValueError for pixels that are neither known nor said to be unknown."""
    allowed = (NOT_SHOWN, SHOWN, UNKNOWN) if state == "scribbled" else (NOT_SHOWN, SHOWN)
    is_odd = pixels != allowed[0]
    for value in allowed[1:]:  # many times faster than np.isin
        is_odd &= pixels != value
    if is_odd.any():
        raise ValueError(f"pixels of a {state} slice are {', '.join(map(str, allowed))}")


def bits_of(state: str, shape: tuple[int, int]) -> int:
    """Return how many bytes the bits of a slice are before they are packed."""
    count = -(-shape[0] * shape[1] // 8)
    return 2 * count if state == "scribbled" else count


def pixels_of_bits(state: str, shape: tuple[int, int], bits: bytes) -> np.ndarray:
    """Return the pixels of a slice, as of `PaintedSlice.pixels`, from its bits."""
    planes = np.frombuffer(bits, np.uint8).reshape(-1, bits_of("drawn", shape))
    shown, *known = (np.unpackbits(plane, count=shape[0] * shape[1]).reshape(shape) for plane in planes)
    pixels = np.where(known[0] == 1, shown, UNKNOWN).astype(np.uint8) if state == "scribbled" else shown
    pixels.flags.writeable = False
    return pixels


def plane_of(labels: LabelledVolume) -> tuple[int, int]:
    """Return the rows and columns of a slice; ValueError if the size of the volume is not settled."""
    if labels.size is None:
        raise ValueError(f"the size of {labels.name!r} is not settled")
    rows, columns = PLANES[labels.axis]
    return labels.size[rows], labels.size[columns]


def laid_over(mine: PaintedSlice, theirs: PaintedSlice) -> tuple[PaintedSlice, int]:
    """A slice over another one, and on how many pixels they differ."""
    if mine == theirs:
        return mine, 0
    if mine.shape != theirs.shape:
        return mine, mine.shape[0] * mine.shape[1]
    upper, lower = mine.pixels, theirs.pixels
    differing = int(np.count_nonzero((upper != UNKNOWN) & (lower != UNKNOWN) & (upper != lower)))
    if mine.is_whole:
        return mine, differing
    if theirs.is_whole:
        return theirs, differing
    return PaintedSlice.of("scribbled", np.where(upper == UNKNOWN, lower, upper)), differing


@lru_cache(4096)  # asked after every edit, of all slices
def meet(one: PaintedSlice, other: PaintedSlice) -> bool:
    """Whether both show a pixel."""
    if not (one.shows and other.shows) or one.shape != other.shape:
        return False
    return bool(((one.pixels == SHOWN) & (other.pixels == SHOWN)).any())
