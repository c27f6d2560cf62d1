"""What grey values say of masks that were handed on: a random walker between the slices where somebody said something.

The decoder draws what objects of its training look like; an edge that is a step of grey values alone a walker finds
better. Each errs elsewhere, so that their mean is better than either. From a small slice at the end of a large object a
walker does not get far: where both have little in common it has no say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage

from WeakMedSAMLib.engine.parts import random_walker
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.metrics import slice_dice
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN
from WeakMedSAMLib.engine.parts.slice_votes import HandedMasks, Vote, agreed
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN

_MARGIN = 8  # pixels of TARGET around all masks; beyond is not the class
_SURE = 0.8  # probability from which a given mask is a seed; as little of what it is not
_SLICES_AT_ONCE = 16
_HEARD = 0.5  # Dice with what was handed on, from which a walker has a say


def with_walker(
    handed: HandedMasks,
    grey: np.ndarray,
    absent: np.ndarray,
    known: Mapping[int, np.ndarray],
    step: Callable[[], object] = random_walker.tell_nobody,
) -> HandedMasks:
    """Masks of a class; where it was not given, the mean of what was handed on and of what a walker finds.

    Unless both have too little in common, on these slices together: then what was handed on stays.

    Parameters
    ----------
    handed : HandedMasks
        Masks of slices where the class was given are what the walk starts from, and stay.
    grey : numpy.ndarray
        S x TARGET x TARGET, float32: of `grey_values`.
    absent : numpy.ndarray
        S, bool: slices without the class.
    known : mapping
        Slice -> TARGET x TARGET, uint8: what is known of the class there.
    step : callable
        As for `random_walker.walk`.
    """
    reached = [index for index in handed.masks if index not in handed.given]
    shapes = [mask > 0 for mask in handed.masks.values()]
    if not reached or len(reached) == len(shapes) or not np.any(shapes):
        return handed
    first, last = max(min(handed.masks) - 1, 0), min(max(handed.masks) + 1, len(grey) - 1)
    crop = _around(np.any(shapes, axis=0))
    seeds = np.full((last - first + 1, TARGET, TARGET), random_walker.UNSEEDED, np.int8)[:, crop[0], crop[1]]
    seeds[absent[first : last + 1]] = random_walker.OUTSIDE
    for index in set(handed.masks) - set(reached):
        _seed(seeds[index - first], handed.masks[index][crop])
    for index in filter(range(first, last + 1).__contains__, known):
        _seed_known(seeds[index - first], known[index][crop])
    _close(seeds)
    start = np.zeros(seeds.shape, np.float32)
    for index, mask in handed.masks.items():
        start[index - first] = mask[crop].astype(np.float32) / CERTAIN
    walked = random_walker.walk(grey[first : last + 1, crop[0], crop[1]], seeds, start, step)
    votes = {}
    for index in reached:
        whole = np.zeros((TARGET, TARGET), np.float32)
        whole[crop] = walked[index - first]
        trust = handed.trust[index]
        votes[index] = [Vote(handed.masks[index].astype(np.float32) / CERTAIN, trust), Vote(whole, trust)]
    before, found = (np.stack([each[number].mask > 0.5 for each in votes.values()]) for number in (0, 1))
    if slice_dice(before.reshape(1, -1, TARGET), found.reshape(1, -1, TARGET))[0] < _HEARD:
        return handed
    both = agreed(votes)
    return replace(handed, masks={**handed.masks, **both.masks}, trust={**handed.trust, **both.trust})


def at_grey_edges(
    masks: np.ndarray,
    indices: np.ndarray,
    grey: np.ndarray,
    known: np.ndarray | None = None,
    step: Callable[[], object] = random_walker.tell_nobody,
) -> np.ndarray:
    """What a walker finds of a class that was drawn, where the drawing is not sure: n x TARGET x TARGET, float32.

    Pieces without any pixel that is sure stay as they are: no walker comes from there, all would end outside.

    Parameters
    ----------
    masks : numpy.ndarray
        n x TARGET x TARGET, float32 probabilities; what is sure in them are the seeds.
    indices : numpy.ndarray
        n, ascending: their slices. One walks between slices that follow each other.
    grey : numpy.ndarray
        S x TARGET x TARGET, float32: of `grey_values`.
    known : numpy.ndarray, optional
        n x TARGET x TARGET, uint8: what is known of the class. Known pixels are seeds, too, whatever was drawn there.
    step : callable
        As for `random_walker.walk`.
    """
    walked = masks.copy()
    sure = masks > 1 - _SURE
    if known is not None:
        sure |= known == SHOWN
    for rows in np.split(np.arange(len(masks)), 1 + np.flatnonzero(np.diff(indices) > 1)):
        shape = np.any(sure[rows], axis=0)
        if not shape.any():
            continue
        down, across = _around(shape)
        drawn = masks[rows, down, across]
        seeds = np.full(drawn.shape, random_walker.UNSEEDED, np.int8)
        _seed(seeds, drawn * CERTAIN)
        if known is not None:
            _seed_known(seeds, known[rows, down, across])
        pieces, _ = ndimage.label(seeds != random_walker.OUTSIDE)
        is_faint = (pieces > 0) & ~np.isin(pieces, pieces[seeds == random_walker.INSIDE])
        seeds[is_faint] = random_walker.OUTSIDE
        found = random_walker.walk(grey[indices[rows], down, across], seeds, drawn, step)
        walked[rows, down, across] = np.where(is_faint, drawn, found)
    return walked


def _around(shape: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns around a shape, with a margin."""
    spans = []
    for axis in (1, 0):
        where = np.flatnonzero(shape.any(axis))
        spans.append(slice(max(where[0] - _MARGIN, 0), min(where[-1] + 1 + _MARGIN, TARGET)))
    return spans[0], spans[1]


def _seed(seeds: np.ndarray, mask: np.ndarray) -> None:
    """Say of a slice what its mask is sure of, in place."""
    seeds[mask >= _SURE * CERTAIN] = random_walker.INSIDE
    seeds[mask <= (1 - _SURE) * CERTAIN] = random_walker.OUTSIDE


def _seed_known(seeds: np.ndarray, known: np.ndarray) -> None:
    """Say what is known of pixels, in place."""
    seeds[known == NOT_SHOWN] = random_walker.OUTSIDE
    seeds[known == SHOWN] = random_walker.INSIDE


def _close(seeds: np.ndarray) -> None:
    """Let nothing be beyond the border, in place."""
    for edge in (seeds[:, :1], seeds[:, -1:], seeds[:, :, :1], seeds[:, :, -1:]):
        edge[edge == random_walker.UNSEEDED] = random_walker.OUTSIDE


def grey_values(image: np.ndarray) -> np.ndarray:
    """Slices S x size x size, uint8, at the size of masks: S x TARGET x TARGET, float32 in [0, 1]."""
    parts = [
        resize_maps(torch.from_numpy(np.array(image[start : start + _SLICES_AT_ONCE])).float() / 255, TARGET)
        for start in range(0, len(image), _SLICES_AT_ONCE)
    ]
    return torch.cat(parts).numpy()
