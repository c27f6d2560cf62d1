"""What labels say of single pixels, at the size at which the stages learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from WeakMedSAMLib.engine.features.preprocess import Frame
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN, UNKNOWN, PseudoMask
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN

# Of what one pixel takes of a cell: a pixel that lies on the corner of four cells counts in each of them.
_LEAST_SHARE = 0.2
_HALF = 0.5


def weigh_known(weight: np.ndarray, volume: VolumeSlices, index: int) -> np.ndarray:
    """Weights C of the classes on a slice, 1 for those of which every pixel is known there."""
    if index not in volume.supervision.known:
        return weight
    return np.where((volume.supervision.known[index] != UNKNOWN).all((1, 2)), np.float32(1), weight)


def with_known(mask: PseudoMask, volume: VolumeSlices) -> PseudoMask:
    """The same, saying which of its pixels labels speak of; the pixels themselves `put_known` puts in."""
    if mask.index not in volume.supervision.known:
        return mask
    return replace(mask, known=known_on(volume, mask.index, mask.probability.shape[-1]) != UNKNOWN)


def put_known(values: np.ndarray, volume: VolumeSlices, index: int) -> None:
    """Put what is known of a slice into a pseudo-mask C x h x w, uint8 as of `PseudoMask`, in place."""
    if index in volume.supervision.known:
        known = known_on(volume, index, values.shape[-1])
        values[known == NOT_SHOWN] = 0
        values[known == SHOWN] = CERTAIN


def known_on(volume: VolumeSlices, index: int, cells: int, any_shown: bool = False) -> np.ndarray:
    """What is known of a slice by labels, on an m x m grid over the frame: C x m x m, uint8.

    A cell is known if any of its pixels is, and shows a class if more of them do than do not; with `any_shown`, if any
    does. That nothing is outside of boxes is known of a cell that is outside by half: the edge of a box is none of the
    class.
    """
    pixels = volume.supervision.known[index]
    shown, not_shown = (_shares(volume.frame, pixels == value, cells) for value in (SHOWN, NOT_SHOWN))
    for column, inside in _boxed(volume, index, pixels.shape[1:]).items():
        said = _shares(volume.frame, (pixels[column] == NOT_SHOWN) & inside, cells)
        not_shown[column] = np.where(not_shown[column] > _HALF, not_shown[column], said)
    least = _LEAST_SHARE * _share_of_pixel(volume.frame, cells)
    found = np.full(shown.shape, UNKNOWN, np.uint8)
    found[not_shown > least] = NOT_SHOWN
    found[(shown > least) & ((shown > not_shown) | any_shown)] = SHOWN
    return found


def _boxed(volume: VolumeSlices, index: int, shape: tuple[int, ...]) -> dict[int, np.ndarray]:
    """Column of each class that is boxed altogether on a slice -> rows x columns, bool: inside of one of its boxes."""
    found: dict[int, np.ndarray] = {}
    for box in volume.supervision.boxes:
        if box.complete and box.holds_slice(index):
            found.setdefault(box.column, np.zeros(shape, bool))[box.inside] = True
    return found


def _shares(frame: Frame, pixels: np.ndarray, cells: int) -> np.ndarray:
    """How much of each cell some pixels ... x rows x columns, bool, take: ... x m x m, float32."""
    return resize_maps(torch.from_numpy(frame.to_frame(pixels.astype(np.float32))), cells).numpy()


def _share_of_pixel(frame: Frame, cells: int) -> float:
    """How much of a cell one pixel takes at most."""
    height, width = (scaled * cells / frame.size for scaled in frame.scaled)
    return min(1.0, height / frame.rows) * min(1.0, width / frame.columns)
