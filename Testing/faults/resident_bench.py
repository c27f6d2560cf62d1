"""What tests of the resident worker share: a backbone that counts, a ball to find, features as a run leaves them."""

from __future__ import annotations

import numpy as np

from faults.tiny_run import TinyBackbone
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.features.embed import Embedder
from WeakMedSAMLib.engine.features.preprocess import choose_intensity
from WeakMedSAMLib.engine.features.slices import embed_input

BALL = ((9, 18), (7, 16))  # rows and columns of the ball of the first scan, on slices 2 to 4


class CountingBackbone(TinyBackbone):
    """Counts the slices that it encodes."""

    def __init__(self):
        self.encoded = 0

    def embed(self, slices):
        self.encoded += len(slices)
        return super().embed(slices)


def embed_all(scan, backbone, tmp_path, intensity=None):
    """Put the features of all slices into the cache, as a run does."""
    with FeatureCache(tmp_path / "cache") as cache:
        chosen = intensity or choose_intensity(scan.array)
        volume = embed_input(scan, "k", scan.sha256, chosen, backbone.info.input_size)
        Embedder(backbone, cache).embed(volume, lambda _event: None)
    backbone.encoded = 0


def dice(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def ball():
    j, i = np.mgrid[:40, :36]
    return (j - 14) ** 2 + (i - 12) ** 2 < 25
