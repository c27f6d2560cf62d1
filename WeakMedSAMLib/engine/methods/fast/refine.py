"""Stage: masks of the segmentation network redrawn by the backbone's mask decoder, and made consistent in 3-D."""

from __future__ import annotations

import numpy as np
import torch

from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.reporting import Tell, nobody
from WeakMedSAMLib.engine.features.levels import Level
from WeakMedSAMLib.engine.parts.components import component_boxes, drop_small_pieces, heaviest_piece
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.metrics import slice_dice

_SLICES_AT_ONCE = 16
_DRAWN_WEIGHT = 0.95
_MARGIN = 1 / 128  # of the frame, around each piece on every side
# A redrawn mask that has so little in common with the one it was to redraw (Dice) is not believed.
_MIN_AGREEMENT = 0.4
_MIN_PIECE = 0.05  # of the largest piece in the volume
_GIVEN_COUNTS = 99  # times as much as a guess: a pixel where boxes or points were given, among pieces
_Z_WEIGHTS = (0.25, 0.5, 0.25)


def redraw_by_decoder(
    masks: np.ndarray, indices: np.ndarray, level: Level, backbone: Backbone, step: Tell = nobody
) -> tuple[np.ndarray, np.ndarray]:
    """Let the backbone redraw the masks of one class from boxes around their pieces.

    Parameters
    ----------
    masks : numpy.ndarray
        n x h x w probabilities over the input frame.
    indices : numpy.ndarray
        n slice indices.
    level : Level
        The backbone's decode level of the whole volume.
    backbone : Backbone
        Answers boxes.
    step : callable, optional
        Called now and then with how many slices are done, and how many there are; may raise to end the work.

    Returns
    -------
    masks : numpy.ndarray
        n x h x w, float32: mostly what was redrawn, where it agrees with what was there.
    agreement : numpy.ndarray
        n: Dice of the two at 0.5; NaN where there was nothing to redraw.
    """
    result, agreement = masks.copy(), np.full(len(masks), np.nan, np.float32)
    for start in range(0, len(indices), _SLICES_AT_ONCE):
        step(start, len(indices))
        part = slice(start, start + _SLICES_AT_ONCE)
        drawn = _draw_boxes(masks[part], indices[part], level, backbone)
        for row, new in drawn.items():
            old = masks[start + row]
            agreement[start + row] = slice_dice(old[None] > 0.5, new[None] > 0.5, both_empty=1.0)[0]
            if agreement[start + row] >= _MIN_AGREEMENT:
                result[start + row] = _DRAWN_WEIGHT * new + (1 - _DRAWN_WEIGHT) * old
    return result, agreement


def _draw_boxes(masks: np.ndarray, indices: np.ndarray, level: Level, backbone: Backbone) -> dict[int, np.ndarray]:
    """Row -> largest probability of the masks redrawn for its boxes."""
    size = masks.shape[-1]
    boxes = [component_boxes(mask > 0.5, margin=round(_MARGIN * size)) for mask in masks]
    rows = torch.tensor([row for row, found in enumerate(boxes) for _ in found], dtype=torch.long)
    if not len(rows):
        return {}
    prompts = torch.from_numpy(np.concatenate(boxes)) * (backbone.info.input_size / size)
    prompted, positions = rows.unique(return_inverse=True)
    logits, _ = backbone.decode(level.read(indices[prompted.numpy()]), prompts, positions)
    drawn = resize_maps(logits.sigmoid().cpu(), size)
    return {int(row): drawn[rows == row].amax(0).numpy() for row in rows.unique()}


def smooth_along_z(masks: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Weighted mean of each of n x h x w masks with those of the slices next to it, where they are among them."""
    before, own, after = _Z_WEIGHTS
    result, weight = own * masks, np.full(len(masks), own, np.float32)
    follows = np.flatnonzero(np.diff(indices) == 1)
    result[follows + 1] += before * masks[follows]
    result[follows] += after * masks[follows + 1]
    weight[follows + 1] += before
    weight[follows] += after
    return result / weight[:, None, None]


def drop_loose_pieces(masks: np.ndarray, trust: np.ndarray | None = None) -> np.ndarray:
    """Probabilities n x h x w with those set to 0 that lie in small pieces of the mask above 0.5.

    Of a class that is known to be one piece, `trust` (n) says how far what was given of each slice is believed: one
    piece is left, the largest of those that most was given of.
    """
    mask = masks > 0.5
    kept = drop_small_pieces(mask, _MIN_PIECE) if trust is None else heaviest_piece(mask, 1 + _GIVEN_COUNTS * trust)
    return np.where(mask & ~kept, 0, masks)
