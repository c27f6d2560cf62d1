"""Masks handed on from slice to slice from boxes and points."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from held_level import HeldLevel

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.parts.handing_on import GivenBox, GivenPoint, Handing
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
        quality = self._quality.get(int(features[0, 0, 0, 0]), 0.95)
        return torch.where(drawn, 12.0, -12.0), torch.full((len(boxes),), quality)

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


def hand_on(places, boxes=(), points=(), presence=None, drawer=None):
    numbers = HeldLevel(np.arange(SLICES, dtype=np.float32)[:, None, None, None])
    presence = np.full((SLICES, 1), PRESENT, np.int8) if presence is None else presence
    return Handing(scan(places), numbers, drawer or Drawer(), presence).run(boxes, points)


def box_at(index, top, left, column=0):
    return GivenBox(column, index, (left * STEP - 2, top * STEP - 2, (left + 10) * STEP + 1, (top + 10) * STEP + 1))


def middle_of(mask):
    rows, columns = np.nonzero(mask > CERTAIN // 2)
    return rows.mean() * 2, columns.mean() * 2  # of TARGET x TARGET, in pixels of the frame


MOVING = {index: [(10 + 2 * index, 20)] for index in range(SLICES)}


def test_a_box_is_followed_both_ways_to_where_the_tissue_lies():
    found = hand_on(MOVING, [box_at(4, 18, 20)])[0]
    assert sorted(found.masks) == list(range(SLICES))
    for index, mask in found.masks.items():
        row, column = middle_of(mask)
        assert row == pytest.approx((15 + 2 * index) * STEP, abs=3), index
        assert column == pytest.approx(25 * STEP, abs=3), index
    assert all(trust > 0.8 for trust in found.trust.values())
    assert found.trust[4] == 1


def test_it_ends_before_a_slice_that_lacks_the_class():
    presence = np.full((SLICES, 1), PRESENT, np.int8)
    presence[6:] = ABSENT
    presence[1] = ABSENT
    assert sorted(hand_on(MOVING, [box_at(4, 18, 20)], presence=presence)[0].masks) == [2, 3, 4, 5]


def test_trust_is_that_of_the_worst_step_and_a_mask_fades_where_nothing_is_known():
    drawer = Drawer({6: 0.75, 7: 0.95, 2: 0.6})
    found = hand_on(MOVING, [box_at(4, 18, 20)], drawer=drawer)[0]
    assert [round(found.trust[index], 2) for index in (4, 5, 6, 7, 8)] == [1, 1, 0.5, 0.5, 0.5]
    unknown = np.full((SLICES, 1), UNTAGGED, np.int8)
    found = hand_on(MOVING, [box_at(4, 18, 20)], presence=unknown, drawer=drawer)[0]
    assert sorted(found.masks) == [3, 4, 5, 6, 7, 8]


def test_every_piece_is_followed_and_other_tissue_alike_is_not_taken():
    places = {index: [(10, 10), (40, 40), (10, 40)] for index in range(SLICES)}
    found = hand_on(places, [box_at(4, 10, 10), box_at(4, 40, 40)])[0]
    for mask in found.masks.values():
        shown = mask > CERTAIN // 2
        assert [bool(shown[2 * r, 2 * c]) for r, c in ((15, 15), (45, 45), (15, 45))] == [True, True, False]


def test_between_two_boxes_both_sides_count_and_neither_passes_the_other():
    jump = {index: [(10, 20 if index < 5 else 40)] for index in range(SLICES)}
    found = hand_on(jump, [box_at(1, 10, 20), box_at(7, 10, 40)])[0]
    assert middle_of(found.masks[1])[1] == pytest.approx(25 * STEP, abs=3)
    assert middle_of(found.masks[0])[1] == pytest.approx(25 * STEP, abs=3)
    assert middle_of(found.masks[8])[1] == pytest.approx(45 * STEP, abs=3)


def test_each_class_has_its_own():
    places = {index: [(10, 10), (40, 40)] for index in range(SLICES)}
    presence = np.full((SLICES, 2), PRESENT, np.int8)
    found = hand_on(places, [box_at(4, 10, 10), box_at(3, 40, 40, column=1)], presence=presence)
    assert sorted(found) == [0, 1]
    assert middle_of(found[1].masks[8])[0] == pytest.approx(45 * STEP, abs=3)


def test_a_point_starts_from_what_resembles_it_and_a_box_on_its_slice_says_more():
    point = GivenPoint(0, 4, (25 * STEP, 23 * STEP), True)
    found = hand_on(MOVING, points=[point])[0]
    assert middle_of(found.masks[8])[0] == pytest.approx(31 * STEP, abs=6)
    boxed = hand_on(MOVING, [box_at(4, 18, 20)], [point])[0]
    assert np.array_equal(boxed.masks[4], hand_on(MOVING, [box_at(4, 18, 20)])[0].masks[4])
    assert hand_on(MOVING, points=[GivenPoint(0, 4, (100, 100), False)]) == {}


def test_a_decoder_that_answers_points_is_asked_with_them():
    drawer = Drawer(prompts=(PromptKind.BOX, PromptKind.POINT))
    hand_on(MOVING, points=[GivenPoint(0, 4, (100.0, 92.0), True)], drawer=drawer)
    assert drawer.points == [[100.0, 92.0]]


def test_a_piece_smaller_than_a_cell_is_looked_for_where_it_was():
    found = hand_on({}, [GivenBox(0, 4, (100, 100, 107, 107))])[0]
    assert len(found.masks) > 1
    for mask in found.masks.values():
        assert middle_of(mask) == (pytest.approx(103, abs=4), pytest.approx(103, abs=4))
