"""Slices of a level that the mask decoder is asked of again and again: each is made ready for it once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from WeakMedSAMLib.engine.backbones.base import Backbone, PreparedSlices
from WeakMedSAMLib.engine.features.levels import Level

_MOST_BYTES = 400 * 2**20


class Promptable(Protocol):
    """Slices as `Backbone.decode` takes them."""

    def read(self, indices: Sequence[int] | np.ndarray) -> torch.Tensor | PreparedSlices:
        """Some of them."""


class PreparedLevel:
    """The decode level of a volume, made ready for the mask decoder slice by slice, as it is asked for.

    The first ones are held, as many as there is room for; of more, those that come later are made ready each time. To
    drop the oldest in their place would be worse: slices are gone through from end to end.

    Parameters
    ----------
    level : Level
    backbone : Backbone
    most_bytes : int
        That are held.
    """

    def __init__(self, level: Level, backbone: Backbone, most_bytes: int = _MOST_BYTES) -> None:
        self._level, self._backbone, self._room = level, backbone, most_bytes
        self._held: dict[int, torch.Tensor] = {}

    def some(self, indices: np.ndarray) -> Promptable:
        """Some slices alone, counted anew; what is held is held for all."""
        return _Some(self, indices)

    def read(self, indices: Sequence[int] | np.ndarray) -> PreparedSlices:
        """Some slices, ready for `Backbone.decode`."""
        wanted = [int(index) for index in indices]
        missing = [index for index in dict.fromkeys(wanted) if index not in self._held]
        found = dict(self._held)
        if missing:
            found.update(zip(missing, self._backbone.prepare(self._level.read(missing)).images.split(1), strict=True))
            for index in missing:
                size = found[index].nbytes
                if size <= self._room:
                    # A part of what was made ready together would keep all of it.
                    self._held[index], self._room = found[index].clone(), self._room - size
        return PreparedSlices(torch.cat([found[index] for index in wanted]))


@dataclass(frozen=True, eq=False)
class _Some:
    level: PreparedLevel
    indices: np.ndarray

    def read(self, indices: Sequence[int] | np.ndarray) -> PreparedSlices:
        return self.level.read(self.indices[np.asarray(indices, int)])
