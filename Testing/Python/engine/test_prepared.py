"""Slices made ready for the mask decoder: once each, as many as there is room for, and the same masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from held_level import HeldLevel

from WeakMedSAMLib.engine.backbones.base import PreparedSlices
from WeakMedSAMLib.engine.backbones.registry import build_backbone
from WeakMedSAMLib.engine.parts.prepared import PreparedLevel

SLICES = 5


class Counts:
    """Doubles features; keeps which slices were made ready."""

    def __init__(self):
        self.made = []

    def prepare(self, features):
        self.made += [int(number) for number in features[:, 0, 0, 0]]
        return PreparedSlices(2 * features)


def level():
    return HeldLevel(np.arange(SLICES, dtype=np.float32)[:, None, None, None] * np.ones((1, 4, 2, 2), np.float32))


def test_each_slice_is_made_ready_once_however_it_is_counted():
    counts = Counts()
    ready = PreparedLevel(level(), counts)
    assert ready.read([3, 1, 3]).images[:, 0, 0, 0].tolist() == [6, 2, 6]
    assert ready.some(np.array([1, 2, 3])).read(np.array([0, 1])).images[:, 0, 0, 0].tolist() == [2, 4]
    assert counts.made == [3, 1, 2]


def test_of_more_than_there_is_room_for_the_first_are_held():
    counts = Counts()
    ready = PreparedLevel(level(), counts, most_bytes=2 * 4 * 4 * 4)
    for _ in range(2):
        values = [float(ready.read([index]).images[0, 0, 0, 0]) for index in range(SLICES)]
        assert values == [0, 2, 4, 6, 8]
    assert counts.made == [0, 1, 2, 3, 4, 2, 3, 4]


@pytest.mark.parametrize("name", ["litemedsam", "efficientsam_ti"])
def test_prepared_slices_give_the_same_masks_bit_for_bit(name):
    backbone = build_backbone(name, untrained=True).to(torch.device("cpu"), torch.float32)
    size, level = backbone.info.input_size, backbone.info.levels[backbone.info.decode_level]
    features = torch.randn(2, level.channels, level.size, level.size, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([[0.1, 0.1, 0.6, 0.5], [0.3, 0.2, 0.9, 0.9], [0.2, 0.2, 0.4, 0.8]]) * size
    rows = torch.tensor([1, 0, 1])
    prepared = backbone.prepare(features)
    assert len(prepared.images) == 2
    for decode, prompts in ((backbone.decode, boxes), (backbone.decode_points, boxes[:, :2])):
        for one, other in zip(decode(features, prompts, rows), decode(prepared, prompts, rows), strict=True):
            assert torch.equal(one, other)
