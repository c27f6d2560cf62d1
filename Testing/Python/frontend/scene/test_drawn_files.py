"""Segmentations and label maps are imported as painted labels of the current volume."""

from __future__ import annotations

import numpy as np
import pytest
import qt
import slicer
import slicer.util

from WeakMedSAMLib.contract.labels.mask_painting import ClassSegments, classes_of_segments
from WeakMedSAMLib.contract.labels.painted import KIND
from WeakMedSAMLib.frontend.labels.tag_file_dialogs import TagFileDialogs
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas

SHAPE = (6, 8, 9)


@pytest.fixture
def current(logic, make_volume):
    """make(geometry): the current volume, ready for labels, of two classes with label values 1 and 2."""

    def make(geometry="plain"):
        node = make_volume("scan", SHAPE, geometry)
        logic.setClasses(["liver", "cyst"])
        logic.state.currentVolume = node
        logic.identifyNow(node)
        return node

    return make


@pytest.fixture
def square():
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:4, 1:5, 3:6] = 1
    return mask


def saved(node, path):
    assert slicer.util.saveNode(node, str(path))
    return path


def importNow(logic, host, path, answer, *more):
    host.dialogs.answer(str(path), answer, *more)
    TagFileDialogs(logic.labels, None).importTags()


def painted(logic, name):
    return KIND.slices(logic.labels.ofCurrent(), name)


@pytest.mark.parametrize("geometry", ["oblique", "sagittal", np.diag([1, 1, -2, 1])])
def test_segments_are_painted_as_the_classes_of_their_names(
    logic, host, current, make_segmentation, square, tmp_path, geometry
):
    node = current(geometry)
    other = np.zeros(SHAPE, np.uint8)
    other[5, 6:, :2] = 1
    path = saved(make_segmentation(node, {"Liver": square, "stone": other}), tmp_path / "drawn.seg.nrrd")
    before = len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode"))
    importNow(logic, host, path, "Those that show a class", qt.QMessageBox.Ok)
    assert len(slicer.util.getNodesByClass("vtkMRMLSegmentationNode")) == before
    assert logic.session.classes.names == ["liver", "cyst", "stone"]
    found = painted(logic, "liver")
    along = 2 - logic.labels.ofCurrent().axis_index
    stack, stone = np.moveaxis(square, along, 0), np.moveaxis(other, along, 0)
    assert [*found] == np.flatnonzero(stack.any((1, 2))).tolist()
    assert all(one.state == "drawn" and np.array_equal(one.pixels, stack[index]) for index, one in found.items())
    assert all(np.array_equal(one.pixels, stone[index]) for index, one in painted(logic, "stone").items())
    assert f"'liver': slices drawn: {len(found)}; drawn empty, so absent: 0" in host.dialogs.texts[-1]
    logic.session.undo()
    assert painted(logic, "liver") == {}


def test_of_every_slice_an_empty_one_is_absent_and_of_nothing_nothing_is_taken(
    logic, host, current, make_segmentation, square, tmp_path
):
    path = saved(make_segmentation(current(), {"liver": square, "cyst": square * 0}), tmp_path / "drawn.seg.nrrd")
    importNow(logic, host, path, qt.QMessageBox.Cancel)
    assert painted(logic, "liver") == {}
    importNow(logic, host, path, "Every slice", qt.QMessageBox.Ok)
    assert [one.state for one in painted(logic, "liver").values()] == ["drawn"] * 6
    assert logic.labels.ofCurrent().presence("liver").tolist() == [0, 0, 1, 1, 0, 0]
    assert painted(logic, "cyst") == {}
    assert "drawn empty, so absent: 4" in host.dialogs.texts[-1]


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
def test_a_label_map_goes_by_the_label_values_of_classes_and_255_is_unknown(
    logic, host, current, square, tmp_path, suffix
):
    node = current()
    values = square * 2
    values[3, 7] = 255
    values[5, 0, 0] = 9
    labels = slicer.util.addVolumeFromArray(values, ijkToRas(node), "m", "vtkMRMLLabelMapVolumeNode")
    path = saved(labels, tmp_path / f"map{suffix}")
    importNow(logic, host, path, "Those that show a class", qt.QMessageBox.Ok)
    assert painted(logic, "liver") == {}
    found = painted(logic, "cyst")
    assert {index: one.state for index, one in found.items()} == {2: "drawn", 3: "scribbled"}
    assert np.array_equal(found[3].pixels, np.where(values[3] == 255, 255, values[3] == 2))
    assert "No class has the label value 9;" in host.dialogs.texts[-1]
    logic.setClasses(["liver"])
    importNow(logic, host, path, "Every slice", qt.QMessageBox.Ok)
    assert "a label map with the values 2, 9, 255; no class has one of these" in host.dialogs.texts[-1]


def test_what_does_not_lie_on_the_volume_is_refused(
    logic, host, current, make_volume, make_segmentation, square, tmp_path
):
    current()
    far = np.diag([0.7, 0.7, 3.0, 1.0])
    other = make_volume("other", SHAPE, far)
    path = saved(make_segmentation(other, {"liver": square}), tmp_path / "far.seg.nrrd")
    importNow(logic, host, path, qt.QMessageBox.Ok)
    assert "The voxels of far.seg.nrrd do not lie on those of 'scan'." in host.dialogs.texts[-1]
    (tmp_path / "bad.seg.nrrd").write_text("nothing")
    importNow(logic, host, tmp_path / "bad.seg.nrrd", qt.QMessageBox.Ok)
    assert "cannot read bad.seg.nrrd" in host.dialogs.texts[-1]
    twice = saved(make_segmentation(current(), {"liver": square, "Liver": square}), tmp_path / "twice.seg.nrrd")
    importNow(logic, host, twice, qt.QMessageBox.Ok)
    assert "twice.seg.nrrd has several segments called 'Liver'." in host.dialogs.texts[-1]
    assert painted(logic, "liver") == {}


def test_which_segment_is_which_class_and_what_says_where_it_is_not():
    found = list(classes_of_segments(["Liver", "not liver", "not cyst", "not there"], ["liver", "cyst", "spleen"]))
    assert found == [
        ClassSegments("liver", "Liver", "not liver"),
        ClassSegments("not there", "not there", None),
        ClassSegments("cyst", None, "not cyst"),
    ]


def test_voxels_are_put_where_a_turned_and_cropped_grid_has_them_and_those_outside_are_counted():
    from itertools import permutations, product

    from WeakMedSAMLib.frontend.labels.drawn_files import _put

    random = np.random.default_rng(3)
    array = random.integers(0, 3, (3, 4, 5))
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        steps = np.eye(4, dtype=int)
        steps[:3, :3] = np.diag(signs)[list(order)]
        steps[:3, 3] = random.integers(-3, 8, 3)
        wanted, outside, found = np.zeros(SHAPE, int), 0, np.zeros(SHAPE, int)
        for k, j, i in np.argwhere(array):
            place = tuple((steps @ [i, j, k, 1])[2::-1])
            if all(0 <= at < size for at, size in zip(place, SHAPE, strict=True)):
                wanted[place] = array[k, j, i]
            else:
                outside += 1
        assert _put(found, array, steps) == outside
        assert np.array_equal(found, wanted)
