"""Several opinions of one slice made into one: masks that came from both sides, and the shape between drawn ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from WeakMedSAMLib.engine.parts.metrics import slice_dice
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN

_EDGE = 1.0  # pixels from the contour of a shape to where it is nearly certain
_LEAST = 1e-3  # weight of a vote that nothing speaks for: the only one of its slice still counts
_DOUBTED = 0.05  # of the best trust that is left where votes have nothing in common


class Vote(NamedTuple):
    """What speaks of one slice: a mask h x w, how far to believe it, and how near it is to where it comes from."""

    mask: np.ndarray
    trust: float
    nearness: float = 1.0


@dataclass
class HandedMasks:
    """What was handed on of one class in one volume.

    Attributes
    ----------
    masks : dict
        Slice -> TARGET x TARGET, uint8 probabilities as of `PseudoMask`.
    trust : dict
        Slice -> how far to believe the mask, in [0, 1].
    given : collection of int
        Slices where the class was given; to the others it was handed on.
    sides : dict
        Slice between two drawn ones -> Dice of what came from the one and from the other, where both came so far.
    """

    masks: dict[int, np.ndarray] = field(default_factory=dict)
    trust: dict[int, float] = field(default_factory=dict)
    given: Collection[int] = ()
    sides: dict[int, float] = field(default_factory=dict)


def dice_of_sides(votes: Sequence[tuple[int, Vote]]) -> dict[int, float]:
    """Slice -> Dice of the masks that came from both sides; of those with a slice to each, which have two alone."""
    came: dict[int, list[np.ndarray]] = {}
    for index, vote in votes:
        came.setdefault(index, []).append(vote.mask > 0.5)
    return {
        index: float(slice_dice(each[0][None], each[1][None], both_empty=1.0)[0])
        for index, each in came.items()
        if len(each) > 1
    }


def agreed(votes: Mapping[int, Sequence[Vote]], given: Collection[int] = ()) -> HandedMasks:
    """One mask a slice: the mean of all votes by trust and nearness, believed as the best of them if they agree."""
    found = HandedMasks(given=given)
    for index, each in votes.items():
        weights = np.array([max(vote.trust * vote.nearness, _LEAST) for vote in each])
        mean = np.average([vote.mask for vote in each], axis=0, weights=weights)
        found.masks[index] = np.rint(mean.astype(np.float32) * CERTAIN).astype(np.uint8)
        found.trust[index] = max(vote.trust for vote in each) * max(_agreement(each, mean, weights), _DOUBTED)
    return found


def votes_between(drawn: Mapping[int, np.ndarray], absent: np.ndarray) -> Iterator[tuple[int, Vote]]:
    """The shape that lies between each two neighbouring drawn slices, on every slice between them.

    Distances to the contours pass linearly from the one to the other (Raya and Udupa, IEEE TMI 1990). It is believed as
    much as the two overlap: where slices are thick, features say more than shape.

    Parameters
    ----------
    drawn : mapping
        Slice -> mask h x w, in ascending order.
    absent : numpy.ndarray
        S, bool: slices without the class, over which no shape goes on.

    Yields
    ------
    int, Vote
    """
    for (first, one), (last, other) in pairwise(drawn.items()):
        trust = float(slice_dice(one[None] > 0.5, other[None] > 0.5)[0])
        if last - first < 2 or not trust > 0 or absent[first:last].any():
            continue
        here, there = _distances(one > 0.5), _distances(other > 0.5)
        for index in range(first + 1, last):
            share = (index - first) / (last - first)
            distance = ((1 - share) * here + share * there) / _EDGE
            yield index, Vote((1 / (1 + np.exp(-np.clip(distance, -30, 30)))).astype(np.float32), trust)


def _distances(shape: np.ndarray) -> np.ndarray:
    """Pixels to the contour of a shape, negative outside."""
    inside: np.ndarray = ndimage.distance_transform_edt(shape)
    outside: np.ndarray = ndimage.distance_transform_edt(~shape)
    return inside - outside


def _agreement(votes: Sequence[Vote], mean: np.ndarray, weights: np.ndarray) -> float:
    """Dice of the votes and their mean; 1 for a vote alone."""
    if len(votes) == 1:
        return 1.0
    seen = np.stack([vote.mask for vote in votes]) > 0.5
    return float(np.average(slice_dice(seen, np.stack([mean > 0.5] * len(seen)), both_empty=1.0), weights=weights))
