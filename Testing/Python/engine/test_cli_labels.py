"""The command line on labels of every kind: points, boxes, knowledge, and several files as one."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.engine.cli.label_files import read_label_files
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import read_volume, write_volume

TABLE = ClassTable.from_json([{"name": "ball", "known": {"side": "left", "pieces": "one"}}, {"name": "rod"}])


@pytest.fixture
def marks(scans, tmp_path):
    """Points and boxes of the first scan in a file, and its size."""
    scan = read_volume(scans[0])
    volume = VolumeLabels("scan 0", scan.sha256, "k", 10, "slicer", scan.geometry.size)
    POINTS.put(volume, [Point("ball", (5, 6, 5)), Point("ball", (0, 0, 5), shows=False)])
    BOXES.put(volume, [Box("ball", (2, 3, 4), (9, 8, 4), complete=True), Box("rod", (0, 0, 0), (1, 1, 2))])
    write_label_file(tmp_path / "marks.json", CohortLabels(TABLE, [volume]))
    return volume, tmp_path / "marks.json"


def test_everything_is_shown(call, marks):
    code, out, _ = call("tags", "show", marks[1])
    assert code == 0
    assert "ball (label 1): 0 present, 0 absent, 10 untagged, 2 points, 1 box" in out
    assert "  known: left side, one piece" in out
    assert "  ball: boxes around all of it on 4; points on 5; points at what it is not on 5" in out
    assert "  rod: boxes on 0-2" in out


def test_marks_go_to_slicer_and_back_with_their_scan(call, marks, scans, tmp_path):
    volume, file = marks
    target = tmp_path / "out.mrk.json"
    code, _, err = call("tags", "convert", file, target)
    assert (code, "volume_needed" in err or "scan" in err) == (2, True)
    code, _, err = call("tags", "convert", file, target, "--volume", scans[0])
    assert (code, "'known'" in err) == (0, True)
    assert [entry["type"] for entry in json.loads(target.read_text())["markups"]] == ["Fiducial", "ROI", "ROI"]
    code, _, err = call("tags", "convert", target, tmp_path / "back.json", "--volume", scans[0])
    assert (code, err) == (0, "")
    back = read_label_file(tmp_path / "back.json")
    assert back.volumes == [volume]
    assert back.classes.names == ["ball", "rod"]
    assert call("tags", "show", target, "--volume", scans[0])[1].count("boxes around all of it on 4") == 1
    assert call("tags", "convert", target, tmp_path / "j.json", "--volume", scans[0], "--axis", "j")[0] == 0
    assert read_label_file(tmp_path / "j.json").volumes[0].axis == "j"


def test_a_markups_file_is_of_one_volume(call, marks, scans, tmp_path):
    volumes = ("--volume", scans[0], "--volume", scans[1])
    assert "one volume" in call("tags", "convert", marks[1], tmp_path / "a.mrk.json", *volumes)[2]
    code, _, err = call("tags", "convert", marks[1], tmp_path / "a.mrk.json", "--volume", scans[1])
    assert (code, "no labels of" in err, "'scan 0'" in err) == (2, True, True)
    other = CohortLabels(TABLE, [marks[0], VolumeLabels("scan 1", states={"rod": np.ones(3, np.int8)})])
    write_label_file(tmp_path / "both.json", other)
    code, _, err = call("tags", "convert", tmp_path / "both.json", tmp_path / "a.mrk.json", "--volume", scans[0])
    assert (code, "left out are those of 'scan 1'" in err) == (0, True)


def test_which_volume_markups_are_of_is_said_by_their_name(call, marks, scans, tmp_path):
    call("tags", "convert", marks[1], tmp_path / "scan 0.mrk.json", "--volume", scans[0])
    cohort, problems = read_label_files([tmp_path / "scan 0.mrk.json"], scans)
    assert (cohort.volumes, problems) == ([marks[0]], [])
    (tmp_path / "liver.mrk.json").write_bytes((tmp_path / "scan 0.mrk.json").read_bytes())
    with pytest.raises(UserError, match=r"liver.mrk.json.*'scan 0'.*scan 0.mrk.json.*tags convert") as caught:
        read_label_files([tmp_path / "liver.mrk.json"], scans)
    assert caught.value.code == "markups_of_which_volume"


def test_files_are_merged_and_contradictions_told(call, marks, tag_file, scans, tmp_path):
    call("tags", "convert", marks[1], tmp_path / "scan 0.mrk.json", "--volume", scans[0])
    out = tmp_path / "all.json"
    volumes = ("--volume", scans[0], "--volume", scans[1])
    code, said, err = call("tags", "merge", tag_file, marks[1], tmp_path / "scan 0.mrk.json", "--out", out, *volumes)
    assert code == 0
    assert "2 volumes" in said
    assert "by name alone" in err  # the tags carry no hash
    first, second = read_label_file(out).volumes
    assert (POINTS.marks(first), BOXES.marks(first)) == (POINTS.marks(marks[0]), BOXES.marks(marks[0]))
    assert [volume.state("ball").tolist() for volume in (first, second)] == [[0] * 3 + [1] * 5 + [0] * 2] * 2
    assert read_label_file(out).classes[0].known == TABLE[0].known
    tags = read_label_file(tag_file)
    tags.volumes[0].set("ball", 4, 0)
    write_label_file(tmp_path / "other.csv", tags)
    code, _, err = call("tags", "merge", out, tmp_path / "other.csv", "--out", tmp_path / "b.json", *volumes)
    assert "class 'ball' is tagged in two ways on slices 4. The later file counts." in err
    assert read_label_file(tmp_path / "b.json").volumes[0].state("ball")[4] == 0


@pytest.mark.parametrize("is_tagged_later", [False, True])
def test_merging_tells_where_a_box_and_a_tag_contradict_each_other(call, marks, tmp_path, is_tagged_later):
    volume = VolumeLabels("scan 0", marks[0].sha256, "k", 10, "slicer", marks[0].size)
    volume.set("ball", 4, 0)
    write_label_file(tmp_path / "absent.json", CohortLabels(TABLE, [volume]))
    files = [marks[1], tmp_path / "absent.json"][:: 1 if is_tagged_later else -1]
    code, _, err = call("tags", "merge", *files, "--out", tmp_path / "all.json")
    assert code == 0
    assert "contradict each other on slices 4; those of the kind 'boxes' count" in err


def test_markups_to_write_ask_for_their_scan_alone(call, marks, tmp_path):
    code, _, err = call("tags", "convert", marks[1], tmp_path / "out.mrk.json")
    assert code == 2
    assert "Give the scan too: --volume SCAN" in err


def test_merging_without_scans_asks_for_them_where_it_must(call, marks, tag_file, tmp_path):
    code, _, err = call("tags", "merge", tag_file, marks[1], "--out", tmp_path / "all.json")
    assert (code, "--volume" in err) == (2, True)
    tags = read_label_file(tag_file)
    counted = [replace(volume, numbering="slicer") for volume in tags.volumes]
    write_label_file(tag_file, CohortLabels(tags.classes, counted))
    assert call("tags", "merge", tag_file, marks[1], "--out", tmp_path / "all.json")[0] == 0
    assert len(POINTS.marks(read_label_file(tmp_path / "all.json").volumes[0])) == 2


def test_checking_tells_sides_and_contradictions(call, marks, scans, tmp_path):
    volume, file = marks
    assert read_volume(scans[0]).geometry.axes[0, 0] < 0  # the last columns are on the patient's right
    right = Point("ball", (18, 12, 5))
    volume = replace(volume, states={"ball": np.zeros(10, np.int8)})
    POINTS.put(volume, [right])
    write_label_file(file, CohortLabels(TABLE, [volume]))
    code, out, _ = call("tags", "check", file, "--volume", scans[0])
    assert code == 0
    assert "A point of class 'ball' in 'scan 0', slice 5, lies on the other side" in out
    assert "those of the kind 'points' count, not those of the kind 'slice_tags'" in out
    assert "other side" not in call("tags", "check", file)[1]


def test_labels_of_every_kind_come_from_a_mask(call, scans, tmp_path):
    scan = read_volume(scans[0])
    mask = np.zeros(scan.geometry.shape, np.uint8)
    mask[4, 2:9, 3:8] = mask[4, 12:14, 1] = mask[4, 9, 8] = 1  # two pieces: one pixel touches the first by a corner
    mask[6, 2:4, 3:8] = 1
    write_volume(tmp_path / "mask.nrrd", mask, scan.geometry)
    words = ("tags", "from-mask", "--mask", tmp_path / "mask.nrrd", "--volume", scans[0], "--labels", "ball=1,rod=2")
    for kinds in ("tags,boxes,points", "boxes"):
        code, _, err = call(*words[:-1], "ball=1", "--out", tmp_path / "made.json", "--kinds", kinds)
        assert code == 0
        (made,) = read_label_file(tmp_path / "made.json").volumes
        assert BOXES.marks(made) == (
            Box("ball", (3, 2, 4), (8, 9, 4), complete=True),
            Box("ball", (1, 12, 4), (1, 13, 4), complete=True),
        )
    assert (POINTS.marks(made), made.states, err) == ((), {}, "")
    assert call(*words[:-1], "ball=1", "--out", tmp_path / "made.json", "--kinds", "points, tags")[0] == 0
    (made,) = read_label_file(tmp_path / "made.json").volumes
    assert POINTS.marks(made) == (Point("ball", (5, 4, 4)),)
    assert made.state("ball").tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    code, _, err = call(*words, "--out", tmp_path / "made.json", "--kinds", "boxes,pictures")
    assert (code, "'pictures' is no kind" in err) == (2, True)


def test_scan_tags_from_masks_say_what_each_scan_shows(call, scans, tmp_path):
    read = [read_volume(scan) for scan in scans[:2]]
    masks = [np.zeros(scan.geometry.shape, np.uint8) for scan in read]
    masks[0][4, 2:9, 3:8], masks[0][5, 2, 3], masks[1][3, 2:9, 3:8] = 1, 2, 3
    words = ["tags", "from-mask", "--kinds", "scan_tags", "--out", tmp_path / "made.json"]
    for number, scan in enumerate(scans[:2]):
        words += ["--mask", tmp_path / f"mask{number}.nrrd", "--volume", scan]

    def made(*more):
        for number, (mask, scan) in enumerate(zip(masks, read, strict=True)):
            write_volume(tmp_path / f"mask{number}.nrrd", mask, scan.geometry)
        code, _, err = call(*words, "--labels", "ball=1,rod=2,cube=3", *more)
        assert code == 0, err
        volumes = read_label_file(tmp_path / "made.json").volumes
        assert not any(one.states for one in volumes)
        return [SCAN_TAGS.shows(one) for one in volumes], err

    lacking = {"ball": False, "rod": False, "cube": True}
    found, told = made()
    assert found == [{"ball": True, "cube": False}, lacking]
    assert "mask0.nrrd shows 'rod' (2), but on no slice that counts as present" in told
    masks[0][0, 0, 0] = 255
    assert made("--min-pixels", 1)[0] == [{"ball": True, "rod": True}, lacking]  # a cube may lie in what is not known


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_marks_from_a_mask_lie_within_it_along_every_axis(call, scans, tmp_path, axis):
    scan = read_volume(scans[0])
    write_volume(tmp_path / "mask.nrrd", (scan.array > 350).astype(np.uint8), scan.geometry)
    words = ("tags", "from-mask", "--mask", tmp_path / "mask.nrrd", "--volume", scans[0], "--labels", "ball=1")
    assert call(*words, "--out", tmp_path / "a.json", "--axis", axis, "--kinds", "boxes,points")[0] == 0
    (made,) = read_label_file(tmp_path / "a.json").volumes
    inside = (scan.array > 350).transpose()  # i, j, k
    (point,) = POINTS.marks(made)
    assert inside[point.voxel]
    index = "ijk".index(axis)
    assert {box.first[index] for box in BOXES.marks(made)} == {point.voxel[index]}
    assert made.presence("ball")[point.voxel[index]] == 1


def test_segment_takes_several_files(call, marks, tag_file, scans, tmp_path):
    call("tags", "convert", marks[1], tmp_path / "scan 0.mrk.json", "--volume", scans[0])
    volumes = [word for scan in scans for word in ("--volume", scan)]
    words = ("--tags", tag_file, "--tags", tmp_path / "scan 0.mrk.json", "--out", tmp_path / "m", "--classes", "ball")
    code, _, err = call("segment", *volumes, *words)
    assert (code, "by name alone" in err) == (0, True)
    (folder,) = (tmp_path / "m").glob("run-*")
    first = read_label_file(RunFolder(folder).tags).volumes[0]
    assert POINTS.marks(first) == POINTS.marks(marks[0])
    assert first.state("ball")[3] == 1


@pytest.fixture
def model(monkeypatch):
    """The option that names a model of the ball, trained along j; what is made with it is left undone."""
    monkeypatch.setattr("WeakMedSAMLib.engine.cli.apply.perform", lambda *arguments, **options: None)
    monkeypatch.setattr("WeakMedSAMLib.engine.runs.maker.model_folder", lambda path: path)
    trained = SimpleNamespace(classes=TABLE.with_names({"ball": "ball"}), axis="j", reads_features=False)
    monkeypatch.setattr("WeakMedSAMLib.engine.methods.registry.load_model", lambda path: trained)
    return "--model", "."


def test_apply_takes_several_files_of_every_kind(call, model, marks, tag_file, scans, tmp_path):
    volume, _ = marks
    POINTS.put(volume, [Point("ball", (5, 6, 5))])
    BOXES.put(volume, [Box("ball", (2, 3, 4), (9, 8, 4))])
    write_label_file(tmp_path / "marks.json", CohortLabels(TABLE, [volume]))
    words = ("convert", tmp_path / "marks.json", tmp_path / "scan 0.mrk.json", "--volume", scans[0])
    assert call("tags", *words)[0] == 0
    given = [word for scan in scans[:2] for word in ("--volume", scan)]
    files = ("--tags", tag_file, "--tags", tmp_path / "scan 0.mrk.json")
    code, _, err = call("apply", *model, *given, *files, "--out", tmp_path / "m")
    assert (code, "by name alone" in err) == (0, True)
    (tags,) = (tmp_path / "m").glob("run-*/tags.json")
    first, second = read_label_file(tags).volumes
    assert (POINTS.marks(first), BOXES.marks(first)) == (POINTS.marks(volume), BOXES.marks(volume))
    assert [each.state("ball")[3] for each in (first, second)] == [1, 1]


def test_apply_cuts_markups_alone_along_the_axis_of_the_training(call, model, scans, tmp_path):
    volume = VolumeLabels("scan 0", None, "k", 10, "slicer", (20, 24, 10))
    POINTS.put(volume, [Point("ball", (5, 6, 5))])
    write_label_file(tmp_path / "a.json", CohortLabels(TABLE, [volume]))
    assert call("tags", "convert", tmp_path / "a.json", tmp_path / "a.mrk.json", "--volume", scans[0])[0] == 0
    words = ("--volume", scans[0], "--tags", tmp_path / "a.mrk.json", "--out", tmp_path / "m")
    assert call("apply", *model, *words)[0] == 0
    (tags,) = (tmp_path / "m").glob("run-*/tags.json")
    assert read_label_file(tags).volumes[0].axis == "j"


def test_apply_refuses_what_segment_does_and_takes_what_is_known(call, model, tag_file, scans, tmp_path):
    known = ClassTable.from_json([{"name": "ball", "label_value": 9, "known": {"side": "right", "largest_ml": 9}}])
    write_label_file(tag_file, CohortLabels(known, read_label_file(tag_file).volumes))
    words = ("apply", *model, "--volume", scans[0], "--tags", tag_file, "--out", tmp_path / "m")
    code, _, err = call(*words)
    assert (code, "What is known of class 'ball' differs: side." in err, "label values" in err) == (0, True, False)
    (tags,) = (tmp_path / "m").glob("run-*/tags.json")
    (ball,) = read_label_file(tags).classes
    assert (ball.label_value, ball.known.side, ball.known.pieces, ball.known.largest_ml) == (1, "right", "one", 9)
    write_label_file(tag_file, CohortLabels(TABLE, [VolumeLabels("scan 0", states={"rod": np.ones(3, np.int8)})]))
    code, _, err = call(*words)
    assert (code, "There is no class 'rod'" in err, "Known classes: 'ball'" in err) == (2, True, True)
    (tmp_path / "other.mrk.json").write_text('{"@schema": "markups-schema-v1.0.3.json#", "markups": []}')
    code, _, err = call(*words, "--volume", scans[1], "--tags", tmp_path / "other.mrk.json")
    assert (code, "Which volume" in err) == (2, True)


def test_marks_of_a_left_handed_file_stay_at_their_place_in_the_body(call, scans, tmp_path):
    """Slices counted in the order of the file, which 3D Slicer reverses."""
    scan = read_volume(scans[0])
    placing = Geometry((3.0, -7.0, 20.0), (1.5, 2.0, 4.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0), (20, 24, 10))
    write_volume(tmp_path / "scan 0.nrrd", scan.array, placing)
    volume = VolumeLabels("scan 0", None, "k", 10, "file", (20, 24, 10))
    POINTS.put(volume, [Point("rod", (5, 6, 2))])
    write_label_file(tmp_path / "marks.json", CohortLabels(TABLE, [volume]))
    words = ("--volume", tmp_path / "scan 0.nrrd")
    assert call("tags", "convert", tmp_path / "marks.json", tmp_path / "a.mrk.json", *words)[0] == 0
    (control,) = json.loads((tmp_path / "a.mrk.json").read_text())["markups"][0]["controlPoints"]
    assert control["position"] == pytest.approx([3 + 5 * 1.5, -7 + 6 * 2, 20 - 2 * 4])
    assert call("tags", "convert", tmp_path / "a.mrk.json", tmp_path / "back.json", *words)[0] == 0
    (back,) = read_label_file(tmp_path / "back.json").volumes
    assert (back.numbering, POINTS.marks(back)) == ("slicer", (Point("rod", (5, 6, 7)),))


def test_tags_are_converted_by_their_scan_where_it_is_given(call, scans, tmp_path):
    scan = read_volume(scans[0])
    placing = Geometry((3.0, -7.0, 20.0), (1.5, 2.0, 4.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0), (20, 24, 10))
    write_volume(tmp_path / "scan 0.nrrd", scan.array, placing)
    volume = VolumeLabels("scan 0", n_slices=10)
    volume.set("rod", 2, 1)
    write_label_file(tmp_path / "tags.csv", CohortLabels(TABLE, [volume]))
    words = ("--volume", tmp_path / "scan 0.nrrd", "--numbering", "file")
    assert call("tags", "convert", tmp_path / "tags.csv", tmp_path / "tags.json", *words)[0] == 0
    (held,) = read_label_file(tmp_path / "tags.json").volumes
    assert (held.numbering, held.size, held.sha256 is None) == ("slicer", (20, 24, 10), False)
    assert np.flatnonzero(held.state("rod") == 1).tolist() == [7]


def test_files_of_left_handed_scans_are_merged_at_their_place(call, scans, tmp_path):
    """One counts as the file does, one as 3D Slicer does: with the scan they meet."""
    scan = read_volume(scans[0])
    placing = Geometry((3.0, -7.0, 20.0), (1.5, 2.0, 4.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, -1.0), (20, 24, 10))
    write_volume(tmp_path / "scan 0.nrrd", scan.array, placing)
    for numbering, index in (("file", 2), ("slicer", 7)):
        volume = VolumeLabels("scan 0", None, "k", 10, numbering)
        volume.set("rod", index, 1)
        POINTS.put(volume, [Point("rod", (5, 6, index))])
        write_label_file(tmp_path / f"{numbering}.json", CohortLabels(TABLE, [volume]))
    files = (tmp_path / "file.json", tmp_path / "slicer.json")
    assert call("tags", "merge", *files, "--out", tmp_path / "all.json")[0] == 2
    words = ("--out", tmp_path / "all.json", "--volume", tmp_path / "scan 0.nrrd")
    assert call("tags", "merge", *files, *words)[0] == 0
    (merged,) = read_label_file(tmp_path / "all.json").volumes
    assert (merged.numbering, POINTS.marks(merged)) == ("slicer", (Point("rod", (5, 6, 7)),))
    assert np.flatnonzero(merged.state("rod") == 1).tolist() == [7]


def test_two_scans_of_one_name_are_told_apart_or_refused(tag_file, scans, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "scan 0.nrrd").write_bytes(scans[2].read_bytes())
    with pytest.raises(UserError, match="Two volumes are named") as caught:
        read_label_files([tag_file, tag_file], [scans[0], tmp_path / "other" / "scan 0.nrrd"])
    assert caught.value.code == "ambiguous_volume"


def test_checking_bears_volumes_without_labels_as_a_run_does(call, marks, scans):
    code, out, _ = call("tags", "check", marks[1], "--volume", scans[0], "--volume", scans[1])
    assert code == 0
    assert f"There are no tags for {scans[1]}" in out
    code, _, err = call("tags", "check", marks[1], "--volume", scans[1])
    assert (code, "There are no tags" in err) == (2, True)


def test_a_run_tells_of_points_by_the_name_of_their_volume(scans):
    from WeakMedSAMLib.contract.events import with_name
    from WeakMedSAMLib.engine.supervision.cohort import _check_labels

    volume = VolumeLabels("volume 000", None, "k", 10, "slicer", (20, 20, 10))
    volume.tag_range("ball", 2, 4)
    POINTS.put(volume, [Point("ball", (5, 6, 3)), Point("rod", (5, 6, 3))])
    told = []
    _check_labels(CohortLabels(TABLE, [volume]), {"volume 000": "000"}, True, told.append)
    (found,) = [with_name(one, {"000": "Zoë"}) for one in told if one.code == "point_of_two_classes"]
    assert "of 'Zoë' say" in found.message
    assert (found.values["name"], found.values["volume"]) == ("Zoë", "Zoë")
