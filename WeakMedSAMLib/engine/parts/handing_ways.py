"""Ways along the slices from where a class was given: what is held on each, how far it goes, and what to believe."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch

from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.slice_votes import Vote

# A mask size x size, and a quality or a trust.
Drawn: TypeAlias = tuple[np.ndarray, float]
# First and last slice that a piece may be on.
Ends: TypeAlias = tuple[float, float]
Piece: TypeAlias = tuple[Drawn, Ends]

# The worst step, and the trust that it is worth: between them in proportion. Masks handed on from boxes had a Dice of
# 0.93 where the worst quality on the way was above 0.9, of 0.8 down to 0.8, of 0.6 down to 0.7, and of less than 0.3
# below 0.6 (organs, CT and MR).
_WORTHLESS, WORTH_ALL = 0.55, 0.95
# Of a drawn mask all of the class is known: what has lost more of its area from one slice that hands on to the next one
# has lost a piece on the way, and says no longer where the class is not.
_LEAST_LEFT = 0.6
_FADED = 0.4  # trust below which a mask goes no further into slices of which nothing is known


@dataclass(eq=False)
class Way:
    """One direction from a slice where a class was given.

    Attributes
    ----------
    column, start : int
        The class, and the slice.
    slices : range
        Still to come, in their order; none once nothing is left.
    given : collection of int
        Slices where the class was given.
    stride : int
        See `Handing.run`.
    key : int
        The slice that hands on.
    held : sequence of Piece
        What it hands on.
    is_whole : bool
        Whether all of the class was drawn there.
    votes : dict
        Slice -> what was handed on to it.
    """

    column: int
    start: int
    slices: range
    given: Collection[int]
    stride: int
    key: int = -1
    held: Sequence[Piece] = ()
    is_whole: bool = False
    votes: dict[int, Vote] = field(default_factory=dict)

    @property
    def step(self) -> int:
        """-1 down, 1 up."""
        return self.slices.step

    def begin(self, pieces: Sequence[Piece], is_whole: bool) -> None:
        """Hand these on, of the slice where the class was given."""
        self.key, self.held, self.is_whole = self.start, pieces, is_whole

    def arrive(self, index: int, pieces: Sequence[Piece], is_shown: bool) -> None:
        """Go on with what has come to the next slice, which is known to show the class or not."""
        here = [(piece, ends) for piece, ends in pieces if is_shown or trust_in(piece[1]) >= _FADED]
        if not here or _area(here) < (_LEAST_LEFT if self.is_whole else 0) * _area(self.held):
            self.slices = self.slices[:0]
            return
        self.slices = self.slices[1:]
        self.votes[index] = Vote(*together(here), 1 - abs(index - self.start) / self._ahead)
        if abs(index - self.key) >= self.stride:
            self.key, self.held = index, here

    @property
    def _ahead(self) -> float:
        """Slices to the next one on the way where the class was given."""
        ahead = [abs(other - self.start) for other in self.given if (other - self.start) * self.step > 0]
        return min(ahead, default=np.inf)


def routes(start: int, given: Collection[int], absent: np.ndarray) -> Iterator[range]:
    """Slices down and up from one where a class was given: to where it was given once more, is absent (S), or ends."""
    for step in (-1, 1):
        index = start + step
        while 0 <= index < len(absent) and index not in given and not absent[index]:
            index += step
        yield range(start + step, index, step)


def trust_in(quality: float) -> float:
    """How far to believe a mask, by the worst quality on the way to it."""
    return float(np.clip((quality - _WORTHLESS) / (WORTH_ALL - _WORTHLESS), 0, 1))


def together(pieces: Sequence[Piece]) -> Drawn:
    """All pieces of a slice as one mask TARGET x TARGET, and the mean of what they are trusted by."""
    mask = np.max([mask for (mask, _worst), _ends in pieces], axis=0).astype(np.float32)
    # Kept for every slice of the way, so no larger than what comes of it.
    trust = float(np.mean([trust_in(worst) for (_mask, worst), _ends in pieces]))
    return resize_maps(torch.from_numpy(mask), TARGET).numpy(), trust


def _area(pieces: Sequence[Piece]) -> int:
    return sum(int(np.count_nonzero(mask > 0.5)) for (mask, _worst), _ends in pieces)
