"""Points and boxes as Markups files of 3D Slicer: where they lie, what they are of, and what is refused."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import check_left_out, read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.marks import MOST_MARKS
from WeakMedSAMLib.contract.labels.mrk_json import (
    SCHEMA,
    PlacedVolume,
    Said,
    description_of,
    labels_from_mrk,
    labels_to_mrk,
    read_description,
)
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

SIZE = (20, 10, 6)
TABLE = ClassTable.from_names(["liver", "spleen"])
MARKS = [Point("liver", (1, 2, 3)), Point("liver", (4, 5, 2), shows=False), Point("spleen", (0, 9, 5))]
FRAMES = [Box("liver", (3, 4, 2), (7, 6, 2)), Box("spleen", (0, 0, 1), (19, 9, 4), complete=True)]


def oblique(degrees=20):
    turn = np.radians(degrees)
    return np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])


AXES = {
    "straight": np.eye(3),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "sagittal": np.eye(3)[[1, 2, 0]],
    "oblique": oblique() @ oblique(40)[[2, 0, 1]],
}


def matrix(axes="straight", spacing=(0.7, 0.9, 4.0)):
    result = np.eye(4)
    result[:3, :3] = AXES[axes] * spacing
    result[:3, 3] = (-31.5, 20.25, 1000)
    return result


def placed(ijk_to_ras=None, points=(), boxes=(), **values):
    labels = VolumeLabels("one", "ab" * 32, "k", SIZE[2], "slicer", SIZE, **values)
    POINTS.put(labels, points)
    BOXES.put(labels, boxes)
    return PlacedVolume(labels, matrix() if ijk_to_ras is None else ijk_to_ras)


def sheared():
    result = matrix()
    result[0, 2] = 0.8
    return result


@pytest.mark.parametrize("axes", list(AXES))
@pytest.mark.parametrize("system", ["LPS", "RAS"])
def test_marks_come_back_at_their_voxels(axes, system):
    volume = placed(matrix(axes), MARKS, FRAMES)
    data = json.loads(json.dumps(labels_to_mrk(volume, TABLE)))
    for entry in data["markups"] if system == "RAS" else ():
        entry["coordinateSystem"] = "RAS"
        turn = np.diag([-1.0, -1.0, 1.0])
        for record in [entry, *entry["controlPoints"]]:
            for key in {"position", "center"} & record.keys():
                record[key] = (turn @ record[key]).tolist()
        if "orientation" in entry:
            entry["orientation"] = (turn @ np.reshape(entry["orientation"], (3, 3))).ravel().tolist()
    assert labels_from_mrk(data, placed(matrix(axes))) == CohortLabels(TABLE, [volume.labels])


def test_positions_are_lps_in_mm_of_the_voxels_middle():
    data = labels_to_mrk(placed(None, [Point("liver", (1, 2, 3))], [Box("spleen", (3, 4, 2), (7, 6, 2))]), TABLE)
    liver, spleen = data["markups"]
    assert liver["controlPoints"][0]["position"] == pytest.approx([31.5 - 0.7, -20.25 - 1.8, 1012])
    assert spleen["center"] == pytest.approx([31.5 - 3.5, -20.25 - 4.5, 1008])
    assert spleen["size"] == pytest.approx([5 * 0.7, 3 * 0.9, 4])
    assert [liver["name"], spleen["name"]] == ["liver", "spleen"]


@pytest.mark.parametrize("axes", ["straight", "left-handed", "oblique"])
def test_a_box_is_turned_and_never_mirrored(axes):
    (roi,) = labels_to_mrk(placed(matrix(axes), (), FRAMES[:1]), TABLE)["markups"]
    assert np.linalg.det(np.reshape(roi["orientation"], (3, 3))) == pytest.approx(1)


def test_what_a_point_is_of_is_said_by_description_then_list_then_label():
    def read(description, listed, label, file=""):
        data = labels_to_mrk(placed(None, [Point("liver", (1, 2, 3))]), TABLE)
        data["markups"][0]["name"] = listed
        data["markups"][0]["controlPoints"][0] |= {"description": description, "label": label}
        (point,) = POINTS.marks(labels_from_mrk(data, placed(), name=file).volumes[0])
        return point.class_name, point.shows

    assert read("not spleen", "liver", "F-1") == ("spleen", False)
    assert read(" Not  spleen ", "liver", "F-1") == ("spleen", False)
    assert read("", "liver", "F-1") == ("liver", True)
    assert read("", "", "F-1", "kidney") == ("kidney", True)
    assert read("", "", "left kidney") == ("left kidney", True)
    with pytest.raises(UserError, match="no description, no name and no label"):
        read("", " ", "")


def test_words_of_descriptions_are_told_from_names():
    for mark in (*MARKS, *FRAMES):
        said = read_description(description_of(mark))
        assert said == Said(mark.class_name, mark.shows, getattr(mark, "complete", False))
    for name in ("not enhancing", "All of it"):
        table = ClassTable.from_names(["liver", name])
        for marks in ({"points": [Point(name, (0, 0, 0))]}, {"boxes": [Box(name, (0, 0, 0), (1, 1, 0))]}):
            with pytest.raises(UserError) as caught:
                labels_to_mrk(placed(None, **marks), table)
            assert caught.value.code == "class_name_reads_otherwise"
        assert len(labels_to_mrk(placed(None, MARKS[:1]), table)["markups"]) == 1  # it has no marks
    assert description_of(Point("notochord", (0, 0, 0))) == "notochord"


def with_roi(**changes):
    data = labels_to_mrk(placed(None, (), [Box("liver", (3, 4, 2), (7, 6, 2))]), TABLE)
    data["markups"][0] |= changes
    return data


def box_of(data):
    (box,) = BOXES.marks(labels_from_mrk(data, placed()).volumes[0])
    return box.first, box.last


def test_a_box_drawn_by_hand_holds_the_voxels_whose_middle_lies_in_it():
    size = with_roi()["markups"][0]["size"]
    drawn = [each * factor for each, factor in zip(size, (1.1, 0.9, 1.3), strict=True)]
    assert box_of(with_roi(size=drawn)) == ((3, 4, 2), (7, 6, 2))
    assert box_of(with_roi(size=[drawn[0], drawn[1], 0.0])) == ((3, 4, 2), (7, 6, 2))
    assert box_of(with_roi(size=[100.0, size[1], size[2]])) == ((0, 4, 2), (19, 6, 2))  # what is outside is cut off


def test_the_sides_of_a_box_may_be_named_in_any_order_and_direction():
    roi = with_roi()["markups"][0]
    orientation = np.reshape(roi["orientation"], (3, 3))[:, [2, 0, 1]] * [1, -1, -1]
    size = [roi["size"][at] for at in (2, 0, 1)]
    assert box_of(with_roi(orientation=orientation.ravel().tolist(), size=size)) == ((3, 4, 2), (7, 6, 2))


def test_classes_keep_what_is_known_of_them_otherwise():
    data = labels_to_mrk(placed(None, MARKS), TABLE)
    known = ClassTable.from_json([{"name": "spleen", "label_value": 9, "known": {"side": "left"}}, {"name": "lung"}])
    table = labels_from_mrk(data, placed(), known).classes
    assert table.names == ["liver", "spleen"]
    assert (table[1], table[0].label_value) == (known[0], 1)


def test_points_that_nobody_has_placed_say_nothing():
    data = labels_to_mrk(placed(None, MARKS[:2]), TABLE)
    data["markups"][0]["controlPoints"][1] |= {"positionStatus": "undefined", "position": None}
    assert POINTS.marks(labels_from_mrk(data, placed()).volumes[0]) == (MARKS[0],)


def test_a_box_that_nobody_has_placed_says_nothing():
    (volume,) = labels_from_mrk(with_roi(size=[0, 0, 0], controlPoints=[]), placed(), name="list").volumes
    assert not volume.is_said()


def of_type(kind):
    return with_roi(type=kind)


def with_point(**changes):
    data = labels_to_mrk(placed(None, MARKS[:1]), TABLE)
    data["markups"][0]["controlPoints"][0] |= changes
    return data


REFUSED = [
    ([], "bad_markups", "not a Markups file"),
    ({"markups": []}, "bad_markups", "not a Markups file"),
    ({"@schema": SCHEMA}, "bad_markups", "not a Markups file"),
    ({"@schema": SCHEMA.replace("v1.0", "v2.0"), "markups": []}, "bad_markups", "not a version 1"),
    ({"schema": "weakmedsam-tags", "version": 3, "classes": [], "volumes": []}, "bad_markups", "not a Markups"),
    ({"@schema": SCHEMA, "markups": {}}, "bad_field", "'markups'"),
    ({"@schema": SCHEMA, "markups": [7]}, "bad_field", "list 0 must be an object"),
    ({"@schema": SCHEMA, "markups": [{}]}, "bad_field", "'type' of list 0"),
    (of_type("ClosedCurve"), "markups_not_used", "ClosedCurve"),
    (of_type("Plane"), "markups_not_used", "point list.*ROI"),
    (with_roi(coordinateSystem="IJK"), "bad_markups", "'IJK'"),
    (with_roi(coordinateSystem=["LPS"]), "bad_markups", "coordinateSystem"),
    (with_roi(coordinateUnits="um"), "bad_markups", "not in mm"),
    (with_roi(insideOut=True), "bad_markups", "inside out"),
    (with_roi(size=[1, 2]), "bad_field", "'size' of list 0 has 2 numbers"),
    (with_roi(size=None), "bad_field", "'size' of list 0"),
    (with_roi(center=[0, 0, "1"]), "bad_field", "'center'"),
    (with_roi(center=[0, 0, 1e300]), "bad_field", "'center'"),
    (with_roi(center=[0, 0, float("nan")]), "bad_field", "'center'"),
    (with_roi(orientation=[1, 0, 0]), "bad_field", "'orientation'.*It has 9"),
    (with_roi(orientation=(-oblique(10)).ravel().tolist()), "box_oblique", "not parallel.*'one'"),
    (with_roi(orientation=np.eye(3).ravel().tolist(), size=[0.0] * 3, center=[900.0, 0.0, 0.0]), "mark_outside", "box"),
    (with_roi(center=[0.0, 0.0, 0.0]), "mark_outside", "box of class 'liver'"),
    (with_roi(name=3), "bad_field", "'name' of list 0"),
    (with_roi(controlPoints=[{"description": "not liver"}]), "bad_markups", "box of not 'liver'"),
    (with_roi(controlPoints={}), "bad_field", "'controlPoints'"),
    (with_point(position=[0.0, 0.0, 0.0]), "mark_outside", "point of class 'liver'.*outside"),
    (with_point(position=[1e9, -1e9, 0.0]), "mark_outside", "point of class 'liver'.*outside"),
    (with_point(position=[0.0, 0.0]), "bad_field", "'position' of point 0 of list 0"),
    (with_point(description=5), "bad_field", "'description'"),
    (with_point(position=[10**400, 0, 0]), "bad_field", "'position' of point 0 of list 0"),
    (with_point(position=[True, 0, 0]), "bad_field", "'position' of point 0 of list 0"),
    (with_point(positionStatus=7), "bad_markups", "'positionStatus' of point 0 of list 0 is '7'"),
    (with_point(description="a" * 5000), "bad_name", "5000 letters"),
    (with_roi(size=[-4, 4, 2]), "bad_markups", "'size' or the 'orientation' of list 0"),
    (with_roi(orientation=[0] * 9), "bad_markups", "'size' or the 'orientation' of list 0"),
    (with_roi(orientation=[9, 0, 0, 0, 9, 0, 0, 0, 9]), "bad_markups", "'size' or the 'orientation' of list 0"),
    (with_roi(controlPoints=[{}] * (MOST_MARKS + 1)), "bad_markups", "very many"),
    (with_point(description="li\u0007ver"), "bad_name", "control"),
]


@pytest.mark.parametrize(("data", "code", "words"), REFUSED)
def test_bad_markups_are_refused(tmp_path, data, code, words):
    with pytest.raises(UserError, match=f"(?s){words}") as caught:
        labels_from_mrk(copy.deepcopy(data), placed())
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)
    if "nan" in json.dumps(data).lower():
        return
    (tmp_path / "a.mrk.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_label_file(tmp_path / "a.mrk.json", placed())
    assert caught.value.message.startswith(f"{tmp_path / 'a.mrk.json'}: ")


def test_boxes_need_axes_at_right_angles_and_points_do_not():
    assert POINTS.marks(labels_from_mrk(labels_to_mrk(placed(sheared(), MARKS), TABLE), placed(sheared())).volumes[0])
    for use in (
        lambda: labels_to_mrk(placed(sheared(), (), FRAMES), TABLE),
        lambda: labels_from_mrk(with_roi(), placed(sheared())),
    ):
        with pytest.raises(UserError, match="right angles") as caught:
            use()
        assert caught.value.code == "volume_is_sheared"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLACES = ["@schema", "markups", *(f"markups.{at}" for at in (0, 2)), "markups.0.controlPoints"]
PLACES += [
    f"markups.2.{key}" for key in ("type", "name", "center", "orientation", "size", "controlPoints.0", "insideOut")
]
PLACES += [f"markups.0.controlPoints.0.{key}" for key in ("position", "description", "label", "positionStatus")]


@given(value=junk, place=st.sampled_from(PLACES))
def test_no_value_anywhere_gives_another_error(value, place):
    data = labels_to_mrk(placed(None, MARKS, FRAMES), TABLE)
    *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    target = data
    for step in way:
        target = target[step]
    target[last] = value
    refusal = _refusal(data)
    assert refusal is None or (refusal.message and refusal.hint)


def _refusal(data):
    try:
        labels_from_mrk(data, placed())
    except UserError as error:
        return error
    return None


def test_files_need_their_volume_and_say_what_they_leave_out(tmp_path):
    volume = placed(None, MARKS, FRAMES, states={"liver": np.ones(6, np.int8)}, further={"later": 1})
    table = ClassTable([replace(TABLE[0], known=replace(TABLE[0].known, pieces="one")), TABLE[1]])
    cohort, path = CohortLabels(table, [volume.labels]), tmp_path / "liver.MRK.json"
    for use in (lambda: read_label_file(path), lambda: write_label_file(path, cohort)):
        with pytest.raises(UserError, match="scan") as caught:
            use()
        assert caught.value.code == "volume_needed"
    write_label_file(path, cohort, volume)
    assert read_label_file(path, volume).volumes == [placed(None, MARKS, FRAMES).labels]
    assert check_left_out(path, cohort).values["names"] == ["later", "slice_tags", "known"]
    assert check_left_out("a.csv", cohort).values["names"] == ["boxes", "later", "points", "known"]
    assert check_left_out("a.json", cohort) is None
    assert check_left_out(path, CohortLabels(TABLE, [placed(None, MARKS).labels])) is None


def test_a_list_without_a_name_is_called_like_its_file(tmp_path):
    data = with_point(description="")
    del data["markups"][0]["name"]
    (tmp_path / "left kidney.mrk.json").write_text(json.dumps(data), encoding="utf-8")
    assert read_label_file(tmp_path / "left kidney.mrk.json", placed()).classes.names == ["left kidney"]
