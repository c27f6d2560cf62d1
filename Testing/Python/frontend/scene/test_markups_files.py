"""Markups files that 3D Slicer reads and writes itself: its own point lists and ROIs are our points and boxes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import slicer
import slicer.util
import vtk

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.mrk_json import PlacedVolume
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas

GEOMETRIES = ["plain", "lps", "flipped", "anisotropic", "oblique", "sagittal"]
SIZE = (20, 10, 6)
TABLE = ClassTable.from_json([{"name": "liver", "color": [255, 0, 51]}, {"name": "spleen"}])
MARKS = [Point("liver", (1, 2, 3)), Point("liver", (4, 5, 2), shows=False), Point("spleen", (19, 0, 5))]
FRAMES = [Box("liver", (3, 4, 2), (7, 6, 2)), Box("spleen", (0, 0, 1), (19, 9, 4), complete=True)]


@pytest.fixture
def placed(make_volume):
    """placed(geometry, points, boxes): a volume of the scene with labels."""

    def make(geometry, points=(), boxes=()):
        labels = VolumeLabels("one", "ab" * 32, "k", SIZE[2], "slicer", SIZE)
        POINTS.put(labels, points)
        BOXES.put(labels, boxes)
        return PlacedVolume(labels, ijkToRas(make_volume("one", SIZE[::-1], geometry)))

    return make


def loaded(path):
    """The nodes that Slicer makes of a file, by its own logic, which its dialog calls."""
    before = set(nodes())
    logic = slicer.vtkSlicerMarkupsLogic()
    logic.SetMRMLScene(slicer.mrmlScene)
    assert logic.LoadMarkups(str(path), "name of the file")
    return [node for node in nodes() if node not in before]


def nodes():
    return list(slicer.util.getNodesByClass("vtkMRMLMarkupsNode"))


def saved(node, path, storage="vtkMRMLMarkupsJsonStorageNode"):
    writer = getattr(slicer, storage)()
    writer.SetFileName(str(path))
    assert writer.WriteData(node)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_slicer_shows_what_we_wrote_at_its_place(placed, tmp_path, geometry):
    volume = placed(geometry, MARKS, FRAMES)
    write_label_file(tmp_path / "marks.mrk.json", CohortLabels(TABLE, [volume.labels]), volume)
    liver, liver_box, spleen, spleen_box = loaded(tmp_path / "marks.mrk.json")
    assert [node.GetName().rstrip("_0123456789") for node in (liver, spleen)] == ["liver", "spleen"]
    assert [liver.GetNthControlPointDescription(at) for at in range(2)] == ["liver", "not liver"]
    assert spleen_box.GetNthControlPointDescription(0) == "all of spleen"
    assert liver.GetDisplayNode().GetSelectedColor() == pytest.approx((1, 0, 0.2))
    for at, point in enumerate(MARKS[:2]):
        expected = (volume.ijk_to_ras @ [*point.voxel, 1])[:3]
        assert liver.GetNthControlPointPosition(at) == pytest.approx(expected, abs=1e-6)
    assert sorted(liver_box.GetSize()) == pytest.approx(
        sorted([5, 3, 1] * np.linalg.norm(volume.ijk_to_ras[:3, :3], axis=0))
    )
    corners = [volume.ijk_to_ras @ [i, j, k, 1] for i in (2.5, 7.5) for j in (3.5, 6.5) for k in (1.5, 2.5)]
    bounds = np.zeros(6)
    liver_box.GetRASBounds(bounds)
    low, high = np.min(corners, axis=0)[:3], np.max(corners, axis=0)[:3]
    assert bounds == pytest.approx(np.stack([low, high], axis=1).ravel(), abs=1e-6)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_what_slicer_writes_of_our_nodes_is_read_as_it_was(placed, tmp_path, geometry):
    volume = placed(geometry, MARKS, FRAMES)
    write_label_file(tmp_path / "marks.mrk.json", CohortLabels(TABLE, [volume.labels]), volume)
    points, boxes = [], []
    for number, node in enumerate(loaded(tmp_path / "marks.mrk.json")):
        is_box = node.IsA("vtkMRMLMarkupsROINode")
        storage = "vtkMRMLMarkupsROIJsonStorageNode" if is_box else "vtkMRMLMarkupsJsonStorageNode"
        saved(node, tmp_path / f"{number}.mrk.json", storage)
        assert "name" not in json.loads((tmp_path / f"{number}.mrk.json").read_text())["markups"][0]
        (labels,) = read_label_file(tmp_path / f"{number}.mrk.json", volume).volumes
        points += POINTS.marks(labels)
        boxes += BOXES.marks(labels)
    assert (points, boxes) == (MARKS, FRAMES)


def test_lists_made_by_hand_in_slicer_are_of_the_class_that_they_are_called(placed, tmp_path):
    volume = placed("lps")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "left kidney")
    node.AddControlPoint(vtk.vtkVector3d(*(volume.ijk_to_ras @ [3, 4, 5, 1])[:3]))
    saved(node, tmp_path / "left kidney.mrk.json")
    (labels,) = read_label_file(tmp_path / "left kidney.mrk.json", volume).volumes
    assert POINTS.marks(labels) == (Point("left kidney", (3, 4, 5)),)


def test_a_roi_drawn_in_slicer_is_turned_by_the_module_markups_or_refused(placed, tmp_path):
    """Its axes are the patient's: in an oblique volume that is no box, in a straight one it is."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "liver")
    node.SetSize(4, 4, 4)
    oblique, flipped = placed("oblique"), placed("flipped")
    node.SetCenter(*(oblique.ijk_to_ras @ [8, 5, 3, 1])[:3])
    saved(node, tmp_path / "liver.mrk.json", "vtkMRMLMarkupsROIJsonStorageNode")
    with pytest.raises(UserError, match="not parallel to the axes") as caught:
        read_label_file(tmp_path / "liver.mrk.json", oblique)
    assert caught.value.code == "box_oblique"
    node.SetCenter(*(flipped.ijk_to_ras @ [8, 5, 3, 1])[:3])
    saved(node, tmp_path / "liver.mrk.json", "vtkMRMLMarkupsROIJsonStorageNode")
    (labels,) = read_label_file(tmp_path / "liver.mrk.json", flipped).volumes
    assert BOXES.marks(labels) == (Box("liver", (6, 4, 2), (10, 6, 4)),)


@pytest.mark.parametrize("kind", ["ClosedCurve", "Curve", "Line", "Angle", "Plane"])
def test_other_markups_of_slicer_are_refused_by_their_type(placed, tmp_path, kind):
    node = slicer.mrmlScene.AddNewNodeByClass(f"vtkMRMLMarkups{kind}Node", "liver")
    for at in range(3):
        node.AddControlPoint(vtk.vtkVector3d(at, at * at, 0))
    saved(node, tmp_path / "a.mrk.json")
    with pytest.raises(UserError, match=kind) as caught:
        read_label_file(tmp_path / "a.mrk.json", placed("plain"))
    assert caught.value.code == "markups_not_used"
