"""The simulated reader: its gestures are what they say, by chance that can be repeated, and nothing else is written."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.engine.data.geometry import Geometry, slice_stack
from WeakMedSAMLib.studies.gestures import (
    GESTURES,
    boxes_in_3d,
    boxes_of_every_slice,
    boxes_of_one_slice,
    drawn_tenth,
    middle_point,
)
from WeakMedSAMLib.studies.reader import Reading, cases_of_part, parse_sides, read, read_apart

SIZE = (60, 50, 9)  # i, j, k


def chance(seed=0):
    return np.random.default_rng(seed)


def bar(first=2, last=6, rows=(10, 40), columns=(5, 55)):
    """A bar in a volume, k x j x i; rows and columns up to but without the last."""
    mask = np.zeros(SIZE[::-1], bool)
    mask[first : last + 1, rows[0] : rows[1], columns[0] : columns[1]] = True
    return mask


def test_the_slice_is_one_of_those_on_which_the_class_is_large_and_the_same_for_point_and_box():
    mask = bar()
    mask[2, 30:] = False  # two thirds
    mask[6, 32:] = False  # 0.73 of the largest
    points = [middle_point("bar", mask, "k", chance(seed))[0].voxel[2] for seed in range(60)]
    boxes = [boxes_of_one_slice("bar", mask, "k", chance(seed))[0].first[2] for seed in range(60)]
    assert set(points) == {3, 4, 5, 6}
    assert points == boxes


def test_edges_are_off_by_three_hundredths_of_the_side_and_by_nothing_on_average():
    mask = bar()
    found = [boxes_of_one_slice("bar", mask, "k", chance(seed))[0] for seed in range(600)]
    assert all(box.complete for box in found)
    for axis, (first, last) in enumerate([(5, 54), (10, 39)]):
        sigma = 0.03 * (last - first + 1)
        for off in ([box.first[axis] - first for box in found], [box.last[axis] - last for box in found]):
            # Rounding adds the variance of a uniform error.
            assert np.std(off) == pytest.approx(np.hypot(sigma, 12**-0.5), rel=0.12)
            assert abs(np.mean(off)) < 0.2


def test_a_small_box_is_off_by_what_rounding_does_and_never_empty_or_outside():
    mask = bar(rows=(0, 5), columns=(54, 60))
    found = [boxes_of_one_slice("bar", mask, "k", chance(seed))[0] for seed in range(400)]
    off = Counter(box.last[1] - 4 for box in found)
    assert 0.03 < (off[-1] + off[1]) / 400 < 0.16
    assert {box.first[1] for box in found} <= {0, 1}
    assert {box.last[0] for box in found} <= {58, 59}


def test_every_piece_of_twenty_pixels_is_boxed_and_smaller_ones_are_not():
    mask = bar(columns=(5, 20)) | bar(columns=(30, 50), rows=(12, 38))
    mask[2:7, 45:48, 2:8] = True  # 18 pixels
    (first, other) = boxes_of_one_slice("bar", mask, "k", chance(3))
    assert first.first[2] == other.first[2]
    assert (first.last[0] < 30, other.first[0] > 20) == (True, True)


def test_pieces_that_touch_at_a_corner_are_one():
    mask = np.zeros(SIZE[::-1], bool)
    mask[4, 10:20, 10:20] = mask[4, 20:30, 20:30] = True
    assert len(boxes_of_one_slice("bar", mask, "k", chance())) == 1


def test_where_all_pieces_are_small_all_are_boxed():
    mask = np.zeros(SIZE[::-1], bool)
    mask[4, 2:5, 2:7] = mask[4, 20:23, 20:25] = True
    assert len(boxes_of_one_slice("bar", mask, "k", chance())) == 2


def test_points_are_near_the_middle_and_inside_however_thin_the_class():
    mask = bar()
    found = np.array([middle_point("bar", mask, "k", chance(seed))[0].voxel for seed in range(300)])
    # The middle is a line of pixels, of which the first is taken, 15 from the border.
    assert np.std(found[:, 1]) == pytest.approx(np.hypot(1.5, 12**-0.5), rel=0.15)
    thin = np.zeros(SIZE[::-1], bool)
    thin[4, 10, 5:45] = True
    for seed in range(50):
        i, j, k = middle_point("thin", thin, "k", chance(seed))[0].voxel
        assert thin[k, j, i]


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_voxels_are_those_of_the_volume_whatever_the_slice_axis(axis):
    mask = np.zeros((40, 50, 60), bool)
    mask[5:30, 12:40, 20:28] = True
    box = boxes_of_one_slice("bar", mask, axis, chance(1))[0]
    along = "ijk".index(axis)
    assert box.first[along] == box.last[along]
    for each, (first, last) in enumerate([(20, 27), (12, 39), (5, 29)]):
        if each == along:
            assert first <= box.first[each] <= last
        else:
            assert abs(box.first[each] - first) <= 4
            assert abs(box.last[each] - last) <= 4
    i, j, k = middle_point("bar", mask, axis, chance(1))[0].voxel
    assert mask[k, j, i]


def test_a_box_on_every_slice_that_is_tagged_as_showing_the_class():
    mask = bar()
    mask[7, 10:12, 5:12] = True  # 14 pixels: tagged absent
    assert [box.first[2] for box in boxes_of_every_slice("bar", mask, "k", chance())] == [2, 3, 4, 5, 6]


def test_a_box_in_3d_goes_from_the_first_to_the_last_tagged_slice_of_each_piece():
    mask = bar(1, 3) | bar(6, 7)
    mask[8, 10:12, 5:12] = True  # tagged absent
    found = boxes_in_3d("bar", mask, "k", chance())
    assert [(box.first[2], box.last[2]) for box in found] == [(1, 3), (6, 7)]
    assert all(abs(box.first[0] - 5) < 7 and box.complete for box in found)


@pytest.mark.parametrize("name", GESTURES)
def test_of_a_class_that_no_slice_shows_nothing_is_said(name):
    mask = np.zeros(SIZE[::-1], bool)
    mask[4, 0:3, 0:6] = True
    assert GESTURES[name]("bar", mask, "k", chance()) == []


@pytest.mark.parametrize(("count", "expected"), [(1, [1]), (9, [5]), (19, [10]), (25, [7, 20]), (30, [6, 16, 26])])
def test_of_every_ten_slices_the_middle_one_is_drawn_and_one_of_fewer(count, expected):
    mask = np.zeros((40, 20, 20), bool)
    mask[1 : 1 + count, 5:15, 5:15] = True
    mask[0, :4, :4] = True  # too few pixels for a tag
    found = drawn_tenth("bar", mask, "k", chance())
    assert [one.index for one in found] == expected
    assert all((one.pixels == mask[one.index]).all() for one in found)


GEOMETRY = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (36, 40, 8))
LEFT_HANDED = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0), (36, 40, 8))


def write_case(folder, number, geometry=GEOMETRY):
    """A ball (1) on slices 2 to 5 and a rod (2) on slices 3 to 6, as the file counts them."""
    k, j, i = np.mgrid[:8, :40, :36]
    ball = ((j - 12 - number) ** 2 + (i - 12) ** 2 < 50) & (k >= 2) & (k <= 5)
    rod = (abs(j - 29) < 4) & (abs(i - 20 - number) < 9) & (k >= 3) & (k <= 6)
    scan = np.random.default_rng(number).normal(100, 20, k.shape) + 400 * ball + 200 * rod
    for kind, array in (("image", scan.astype(np.int16)), ("mask", (ball + 2 * rod).astype(np.uint8))):
        sitk.WriteImage(geometry.image(array), str(folder / f"case{number}_{kind}.nii.gz"))


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "cases"
    place.mkdir()
    for number in range(4):
        write_case(place, number)
    return place


LABELS = "ball=1,rod=2"


def test_slice_tags_alone_hold_no_mark_and_no_side(folder, tmp_path):
    write_label_file(tmp_path / "labels.json", read(Reading(folder, LABELS)))
    data = json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))
    assert not any("labels" in volume for volume in data["volumes"])
    assert not any("known" in entry for entry in data["classes"])
    assert {key for volume in data["volumes"] for key in volume} == {
        "name", "axis", "numbering", "slices", "size", "tags", "rest_is_absent",
    }  # fmt: skip


def test_sides_are_told_of_the_classes_that_are_named(folder):
    labels = read(Reading(folder, LABELS, sides="rod=left"))
    assert [entry.known.side for entry in labels.classes] == [None, "left"]


@pytest.mark.parametrize("text", ["rod", "rod=up", "=left"])
def test_sides_that_cannot_be_read_are_refused(text):
    with pytest.raises(UserError) as caught:
        parse_sides(text)
    assert caught.value.code == "bad_labels"


def test_the_side_of_an_unknown_class_is_refused(folder):
    with pytest.raises(UserError) as caught:
        read(Reading(folder, LABELS, sides="red=left"))
    assert caught.value.code == "unknown_class"


@pytest.mark.parametrize("gesture", GESTURES)
def test_marks_agree_with_the_tags_and_contradict_nothing(folder, gesture):
    labels = read(Reading(folder, LABELS, gesture=gesture, seed=3))
    assert not [problem for problem in check(labels) if "contradict" in problem.code or "outside" in problem.code]
    for volume in labels.volumes:
        for name in ("ball", "rod"):
            assert (volume.presence(name) == volume.state(name)).all()
            assert [*POINTS.marks(volume, name), *BOXES.marks(volume, name), *PAINTED.slices(volume, name)]


def test_marks_lie_on_the_class_as_a_left_handed_volume_is_held(tmp_path):
    write_case(tmp_path, 0, LEFT_HANDED)
    reading = Reading(tmp_path, LABELS, gesture="point")
    (case,), (volume,) = reading.found_cases(), read(reading).volumes
    assert np.flatnonzero(volume.state("rod") == PRESENT).tolist() == [1, 2, 3, 4]
    for point in POINTS.marks(volume):
        i, j, k = point.voxel
        assert case.labels()[k, j, i] == {"ball": 1, "rod": 2}[point.class_name]


def test_what_is_drawn_are_true_pixels_as_a_left_handed_volume_is_held(tmp_path):
    write_case(tmp_path, 0, LEFT_HANDED)
    (tmp_path / "draw.json").write_text('{"case0": [2, 0], "other": [1]}', encoding="utf-8")
    reading = Reading(tmp_path, LABELS, gesture="box", draw=tmp_path / "draw.json")
    (case,), (volume,) = reading.found_cases(), read(reading).volumes
    assert BOXES.marks(volume) == BOXES.marks(read(Reading(tmp_path, LABELS, gesture="box")).volumes[0])
    # Both classes are on slice 2, none on slice 0.
    for name, value in (("ball", 1), ("rod", 2)):
        ((index, painted),) = PAINTED.slices(volume, name).items()
        assert (index, painted.state) == (2, "drawn")
        assert (painted.pixels == (case.labels()[2] == value)).all()


def test_marks_lie_on_the_slices_that_a_stride_leaves(folder):
    volume = read(Reading(folder, LABELS, gesture="box-every-slice", stride=2)).volumes[0]
    assert (volume.size, volume.n_slices) == ((36, 40, 4), 4)
    assert sorted({box.first[2] for box in BOXES.marks(volume, "ball")}) == [1, 2]


def test_the_same_seed_says_the_same_of_a_scan_whatever_else_is_read(folder):
    reading = Reading(folder, LABELS, gesture="box", seed=5)
    assert read(reading) == read(reading)
    assert read(reading) != read(Reading(folder, LABELS, gesture="box", seed=6))
    first = read(reading).volumes[0]
    assert read(Reading(folder, LABELS, gesture="box", seed=5, cases=1)).volumes == [first]
    alone = read(Reading(folder, "rod=2", gesture="box", seed=5)).volumes[0]
    assert BOXES.marks(alone) == BOXES.marks(first, "rod")


def test_over_the_parts_everyone_has_the_gesture_once_and_all_have_tags(folder):
    boxed = []
    for part in range(3):
        reading = Reading(folder, LABELS, gesture="box", part=part, seed=1)
        labels = read(reading)
        boxed.append({volume.name for volume in labels.volumes if BOXES.marks(volume)})
        assert boxed[-1] == cases_of_part(reading.found_cases(), part, 1)
        assert all((volume.state("ball") == PRESENT).any() for volume in labels.volumes)
    assert sorted(name for names in boxed for name in names) == [f"case{number}" for number in range(4)]
    assert [len(names) for names in boxed] == [2, 1, 1]


def test_all_scans_of_a_patient_are_in_one_part(folder):
    from dataclasses import replace

    cases = [replace(case, patient=f"p{n // 2}") for n, case in enumerate(Reading(folder, LABELS).found_cases())]
    parts = [cases_of_part(cases, part, 0) for part in range(3)]
    assert {"case0", "case1"} in parts
    assert {"case2", "case3"} in parts


def test_the_process_writes_what_the_reader_says(folder, tmp_path):
    reading = Reading(folder, LABELS, gesture="box", sides="rod=left", part=1, seed=2, stride=2)
    out = tmp_path / "with a blank" / "labels.json"
    out.parent.mkdir()
    labels = read_apart(reading, out)
    assert labels == read(reading)
    assert [path.name for path in out.parent.iterdir()] == ["labels.json"]
    assert labels.volumes == read_label_file(out).volumes


def test_the_process_draws_the_slices_of_a_file(folder, tmp_path):
    (tmp_path / "draw.json").write_text('{"case1": [3]}', encoding="utf-8")
    reading = Reading(folder, LABELS, gesture="box", seed=2, draw=tmp_path / "draw.json")
    labels = read_apart(reading, tmp_path / "labels.json")
    assert labels.volumes == read(reading).volumes
    assert [sorted(PAINTED.slices(volume, "rod")) for volume in labels.volumes] == [[], [3], [], []]


def test_a_process_that_fails_says_why(folder, tmp_path):
    with pytest.raises(RuntimeError, match="no class 'red'"):
        read_apart(Reading(folder, LABELS, sides="red=left"), tmp_path / "labels.json")


def test_slice_stack_of_a_box_in_3d_is_on_tagged_slices_of_any_axis():
    mask = np.zeros((30, 30, 30), bool)
    mask[4:20, 5:25, 6:26] = True
    (box,) = boxes_in_3d("bar", mask, "i", chance())
    shown = np.flatnonzero(slice_stack(mask, "i").any(axis=(1, 2)))
    assert (box.first[0], box.last[0]) == (shown[0], shown[-1])
