"""Small pictures of one slice, for progress while a run goes on."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.ndimage import binary_erosion

_PREVIEW_EDGE = 256


def preview_png(image: np.ndarray, mask: np.ndarray, colours: Mapping[int, Sequence[int]]) -> bytes:
    """Small PNG of one slice with outlines, for progress while a run goes on. Drawn as given: turn it first.

    Parameters
    ----------
    image : numpy.ndarray
        Rows x columns, 0..1.
    mask : numpy.ndarray
        Label values, rows x columns, or bool for label 1; layers of them where labels share pixels.
    colours : mapping of int to 3 ints
        Label value -> red, green, blue, 0..255. Labels that are not in it are not drawn.
    """
    from matplotlib.image import imsave

    zoom = max(1, -(-_PREVIEW_EDGE // max(image.shape)))
    enlarged = np.ones((zoom, zoom))
    grey = np.kron(np.clip(np.nan_to_num(image), 0, 1) * 255, enlarged)
    picture = np.repeat(grey[:, :, None].astype(np.uint8), 3, axis=2)
    labels = np.kron(mask.reshape(-1, *image.shape), enlarged).astype(np.int64)
    for label_value, colour in colours.items():
        region = (labels == label_value).any(0)
        picture[region & ~binary_erosion(region)] = colour
    stream = io.BytesIO()
    imsave(stream, picture, format="png")
    return stream.getvalue()
