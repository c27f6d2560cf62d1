"""Slices in the views, and masks out to files, for volumes that lie in any way."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK

OBLIQUE = np.array([[0.9, -0.3, 0.1], [0.35, 0.85, -0.2], [0.05, 0.25, 0.95]])
MATRICES = {
    "plain": np.diag([1.0, 1, 1, 1]),
    "flipped": np.array([[-0.7, 0, 0, 90], [0, -0.7, 0, 80], [0, 0, 3, -40], [0, 0, 0, 1.0]]),
    "left-handed": np.array([[0.7, 0, 0, 3], [0, 0.8, 0, -4], [0, 0, -2.5, 50], [0, 0, 0, 1.0]]),
    "anisotropic": np.array([[0, 0, 5.5, 1], [0.4, 0, 0, 2], [0, 0.4, 0, 3], [0, 0, 0, 1.0]]),
}
_q, _ = np.linalg.qr(OBLIQUE)
MATRICES["oblique"] = np.eye(4)
MATRICES["oblique"][:3, :3] = _q * np.array([0.9, 1.1, 4.0])
MATRICES["oblique"][:3, 3] = (-33.3, 21.7, 9.1)
MATRICES["sheared"] = MATRICES["plain"] @ np.array([[1, 0, 0.2, 0], [0, 1, 0.1, 0], [0, 0, 2, 0], [0, 0, 0, 1.0]])
SHAPES = {"several": (7, 20, 16), "single slice": (1, 20, 16)}
VIEWS = ("Red", "Yellow", "Green")


def put_under_transform(host, node):
    import vtk

    transform = host.slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    turn = vtk.vtkTransform()
    turn.RotateWXYZ(25, 0.2, 1, 0.4)
    turn.Translate(12, -7, 3)
    transform.SetMatrixTransformToParent(turn.GetMatrix())
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("transformed", [False, True], ids=["own", "transformed"])
def test_a_jump_lands_in_the_middle_of_the_slice(host, make_volume, lib, name, transformed):
    volume = make_volume(shape=SHAPES["several"], geometry=MATRICES[name], show=True)
    if transformed:
        put_under_transform(host, volume)
    for view in VIEWS:
        node = lib.views.sliceNodeOf(view)
        axis = lib.views.axisOfView(volume, node)
        for index in range(lib.volumes.sliceCount(volume, axis)):
            lib.views.jumpToSlice(volume, node, axis, index)
            assert lib.views.currentSlice(volume, node, axis) == index
            centre = (np.array(SHAPES["several"][::-1]) - 1) / 2
            centre["ijk".index(axis)] = index
            world = lib.volumes.ijkToWorld(volume) @ [*centre, 1]
            plane = lib.volumes.matrixOf(node.GetSliceToRAS())
            assert abs((world[:3] - plane[:3, 3]) @ plane[:3, 2]) < 1e-6


@pytest.mark.parametrize("name", MATRICES)
def test_a_turned_view_shows_whole_slices(host, make_volume, lib, name):
    volume = make_volume(shape=SHAPES["several"], geometry=MATRICES[name], show=True)
    node = lib.views.sliceNodeOf("Red")
    lib.views.alignView(volume, node)
    # Where axes are not perpendicular no view shows the slices along each of them.
    assert lib.views.isAligned(volume, node) or name == "sheared"
    axis = lib.views.axisOfView(volume, node)
    lib.views.jumpToSlice(volume, node, axis, 3)
    assert lib.views.currentSlice(volume, node, axis) == 3
    node.SetOrientationToAxial()


def test_a_single_slice_and_places_beside_the_volume(make_volume, lib):
    volume = make_volume(shape=SHAPES["single slice"], show=True)
    node = lib.views.sliceNodeOf("Red")
    lib.views.jumpToSlice(volume, node, "k", 0)
    assert lib.views.currentSlice(volume, node, "k") == 0
    node.SetSliceOffset(node.GetSliceOffset() + 0.4)
    assert lib.views.currentSlice(volume, node, "k") == 0
    node.SetSliceOffset(node.GetSliceOffset() + 0.4)
    assert lib.views.currentSlice(volume, node, "k") is None
    assert lib.views.currentSlice(volume, node, "j") is None


@pytest.mark.parametrize("transformed", [False, True], ids=["own", "transformed"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [name for name in MATRICES if name != "sheared"])
def test_exported_masks_have_the_geometry_values_and_names(
    host, make_volume, make_run, lib, tmp_path, name, shape, transformed
):
    volume = make_volume("Käse", SHAPES[shape], MATRICES[name])
    if transformed:
        put_under_transform(host, volume)
    run = make_run([volume])
    result = run.result.volumes["000"]
    node = lib.end(lib.loader.volumeSteps(volume, result, run.classes, run.record))
    assert node.GetTransformNodeID() == volume.GetTransformNodeID()
    path = tmp_path / "ä b.nrrd"
    assert lib.exports.exportLabelmap(node, volume, path, run.classes).notes == []
    image = SimpleITK.ReadImage(str(path))
    labels = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(result.labels)))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), labels)
    assert set(np.unique(labels)) == {0, 1, 7}
    assert_same_place(image, MATRICES[name], SHAPES[shape])
    path = tmp_path / "ä b.seg.nrrd"
    lib.exports.exportSegmentation(node, path)
    image = SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), labels)
    assert_same_place(image, MATRICES[name], SHAPES[shape])
    assert image.GetMetaData("Segment0_Name") == "Läsion"
    assert [image.GetMetaData(f"Segment{n}_LabelValue") for n in (0, 1)] == ["1", "7"]


def assert_same_place(image, matrix, shape):
    """Compare by where voxels are, in RAS."""
    for index in ((0, 0, 0), tuple(n - 1 for n in reversed(shape))):
        lps = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose([-lps[0], -lps[1], lps[2]], (matrix @ [*index, 1])[:3], atol=1e-9)
