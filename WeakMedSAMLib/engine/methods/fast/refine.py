"""Stage: masks of the segmentation network redrawn by the backbone's mask decoder, and made consistent in 3-D."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.base.reporting import Tell, nobody
from WeakMedSAMLib.engine.features.levels import Level
from WeakMedSAMLib.engine.parts.components import component_boxes, drop_small_pieces, heaviest_piece
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.metrics import slice_dice

_MASKS_AT_ONCE = 16
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
        Called now and then with how many masks are done, and how many there are; may raise to end the work.

    Returns
    -------
    masks : numpy.ndarray
        n x h x w, float32: mostly what was redrawn, where it agrees with what was there.
    agreement : numpy.ndarray
        n: Dice of the two at 0.5; NaN where there was nothing to redraw.
    """
    (redrawn,) = redraw_classes([masks], [indices], level, backbone, step)
    return redrawn


def redraw_classes(
    masks: Sequence[np.ndarray], indices: Sequence[np.ndarray], level: Level, backbone: Backbone, step: Tell = nobody
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The same for several classes, each with masks and indices of its own: what they share of slices is done once."""
    result = [(one.copy(), np.full(len(one), np.nan, np.float32)) for one in masks]
    asked = sorted(
        (index, column, row) for column, each in enumerate(indices) for row, index in enumerate(each.tolist())
    )
    for start in range(0, len(asked), _MASKS_AT_ONCE):
        step(start, len(asked))
        some = asked[start : start + _MASKS_AT_ONCE]
        olds = [masks[column][row] for _index, column, row in some]
        news = _draw_boxes(olds, [index for index, _column, _row in some], level, backbone)
        for (_index, column, row), old, new in zip(some, olds, news, strict=True):
            if new is None:
                continue
            redrawn, agreement = result[column]
            agreement[row] = slice_dice(old[None] > 0.5, new[None] > 0.5, both_empty=1.0)[0]
            if agreement[row] >= _MIN_AGREEMENT:
                redrawn[row] = _DRAWN_WEIGHT * new + (1 - _DRAWN_WEIGHT) * old
    return result


def _draw_boxes(
    masks: Sequence[np.ndarray], indices: Sequence[int], level: Level, backbone: Backbone
) -> list[np.ndarray | None]:
    """Of each mask the largest probability of those redrawn for its boxes; None where there are no boxes."""
    size = masks[0].shape[-1]
    boxes = [component_boxes(mask > 0.5, margin=round(_MARGIN * size)) for mask in masks]
    counts = [len(found) for found in boxes]
    if not sum(counts):
        return [None] * len(masks)
    prompts = torch.from_numpy(np.concatenate(boxes)) * (backbone.info.input_size / size)
    slices, positions = np.unique(np.repeat(indices, counts), return_inverse=True)
    logits, _ = backbone.decode(level.read(slices), prompts, torch.from_numpy(positions))
    drawn = resize_maps(logits.sigmoid().cpu(), size).split(counts)
    return [each.amax(0).numpy() if len(each) else None for each in drawn]


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
