"""Masks handed on from slice to slice from boxes and points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from held_level import HeldLevel
from moving_tissue import MOVING, SLICES, STEP, Drawer, middle_of, scan

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.parts.handing_on import GivenBox, GivenMask, GivenPoint, Handing
from WeakMedSAMLib.engine.parts.pseudo_masks import CERTAIN


def hand_on(places, boxes=(), points=(), presence=None, drawer=None, tight=True, stride=1, masks=()):
    numbers = HeldLevel(np.arange(SLICES, dtype=np.float32)[:, None, None, None])
    presence = np.full((SLICES, 1), PRESENT, np.int8) if presence is None else presence
    return Handing(scan(places), numbers, drawer or Drawer(), presence, tight=tight).run(boxes, points, stride, masks)


def drawn_at(index, top, left, edge=10):
    mask = np.zeros((64 * STEP, 64 * STEP), np.float32)
    mask[top * STEP : (top + edge) * STEP, left * STEP : (left + edge) * STEP] = 1
    return GivenMask(0, index, mask)


def box_at(index, top, left, column=0):
    return GivenBox(column, index, (left * STEP - 2, top * STEP - 2, (left + 10) * STEP + 1, (top + 10) * STEP + 1))


def test_a_box_is_followed_both_ways_to_where_the_tissue_lies():
    found = hand_on(MOVING, [box_at(4, 18, 20)])[0]
    assert sorted(found.masks) == list(range(SLICES))
    for index, mask in found.masks.items():
        row, column = middle_of(mask)
        assert row == pytest.approx((15 + 2 * index) * STEP, abs=3), index
        assert column == pytest.approx(25 * STEP, abs=3), index
    assert all(trust > 0.8 for trust in found.trust.values())
    assert found.trust[4] == 1


def test_what_is_not_handed_on_stays_on_its_slice():
    numbers = HeldLevel(np.arange(SLICES, dtype=np.float32)[:, None, None, None])
    handing = Handing(scan(MOVING), numbers, Drawer(), np.full((SLICES, 1), PRESENT, np.int8))
    found = handing.run([box_at(4, 18, 20)], stride=0)[0]
    assert sorted(found.masks) == [4]
    assert np.array_equal(found.masks[4], hand_on(MOVING, [box_at(4, 18, 20)])[0].masks[4])


def test_it_says_where_the_class_was_given():
    denied = GivenPoint(0, 6, (25 * STEP, 27 * STEP), False)
    found = hand_on(MOVING, [box_at(4, 18, 20)], [denied])[0]
    assert sorted(found.given) == [4]
    assert 6 in found.masks


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


def test_a_drawn_mask_is_handed_on_and_stays_as_it_was_drawn():
    found = hand_on(MOVING, masks=[drawn_at(4, 18, 20, 9)])[0]
    assert sorted(found.masks) == list(range(SLICES))
    assert (found.masks[4] > CERTAIN // 2).sum() == (9 * 2) ** 2  # no decoder drew it
    assert found.trust[4] == 1
    for index in (3, 5):
        assert middle_of(found.masks[index])[0] == pytest.approx((15 + 2 * index) * STEP, abs=10)


def test_a_drawn_mask_goes_no_further_than_all_of_its_pieces():
    """What is left would say that the class is not where the lost piece was; a box says nothing of other pieces."""
    places = {index: [(10, 10), (40, 40)] if index < 6 else [(10, 10)] for index in range(SLICES)}
    both = drawn_at(4, 10, 10).mask + drawn_at(4, 40, 40).mask
    assert sorted(hand_on(places, masks=[GivenMask(0, 4, both)])[0].masks) == list(range(6))
    assert sorted(hand_on(places, [box_at(4, 10, 10), box_at(4, 40, 40)])[0].masks) == list(range(SLICES))


def test_between_two_drawn_slices_it_is_kept_how_well_both_sides_agree():
    found = hand_on(MOVING, masks=[drawn_at(2, 14, 20), drawn_at(6, 22, 20)])[0]
    assert sorted(found.sides) == [3, 4, 5]
    assert min(found.sides.values()) > 0.7
    # Of two things one was drawn here, the other one there.
    things = {index: [(10, 10), (40, 40)] for index in range(SLICES)}
    found = hand_on(things, masks=[drawn_at(2, 10, 10), drawn_at(6, 40, 40)])[0]
    assert found.sides == {3: 0, 4: 0, 5: 0}
    assert hand_on(MOVING, [box_at(2, 14, 20)], masks=[drawn_at(6, 22, 20)])[0].sides == {}


def test_specks_of_a_drawn_mask_go_with_its_largest_piece():
    drawn, drawer = drawn_at(4, 18, 20), Drawer()
    specked = drawn.mask.copy()
    specked[::9, ::9] = 1
    plain, specks = hand_on(MOVING, masks=[drawn]), hand_on(MOVING, masks=[GivenMask(0, 4, specked)], drawer=drawer)
    assert sorted(specks[0].masks) == sorted(plain[0].masks)
    # The slice itself keeps them all.
    assert (specks[0].masks[4] > 0).sum() > (plain[0].masks[4] > 0).sum()
    assert middle_of(specks[0].masks[5])[0] == pytest.approx(middle_of(plain[0].masks[5])[0], abs=3)


def test_a_drawn_mask_counts_more_than_a_box_on_its_slice():
    drawn = drawn_at(4, 18, 20)
    found = hand_on(MOVING, [box_at(4, 40, 40)], masks=[drawn])[0]
    assert np.array_equal(found.masks[4], hand_on(MOVING, masks=[drawn])[0].masks[4])


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


def test_a_point_elsewhere_takes_out_what_such_a_decoder_draws_for_it():
    drawer = Drawer(prompts=(PromptKind.BOX, PromptKind.POINT))
    point, beside = GivenPoint(0, 4, (100.0, 92.0), True), GivenPoint(0, 4, (132.0, 92.0), False)
    alone = hand_on(MOVING, points=[point], drawer=drawer)[0].masks[4] > CERTAIN // 2
    both = hand_on(MOVING, points=[point, beside], drawer=drawer)[0].masks[4] > CERTAIN // 2
    assert alone[46, 57]
    assert not both[:, 58:].any()  # x0 of what is drawn for the other is 114
    assert np.array_equal(both[:, :56], alone[:, :56])


def test_a_point_that_the_mask_covers_all_the_same_leaves_the_box_around_what_resembles_the_other():
    drawer = Drawer(prompts=(PromptKind.BOX, PromptKind.POINT))
    point, within = GivenPoint(0, 4, (100.0, 92.0), True), GivenPoint(0, 4, (112.0, 92.0), False)
    found = hand_on(MOVING, points=[point, within], drawer=drawer)[0].masks[4] > CERTAIN // 2
    assert found[46, 50]
    assert not found[46, 56]


def test_a_piece_smaller_than_a_cell_is_looked_for_where_it_was():
    found = hand_on({}, [GivenBox(0, 4, (102, 102, 104, 104))])[0]
    assert len(found.masks) > 1
    for mask in found.masks.values():
        assert middle_of(mask) == (pytest.approx(103, abs=4), pytest.approx(103, abs=4))


def test_a_box_in_3d_ends_the_piece_and_is_not_filled_on_its_slice():
    box = replace(box_at(4, 18, 20), ends=(3, 6))
    found = hand_on(MOVING, [box], drawer=Timid())[0]
    assert sorted(found.masks) == [3, 4, 5, 6]
    assert (found.masks[4] > CERTAIN // 2).sum() == 8**2
    other = replace(box_at(4, 40, 40), ends=(4, 4))  # another piece ends where its own box does
    beside = hand_on({n: [(18, 20), (40, 40)] for n in range(SLICES)}, [box_at(4, 18, 20), other])[0]
    assert beside.masks[4][90, 90] > CERTAIN // 2 > beside.masks[5][90, 90]
    assert sorted(beside.masks) == list(range(SLICES))


class Timid(Drawer):
    """Draws 20 pixels around the middle of its box."""

    def decode(self, features, boxes, rows=None):
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2
        return super().decode(features, torch.cat([middle - 10, middle + 10], 1), rows)


def test_a_mask_fills_its_box_unless_that_is_not_wanted():
    sizes = {}
    for tight in (True, False):
        mask = hand_on(MOVING, [box_at(4, 18, 20)], drawer=Timid(), tight=tight)[0].masks[4]
        sizes[tight] = (mask > CERTAIN // 2).sum()
    assert sizes[True] == pytest.approx(np.pi / 4 * 22**2, rel=0.1)  # of a box of 44 x 44 pixels, at half that size
    assert sizes[False] == 8**2


def test_slices_on_the_way_get_theirs_from_the_slice_that_hands_on():
    class Logged(Handing):
        def _advance(self, here):
            steps.extend((way.key, index) for way, index in here)
            super()._advance(here)

    steps = []
    numbers = HeldLevel(np.arange(SLICES, dtype=np.float32)[:, None, None, None])
    slowly = scan({index: [(12 + index // 2, 20)] for index in range(SLICES)})
    handing = Logged(slowly, numbers, Drawer(), np.full((SLICES, 1), PRESENT, np.int8))
    found = handing.run([box_at(1, 12, 20)], stride=3)[0]
    assert sorted(steps) == [(1, 0), (1, 2), (1, 3), (1, 4), (4, 5), (4, 6), (4, 7), (7, 8)]
    assert middle_of(found.masks[8])[0] == pytest.approx(21 * STEP, abs=4)


def test_it_can_be_ended_at_every_slice():
    seen = []

    def step(done, most):
        seen.append((done, most))
        if len(seen) == 3:
            raise KeyboardInterrupt

    numbers = HeldLevel(np.arange(SLICES, dtype=np.float32)[:, None, None, None])
    handing = Handing(scan(MOVING), numbers, Drawer(), np.full((SLICES, 1), PRESENT, np.int8), step=step)
    with pytest.raises(KeyboardInterrupt):
        handing.run([box_at(4, 18, 20)])
    assert seen == [(0, 9), (1, 9), (3, 9)], "both ways at once"


def test_what_a_network_sees_counts_as_much_as_what_resembles_the_mask():
    twins = {index: [(10, 10 if index < 5 else 40)] for index in range(SLICES)}
    seen = {index: np.zeros((1, 128, 128), np.float32) for index in range(5, SLICES)}
    for one in seen.values():
        one[0, 20:40, 26:46] = 1.0  # overlaps what was there, and is where nothing resembles it any more
    numbers = HeldLevel(np.arange(SLICES, dtype=np.float32)[:, None, None, None])
    presence = np.full((SLICES, 1), PRESENT, np.int8)
    alone = Handing(scan(twins), numbers, Drawer(), presence).run([box_at(2, 10, 10)])[0]
    helped = Handing(scan(twins), numbers, Drawer(), presence, seen).run([box_at(2, 10, 10)])[0]
    assert helped.trust[8] >= alone.trust.get(8, 0)
    assert np.array_equal(helped.masks[4], alone.masks[4])


def test_it_can_be_ended_where_every_slice_has_a_box():
    seen = []
    numbers = HeldLevel(np.arange(SLICES, dtype=np.float32)[:, None, None, None])
    handing = Handing(
        scan(MOVING), numbers, Drawer(), np.full((SLICES, 1), PRESENT, np.int8), step=lambda *two: seen.append(two)
    )
    handing.run([box_at(index, 18, 20) for index in range(SLICES)])
    assert seen == [(index, SLICES) for index in range(SLICES)]


def test_a_slice_is_unpacked_once_on_a_way():
    level, numbers = scan(MOVING), HeldLevel(np.arange(SLICES, dtype=np.float32)[:, None, None, None])
    unpacked, read = [], level.read

    def noted(indices):
        unpacked.extend(indices)
        return read(indices)

    level.read = noted
    Handing(level, numbers, Drawer(), np.full((SLICES, 1), PRESENT, np.int8)).run([box_at(0, 10, 20)])
    assert unpacked == list(range(SLICES))


def test_the_decoder_is_asked_once_for_all_that_come_to_two_slices():
    """Both classes both ways: a slice is prepared once, and all cores have something to draw."""

    class Counting(Drawer):
        def decode(self, features, boxes, rows=None):
            asked.append((len(features), len(boxes)))
            return super().decode(features, boxes, rows)

    asked = []
    places = {index: [(10, 10), (40, 40)] for index in range(SLICES)}
    presence = np.full((SLICES, 2), PRESENT, np.int8)
    hand_on(places, [box_at(4, 10, 10), box_at(4, 40, 40, column=1)], presence=presence, drawer=Counting())
    assert asked == [(1, 1), (1, 1), *[(2, 4)] * 4]
