"""A scene with many volumes, and masks of several runs on each. Import it after the host was started."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import slicer.util
import vtk

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.frontend.results import segment_images, segment_making
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord

SHAPE = (12, 24, 28)
CLASSES = ClassTable.from_names(["Lesion", "Edema"])


def fill_scene(state: ModuleState, volumes: int, runs: int) -> list[Any]:
    """Add volumes, all in use, and of each run masks of two classes on each; returns the volumes.

    The folders of the runs are not there.
    """
    scene, random = state.scene, np.random.default_rng(1)
    scene.StartState(scene.BatchProcessState)
    with slicer.util.NodeModify(state.node):
        nodes = []
        for number in range(volumes):
            array = random.integers(0, 500, SHAPE).astype(np.int16)
            nodes.append(slicer.util.addVolumeFromArray(array, np.eye(4), f"BRATS_Case_of_a_long_name_{number:03}"))
            state.setInCohort(nodes[-1], True)
        for number in range(runs):
            state.saveRun(_run(scene, nodes, number))
    scene.EndState(scene.BatchProcessState)
    return nodes


def _run(scene: Any, nodes: list[Any], number: int) -> RunRecord:
    record = RunRecord(f"{number:032x}", f"/nowhere/run {number}", f"2026-11-2{number}T19:15:09+00:00", "finished")
    record.classes = CLASSES.to_json()
    for index, node in enumerate(nodes):
        volume_id = f"{index:03}"
        segmentation = segment_making.newSegmentation(scene, node)
        ids = segment_making.addSegments(segmentation, [_labels()] * len(CLASSES), CLASSES, record, volume_id)
        segment_making.noteRun(segmentation, record)
        segment_making.showSegments(segmentation, ids, True)
        record.volumes[volume_id], record.segmentations[volume_id] = node.GetID(), segmentation.GetID()
    return record


def _labels() -> Any:
    """A label map of two boxes side by side."""
    image = slicer.vtkOrientedImageData()
    k, j, i = SHAPE
    image.SetExtent(0, i - 1, 0, j - 1, 0, k - 1)
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    array = segment_images.imageArray(image)
    array[:] = 0
    array[3:9, 6:18, 7:14], array[3:9, 6:18, 14:21] = 1, 2
    return image
