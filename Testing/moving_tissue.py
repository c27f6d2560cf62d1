"""Made features of a piece of tissue that moves from slice to slice, and a decoder that draws its boxes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch
from held_level import HeldLevel

from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN

INPUT, CELLS, SLICES = 256, 64, 9
STEP = INPUT // CELLS


class Drawer:
    """Draws the box it is asked with, 4 pixels smaller on every side; predicts the quality of the slice."""

    def __init__(self, quality=None, prompts=(PromptKind.BOX,)):
        self.info = SimpleNamespace(input_size=INPUT, prompts=frozenset(prompts))
        self._quality = quality or {}
        self.points = []

    def decode(self, features, boxes, rows=None):
        y, x = torch.meshgrid(torch.arange(INPUT), torch.arange(INPUT), indexing="ij")
        x0, y0, x1, y1 = (boxes[:, n, None, None] for n in range(4))
        drawn = (x >= x0 + 2) & (x <= x1 - 2) & (y >= y0 + 2) & (y <= y1 - 2)
        numbers = features[:, 0, 0, 0] if rows is None else features[rows, 0, 0, 0]
        quality = [self._quality.get(int(number), 0.95) for number in numbers]
        return torch.where(drawn, 12.0, -12.0), torch.tensor(quality)

    def decode_points(self, features, points, rows=None):
        self.points += points.tolist()
        x, y = points[0].tolist()
        return self.decode(features, torch.tensor([[x - 20, y - 20, x + 20, y + 20]]))


def scan(places):
    """Features of two kinds of tissue: a square of 10 x 10 cells at these places (slice -> top left) in another one."""
    random = np.random.default_rng(0)
    maps = random.normal(0, 0.05, (SLICES, 8, CELLS, CELLS)).astype(np.float32)
    maps[:, 1] += 1
    for index, found in places.items():
        for top, left in found:
            maps[index, :2, top : top + 10, left : left + 10] += np.array([1, -1])[:, None, None]
    return HeldLevel(maps)


def middle_of(mask):
    rows, columns = np.nonzero(mask > CERTAIN // 2)
    return rows.mean() * 2, columns.mean() * 2  # of TARGET x TARGET, in pixels of the frame


MOVING = {index: [(10 + 2 * index, 20)] for index in range(SLICES)}
