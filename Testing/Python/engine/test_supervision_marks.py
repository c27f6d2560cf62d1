"""What points, boxes and what is known of classes mean on the slices of a volume."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.contradictions import Contradiction, contradictions
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.data.geometry import Geometry, slice_stack
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN, UNKNOWN
from WeakMedSAMLib.engine.supervision.supervision import supervise

SIZE = (8, 7, 5)
TABLE = ClassTable.from_names(["a", "b"])


def volume(axis="k", boxes=(), points=(), **tags):
    made = VolumeLabels("one", None, axis, SIZE["ijk".index(axis)], "slicer", SIZE)
    BOXES.put(made, boxes)
    POINTS.put(made, points)
    for name, slices in tags.items():
        for index in slices:
            made.set(name, index, ABSENT)
    return made


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_known_pixels_are_exact_to_the_voxel_along_every_axis(axis):
    box, point = Box("a", (2, 1, 3), (4, 4, 3), complete=True), Point("b", (6, 2, 1))
    found = supervise(volume(axis, [box], [point]), TABLE)
    expected = np.full((2, *SIZE[::-1]), UNKNOWN, np.uint8)
    first, last = (box.first["ijk".index(axis)], box.last["ijk".index(axis)])
    stacks = [slice_stack(one, axis) for one in expected]
    stacks[0][first : last + 1] = NOT_SHOWN
    expected[0][3:4, 1:5, 2:5] = UNKNOWN
    expected[1][1, 2, 6] = SHOWN
    expected[0][1, 2, 6] = NOT_SHOWN  # of another class
    for index in range(SIZE["ijk".index(axis)]):
        wanted = np.stack([stack[index] for stack in stacks])
        assert np.array_equal(found.known.get(index, np.full_like(wanted, UNKNOWN)), wanted), index
        assert (index in found.known) == bool((wanted != UNKNOWN).any())


def test_a_box_that_is_not_complete_says_nothing_of_what_is_outside():
    found = supervise(volume(boxes=[Box("a", (2, 1, 3), (4, 4, 3))]), TABLE)
    assert (len(found.known), found.boxes[0].complete, found.present(0).tolist()) == (0, False, [3])
    one_piece = ClassTable.from_json([{"name": "a", "known": {"pieces": "one"}}, {"name": "b"}])
    found = supervise(volume(boxes=[Box("a", (2, 1, 3), (4, 4, 3))]), one_piece)
    assert (list(found.known), found.boxes[0].complete) == ([3], True)


def test_a_point_counts_more_than_boxes_and_tags_and_the_contradiction_is_told():
    labels = volume(boxes=[Box("a", (2, 1, 3), (4, 4, 3), True)], points=[Point("a", (0, 0, 3))], a=[3, 4])
    found = supervise(labels, TABLE)
    assert (found.presence[3, 0], found.presence[4, 0]) == (PRESENT, ABSENT)
    assert (found.known[3][0, 0, 0], found.known[3][0, 0, 1]) == (SHOWN, NOT_SHOWN)
    assert contradictions(labels) == [Contradiction("a", "points", "slice_tags", (3,))]


@pytest.mark.parametrize("sharing", [{"known": {"sharing": "free"}}, {"known": {"inside_of": "b"}}])
def test_a_pixel_of_a_class_that_shares_may_be_of_another_too(sharing):
    shared = ClassTable.from_json([{"name": "a", **sharing}, {"name": "b"}])
    found = supervise(volume(points=[Point("b", (6, 2, 1))]), shared)
    assert found.known[1][:, 2, 6].tolist() == [UNKNOWN, SHOWN]


@pytest.mark.parametrize("axis", ["i", "j", "k"])
@pytest.mark.parametrize("flip", [1, -1])
def test_the_side_is_the_patients(axis, flip):
    table = ClassTable.from_json([{"name": "a", "known": {"side": "left"}}, {"name": "b", "known": {"side": "front"}}])
    geometry = Geometry((0, 0, 0), (2, 1, 3), tuple(np.diag([flip, 1.0, 1.0]).ravel()), SIZE)
    found = supervise(volume(axis), table, geometry)
    at = np.moveaxis(np.indices(SIZE[::-1]), 0, -1)[..., ::-1] * (2.0 * flip, 1.0, 3.0)  # LPS of k x j x i
    for prior, along in zip(found.sides, (at[..., 0], -at[..., 1]), strict=True):
        stack = slice_stack(along, axis)
        limit = prior.limit(np.ones(stack.shape, bool), (1.0, 1.0))
        assert limit == pytest.approx((stack.min() + stack.max()) / 2)
        assert np.array_equal(prior.beyond(limit, stack.shape, (1.0, 1.0)), stack >= limit)
        assert prior.limit(np.zeros(stack.shape, bool), (1.0, 1.0)) is None
