"""Label maps and segmentations among label files: painted labels wherever labels are read."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.painted import KIND
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.engine.data.geometry import Geometry, slice_stack
from WeakMedSAMLib.engine.data.segmentation_nrrd import segmentation_header
from WeakMedSAMLib.engine.data.volumes import read_volume, write_nrrd, write_volume

TABLE = ClassTable.from_json([{"name": "ball", "label_value": 3}, {"name": "rod", "label_value": 5}])


@pytest.fixture
def scan(scans):
    return read_volume(scans[0])


@pytest.fixture
def drawn(scan):
    """The ball as drawn on slices 3 to 5: bool, k x j x i."""
    mask = scan.array > 350
    mask[:3] = mask[6:] = False
    assert all(mask[index].any() for index in (3, 4, 5))
    return mask


def segmentation(path, scan, names, layers):
    """A .seg.nrrd of segments that do not overlap."""
    table = ClassTable.from_names(names)
    labels = sum(np.uint8(n + 1) * layer for n, layer in enumerate(layers)).astype(np.uint8)
    write_nrrd(path, labels, scan.geometry, segmentation_header(table, scan.geometry, {}))
    return path


def painted(file, name="ball", volume=0):
    return KIND.slices(read_label_file(file).volumes[volume], name)


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_segments_become_the_classes_of_their_names(call, scan, scans, drawn, tmp_path, axis):
    file = segmentation(tmp_path / "a.seg.nrrd", scan, ["ball", "stone"], [drawn, drawn & False])
    words = (file, tmp_path / "out.json", "--volume", scans[0], "--axis", axis)
    code, _, err = call("tags", "convert", *words)
    assert code == 0
    assert "has nothing of 'stone'" in err
    made = read_label_file(tmp_path / "out.json")
    assert (made.classes.names, made.volumes[0].sha256) == (["ball"], scan.sha256)
    stack = slice_stack(drawn, axis)
    assert [one.state for one in painted(tmp_path / "out.json").values()] == ["drawn"] * len(stack)
    assert all(np.array_equal(one.pixels, stack[index]) for index, one in painted(tmp_path / "out.json").items())


def test_which_slices_count_is_told_and_said(call, scan, scans, drawn, tmp_path):
    file = segmentation(tmp_path / "a.seg.nrrd", scan, ["ball"], [drawn])
    code, out, err = call("tags", "show", file, "--volume", scans[0])
    assert (code, "'ball' is drawn on 3-5, drawn empty, so absent, on 7 slices" in err) == (0, True), err
    assert "--slices shown" in err
    assert "painted: drawn 0-9" in out
    code, out, err = call("tags", "show", file, "--volume", scans[0], "--slices", "shown")
    assert (code, "painted: drawn 3-5" in out, "empty" in err) == (0, True, False), err
    assert "painted: drawn 1, 4" in call("tags", "show", file, "--slices", "1,4")[1]
    code, _, err = call("tags", "check", file, "--volume", scans[0], "--slices", "10")
    assert (code, "no slice 10" in err) == (2, True)
    code, _, err = call("tags", "check", file, "--slices", "3 to 5")
    assert (code, "Write them like 3,8-10, or shown" in err) == (2, True)


def test_a_label_map_goes_by_the_values_of_the_classes_or_by_what_is_said(call, scan, scans, drawn, tmp_path):
    labels = np.where(drawn, 3, 0).astype(np.uint8)
    labels[4, :2], labels[8] = 255, 7
    write_volume(tmp_path / "map.nrrd", labels, scan.geometry)
    write_label_file(tmp_path / "classes.json", CohortLabels(TABLE))
    words = ("--volume", scans[0], "--out", tmp_path / "out.json")
    code, _, err = call("tags", "merge", tmp_path / "classes.json", tmp_path / "map.nrrd", *words)
    assert (code, "no class has the label value 7" in err) == (0, True), err
    assert "scribbled on 4" in err
    found = painted(tmp_path / "out.json")
    assert [index for index, one in found.items() if one.state == "scribbled"] == [4]
    assert np.array_equal(found[4].pixels, np.where(labels[4] == 255, 255, drawn[4]))
    assert read_label_file(tmp_path / "out.json").classes == TABLE
    code, _, err = call("tags", "convert", tmp_path / "map.nrrd", tmp_path / "b.json", "--labels", "ball=3,stone=7")
    assert (code, painted(tmp_path / "b.json", "stone")[8].pixels.all()) == (0, True), err
    code, _, err = call("tags", "convert", tmp_path / "map.nrrd", tmp_path / "b.json")
    assert (code, "does not say which class its values are: 3, 7, 255" in err, "--labels" in err) == (2, True, True)
    code, _, err = call("tags", "check", tmp_path / "map.nrrd", "--labels", "ball=4")
    assert (code, "holds nothing of 'ball' (4)" in err) == (2, True)


def test_scribbles_are_a_segment_and_one_called_not(call, scan, scans, drawn, tmp_path):
    elsewhere = np.zeros_like(drawn)
    elsewhere[4, :2] = True
    elsewhere &= ~drawn
    file = segmentation(tmp_path / "a.seg.nrrd", scan, ["Ball", "not ball"], [drawn, elsewhere])
    write_label_file(tmp_path / "classes.json", CohortLabels(TABLE))
    words = ("--volume", scans[0], "--out", tmp_path / "out.json")
    assert call("tags", "merge", tmp_path / "classes.json", file, *words)[0] == 0
    found = painted(tmp_path / "out.json")
    assert read_label_file(tmp_path / "out.json").classes == TABLE
    assert {index: one.state for index, one in found.items()} == dict.fromkeys((3, 4, 5), "scribbled")
    assert np.array_equal(found[4].pixels, np.where(drawn[4], 1, np.where(elsewhere[4], 0, 255)))
    assert call("tags", "convert", file, *words[:2], tmp_path / "named.json", "--labels", "stone=Ball")[0] == 0
    assert painted(tmp_path / "named.json", "stone") == found
    file = segmentation(tmp_path / "b.seg.nrrd", scan, ["not rod"], [elsewhere])
    assert call("tags", "merge", tmp_path / "classes.json", file, *words)[0] == 0
    found = painted(tmp_path / "out.json", "rod")
    assert (list(found), found[4].shows) == ([4], False)


def test_what_does_not_lie_on_the_volume_is_refused_with_its_name(call, scan, scans, drawn, tmp_path):
    other = Geometry((3.0, 5.0, 7.0), (9.0, 1.0, 1.0), scan.geometry.direction, scan.geometry.size)
    write_nrrd(tmp_path / "a.seg.nrrd", drawn.astype(np.uint8), other, segmentation_header(TABLE, other, {}))
    code, _, err = call("tags", "convert", tmp_path / "a.seg.nrrd", tmp_path / "out.json", "--volume", scans[0])
    assert (code, "a.seg.nrrd" in err, "lies elsewhere" in err) == (2, True, True), err
    empty = segmentation(tmp_path / "b.seg.nrrd", scan, ["ball"], [drawn & False])
    code, _, err = call("tags", "check", empty)
    assert (code, "Nothing is drawn in" in err) == (2, True)
    file = segmentation(tmp_path / "liver.seg.nrrd", scan, ["ball"], [drawn])
    code, _, err = call("tags", "check", file, "--volume", scans[0], "--volume", scans[1])
    assert (code, "Which volume" in err, "scan 0.seg.nrrd" in err) == (2, True, True), err


def test_segments_of_one_name_are_refused_and_may_be_joined(call, scan, scans, drawn, tmp_path):
    upper, lower = drawn.copy(), drawn.copy()
    upper[4:], lower[:4] = False, False
    file = segmentation(tmp_path / "a.seg.nrrd", scan, ["Ball", "ball"], [upper, lower])
    words = ("tags", "convert", file, tmp_path / "out.json", "--volume", scans[0])
    code, _, err = call(*words)
    assert (code, "'Ball' and 'ball'" in err, '--labels "ball=Ball+ball"' in err) == (2, True, True), err
    assert call(*words, "--labels", "ball=Ball+ball")[0] == 0
    assert np.array_equal([one.pixels for one in painted(tmp_path / "out.json").values()], drawn)


def test_a_class_that_one_of_several_label_maps_lacks_is_absent_there(call, scan, scans, drawn, tmp_path):
    write_volume(tmp_path / "scan 0.nrrd", drawn.astype(np.uint8), scan.geometry)
    write_volume(tmp_path / "scan 1.nrrd", np.where(drawn, 2, 0).astype(np.uint8), scan.geometry)
    maps = (tmp_path / "scan 0.nrrd", tmp_path / "scan 1.nrrd")
    words = ("--volume", scans[0], "--volume", scans[1], "--out", tmp_path / "out.json", "--labels")
    code, _, err = call("tags", "merge", *maps, *words, "ball=1,stone=2")
    assert (code, "'stone' is drawn empty, so absent, on 10 slices" in err) == (0, True), err
    assert not any(one.shows for one in painted(tmp_path / "out.json", "stone").values())
    assert any(one.shows for one in painted(tmp_path / "out.json", "stone", 1).values())
    code, _, err = call("tags", "merge", *maps, *words, "ball=1,stone=3")
    assert (code, "'stone' (3)" in err) == (2, True), err


@pytest.mark.parametrize("option", [("--slices", "3"), ("--labels", "ball=1")])
def test_how_masks_are_read_is_not_said_in_vain(call, scans, tag_file, tmp_path, option):
    words = ("--volume", scans[0], "--out", tmp_path / "m")
    code, _, err = call("segment", *words, "--tags", tag_file, *option)
    assert (code, f"{option[0]} says how a mask is read" in err, str(tag_file) in err) == (2, True, True), err
    assert not (tmp_path / "m").exists()


def test_segment_takes_what_is_drawn_beside_tags(call, scan, scans, tag_file, drawn, tmp_path):
    file = segmentation(tmp_path / "scan 0.seg.nrrd", scan, ["ball"], [drawn])
    volumes = [word for path in scans for word in ("--volume", path)]
    words = ("--tags", tag_file, "--tags", file, "--slices", "4", "--out", tmp_path / "m", "--classes", "ball")
    code, _, err = call("segment", *volumes, *words)
    assert (code, "'ball' is drawn on 4." in err) == (0, True), err
    (folder,) = (tmp_path / "m").glob("run-*")
    found = painted(RunFolder(folder).tags)
    assert list(found) == [4]
    assert np.array_equal(found[4].pixels, drawn[4])
    assert painted(RunFolder(folder).tags, volume=1) == {}


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
def test_what_is_drawn_on_a_left_handed_scan_lies_where_it_was_drawn(call, scan, drawn, tmp_path, suffix):
    placing = Geometry((3.0, -7.0, 20.0), (1.5, 2.0, 4.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0), (20, 24, 10))
    write_volume(tmp_path / "a.nrrd", scan.array, placing)
    SimpleITK.WriteImage(placing.image(drawn.astype(np.uint8)), str(tmp_path / f"drawn{suffix}"))
    words = ("convert", tmp_path / f"drawn{suffix}", tmp_path / "out.json", "--volume", tmp_path / "a.nrrd")
    assert call("tags", *words, "--labels", "ball=1")[0] == 0
    shown = read_volume(tmp_path / "a.nrrd").array > 350
    assert np.array_equal(painted(tmp_path / "out.json")[5].pixels, drawn[9 - 5] & shown[5])


def test_what_is_read_of_a_file_is_what_from_mask_makes_of_it(call, scan, scans, drawn, tmp_path):
    file = segmentation(tmp_path / "a.seg.nrrd", scan, ["ball"], [drawn])
    words = ("--volume", scans[0], "--out", tmp_path / "made.json", "--kinds", "painted")
    assert call("tags", "from-mask", "--mask", file, "--labels", "ball", *words)[0] == 0
    assert call("tags", "convert", file, tmp_path / "read.json", "--volume", scans[0])[0] == 0
    made, read = (read_label_file(tmp_path / name).volumes for name in ("made.json", "read.json"))
    assert made == read
    assert isinstance(read[0], VolumeLabels)
