"""Prompt affinity mining with a backbone that draws the boxes it is asked with."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from held_level import held

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.methods.fast import pam
from WeakMedSAMLib.engine.methods.fast.pam import pseudo_masks
from WeakMedSAMLib.engine.methods.fast.settings import FastSettings
from WeakMedSAMLib.engine.parts import mining
from WeakMedSAMLib.engine.parts.affinity import random_walk, stencil_affinity
from WeakMedSAMLib.engine.parts.components import component_boxes, distinct_boxes
from WeakMedSAMLib.engine.parts.maps import resize_maps
from WeakMedSAMLib.engine.parts.mining import TARGET, Decoder, place_prompts
from WeakMedSAMLib.engine.parts.prompts import corner_prompts, grid_prompts, map_boxes, map_points

SIZE = 256
THING = (slice(40, 80), slice(50, 90))  # of the 128 x 128 pixels of a pseudo-mask


class BoxDrawer:
    """Answers a box with the box, or with what the features say: where their only channel is positive within it.

    A point is answered like a box of 40 pixels around it.
    """

    def __init__(self, quality=0.9, by_features=False, prompts=frozenset(PromptKind)):
        self.info = SimpleNamespace(name="drawer", input_size=SIZE, decode_level="last", prompts=prompts)
        self.device = torch.device("cpu")
        self.calls = []
        self._quality, self._by_features = quality, by_features

    def decode(self, features, boxes, rows):
        self.calls.append((len(features), boxes.clone(), rows.clone()))
        y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
        x0, y0, x1, y1 = (boxes[:, n, None, None] for n in range(4))
        drawn = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        if self._by_features:
            drawn &= resize_maps(features[:, 0].float(), SIZE)[rows] > 0
        quality = torch.full((len(boxes),), self._quality)
        return torch.where(drawn, 12.0, -12.0), quality

    def decode_points(self, features, points, rows):
        return self.decode(features, torch.cat([points - 20, points + 20], 1), rows)


def prompted_masks(evidence, indices, levels, drawer, **choices):
    """Prompt as a run does, with some choices replaced."""
    chosen = pam.mining_of(FastSettings(**{f"pam_{name}": value for name, value in choices.items()}))
    prompts = place_prompts(evidence, indices, drawer, chosen)
    return mining.draw_prompts(evidence, indices, prompts, Decoder.on_features(levels, drawer), chosen.weighting)


def thing(shape=(TARGET, TARGET), place=THING):
    mask = np.zeros(shape, bool)
    mask[place] = True
    return mask


def levels_of(masks):
    """Decode level S x 1 x 64 x 64 that is positive on the masks."""
    cells = resize_maps(torch.from_numpy(masks.astype(np.float32)), 64).numpy()
    return held({"last": np.where(cells > 0.5, 1, -1)[:, None]})


def blurred(mask, cells=32):
    """What a class activation map makes of a mask: coarse, and peaked in its middle."""
    coarse = resize_maps(torch.from_numpy(mask.astype(np.float32))[None], cells)
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
    return FastSettings()


def test_boxes_of_a_map_lie_around_what_is_high():
    evidence = resize_maps(torch.from_numpy(blurred(thing()))[None], TARGET)[0].numpy()
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
    evidence = resize_maps(torch.from_numpy(np.stack([blurred(mask) for mask in masks])), TARGET)
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
    rough = resize_maps(torch.from_numpy(maps), TARGET).numpy()
    sharp = pseudo_masks(maps, indices, levels, BoxDrawer(by_features=True), settings)
    assert sharp.shape == (3, TARGET, TARGET)
    assert sharp.dtype == np.float32
    assert 0 <= sharp.min() <= sharp.max() <= 1 + 1e-6
    for row, mask in enumerate(masks):
        assert dice(sharp[row] > 0.5, mask) > max(0.9, dice(rough[row] > 0.5, mask) + 0.05)


def test_without_prompt_affinity_mining_the_map_stays_and_the_backbone_is_not_asked():
    maps = np.stack([blurred(thing())])
    drawer = BoxDrawer()
    plain = pseudo_masks(maps, np.array([0]), levels_of(thing()[None]), drawer, FastSettings(pam=False))
    assert np.array_equal(plain, resize_maps(torch.from_numpy(maps), TARGET).numpy())
    assert drawer.calls == []


def with_neighbour(gap, pam_z):
    """Pseudo-mask of a slice with a weak spot in its map, next to one where the map is whole."""
    whole = blurred(thing())
    half = whole.copy()
    half[:, 17:] *= 0.1
    masks = np.stack([thing()] * (gap + 1))
    pair = np.array([0, gap])
    settings = FastSettings(pam_z=pam_z)
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
    assert torch.allclose(resize_maps(maps, 16).mean((2, 3)), maps.mean((2, 3)), atol=1e-6)
    assert torch.allclose(resize_maps(torch.full((2, 8, 8), 0.3), 32), torch.full((2, 32, 32), 0.3))
    assert resize_maps(maps, 64) is maps


def masks_before_choices(maps, indices, levels, drawer, settings):
    """Pseudo-masks as they were made when nothing could be chosen: boxes around the map, quality and fit."""
    evidence = resize_maps(torch.from_numpy(maps), TARGET)
    boxes = []
    for one in evidence.numpy():
        found = [component_boxes(one >= min(cut, float(one.max())), most=2, margin=1) for cut in (0.4, 0.3, 0.5)]
        boxes.append(distinct_boxes(np.concatenate(found))[:3])
    rows = torch.tensor([row for row, found in enumerate(boxes) for _ in found])
    slots = torch.tensor([slot for found in boxes for slot in range(len(found))])
    logits, quality = drawer.decode(
        levels["last"].read(indices), torch.from_numpy(np.concatenate(boxes)) * (SIZE / TARGET), rows
    )
    masks, weights = torch.zeros(len(indices), 3, TARGET, TARGET), torch.zeros(len(indices), 3)
    drawn = resize_maps(logits.sigmoid(), TARGET)
    masks[rows, slots] = drawn
    target = (evidence[rows] >= 0.5).float()
    fit = 2 * (drawn * target).sum((1, 2)) / (drawn.sum((1, 2)) + target.sum((1, 2))).clamp_min(1)
    weights[rows, slots] = quality.clamp(0.05, 1.0) * fit.square()
    share = weights / weights.sum(1, keepdim=True).clamp_min(1e-6)
    vote = torch.einsum("pqhw,pq->phw", masks, share)
    gap, cells = torch.from_numpy(np.diff(indices)).float(), resize_maps(vote, 64)
    alike = settings.pam_z * (-settings.pam_beta * (cells[1:] - cells[:-1]).abs()).exp() / gap[:, None, None]
    nothing = torch.zeros_like(cells[:1])
    affinity = stencil_affinity(resize_maps(masks, 64), weights, settings.pam_radius, settings.pam_beta)
    between = torch.cat([nothing, alike]), torch.cat([alike, nothing])
    walked = random_walk(resize_maps(evidence, 64), affinity, settings.pam_radius, settings.pam_steps, *between)
    walked = resize_maps(walked / walked.amax((1, 2), keepdim=True).clamp_min(1e-6), TARGET)
    return (0.5 * (vote + walked)).numpy()


def test_the_defaults_give_bit_for_bit_what_there_was_before_anything_could_be_chosen(settings):
    masks = np.stack(
        [thing(), thing(place=(slice(42, 82), slice(50, 90))), thing(place=(slice(60, 84), slice(20, 92)))]
    )
    masks[1, 100:115, 10:30] = True
    maps, indices = np.stack([blurred(mask) for mask in masks]), np.array([0, 1, 2])
    arguments = (maps, indices, levels_of(masks), BoxDrawer(by_features=True), settings)
    assert np.array_equal(pseudo_masks(*arguments), masks_before_choices(*arguments))


def test_masks_of_a_grid_steer_the_walk_and_are_no_evidence_themselves():
    images = np.full((1, SIZE, SIZE), 90, np.uint8)
    masks, settings = thing()[None], FastSettings(pam_placing="grid", pam_weighting="equal", pam_z=0.0)
    drawer = BoxDrawer(by_features=True)
    found = pseudo_masks(blurred(thing())[None], np.array([0]), levels_of(masks), drawer, settings, images)
    assert found.max() > 0.9
    assert dice(found[0] > 0.5, thing()) > 0.7


@pytest.mark.parametrize("kind", list(PromptKind))
def test_a_grid_lies_over_what_is_not_background(kind):
    images = np.zeros((2, SIZE, SIZE), np.uint8)
    images[0, 40:201, 100:181] = 90
    prompts = grid_prompts(kind, images, 4)
    assert prompts.rows.tolist() == [0] * 16 + [1] * 16
    first, second = prompts.coordinates[:16], prompts.coordinates[16:]
    if kind is PromptKind.BOX:
        assert first[0].tolist() == [100, 40, 120, 80]
        assert second[-1].tolist() == [191.25, 191.25, 255, 255]
    else:
        assert first[0].tolist() == [110, 60]
        assert first[-1].tolist() == [170, 180]


def test_the_published_slip_puts_all_points_into_a_corner():
    points = corner_prompts(PromptKind.POINT, 1, 4).coordinates
    assert points.unique().tolist() == [2, 6, 10, 14]
    boxes = corner_prompts(PromptKind.BOX, 1, 4).coordinates
    assert (boxes.min(), boxes.max()) == (0, 16)


def test_points_of_a_map_are_its_peaks():
    evidence = np.zeros((TARGET, TARGET), np.float32)
    evidence[20:40, 30:50], evidence[30, 44] = 0.6, 1.0
    assert map_points(evidence).tolist() == [[44.5, 30.5]]


def test_points_are_asked_where_only_points_are_answered_or_wanted():
    maps = np.stack([blurred(thing())])
    for drawer, asked in ((BoxDrawer(prompts=frozenset([PromptKind.POINT])), "auto"), (BoxDrawer(), "points")):
        settings = FastSettings(pam_prompts=asked)
        mask = pseudo_masks(maps, np.array([0]), levels_of(thing()[None]), drawer, settings)[0]
        assert len(drawer.calls) == 1
        width = drawer.calls[0][1][:, 2] - drawer.calls[0][1][:, 0]
        assert (width == 40).all()
        assert mask[60, 70] > 0.5


def test_a_backbone_is_not_asked_with_what_it_does_not_answer():
    drawer = BoxDrawer(prompts=frozenset([PromptKind.BOX]))
    with pytest.raises(UserError) as caught:
        pseudo_masks(np.stack([blurred(thing())]), np.array([0]), levels_of(thing()[None]), drawer,
                     FastSettings(pam_prompts="points"))  # fmt: skip
    assert caught.value.code == "prompts_not_answered"
    assert "boxes" in caught.value.hint


def test_masks_count_alike_or_by_quality_each_once():
    mask, evidence = thing()[None], torch.from_numpy(thing()[None].astype(np.float32))
    equal = prompted_masks(evidence, np.array([0]), levels_of(mask), BoxDrawer(), weighting="equal").weights
    assert set(equal.flatten().tolist()) <= {0.0, 1.0}
    masks = torch.zeros(1, 3, 64, 64)
    masks[0, :2, 10:30, 10:30], masks[0, 2, 40:50, 40:50] = 1, 1
    kept = mining._count_each_once(masks, torch.tensor([[0.7, 0.8, 0.5]]))
    assert kept.tolist() == [[0, pytest.approx(0.8), pytest.approx(0.5)]]
    steep, shallow = torch.linspace(-9, 9, 64).repeat(1, 64, 1), torch.linspace(-2, 2, 64).repeat(1, 64, 1)
    assert mining._stability(steep) > 0.75 > 0.5 > mining._stability(shallow)


def test_encoding_for_every_prompt_gives_the_same_masks(settings):
    masks = np.stack([thing(), thing(place=(slice(20, 60), slice(30, 90)))])
    evidence, indices = torch.from_numpy(masks.astype(np.float32)), np.arange(2)
    drawer, encoded = BoxDrawer(by_features=True), []
    prompts = place_prompts(evidence, indices, drawer, pam.mining_of(settings))

    def encode(wanted):
        encoded.append(wanted)
        return Decoder.on_features(levels_of(masks), drawer).encode(wanted)

    once = mining.draw_prompts(evidence, indices, prompts, Decoder(drawer, encode), "quality-fit")
    assert len(encoded) == 1
    each = mining.draw_prompts(evidence, indices, prompts, Decoder(drawer, encode, each=True), "quality-fit")
    assert len(encoded) == 1 + int(prompts.slots.max()) + 1
    assert torch.equal(once.masks, each.masks)
    assert torch.equal(once.weights, each.weights)
