"""Painted labels: what they say of slices, that they go where slices and classes go, and which counts of two."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.contradictions import Contradiction, contradictions
from WeakMedSAMLib.contract.labels.merging import merge_cohorts
from WeakMedSAMLib.contract.labels.painted import KIND
from WeakMedSAMLib.contract.labels.painted_slice import PaintedSlice, plane_of
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

SIZE = (6, 5, 4)
TABLE = ClassTable.from_names(["liver", "spleen"])


def blank(axis="k", size=SIZE, name="one"):
    return VolumeLabels(name, "ab" * 32, axis, size["ijk".index(axis)], "slicer", size)


def pixels(labels, *shown, other=0):
    found = np.full(plane_of(labels), other, np.uint8)
    for row, column in shown:
        found[row, column] = 1
    return found


def painted(axis="k", **values):
    volume = blank(axis, **values)
    KIND.put(volume, "liver", 1, "drawn", pixels(volume, (0, 1), (2, 2)))
    KIND.put(volume, "liver", 2, "scribbled", pixels(volume, (0, 0), other=255))
    KIND.put(volume, "spleen", 0, "fine", pixels(volume))
    return volume


def test_what_it_says_of_slices():
    volume = painted()
    KIND.put(volume, "spleen", 3, "scribbled", np.where(pixels(volume, (1, 1)) == 1, 0, 255))
    assert volume.presence("liver").tolist() == [UNTAGGED, PRESENT, PRESENT, UNTAGGED]
    assert volume.presence("spleen").tolist() == [ABSENT, UNTAGGED, UNTAGGED, UNTAGGED]
    assert KIND.in_words(volume, "liver") == "drawn 1; scribbled 2"


def test_it_counts_more_than_tags_which_is_told():
    volume = painted()
    volume.set_range("liver", 0, 2, ABSENT)
    assert volume.presence("liver").tolist() == [ABSENT, PRESENT, PRESENT, UNTAGGED]
    assert contradictions(volume) == [Contradiction("liver", "painted", "slice_tags", (1, 2))]


def test_pixels_cannot_be_changed_and_are_equal_by_content():
    volume = blank()
    given = pixels(volume, (0, 1))
    KIND.put(volume, "liver", 1, "drawn", given)
    given[:] = 0
    (found,) = KIND.slices(volume, "liver").values()
    assert found.pixels.sum() == 1
    with pytest.raises(ValueError, match="read-only"):
        found.pixels[0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        found.state = "fine"
    assert found == PaintedSlice.of("drawn", pixels(volume, (0, 1)).astype(bool))
    assert found != PaintedSlice.of("fine", pixels(volume, (0, 1)))
    assert pickle.loads(pickle.dumps(found)) == found


def test_edits_of_a_copy_leave_what_was_before():
    before = painted()
    after = replace(before)
    KIND.put(after, "liver", 1, "fine", pixels(after))
    KIND.take(after, "liver", 2)
    assert before == painted()
    assert after != before
    kept = copy.copy(before)
    KIND.slices(before, "liver").clear()
    assert before == kept


def test_what_was_taken_back_says_nothing():
    volume = painted()
    assert KIND.take(volume, "liver", 1).state == "drawn"
    assert KIND.take(volume, "liver", 1) is None
    KIND.put(volume, "liver", 2, "scribbled", pixels(volume, other=255))
    KIND.take(volume, "spleen", 0)
    assert volume.further == {}
    assert not volume.is_said()


@pytest.mark.parametrize(
    ("index", "state", "shape", "value"),
    [(1, "drawn", (5, 6), 255), (1, "seen", (5, 6), 0), (1, "drawn", (6, 5), 0), (1, "fine", (5, 6), 2)],
)
def test_what_is_no_painted_slice_is_refused(index, state, shape, value):
    with pytest.raises(ValueError, match="slice"):
        KIND.put(blank(), "liver", index, state, np.full(shape, value))


def test_a_slice_that_is_not_there_is_refused():
    with pytest.raises(UserError) as caught:
        KIND.put(blank(), "liver", 4, "drawn", pixels(blank()))
    assert (caught.value.code, caught.value.values["last"]) == ("slice_out_of_range", 3)
    with pytest.raises(ValueError, match="size"):
        KIND.put(VolumeLabels("one"), "liver", 0, "drawn", np.zeros((5, 6)))
    with pytest.raises(ValueError, match="no slice 4"):
        KIND.put(VolumeLabels("one", size=SIZE), "liver", 4, "drawn", np.zeros((5, 6)))


def voxels(labels, name):
    """What is painted of a class, k x j x i, 255 elsewhere: in voxels, whatever the slices."""
    found = np.full(labels.size[::-1], 255, np.uint8)
    stack = np.moveaxis(found, "kji".index(labels.axis), 0)
    for index, one in KIND.slices(labels, name).items():
        stack[index] = one.pixels
    return found


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_turned_each_voxel_lies_at_the_other_end_of_k(axis):
    volume = painted(axis)
    once = volume.turned()
    for name in ("liver", "spleen"):
        assert np.array_equal(voxels(once, name), voxels(volume, name)[::-1])
    assert once != volume
    assert once.turned() == volume


def test_classes_are_renamed_and_removed():
    volume = painted().with_classes({"spleen": "liver", "liver": "spleen"})
    assert KIND.in_words(volume, "spleen") == "drawn 1; scribbled 2"
    assert KIND.class_names(painted().with_classes({"spleen": "milt"})) == ["milt"]
    assert painted().with_classes({}).further == {}


def test_a_class_is_reviewed_when_every_slice_is_drawn_or_fine():
    volume = painted()
    assert KIND.unseen(volume, "liver") == [0, 2, 3]
    for index in (0, 2, 3):
        KIND.put(volume, "liver", index, "fine", pixels(volume))
    assert KIND.unseen(volume, "liver") == []


@pytest.mark.parametrize(
    ("below", "above", "state", "kept", "count"),
    [
        pytest.param(("drawn", [1, 1, 0]), ("drawn", [0, 1, 1]), "drawn", [0, 1, 1], 2, id="the later slice"),
        pytest.param(("scribbled", [1, 0, 255]), ("fine", [0, 0, 1]), "fine", [0, 0, 1], 1, id="fine over scribble"),
        pytest.param(("drawn", [1, 1, 0]), ("scribbled", [0, 255, 255]), "drawn", [1, 1, 0], 1, id="drawn counts more"),
        pytest.param(
            ("scribbled", [1, 0, 255]), ("scribbled", [0, 255, 1]), "scribbled", [0, 0, 1], 1, id="pixel by pixel"
        ),
        pytest.param(("drawn", [1, 1, 0]), ("fine", [1, 1, 0]), "fine", [1, 1, 0], 0, id="the same pixels"),
    ],
)
def test_of_two_on_one_slice_pixels_count_by_rank_and_then_the_later(below, above, state, kept, count):
    size = (3, 1, 2)
    first, second = blank(size=size), blank(size=size)
    KIND.put(first, "liver", 0, below[0], np.array([below[1]]))
    KIND.put(second, "liver", 0, above[0], np.array([above[1]]))
    KIND.put(first, "liver", 1, "fine", np.array([[0, 0, 1]]))
    KIND.put(first, "spleen", 0, "fine", np.array([[0, 0, 1]]))
    merged, problems = merge_cohorts([CohortLabels(TABLE, [volume]) for volume in (first, second)])
    (volume,) = merged.volumes
    found = KIND.slices(volume, "liver")[0]
    assert (found.state, found.pixels.tolist()) == (state, [kept])
    assert KIND.in_words(volume, "spleen") == "fine 0"
    assert 1 in KIND.slices(volume, "liver")
    told = [problem.values["count"] for problem in problems if problem.code == "merged_marks_differ"]
    assert told == ([count] if count else [])


def test_laid_over_labels_of_no_size_they_bring_it():
    tags = VolumeLabels("one", n_slices=4)
    tags.set("liver", 0, PRESENT)
    both, _ = tags.with_below(painted())
    assert (both.size, both.presence("liver").tolist()) == (SIZE, [PRESENT, PRESENT, PRESENT, UNTAGGED])
    assert tags.size is None


def test_painted_slices_in_two_directions_are_not_merged():
    with pytest.raises(UserError) as caught:
        merge_cohorts([CohortLabels(TABLE, [painted(axis)]) for axis in "ki"])
    assert caught.value.code == "tagged_in_two_directions"


def test_it_is_of_this_volume_alone():
    with pytest.raises(UserError) as caught:
        painted().settled(4, (5, 6, 4))
    assert caught.value.code == "size_differs"
    odd = replace(painted(), size=None)
    odd.size = (5, 6, 4)
    with pytest.raises(UserError, match="pixels painted") as caught:
        KIND.settle(odd)
    assert caught.value.code == "bad_tags"


def test_pixels_of_two_classes_and_points_that_differ_are_told():
    volume = painted()
    KIND.put(volume, "spleen", 1, "scribbled", pixels(volume, (2, 2), other=255))
    POINTS.put(volume, [Point("liver", (1, 0, 1)), Point("liver", (0, 0, 1)), Point("spleen", (2, 2, 1), shows=False)])
    told = {one.code: one.values for one in check(CohortLabels(TABLE, [volume])) if "painted" in one.code}
    assert told["painted_as_two_classes"]["slices"] == "1"
    assert sum(one.code == "point_against_painted" for one in check(CohortLabels(TABLE, [volume]))) == 2
    free = ClassTable.from_json([{"name": "liver"}, {"name": "spleen", "known": {"sharing": "free"}}])
    assert "painted_as_two_classes" not in {one.code for one in check(CohortLabels(free, [volume]))}


def test_a_class_that_is_painted_needs_no_absent_slice():
    volume = blank()
    KIND.put(volume, "liver", 1, "drawn", pixels(volume, (0, 0)))
    found = {one.code: one.severity for one in check(CohortLabels(ClassTable.from_names(["liver"]), [volume]))}
    assert found["class_never_absent"] == "warning"
    assert "error" not in found.values()


def test_a_hundred_slices_of_two_classes_take_little_room():
    rows, columns = np.mgrid[:512, :512]
    volume = blank(size=(512, 512, 100))
    for index in range(100):
        for number, name in enumerate(TABLE.names):
            wave = 8 * np.sin(columns / 9 + index)
            disc = (rows - 150 - 200 * number + wave) ** 2 + (columns - 250) ** 2 < (60 + index % 30) ** 2
            KIND.put(volume, name, index, "drawn", disc)
    room = sum(len(one.packed) for name in TABLE.names for one in KIND.slices(volume, name).values())
    print(f"{room:,} bytes for 200 slices of 512 x 512 pixels")
    assert room < 512 * 512  # of 200 times that
