"""Fixtures for all tests."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


def pytest_collection_modifyitems(items):
    """A test that limits the time of the window takes the fixture `allowance`; `make test` runs it beside no other."""
    for item in items:
        if "allowance" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.alone)


@pytest.fixture(scope="session")
def slicer_nodes():
    """Slicer's own storage nodes: functions that open a file as Slicer would and return what it then holds."""
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    vtk = pytest.importorskip("vtk")
    from vtk.util.numpy_support import vtk_to_numpy

    def array_of(image):
        i, j, k = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(k, j, i).copy()

    def matrix_of(fill):
        matrix = vtk.vtkMatrix4x4()
        fill(matrix)
        return [[matrix.GetElement(row, column) for column in range(4)] for row in range(4)]

    def load(node, storage, path):
        scene = slicer.vtkMRMLScene()
        scene.AddNode(node)
        scene.AddNode(storage)
        storage.SetFileName(str(path))
        assert storage.ReadData(node) == 1
        return scene

    def tag_of(segment, name):
        value = vtk.mutable("")
        return str(value) if segment.GetTag(name, value) else None

    def segment_of(segmentation, index):
        identifier = segmentation.GetNthSegmentID(index)
        segment = segmentation.GetSegment(identifier)
        labels = segment.GetRepresentation("Binary labelmap")
        return SimpleNamespace(
            id=identifier,
            name=segment.GetName(),
            color=segment.GetColor(),
            label_value=segment.GetLabelValue(),
            mask=array_of(labels) == segment.GetLabelValue(),
            ijk_to_ras=matrix_of(labels.GetImageToWorldMatrix),
            status=tag_of(segment, "Segmentation.Status"),
            tag=lambda name: tag_of(segment, name),
        )

    def open_segmentation(path):
        node = slicer.vtkMRMLSegmentationNode()
        scene = load(node, slicer.vtkMRMLSegmentationStorageNode(), path)
        segmentation = node.GetSegmentation()
        return SimpleNamespace(
            scene=scene,
            segments=[segment_of(segmentation, n) for n in range(segmentation.GetNumberOfSegments())],
            reference=segmentation.GetConversionParameter("Reference image geometry"),
        )

    def open_label_volume(path):
        node = slicer.vtkMRMLLabelMapVolumeNode()
        scene = load(node, slicer.vtkMRMLVolumeArchetypeStorageNode(), path)
        return SimpleNamespace(
            scene=scene, array=array_of(node.GetImageData()), ijk_to_ras=matrix_of(node.GetIJKToRASMatrix)
        )

    return SimpleNamespace(segmentation=open_segmentation, label_volume=open_label_volume)
