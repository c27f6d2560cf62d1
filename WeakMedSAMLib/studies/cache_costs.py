"""What a slice takes in the feature cache, and how much sooner it is read than encoded."""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from WeakMedSAMLib.engine.backbones.base import Backbone, BackboneInfo
from WeakMedSAMLib.engine.base.array_store import bytes_of
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.embed import Embedder, EmbedInput, VolumeFeatures
from WeakMedSAMLib.engine.features.levels import packed_shapes
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity

_HALF = 2  # bytes of a half-precision number
_ROUNDS = 5


def cache_costs(images: torch.Tensor, backbone: Backbone) -> dict[str, Any]:
    """Encode slices into a cache of their own, and read them back.

    Parameters
    ----------
    images : Tensor
        B x 1 x size x size in [0, 1].
    backbone : Backbone
        On its device.

    Returns
    -------
    dict
        ``bytes`` of a slice, ``half_precision_bytes`` of the same levels and image, ``encode`` and ``read`` in
        seconds a slice, and ``ratio`` of these two.
    """
    with tempfile.TemporaryDirectory() as folder, FeatureCache(Path(folder)) as cache:
        embedder, volume = Embedder(backbone, cache), _as_volume(images)
        started = time.perf_counter()
        features = embedder.embed(volume, lambda event: None)
        encode = (time.perf_counter() - started) / len(images)
        read = float(np.median([_seconds_to_read(features) for _ in range(_ROUNDS)]))
    return {
        "bytes": slice_bytes(backbone.info),
        "half_precision_bytes": _half_precision_bytes(backbone.info),
        "encode": round(encode, 5),
        "read": round(read, 6),
        "ratio": round(encode / read, 1),
    }


def slice_bytes(info: BackboneInfo) -> int:
    """Bytes of a slice in the cache: codes, ranges and image."""
    levels = sum(bytes_of(packed_shapes(name, level, 1).values()) for name, level in info.levels.items())
    return levels + info.input_size**2


def _half_precision_bytes(info: BackboneInfo) -> int:
    return _HALF * sum(int(np.prod(level.shape)) for level in info.levels.values()) + info.input_size**2


def _as_volume(images: torch.Tensor) -> EmbedInput:
    """The slices as a volume that lies in the frame as it is, far enough apart that each is encoded."""
    stack = images[:, 0].cpu().numpy()
    size = stack.shape[-1]
    frame = Frame(size, size, 1.0, 1.0, size)
    return EmbedInput(partial(np.asarray, stack), len(stack), "0" * 64, "k", frame, Intensity("given", 0.0, 1.0), 10.0)


def _seconds_to_read(features: VolumeFeatures) -> float:
    """Seconds a slice to unpack every level of every slice, one slice after the other."""
    started = time.perf_counter()
    for index in range(features.n_slices):
        for level in features.levels.values():
            level.read([index])
    return (time.perf_counter() - started) / features.n_slices
