"""A level of features held in memory as it is, for tests of what reads one."""

from __future__ import annotations

import numpy as np
import torch


class HeldLevel:
    """Values S x C x h x w behind the protocol of levels."""

    def __init__(self, values):
        self.values = np.asarray(values)

    @property
    def shape(self):
        return self.values.shape

    def read(self, indices):
        return torch.from_numpy(np.array(self.values[list(indices)], np.float32))

    def project(self, index, weights, bias, dtype):
        values = self.read([index])[0].to(weights.device, dtype)
        return torch.addmm(bias.to(dtype)[:, None], weights.to(dtype), values.flatten(1)).unflatten(1, values.shape[1:])


def held(levels):
    """Levels by name."""
    return {name: HeldLevel(values) for name, values in levels.items()}
