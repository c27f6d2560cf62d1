"""The reader with prices: he errs as far as it is said, the same again by a seed, and logs each gesture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from faults.label_bench import GEOMETRY, TWO, write_scans
from scipy import ndimage

from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.studies.effort_gestures import changed_length, contour_length, erring_ranges, scribbles, skeleton
from WeakMedSAMLib.studies.effort_log import read_log
from WeakMedSAMLib.studies.effort_prices import PRICES
from WeakMedSAMLib.studies.effort_reader import Asked, play, play_apart


def disc(radius, shape=(80, 90), middle=(40, 45)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 <= radius**2


def test_ends_of_ranges_are_off_by_up_to_two_slices_and_of_each_stretch_something_stays():
    shown = np.zeros(30, bool)
    shown[[0, 1, 2, 10, 20, 21, 22, 23, 24]] = True
    found = [erring_ranges(shown, np.random.default_rng(seed)) for seed in range(200)]
    assert {len(ranges) for ranges in found} == {3}
    assert {first for ranges in found for first, _ in ranges[2:]} == {18, 19, 20, 21, 22}
    assert {last for ranges in found for _, last in ranges[2:]} == {22, 23, 24, 25, 26}
    assert all(0 <= first <= 1 <= last for (first, last), *_ in found)
    assert all(first <= 10 <= last for _, (first, last), _ in found)
    assert found[7] == erring_ranges(shown, np.random.default_rng(7))


def test_a_contour_has_the_length_of_the_line_whatever_the_voxels():
    assert contour_length(disc(30), (1.0, 1.0)) == pytest.approx(2 * np.pi * 30, rel=0.03)
    rows, columns = np.mgrid[:80, :90]
    ellipse = ((rows - 40) * 2.0) ** 2 + (columns - 45) ** 2 <= 30**2
    assert contour_length(ellipse, (2.0, 1.0)) == pytest.approx(2 * np.pi * 30, rel=0.03)
    assert contour_length(np.zeros((9, 9), bool), (1.0, 1.0)) == 0


def test_what_is_to_be_changed_is_the_contour_that_is_wrong_and_false_pieces_go_by_a_click():
    truth = disc(20)
    whole = contour_length(truth, (1.0, 1.0))
    assert changed_length(truth, truth, (1.0, 1.0)) == (0.0, 0)
    assert changed_length(disc(21), truth, (1.0, 1.0))[0] < 0.2 * whole
    assert changed_length(np.zeros_like(truth), truth, (1.0, 1.0)) == (pytest.approx(whole), 0)
    half = truth & (np.arange(80) < 40)[:, None]
    assert 0.4 * whole < changed_length(half, truth, (1.0, 1.0))[0] < 0.6 * whole
    far = disc(5, middle=(8, 8)) | disc(5, middle=(8, 80))
    assert changed_length(truth | far, truth, (1.0, 1.0)) == (0.0, 2)
    assert changed_length(far, np.zeros_like(truth), (1.0, 1.0)) == (0.0, 2)


@pytest.mark.parametrize("mask", [disc(20), disc(20) & ~disc(12), disc(6) | disc(6, middle=(60, 70)), disc(1)])
def test_scribbles_are_connected_inside_and_outside_and_can_be_repeated(mask):
    for seed in range(5):
        pixels = scribbles(mask, np.random.default_rng(seed))
        inside, outside = pixels == 1, pixels == 0
        assert inside.any()
        assert outside.any()
        assert not (inside & ~mask).any()
        assert not (outside & mask).any()
        assert ndimage.label(inside, np.ones((3, 3)))[1] == 1
        assert (pixels == scribbles(mask, np.random.default_rng(seed))).all()


def test_a_scribble_is_four_to_seven_tenths_of_a_skeleton_a_pixel_wide():
    mask = np.zeros((60, 120), bool)
    mask[20:40, 10:110] = True
    line = skeleton(mask)
    assert 60 < line.sum() < 130
    assert not (ndimage.binary_erosion(line, np.ones((2, 2)))).any()
    # Rounded at its ends, the skeleton of the smoothed bar is about 80 pixels long.
    counts = [int((scribbles(mask, np.random.default_rng(seed)) == 1).sum()) for seed in range(20)]
    assert 25 < min(counts) < max(counts) < 75


@pytest.fixture
def asked(tmp_path):
    return Asked(str(write_scans(tmp_path / "balls and rods")), TWO)


def seconds(played):
    return sum(one.seconds for one in played)


def test_tags_are_near_the_truth_and_in_one_scan_two_classes_are_exchanged(asked):
    labels, played = play(replace(asked, says=("tags",), seed=3))
    off = []
    for volume in labels.volumes:
        found = {name: np.flatnonzero(volume.state(name) == PRESENT) for name in ("ball", "rod")}
        ends = [(found["ball"][0], found["ball"][-1]), (found["rod"][0], found["rod"][-1])]
        off.append([abs(one - true) for end, truth in zip(ends, [(2, 5), (3, 6)], strict=True)
                    for one, true in zip(end, truth, strict=True)])  # fmt: skip
    assert 0 < max(max(one) for one in off) <= 3
    gestures = [one.gesture for one in played]
    assert gestures.count("open") == 4
    assert sum(one.amount for one in played if one.gesture == "range-end") == 4 * 2 * 2
    assert gestures.count("class") == 4 * 2
    assert [one.amount for one in played if one.gesture == "review"] == [8.0] * 4
    assert gestures.count("button") == 1


def test_chance_is_that_of_the_seed(asked):
    says = ("tags", "box", "scribble")
    first = play(replace(asked, says=says, seed=1))
    assert first == play(replace(asked, says=says, seed=1))
    assert first[0] != play(replace(asked, says=says, seed=2))[0]


def test_one_scan_tag_of_a_set_is_wrong(asked):
    for seed in range(3):
        labels, _ = play(replace(asked, says=("scan-tags",), seed=seed))
        shown = [value for volume in labels.volumes for value in SCAN_TAGS.shows(volume).values()]
        assert sorted(shown) == [False, *[True] * 7]


@pytest.mark.parametrize(
    ("said", "kind", "gestures"),
    [
        ("point", POINTS, {"point": 8}),
        ("box", BOXES, {"box": 8}),
        ("box-3d", BOXES, {"box": 8, "range-end": 16}),
        ("box-every-slice", BOXES, {"box": 32}),
        ("scribble", PAINTED, {"scribble": 16}),
    ],
)
def test_each_gesture_is_given_and_paid(asked, said, kind, gestures):
    labels, played = play(replace(asked, says=(said,)))
    assert all(kind.said(volume) for volume in labels.volumes)
    for name, amount in gestures.items():
        assert sum(one.amount for one in played if one.gesture == name) == amount
    assert all(one.volume and one.class_name and one.index is not None for one in played if one.gesture in gestures)


def test_slices_drawn_stay_and_only_new_ones_are_paid(asked):
    coarse, first = play(replace(asked, every=(4,)))
    fine, second = play(replace(asked, every=(4, 2), state=1))
    for one, other in zip(coarse.volumes, fine.volumes, strict=True):
        for name in ("ball", "rod"):
            before, now = PAINTED.slices(one, name), PAINTED.slices(other, name)
            assert before.items() <= now.items()
            assert len(before) < 4 or len(now) == len(before)
    drawn = [sum(len(PAINTED.slices(one, name)) for one in labels.volumes for name in ("ball", "rod"))
             for labels in (coarse, fine)]  # fmt: skip
    outlined = [sum(one.gesture == "outline" for one in played) for played in (first, second)]
    assert outlined == [drawn[0], drawn[1] - drawn[0]]


def test_outlining_everything_costs_most_and_nothing_is_left_to_chance(asked):
    labels, played = play(replace(asked, says=("outlines",), seed=1))
    assert played == play(replace(asked, says=("outlines",), seed=2))[1]
    assert seconds(played) > max(seconds(play(replace(asked, says=("tags", said)))[1]) for said in ("box", "scribble"))
    assert not any(PAINTED.said(volume) for volume in labels.volumes)
    (ball, *_) = [one for one in played if one.gesture == "outline"]
    # A disc of 50 pixels, on a screen that 40 mm fill with 20 cm.
    assert ball.amount == pytest.approx(2 * np.pi * np.sqrt(50) * 20 / 40, rel=0.1)
    assert ball.seconds == pytest.approx(ball.amount * PRICES["outline"].seconds)


def test_volume_by_volume_the_others_are_not_looked_at(asked):
    labels, played = play(replace(asked, outlined=("secret2", "secret0"), outlined_before=1, state=1))
    said = {volume.name: volume.is_said() for volume in labels.volumes}
    assert said == {"secret0": True, "secret1": False, "secret2": True, "secret3": False}
    assert {one.volume for one in played if one.gesture == "outline"} == {"secret0"}
    assert {one.volume for one in played if one.gesture == "review"} == {"secret1", "secret3"}


def write_masks(folder, name, change):
    """A label map of the true masks of the first scan, changed."""
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "secret0_mask.nii.gz")))
    change(array)
    sitk.WriteImage(GEOMETRY.image(array), str(folder.parent / name))
    return {"secret0": str(folder.parent / name)}


def test_corrections_are_paid_by_what_is_wrong_and_what_is_right_costs_a_key(asked, tmp_path):
    def spoil(array):
        array[4][array[4] == 1] = 0
        array[5, 36:39, 2:6] = 2

    masks = write_masks(tmp_path / "balls and rods", "masks.nrrd", spoil)
    one = replace(asked, cases=1, says=("tags",), state=1, corrected={"secret0": [4, 5, 3]}, masks=masks)
    labels, played = play(one)
    found = [(each.gesture, each.class_name, each.index) for each in played if each.gesture in ("outline", "erase")]
    assert found == [("outline", "ball", 4), ("erase", "rod", 5)]
    gestures = [each.gesture for each in played]
    assert (gestures.count("fine"), gestures.count("wait"), gestures.count("range-end")) == (3, 1, 0)
    (volume,) = labels.volumes
    assert [list(PAINTED.slices(volume, name)) for name in ("ball", "rod")] == [[3, 4, 5]] * 2


def test_what_an_update_made_wrong_elsewhere_is_paid_too(asked, tmp_path):
    folder = tmp_path / "balls and rods"
    before = write_masks(folder, "before.nrrd", lambda array: None)

    def spoil(array):
        for index in (2, 4):
            array[index][array[index] == 1] = 0

    after = write_masks(folder, "after.nrrd", spoil)
    given = replace(asked, cases=1, says=("tags",), state=1, corrected={"secret0": [4]}, masks=before, updated=after)
    _, played = play(given)
    assert [(one.gesture, one.class_name, one.index) for one in played] == [("handed-on", "ball", 2)]
    assert seconds(played) > 0
    assert play(replace(given, masks=after, updated=before))[1] == []


def test_the_process_writes_labels_and_the_log_beside(asked, tmp_path):
    one = replace(asked, says=("tags", "box"), sides="rod=left", cases=2, seed=4)
    out = tmp_path / "with a blank" / "labels0.json"
    out.parent.mkdir()
    labels, played = play_apart(one, out)
    assert (labels.volumes, played) == (play(one)[0].volumes, read_log(out.with_suffix(".jsonl")))
    assert labels.volumes == read_label_file(out).volumes
    assert [entry.known.side for entry in labels.classes] == [None, None]
