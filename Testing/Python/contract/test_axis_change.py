"""Labels whose slices are counted along another axis: what was said of voxels stays."""

from __future__ import annotations

import numpy as np
import pytest

from WeakMedSAMLib.contract.labels.axis_change import along
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import UNKNOWN, plane_of
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

SIZE = (6, 5, 4)


def blank(axis):
    return VolumeLabels("one", "ab" * 32, axis, SIZE["ijk".index(axis)], size=SIZE)


def known_pixels(labels, name):
    """All pixels of a class, k x j x i."""
    found = np.full(SIZE[::-1], UNKNOWN, np.uint8)
    for index, painted in PAINTED.slices(labels, name).items():
        np.moveaxis(found, 2 - "ijk".index(labels.axis), 0)[index] = painted.pixels
    return found


@pytest.mark.parametrize("axis", "ijk")
@pytest.mark.parametrize("other", "ijk")
def test_every_pixel_stays_known_and_every_mark_stays(axis, other):
    labels, random = blank(axis), np.random.default_rng(2)
    PAINTED.put(labels, "liver", 1, "drawn", random.random(plane_of(labels)) < 0.5)
    PAINTED.put(labels, "liver", 3, "scribbled", random.choice([0, 1, UNKNOWN], plane_of(labels)))
    PAINTED.put(labels, "spleen", 0, "fine", np.zeros(plane_of(labels), bool))
    BOXES.put(labels, [Box("liver", (0, 1, 1), (3, 2, 2))])
    POINTS.put(labels, [Point("liver", (5, 4, 3), shows=True)])
    labels.set("liver", 2, PRESENT)
    before = {name: known_pixels(labels, name) for name in ("liver", "spleen")}
    found = along(labels, other)
    assert (found.axis, found.n_slices, found.size) == (other, SIZE["ijk".index(other)], SIZE)
    assert all(np.array_equal(known_pixels(found, name), pixels) for name, pixels in before.items())
    assert BOXES.marks(found) == BOXES.marks(labels)
    assert POINTS.marks(found) == POINTS.marks(labels)
    assert ("liver" in found.states) == (axis == other)
    assert PAINTED.slices(labels, "liver")[1].state == "drawn"


@pytest.mark.parametrize("states", [("fine",), ("fine", "drawn")])
def test_a_mask_that_is_known_as_a_whole_stays_so(states):
    labels, random = blank("k"), np.random.default_rng(4)
    for index in range(4):
        PAINTED.put(labels, "liver", index, states[index % len(states)], random.random((5, 6)) < 0.5)
    found = along(labels, "i")
    assert not PAINTED.unseen(found, "liver")
    assert {painted.state for painted in PAINTED.slices(found, "liver").values()} == {states[-1]}


def test_without_its_size_nothing_can_be_said():
    with pytest.raises(ValueError, match="size"):
        along(VolumeLabels("one", axis="k", n_slices=4), "i")


def test_a_box_of_one_slice_says_nothing_of_slices_across_it():
    labels, solid = blank("k"), Box("liver", (0, 1, 1), (3, 2, 2))
    BOXES.put(labels, [Box("liver", (1, 1, 2), (4, 3, 2), complete=True), solid])
    assert BOXES.marks(along(labels, "i")) == (solid,)
    assert BOXES.marks(along(labels, "k")) == BOXES.marks(labels)
