"""From the surest slice of a volume along its slices: for classes of which boxes or points were given elsewhere.

A network that was shown on some volumes what is meant finds it on most slices of the others, and something else on the
rest. The slice on which network and decoder agree most is taken as if it had been given there, and handed on.
"""

from __future__ import annotations

import numpy as np
import torch

from WeakMedSAMLib.engine.parts.components import component_boxes
from WeakMedSAMLib.engine.parts.handing_on import GivenBox, Handing
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN

LONGER = 3  # times as long as redrawing the masks of a class, it takes to hand them on
_LEAST_AREA = 0.3  # of the largest mask: smaller ones are ends, which agree by chance


def sureness(seen: np.ndarray, column: int, masks: np.ndarray, agreement: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """How sure it is on n slices that a mask is of its class: n, in [0, 1].

    Network and decoder agree, and inside of the mask the network sees this class and none of those that exclude it.

    Parameters
    ----------
    seen : numpy.ndarray
        n x C x h x w probabilities by the network.
    column : int
        Of the class.
    masks : numpy.ndarray
        n x h x w, as the decoder redrew those of the class.
    agreement : numpy.ndarray
        n: Dice of the two, NaN where there is no mask.
    shares : numpy.ndarray
        C x C, bool: whether a pixel of one class may be one of the other.
    """
    inside = masks > 0.5
    areas = inside.sum((1, 2))
    others = seen[:, ~shares[column]].max(1) if (~shares[column]).any() else np.zeros_like(masks)
    margin = np.where(inside, seen[:, column] - others, 0).sum((1, 2)) / np.maximum(areas, 1)
    large = areas >= _LEAST_AREA * areas.max(initial=0)
    return np.where(large, np.nan_to_num(agreement) * np.clip(margin, 0, 1), 0)


def hand_on_surest(
    masks: np.ndarray, sure: np.ndarray, indices: np.ndarray, column: int, handing: Handing, stride: int = 1
) -> np.ndarray:
    """Masks of a class, mixed with those handed on from the slice that is surest, as far as these are believed.

    Parameters
    ----------
    masks : numpy.ndarray
        n x h x w probabilities over the input frame, as the decoder redrew them.
    sure : numpy.ndarray
        n, see `sureness`.
    indices : numpy.ndarray
        n slice indices.
    column : int
        Of the class.
    handing : Handing
        In their volume, by what the network sees; see `given.handing_in`.
    stride : int
        As for `Handing.run`.

    Returns
    -------
    numpy.ndarray
        n x h x w, float32.
    """
    if not len(sure) or sure.max() <= 0:
        return masks
    best, scale = int(sure.argmax()), handing.input_size / masks.shape[-1]
    boxes = scale * component_boxes(masks[best] > 0.5, most=1, margin=1)
    given = [GivenBox(column, int(indices[best]), (float(b[0]), float(b[1]), float(b[2]), float(b[3]))) for b in boxes]
    handed = handing.run(given, stride=stride)[column]
    result = masks.copy()
    for row, index in enumerate(indices.tolist()):
        if index in handed.masks:
            said = torch.from_numpy(handed.masks[index].astype(np.float32) / CERTAIN)
            share = handed.trust[index] * float(sure[best])
            result[row] = share * resize_maps(said, masks.shape[-1]).numpy() + (1 - share) * masks[row]
    return result
