from __future__ import annotations

import numpy as np

from WeakMedSAMLib.engine.cache import FeatureCache

KEY = "a" * 64
LEVELS = {"last": ((3, 4, 2, 2), "<f2"), "image": ((3, 8, 8), "|u1")}


def test_what_is_written_is_read(tmp_path):
    cache = FeatureCache(tmp_path / "cache")
    assert cache.entry(KEY) is None
    with cache.writer(KEY, LEVELS) as arrays:
        arrays["last"][:] = 1.5
        arrays["image"][1] = 7
    entry = cache.entry(KEY)
    assert set(entry) == set(LEVELS)
    assert isinstance(entry["last"], np.memmap)
    assert not entry["last"].flags.writeable
    assert (entry["last"] == 1.5).all()
    assert entry["image"][1].min() == 7
    assert entry["image"][0].max() == 0
