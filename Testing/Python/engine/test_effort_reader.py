"""The reader with prices: he errs as far as it is said, the same again by a seed, and logs each gesture."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from faults.label_bench import GEOMETRY, TWO, write_scans
from scipy import ndimage

from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.confirmed import KIND as CONFIRMED
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.proposals import Proposal
from WeakMedSAMLib.studies.effort_gestures import (
    changed_length,
    contour_length,
    erring_box,
    erring_ranges,
    scribbles,
    skeleton,
)
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


def test_boxes_in_3d_end_beside_the_truth_and_stay_in_what_is_tagged():
    box = Box("ball", (4, 5, 10), (8, 9, 16), complete=True)
    found = [erring_box(box, "k", [(0, 3), (9, 17)], np.random.default_rng(seed)) for seed in range(200)]
    assert {one.first[2] for one in found} == {9, 10, 11, 12}
    assert {one.last[2] for one in found} == {14, 15, 16, 17}
    assert {(one.first[:2], one.last[:2], one.complete) for one in found} == {((4, 5), (8, 9), True)}
    thin = Box("ball", (4, 5, 0), (8, 9, 0))
    for seed in range(50):
        one = erring_box(thin, "k", [(0, 29)], np.random.default_rng(seed))
        assert one.first[2] == 0 <= one.last[2] <= 2
    along_i = erring_box(box, "i", [(4, 8)], np.random.default_rng(3))
    assert (along_i.first[1:], along_i.last[1:]) == ((5, 10), (9, 16))


def test_a_reader_boxes_in_3d_what_he_tagged(asked):
    labels, _ = play(replace(asked, says=("tags", "box-3d"), labels="ball=1"))
    ends = []
    for volume in labels.volumes:
        shown = np.flatnonzero(volume.state("ball") == PRESENT)
        (box,) = BOXES.marks(volume)
        assert shown[0] <= box.first[2] <= box.last[2] <= shown[-1]
        ends += [box.first[2], box.last[2]]
    assert ends != [2, 5] * 4


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


@pytest.fixture
def follow(asked, tmp_path):
    """What a reader does of proposals for the first scan, whose masks are right and whose tags have errors."""
    masks = write_masks(tmp_path / "balls and rods", "masks.nrrd", lambda array: None)

    def go(*proposals, before=(), **more):
        said, _ = play(replace(asked, cases=1, says=("tags",), seed=1))
        (volume,) = said.volumes
        for name, first, last, tag in before:
            volume.set_range(name, first, last, tag)
        write_label_file(tmp_path / "before.json", said)
        given = {"secret0": [asdict(one) for one in proposals]}
        one = replace(asked, cases=1, state=1, masks=masks, proposed=given, before=str(tmp_path / "before.json"))
        labels, played = play(replace(one, **more))
        return labels.volumes[0], [(each.gesture, each.index) for each in played if each.gesture != "review"]

    return go


WHOLE = [("ball", 0, 7, ABSENT), ("ball", 2, 5, PRESENT), ("rod", 0, 7, ABSENT), ("rod", 3, 6, PRESENT)]


def test_a_proposed_slice_is_corrected_and_a_class_boxed_where_it_is(follow):
    edge = Proposal("secret0", "rod", 4, "correct", "outline", 0.5, 0.1, tag=PRESENT)
    place = Proposal("secret0", "ball", 7, "box", "place_unsure", 0.2, 0.5, 4)
    labels, played = follow(place, edge, before=WHOLE)
    assert list(PAINTED.slices(labels, "rod")) == [4]
    assert not PAINTED.slices(labels, "ball")
    (box,) = BOXES.marks(labels)
    assert (box.class_name, box.first[2]) == ("ball", 5)  # the nearest slice that shows it
    assert played == [
        ("open", None), ("button", 7), ("scroll", 5), ("box", 5), ("button", 4), ("fine", 4), ("button", None),
        ("wait", None),
    ]  # fmt: skip
    # A box that is there already says nothing new, and the slice is corrected.
    labels, played = follow(place, replace(place, index=5), before=WHOLE)
    assert len(BOXES.marks(labels)) == 1
    nothing = replace(edge, index=0)
    labels, _ = follow(nothing, before=[*WHOLE, ("rod", 0, 0, PRESENT)])
    assert labels.presence("rod")[0] == ABSENT


def test_doubted_tags_are_answered_rightly_a_slice_at_a_time(follow):
    end = Proposal("secret0", "ball", 6, "tag", "range_end", 0.5, 0.2, 2, PRESENT)
    labels, played = follow(end, before=[*WHOLE, ("ball", 6, 7, PRESENT)])
    # That the sixth does not show it says the same of the seventh.
    assert (labels.presence("ball") == PRESENT).nonzero()[0].tolist() == [2, 3, 4, 5]
    assert [gesture for gesture, _ in played].count("answer") == 1
    right = Proposal("secret0", "ball", 5, "tag", "range_end", 0.5, 0.2, 1, PRESENT)
    labels, _ = follow(right, before=WHOLE)
    assert CONFIRMED.slices(labels, "ball") == {5}


def test_a_range_of_another_class_is_tagged_anew(follow):
    wrong = Proposal("secret0", "ball", 6, "tag", "range", 0.5, 0.2, 2, PRESENT)
    before = [("ball", 0, 7, ABSENT), ("ball", 6, 7, PRESENT)]
    labels, played = follow(wrong, before=before)
    shown = (labels.presence("ball") == PRESENT).nonzero()[0]
    assert shown[0] <= 4
    assert shown[-1] >= 3
    assert [gesture for gesture, _ in played] == [
        "open", "button", "answer", "scroll", "range-end", "button", "wait",
    ]  # fmt: skip


def test_the_process_writes_labels_and_the_log_beside(asked, tmp_path):
    one = replace(asked, says=("tags", "box"), sides="rod=left", cases=2, seed=4, parts=(("secret0", 0, 1),))
    out = tmp_path / "with a blank" / "labels0.json"
    out.parent.mkdir()
    labels, played = play_apart(one, out)
    assert (labels.volumes, played) == (play(one)[0].volumes, read_log(out.with_suffix(".jsonl")))
    assert labels.volumes == read_label_file(out).volumes
    assert [entry.known.side for entry in labels.classes] == [None, None]
