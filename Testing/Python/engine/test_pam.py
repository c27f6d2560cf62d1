"""Prompt affinity mining with a backbone that draws the boxes it is asked with."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from WeakMedSAMLib.engine.pam import TARGET, map_boxes, prompted_masks, pseudo_masks, resized
from WeakMedSAMLib.engine.settings import MethodSettings

SIZE = 256
THING = (slice(40, 80), slice(50, 90))  # of the 128 x 128 pixels of a pseudo-mask


class BoxDrawer:
    """Answers a box with the box, or with what the features say: where their only channel is positive within it."""

    def __init__(self, quality=0.9, by_features=False):
        self.info = SimpleNamespace(input_size=SIZE, decode_levels=("last",))
        self.device = torch.device("cpu")
        self.calls = []
        self._quality, self._by_features = quality, by_features

    def decode(self, features, boxes, rows):
        self.calls.append((len(features["last"]), boxes.clone(), rows.clone()))
        y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
        x0, y0, x1, y1 = (boxes[:, n, None, None] for n in range(4))
        drawn = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        if self._by_features:
            drawn &= resized(features["last"][:, 0].float(), SIZE)[rows] > 0
        quality = torch.full((len(boxes),), self._quality)
        return torch.where(drawn, 12.0, -12.0), quality


def thing(shape=(TARGET, TARGET), place=THING):
    mask = np.zeros(shape, bool)
    mask[place] = True
    return mask


def levels_of(masks):
    """Decode level S x 1 x 64 x 64 that is positive on the masks."""
    cells = resized(torch.from_numpy(masks.astype(np.float32)), 64).numpy()
    return {"last": np.where(cells > 0.5, 1, -1).astype(np.float16)[:, None]}


def blurred(mask, cells=32):
    """What a class activation map makes of a mask: coarse, and peaked in its middle."""
    coarse = resized(torch.from_numpy(mask.astype(np.float32))[None], cells)
    smooth = torch.nn.functional.avg_pool2d(coarse, 7, 1, 3, count_include_pad=True)
    return (smooth / smooth.max())[0].numpy()


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def iou_of_boxes(box, other):
    width, height = (min(box[n + 2], other[n + 2]) - max(box[n], other[n]) + 1 for n in (0, 1))
    area = lambda one: (one[2] - one[0] + 1) * (one[3] - one[1] + 1)  # noqa: E731
    common = max(0, width) * max(0, height)
    return common / (area(box) + area(other) - common)


@pytest.fixture
def settings():
    return MethodSettings()


def test_boxes_of_a_map_lie_around_what_is_high():
    evidence = resized(torch.from_numpy(blurred(thing()))[None], TARGET)[0].numpy()
    boxes = map_boxes(evidence)
    assert 1 <= len(boxes) <= 5
    centre = np.array([69.5, 59.5])
    assert np.allclose((boxes[:, :2] + boxes[:, 2:]) / 2, centre, atol=3)
    assert all(iou_of_boxes(a, b) <= 0.8 for n, a in enumerate(boxes) for b in boxes[:n])


@pytest.mark.parametrize("value", [0.0, 0.2, 1.0])
def test_a_flat_map_is_asked_about_as_a_whole(value):
    assert map_boxes(np.full((TARGET, TARGET), value, np.float32)).tolist() == [[0, 0, TARGET - 1, TARGET - 1]]


def test_masks_of_many_slices_are_those_of_each_slice_alone():
    masks = np.stack([thing(place=(slice(20 + n, 50 + n), slice(30, 60 + n))) for n in range(30)])
    masks[4, 90:120, 80:110] = True
    evidence = resized(torch.from_numpy(np.stack([blurred(mask) for mask in masks])), TARGET)
    levels, indices = levels_of(np.concatenate([masks, masks])), np.arange(30, 60)
    drawer = BoxDrawer(by_features=True)
    together = prompted_masks(evidence, indices, levels, drawer)
    assert 1 < len(drawer.calls) < 30
    for row, index in enumerate(indices):
        alone = prompted_masks(evidence[row : row + 1], indices[row : row + 1], levels, BoxDrawer(by_features=True))
        assert torch.equal(together.masks[row], alone.masks[0]), index
        assert torch.equal(together.weights[row], alone.weights[0]), index


def test_boxes_are_asked_in_pixels_of_the_input_frame_and_each_slice_is_handed_over_once():
    mask = thing()[None]
    drawer = BoxDrawer()
    prompted = prompted_masks(torch.from_numpy(mask.astype(np.float32)), np.array([0]), levels_of(mask), drawer)
    ((slices, boxes, rows),) = drawer.calls
    assert slices == 1
    assert rows.tolist() == [0] * len(boxes)
    assert boxes[0].tolist() == [98, 78, 180, 160]
    assert dice(prompted.vote[0].numpy() > 0.5, mask[0]) > 0.93


def test_masks_that_fit_the_map_and_are_thought_good_count_more():
    mask = thing()[None]
    evidence = torch.from_numpy(mask.astype(np.float32))
    fits = prompted_masks(evidence, np.array([0]), levels_of(mask), BoxDrawer(by_features=True)).weights
    misses = prompted_masks(evidence, np.array([0]), levels_of(~mask), BoxDrawer(by_features=True)).weights
    unsure = prompted_masks(evidence, np.array([0]), levels_of(mask), BoxDrawer(0.3, by_features=True)).weights
    assert fits[0, 0] > unsure[0, 0] > misses[0, 0]
    assert unsure[0, 0] == pytest.approx(float(fits[0, 0]) / 3, rel=1e-4)


def test_slots_that_no_prompt_fills_weigh_nothing():
    mask = thing()[None]
    prompted = prompted_masks(torch.from_numpy(mask.astype(np.float32)), np.array([0]), levels_of(mask), BoxDrawer())
    filled = prompted.masks.flatten(2).any(2)
    assert torch.equal(filled, prompted.weights > 0)
    assert not filled.all()
    assert float(prompted.vote.max()) <= 1 + 1e-6


def test_pseudo_masks_are_sharper_than_the_map(settings):
    masks = np.stack(
        [thing(), thing(place=(slice(42, 82), slice(50, 90))), thing(place=(slice(44, 84), slice(52, 92)))]
    )
    maps = np.stack([blurred(mask) for mask in masks])
    levels, indices = levels_of(masks), np.arange(3)
    rough = resized(torch.from_numpy(maps), TARGET).numpy()
    sharp = pseudo_masks(maps, indices, levels, BoxDrawer(by_features=True), settings)
    assert sharp.shape == (3, TARGET, TARGET)
    assert sharp.dtype == np.float32
    assert 0 <= sharp.min() <= sharp.max() <= 1 + 1e-6
    for row, mask in enumerate(masks):
        assert dice(sharp[row] > 0.5, mask) > max(0.9, dice(rough[row] > 0.5, mask) + 0.05)


def test_without_prompt_affinity_mining_the_map_stays_and_the_backbone_is_not_asked():
    maps = np.stack([blurred(thing())])
    drawer = BoxDrawer()
    plain = pseudo_masks(maps, np.array([0]), levels_of(thing()[None]), drawer, MethodSettings(pam=False))
    assert np.array_equal(plain, resized(torch.from_numpy(maps), TARGET).numpy())
    assert drawer.calls == []


def with_neighbour(gap, pam_z):
    """Pseudo-mask of a slice with a weak spot in its map, next to one where the map is whole."""
    whole = blurred(thing())
    half = whole.copy()
    half[:, 17:] *= 0.1
    masks = np.stack([thing()] * (gap + 1))
    pair = np.array([0, gap])
    settings = MethodSettings(pam_z=pam_z)
    return pseudo_masks(np.stack([half, whole]), pair, levels_of(masks), BoxDrawer(), settings)[0]


def test_the_walk_goes_on_to_neighbouring_slices_the_less_the_further_off_they_are():
    weak = (slice(45, 75), slice(72, 88))
    none, far, near = (float(with_neighbour(*pair)[weak].mean()) for pair in ((1, 0.0), (6, 20.0), (1, 20.0)))
    assert near > far > none


def test_a_single_slice_needs_no_neighbour(settings):
    result = pseudo_masks(blurred(thing())[None], np.array([0]), levels_of(thing()[None]), BoxDrawer(), settings)
    assert np.isfinite(result).all()


def test_resizing_keeps_means_when_it_shrinks_and_constants_when_it_grows():
    maps = torch.rand(2, 3, 64, 64)
    assert torch.allclose(resized(maps, 16).mean((2, 3)), maps.mean((2, 3)), atol=1e-6)
    assert torch.allclose(resized(torch.full((2, 8, 8), 0.3), 32), torch.full((2, 32, 32), 0.3))
    assert resized(maps, 64) is maps
