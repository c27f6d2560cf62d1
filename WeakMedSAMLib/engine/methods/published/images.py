"""Slices as the networks of the published method see them."""

from __future__ import annotations

import numpy as np
import torch

from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.parts.maps import resize_maps


def slice_images(volume: VolumeSlices, indices: np.ndarray, size: int | None = None, beside: int = 0) -> torch.Tensor:
    """Slices of one volume, each with its neighbours as channels.

    Parameters
    ----------
    volume : VolumeSlices
        With the images that the backbone saw.
    indices : numpy.ndarray
        n slice indices.
    size : int, optional
        Edge in pixels; that of the input frame otherwise.
    beside : int
        Neighbours on each side; the outermost slice stands in for those that there are not.

    Returns
    -------
    Tensor
        n x (1 + 2 * beside) x size x size in [0, 1], float32.
    """
    offsets = np.arange(-beside, beside + 1)
    shown = np.clip(indices[:, None] + offsets, 0, volume.n_slices - 1)
    images = torch.from_numpy(volume.features.image[shown].astype(np.float32)) / 255
    return images if size is None else resize_maps(images, size)
