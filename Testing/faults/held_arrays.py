"""What this process holds of slices and maps: arrays of its own, found through all objects that Python knows of."""

from __future__ import annotations

import gc
from collections.abc import Collection
from typing import Any

import numpy as np


def held_bytes(planes: Collection[tuple[int, int]]) -> int:
    """Bytes of all arrays, each once, whose last two axes are of one of these sizes; memory maps take none.

    Nor do views of what another library holds, such as the voxels of a node.
    """
    gc.collect()
    owners: dict[int, int] = {}
    for holder in gc.get_objects():
        for found in gc.get_referents(holder):
            if issubclass(type(found), np.ndarray) and found.shape[-2:] in planes:
                owner = _owner(found)
                if owner is not None:
                    owners[id(owner)] = owner.nbytes
    return sum(owners.values())


def _owner(array: np.ndarray) -> np.ndarray | None:
    """The array that holds the memory of this one; None if that is no array."""
    found: Any = array
    while isinstance(found, np.ndarray):
        if found.flags.owndata:
            return found
        found = found.base
    return None
