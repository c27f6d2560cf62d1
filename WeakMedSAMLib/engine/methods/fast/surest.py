"""From the surest slice of a volume along its slices: for classes of which boxes or points were given elsewhere.

A network that was shown on some volumes what is meant finds it on most slices of the others, and something else on the
rest. The slice on which network and decoder agree most is taken as if it had been given there, and handed on.
"""

from __future__ import annotations

import numpy as np
import torch

from WeakMedSAMLib.engine.backbones.base import Backbone
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.parts.components import component_boxes
from WeakMedSAMLib.engine.parts.handing_on import GivenBox, Handing
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN

_LEAST_AREA = 0.3  # of the largest mask: smaller ones are ends, which agree by chance


def hand_on_surest(
    masks: np.ndarray,
    agreement: np.ndarray,
    indices: np.ndarray,
    volume: VolumeSlices,
    column: int,
    backbone: Backbone,
) -> np.ndarray:
    """Masks of a class, mixed with those handed on from the slice that is surest, as far as these are believed.

    Parameters
    ----------
    masks : numpy.ndarray
        n x h x w probabilities over the input frame.
    agreement : numpy.ndarray
        n: how far network and decoder agree, NaN where there is no mask.
    indices : numpy.ndarray
        n slice indices.
    volume : VolumeSlices
        Whose slices they are.
    column : int
        Of the class.
    backbone : Backbone
        Answers boxes.

    Returns
    -------
    numpy.ndarray
        n x h x w, float32.
    """
    areas = (masks > 0.5).sum((1, 2))
    sure = np.where(areas >= _LEAST_AREA * areas.max(initial=0), np.nan_to_num(agreement), 0)
    if not len(sure) or sure.max() <= 0:
        return masks
    best, scale = int(sure.argmax()), backbone.info.input_size / masks.shape[-1]
    boxes = scale * component_boxes(masks[best] > 0.5, most=1, margin=1)
    given = [GivenBox(column, int(indices[best]), (float(b[0]), float(b[1]), float(b[2]), float(b[3]))) for b in boxes]
    levels, info = volume.features.levels, backbone.info
    handed = Handing(levels[info.cam_level], levels[info.decode_level], backbone, volume.tags).run(given)[column]
    result = masks.copy()
    for row, index in enumerate(indices.tolist()):
        if index in handed.masks:
            said = torch.from_numpy(handed.masks[index].astype(np.float32) / CERTAIN)
            share = handed.trust[index] * float(sure[best])
            result[row] = share * resize_maps(said, masks.shape[-1]).numpy() + (1 - share) * masks[row]
    return result
