"""Objects that are followed along the slices."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from held_level import HeldLevel
from moving_tissue import SLICES, STEP, Drawer, scan

from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.engine.features.levels import SomeSlices
from WeakMedSAMLib.engine.parts.handing_on import Handing
from WeakMedSAMLib.engine.parts.mining import TARGET
from WeakMedSAMLib.engine.parts.object_tracks import (
    Seen,
    Track,
    boxes_in_map,
    follow,
    in_common,
    is_followed,
    look_and_place,
    mean_within,
    objects_at,
    slices_to_follow,
)

LONG, SHORT = (10, 10), (40, 40)  # rows and columns of cells where two kinds of tissue begin


class Sees(Drawer):
    """Draws what lies in a box as `Drawer` does, and is sure of it where there is tissue."""

    def __init__(self, places):
        super().__init__()
        self._places = places

    def decode(self, features, boxes, rows=None):
        logits, _ = super().decode(features, boxes, rows)
        numbers = features[:, 0, 0, 0] if rows is None else features[rows, 0, 0, 0]
        middles = ((boxes[:, :2] + boxes[:, 2:]) / 2 / STEP).flip(1)
        quality = [self._quality_at(int(number), middle) for number, middle in zip(numbers, middles, strict=True)]
        return logits, torch.tensor(quality)

    def _quality_at(self, index, middle):
        inside = [all(0 <= at - begin <= 10 for at, begin in zip(middle.tolist(), place, strict=True))
                  for place in self._places.get(index, [])]  # fmt: skip
        return 0.95 if any(inside) else 0.3


@pytest.fixture
def tissue():
    """Tissue on slices 1 to 7, and other tissue on 3 to 5: what hands on in all slices, or some, by tags."""
    places = {index: [LONG] * (1 <= index <= 7) + [SHORT] * (3 <= index <= 5) for index in range(SLICES)}
    numbers = HeldLevel(np.arange(SLICES, dtype=np.float32)[:, None, None, None])

    def handing(tags, slices=None):
        slices = np.arange(SLICES) if slices is None else slices
        return Handing(SomeSlices(scan(places), slices), SomeSlices(numbers, slices), Sees(places), tags)

    return handing


def box_of(place):
    top, left = place
    return [left * STEP - 2.0, top * STEP - 2.0, (left + 10) * STEP + 1.0, (top + 10) * STEP + 1.0]


def tags_on(first, last):
    tags = np.full(SLICES, ABSENT, np.int8)
    tags[first : last + 1] = PRESENT
    return tags


def tracks_in(tissue, slices=None):
    slices = np.arange(SLICES) if slices is None else slices
    draw = tissue(np.full((SLICES, 1), UNTAGGED, np.int8)).draw_all
    seen = objects_at(4, np.array([box_of(LONG), box_of(SHORT)], np.float32), draw)
    return follow(seen, 4, slices, lambda tags: tissue(tags, slices))


def track(trust, mask=None, quality=1.0):
    mask = np.ones((TARGET, TARGET), bool) if mask is None else mask
    trust = np.array(trust, np.float32)
    masks = dict.fromkeys(np.flatnonzero(trust).tolist(), mask)
    return Track(Seen((0.0, 0.0, 9.0, 9.0), mask, quality), 0, np.arange(len(trust)), trust, masks)


def test_an_object_is_followed_to_where_it_ends_whatever_tags_say(tissue):
    found = {tuple(sorted(one.masks)) for one in tracks_in(tissue)}
    assert found == {(1, 2, 3, 4, 5, 6, 7), (3, 4, 5)}


def test_that_which_begins_and_ends_with_the_tags_of_a_class_is_it(tissue):
    tags = np.stack([tags_on(3, 5), tags_on(1, 7)], 1)
    tracks = tracks_in(tissue)
    fits = np.array([[one.fit(tags[:, column]) for column in (0, 1)] for one in tracks])
    best = [sorted(tracks[row].masks) for row in fits.argmax(0)]
    assert best == [[3, 4, 5], [1, 2, 3, 4, 5, 6, 7]]
    assert fits.max(0).min() > 0.9 > 0.6 > fits.min(0).max()


def test_fit_is_chance_on_all_slices_and_nothing_is_said_without_both_kinds_of_tags():
    everywhere = track(np.ones(SLICES))
    assert everywhere.fit(tags_on(3, 5)) == 0
    assert track(np.ones(SLICES)).fit(np.full(SLICES, PRESENT, np.int8)) == 0
    unsaid = tags_on(3, 5)
    unsaid[[2, 6]] = UNTAGGED
    assert track([0, 0, 1, 1, 1, 1, 1, 0, 0]).fit(unsaid) == 1
    assert track([0, 0, 0, 0.5, 0.5, 0.5, 0, 0, 0]).fit(tags_on(3, 5)) == pytest.approx(0.5)


def test_what_is_within_an_object_is_the_mean_of_its_slices_and_cells():
    mask = np.zeros((TARGET, TARGET), bool)
    mask[: TARGET // 2, : TARGET // 4] = True
    one = track([0, 1, 1, 0], mask)
    cells = np.zeros((4, 2, 8, 8), np.float32)
    cells[1, 0, :4, :2], cells[2, 0, :4, :2], cells[3] = 1, 3, 100
    features, place = look_and_place(one, lambda index: cells[index])
    assert features == pytest.approx([2, 0])
    assert place == pytest.approx([0.25, 0.125])
    assert mean_within(one, cells[1:3, 0], np.array([1, 2])) == pytest.approx(2)
    assert mean_within(one, cells[3:, 0], np.array([3])) == 0
    assert in_common(one.masks, one) == 1
    assert in_common(one.masks, track([0, 1, 1, 0], ~mask)) == 0
    assert in_common(one.masks, track([0, 1, 0, 0], mask)) == pytest.approx(2 / 3)


def test_it_is_handed_on_from_a_slice_that_shows_the_class():
    one = track([0, 1, 1, 1, 1, 0, 0, 0, 0])
    seen = (0, one.seen.box)
    assert one.box_on(tags_on(0, 5), 2 * TARGET)[0] == 1
    assert one.box_on(tags_on(3, 5), 2 * TARGET) == (3, (0.0, 0.0, 2 * TARGET - 1, 2 * TARGET - 1))
    assert one.box_on(tags_on(7, 8), 2 * TARGET) == seen


def test_what_is_too_thin_or_fades_at_once_is_no_object(tissue):
    class Nothing:
        def run(self, boxes, stride):
            return [SimpleNamespace(masks={4: np.zeros((TARGET, TARGET))}, trust={4: 1.0}) for _ in boxes]

    seen = Seen((0.0, 0.0, 9.0, 9.0), np.ones((TARGET, TARGET), bool), 1.0)
    assert follow([seen], 4, np.arange(SLICES), lambda tags: Nothing()) == []

    def line(indices, boxes):
        mask = np.zeros((8 * TARGET, 8 * TARGET), np.float32)
        mask[100, 100:200] = 1
        return [(mask, 1.0) for _ in boxes]

    assert objects_at(4, np.array([[90, 90, 210, 110]], np.float32), line) == []


def test_objects_are_masks_that_their_own_boxes_give_again(tissue):
    draw = tissue(np.full((SLICES, 1), UNTAGGED, np.int8)).draw_all
    boxes = np.array([box_of(LONG), box_of(SHORT), [200, 20, 240, 60]], np.float32)
    found = objects_at(4, boxes, draw)
    assert len(found) == 2
    middles = [np.argwhere(one.mask).mean(0) * 2 / STEP for one in found]
    assert sorted(map(tuple, np.round(middles))) == [(15, 15), (45, 45)]
    assert objects_at(0, boxes, draw) == []
    assert objects_at(4, np.zeros((0, 4), np.float32), draw) == []


def test_one_that_is_followed_already_is_known_again(tissue):
    tracks = [one for one in tracks_in(tissue) if len(one.masks) > 3]
    draw = tissue(np.full((SLICES, 1), UNTAGGED, np.int8)).draw_all
    found = objects_at(5, np.array([box_of(LONG), box_of(SHORT)], np.float32), draw)
    assert sorted(is_followed(one, 5, tracks) for one in found) == [False, True]


def test_where_slices_are_thin_only_some_are_looked_at(tissue):
    slices = slices_to_follow(4, 2, np.stack([tags_on(3, 5), tags_on(3, 5)], 1))
    assert slices.tolist() == [0, 2, 4, 6, 8]
    tracks = tracks_in(tissue, np.array([2, 4, 6]))
    assert sorted(sorted(one.masks) for one in tracks) == [[2, 4, 6], [4]]
    far = np.full((60, 1), ABSENT, np.int8)
    far[30:32] = PRESENT
    assert slices_to_follow(30, 1, far).tolist() == list(range(27, 35))


def test_boxes_are_around_the_pieces_of_a_map_above_several_levels():
    evidence = np.zeros((32, 32), np.float32)
    evidence[4:12, 4:12], evidence[20:28, 16:30] = 1, 0.5
    found = boxes_in_map(evidence, 8.0)
    assert sorted(map(tuple, found.tolist())) == [(24.0, 24.0, 96.0, 96.0), (120.0, 152.0, 240.0, 224.0)]
    assert boxes_in_map(np.zeros((8, 8), np.float32), 8.0).shape == (0, 4)
