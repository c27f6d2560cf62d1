"""Painted labels at the command line and in runs: from masks, as supervision, and exactly in what comes out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK, make_scans

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import Stage
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.painted import KIND
from WeakMedSAMLib.contract.labels.painted_slice import PLANES
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.results import LABELS
from WeakMedSAMLib.contract.run_folder import RunFolder, is_part
from WeakMedSAMLib.contract.runs import RunSettings
from WeakMedSAMLib.engine.data.geometry import Geometry, plane_axes, slice_stack
from WeakMedSAMLib.engine.data.volumes import read_labels, read_volume, write_volume
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN, UNKNOWN
from WeakMedSAMLib.engine.supervision.supervision import supervise

TABLE = ClassTable.from_names(["ball", "rod"])
SIZE = (8, 7, 5)


def blank(axis="k", size=SIZE, name="one", **values):
    return VolumeLabels(name, None, axis, size["ijk".index(axis)], "slicer", size, **values)


# As supervision


def test_rows_and_columns_are_those_of_the_slices_that_the_engine_cuts():
    assert {axis: plane_axes(axis) for axis in "ijk"} == PLANES


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_known_pixels_are_those_that_were_painted_along_every_axis(axis):
    volume = blank(axis)
    mask = np.random.default_rng(1).integers(0, 2, SIZE[::-1])
    KIND.put(volume, "ball", 1, "drawn", slice_stack(mask, axis)[1])
    found = supervise(volume, TABLE)
    assert np.array_equal(found.known[1][0], slice_stack(mask, axis)[1])
    assert list(found.known) == [1]
    assert found.presence[:2].tolist() == [[UNTAGGED, UNTAGGED], [PRESENT, UNTAGGED]]
    turned = supervise(volume.turned(), TABLE)
    (index,) = turned.known
    assert np.array_equal(turned.known[index][0], slice_stack(mask[::-1], axis)[index])


def test_pixel_by_pixel_drawn_counts_more_than_scribbles_points_boxes_and_tags():
    """From left to right the pixels are said by drawn, a scribble, a point, a complete box; the lower say otherwise."""
    volume = blank(size=(5, 1, 3))
    BOXES.put(volume, [Box("ball", (0, 0, 0), (0, 0, 0), complete=True)])
    POINTS.put(volume, [Point("ball", (at, 0, 0)) for at in (0, 1, 2)])
    KIND.put(volume, "ball", 0, "scribbled", np.array([[0, 0, 255, 255, 255]]))
    KIND.put(volume, "rod", 0, "drawn", np.array([[0, 0, 0, 0, 0]]))
    volume.set("ball", 0, ABSENT)
    known = supervise(volume, TABLE).known[0]
    assert known[0].tolist() == [[NOT_SHOWN, NOT_SHOWN, SHOWN, NOT_SHOWN, NOT_SHOWN]]
    assert known[1].tolist() == [[NOT_SHOWN] * 5]
    KIND.put(volume, "ball", 0, "drawn", np.array([[1, 1, 0, 0, 1]]))
    assert supervise(volume, TABLE).known[0][0].tolist() == [[1, 1, 0, 0, 1]]
    assert supervise(volume, TABLE).presence[0].tolist() == [PRESENT, ABSENT]


def test_a_drawn_pixel_is_none_of_a_scribbled_class_that_excludes_it():
    volume = blank(size=(3, 1, 3))
    KIND.put(volume, "ball", 0, "scribbled", np.array([[1, 1, 255]]))
    KIND.put(volume, "rod", 0, "fine", np.array([[1, 0, 1]]))
    assert supervise(volume, TABLE).known[0].tolist() == [[[0, 1, 0]], [[1, 0, 1]]]
    free = ClassTable.from_json([{"name": "ball", "known": {"sharing": "free"}}, {"name": "rod"}])
    assert supervise(volume, free).known[0].tolist() == [[[1, 1, UNKNOWN]], [[1, 0, 1]]]


def test_its_hash_is_of_what_is_known():
    volume, other = blank(), blank()
    assert supervise(volume, TABLE).painted == ""
    pixels = np.zeros((7, 8))
    KIND.put(volume, "ball", 1, "drawn", pixels)
    KIND.put(volume, "rod", 2, "fine", pixels)
    KIND.put(other, "rod", 2, "drawn", pixels)  # both say the same of pixels
    KIND.put(other, "ball", 1, "drawn", pixels)
    assert supervise(volume, TABLE).painted == supervise(other, TABLE).painted != ""
    pixels[0, 0] = 1
    KIND.put(other, "ball", 1, "drawn", pixels)
    assert supervise(volume, TABLE).painted != supervise(other, TABLE).painted


# At the command line


@pytest.fixture
def mask(scans, tmp_path):
    """The words to read a mask of the first scan, with some unknown voxels, and its voxels."""
    scan = read_volume(scans[0])
    array = (scan.array > 350).astype(np.uint8)
    array[6, :3] = array[7] = 255
    write_volume(tmp_path / "mask.nrrd", array, scan.geometry)
    words = ("tags", "from-mask", "--mask", tmp_path / "mask.nrrd", "--volume", scans[0], "--out", tmp_path / "a.json")
    return (*words, "--kinds", "painted", "--labels"), array


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_every_slice_of_a_mask_is_drawn_and_255_is_unknown(call, mask, tmp_path, axis):
    words, array = mask
    code, out, err = call(*words, "ball=1", "--axis", axis)
    assert (code, err) == (0, "")
    (made,) = read_label_file(tmp_path / "a.json").volumes
    assert made.states == {}
    slices, stack = KIND.slices(made, "ball"), slice_stack(array, axis)
    for index, pixels in enumerate(stack):
        if (pixels == 255).all():
            assert index not in slices
        else:
            assert np.array_equal(slices[index].pixels, pixels)
            assert slices[index].state == ("scribbled" if (pixels == 255).any() else "drawn")
    assert f"{len(slices)} slices painted" in out


@pytest.mark.parametrize(
    ("words", "slices"),
    [(("--slices", "3, 8-9"), [3, 8, 9]), (("--stride", 4), [0, 4, 8]), (("--slices", "4", "--stride", 4), [4])],
)
def test_some_slices_of_a_mask_are_drawn(call, mask, tmp_path, words, slices):
    assert call(*mask[0], "ball=1", *words)[0] == 0
    (made,) = read_label_file(tmp_path / "a.json").volumes
    assert list(KIND.slices(made, "ball")) == slices


def test_255_that_is_a_class_is_known(call, mask, tmp_path):
    assert call(*mask[0], "ball=1,rest=255")[0] == 0
    (made,) = read_label_file(tmp_path / "a.json").volumes
    assert KIND.in_words(made, "rest") == KIND.in_words(made, "ball") == "drawn 0-9"
    assert np.array_equal(KIND.slices(made, "rest")[6].pixels, mask[1][6] == 255)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ball=1", "--slices", "3,x"), "'x' is no slice and no range"),
        (("ball=1", "--slices", "5-3"), "'5-3' is no slice"),
        (("ball=1", "--slices", "10"), "no slice 10 along k."),
        (("ball=1", "--slices", "3", "--kinds", "tags"), "Add --kinds painted"),
        (("ball=1,rod=7",), "holds nothing of 'rod' (7). Values that are there: 1, 255"),
        (("ball=Ball",), "label map without names of segments"),
    ],
)
def test_what_is_not_in_the_mask_is_refused_with_its_values(call, mask, words, said):
    code, _, err = call(*mask[0], *words)
    assert (code, said in err) == (2, True), err


def test_they_are_shown_checked_converted_and_merged(call, mask, scans, tag_file, tmp_path):
    assert call(*mask[0], "ball=1", "--slices", "2-4,6")[0] == 0
    code, out, _ = call("tags", "show", tmp_path / "a.json")
    assert (code, "4 slices painted" in out) == (0, True)
    assert "  ball: painted: drawn 2-4; scribbled 6\n" in out
    code, _, err = call("tags", "convert", tmp_path / "a.json", tmp_path / "a.csv")
    assert (code, "'painted' are left out" in err) == (0, True)
    (tmp_path / "b").mkdir()
    assert call("tags", "convert", tmp_path / "a.json", tmp_path / "b/b.json")[0] == 0
    assert read_label_file(tmp_path / "b/b.json").volumes == read_label_file(tmp_path / "a.json").volumes
    tags = read_label_file(tag_file)
    tags.volumes[0].set("ball", 4, ABSENT)
    write_label_file(tag_file, tags)
    words = ("--volume", scans[0], "--out", tmp_path / "all.json")
    code, _, err = call("tags", "merge", tag_file, tmp_path / "a.json", *words)
    assert (code, "'painted' count, not those of the kind 'slice_tags'" in err) == (0, True), err
    merged = read_label_file(tmp_path / "all.json").volumes[0]
    assert KIND.in_words(merged, "ball") == "drawn 2-4; scribbled 6"
    assert merged.stated("ball")[7] == PRESENT
    code, out, err = call("tags", "check", tmp_path / "all.json")
    assert (code, "'painted' count" in out) == (0, True), err
    (tmp_path / "labels/000.nrrd").unlink()
    code, _, err = call("tags", "check", tmp_path / "a.json")
    assert (code, "000.nrrd is missing" in err, "Copy the folder 'labels' along with a.json" in err) == (2, True, True)


def test_two_files_that_differ_are_told_with_the_number_of_pixels(call, mask, scans, tmp_path):
    assert call(*mask[0], "ball=1", "--slices", "2-4")[0] == 0
    first = read_label_file(tmp_path / "a.json")
    other = replace(first.volumes[0])
    pixels = KIND.slices(other, "ball")[3].pixels.copy()
    pixels[0, :4] = 1
    KIND.put(other, "ball", 3, "drawn", pixels)
    write_label_file(tmp_path / "other.json", CohortLabels(first.classes, [other]))
    code, _, err = call("tags", "merge", tmp_path / "a.json", tmp_path / "other.json", "--out", tmp_path / "all.json")
    assert (code, "different things of 4 places" in err) == (0, True), err
    assert read_label_file(tmp_path / "all.json").volumes == [other]


def test_a_class_of_which_every_slice_is_seen_is_reviewed(call, scans, tmp_path):
    volume = blank(size=(20, 24, 10), name="scan 0")
    for index in range(10):
        KIND.put(volume, "ball", index, "fine", np.zeros((24, 20)))
    write_label_file(tmp_path / "a.json", CohortLabels(TABLE, [volume]))
    assert (
        "  ball: painted: fine 0-9; reviewed: every slice is drawn or fine"
        in call("tags", "show", tmp_path / "a.json")[1]
    )


@pytest.mark.parametrize("axis", ["i", "k"])
def test_pixels_of_a_left_handed_file_stay_at_their_place_in_the_body(call, scans, tmp_path, axis):
    """Counted in the order of the file, which 3D Slicer reverses; the run is given them in the order that it stores."""
    scan = read_volume(scans[0])
    placing = Geometry((3.0, -7.0, 20.0), (1.5, 2.0, 4.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0), (20, 24, 10))
    write_volume(tmp_path / "scan 0.nrrd", scan.array, placing)
    volume = replace(blank(axis, (20, 24, 10), "scan 0"), numbering="file")
    drawn = scan.array > 350
    KIND.put(volume, "ball", 4, "drawn", slice_stack(drawn, axis)[4])
    write_label_file(tmp_path / "a.json", CohortLabels(TABLE, [volume]))
    held = read_volume(tmp_path / "scan 0.nrrd").array > 350
    assert np.array_equal(held, drawn[::-1])
    code, _, err = call(
        "tags", "convert", tmp_path / "a.json", tmp_path / "b.json", "--volume", tmp_path / "scan 0.nrrd"
    )
    assert code == 0, err
    (turned,) = read_label_file(tmp_path / "b.json").volumes
    ((index, one),) = KIND.slices(turned, "ball").items()
    assert (turned.numbering, index) == ("slicer", 5 if axis == "k" else 4)
    assert np.array_equal(one.pixels, slice_stack(held, axis)[index])


def test_segment_takes_them_beside_tags(call, mask, tag_file, scans, tmp_path):
    assert call(*mask[0], "ball=1", "--slices", "3-4,6")[0] == 0
    volumes = [word for scan in scans for word in ("--volume", scan)]
    words = ("--tags", tag_file, "--tags", tmp_path / "a.json", "--out", tmp_path / "m", "--classes", "ball")
    code, _, err = call("segment", *volumes, *words)
    assert code == 0, err
    (folder,) = (tmp_path / "m").glob("run-*")
    given = read_label_file(RunFolder(folder).tags).volumes[0]
    assert KIND.in_words(given, "ball") == "drawn 3-4; scribbled 6"
    assert given.state("ball")[5] == PRESENT
    assert [path.name for path in RunFolder(folder).label_pixels.iterdir()] == ["000.nrrd"]
    assert all(is_part(path.name) for path in folder.iterdir())


# In runs


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_scans(tmp_path_factory.mktemp("scans"))


def ran(out, scans, volumes):
    """Label maps by number of the scan, and what each stage did."""
    settings = RunSettings(device="cpu", backbone=NAME, overrides=QUICK)
    places = make_run(out / "run", scans, CohortLabels(TABLE, volumes), settings)
    events = []
    with one_thread():
        run_folder(places.path, report=events.append, cache_root=out / "cache")
    found = [read_labels(folder / LABELS)[0] for folder in sorted(places.path.glob("results/*"))]
    return found, {one.stage: one.state for one in events if isinstance(one, Stage)}


def tagged(number):
    volume = blank(size=(36, 40, 7), name=f"scan {number}")
    for name, slices in (("ball", ((2, 4), (1, 4))), ("rod", ((3, 5), (4, 5)))):
        volume.tag_range(name, *slices[number])
    return volume


def test_known_pixels_are_exact_in_masks_and_an_edit_of_one_is_learned_anew(tiny, tmp_path):
    first = tagged(0)
    drawn = np.zeros((40, 36), np.uint8)
    drawn[8:20, 6:19:2] = 1  # no network draws stripes
    KIND.put(first, "ball", 3, "drawn", drawn)
    KIND.put(first, "ball", 4, "drawn", np.zeros_like(drawn))  # though it is tagged present
    KIND.put(first, "rod", 0, "scribbled", np.where(drawn == 1, 1, 255))
    (label_map, _), _ = ran(tmp_path, tiny, [first, tagged(1)])
    assert np.array_equal(label_map[3] == 1, drawn == 1)
    assert not (label_map[4] == 1).any()
    assert (label_map[0][drawn == 1] == 2).all()
    again, stages = ran(tmp_path, tiny, [first, tagged(1)])
    assert {stages[name] for name in ("classifier", "pseudo-masks", "segmenter-1")} == {"reused"}
    assert np.array_equal(again[0], label_map)
    drawn[8, 6] = 0  # less than a cell of the classifier
    KIND.put(first, "ball", 3, "drawn", drawn)
    edited, stages = ran(tmp_path, tiny, [first, tagged(1)])
    assert stages["projection"] == "reused"
    assert stages["pseudo-masks"] == "finished"
    assert np.array_equal(edited[0][3] == 1, drawn == 1)


def test_painted_slices_alone_are_enough_for_masks_of_all_volumes(tiny, tmp_path):
    scan = read_volume(tiny[0]).array
    volume = blank(size=(36, 40, 7), name="scan 0")
    for name, index, low, high in (("ball", 3, 650, 2000), ("rod", 4, 450, 650)):
        mask = (scan[index] > low) & (scan[index] < high)
        KIND.put(volume, name, index, "drawn", mask)
    masks, _ = ran(tmp_path, tiny, [volume])
    assert len(masks) == 2
    assert np.array_equal(masks[0][3] == 1, KIND.slices(volume, "ball")[3].pixels == 1)
