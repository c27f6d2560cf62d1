"""Maps of slices: their size, and their peak."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812


def resize_maps(maps: torch.Tensor, size: int) -> torch.Tensor:
    """Maps ... x h x w at another size: means where it shrinks, bilinear where it grows."""
    if maps.shape[-1] == size:
        return maps
    flat = maps.reshape(-1, 1, *maps.shape[-2:])
    if maps.shape[-1] > size:
        flat = F.adaptive_avg_pool2d(flat, size)
    else:
        flat = F.interpolate(flat, size=(size, size), mode="bilinear", align_corners=False)
    return flat.reshape(*maps.shape[:-2], size, size)


def scale_to_peak(maps: np.ndarray) -> np.ndarray:
    """Positive part of P x m x m maps over the peak of their slice.

    A slice without any positive value gets its own maximum as the only cell: its tag says that something is there.
    """
    positive = np.maximum(maps, 0)
    peaks = positive.max((1, 2), keepdims=True)
    empty = peaks[:, 0, 0] <= 0
    positive[empty] = maps[empty] >= maps[empty].max((1, 2), keepdims=True)
    peaks[empty] = 1
    return (positive / peaks).astype(np.float32)
