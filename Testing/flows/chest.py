"""A small real scan: the chest CT of the package slicerio (MIT), or a part of it that two cores segment quickly."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk

# The lungs are seen on these slices of the whole scan, which has 34.
FIRST_WITH_LUNGS, LAST_WITH_LUNGS = 7, 33
# A method that is quick and poor: tests look at the way of the data, not at the quality of masks.
QUICK = {"rounds": 1, "segmenter_steps": 12, "pam_slices": 6, "classifier_steps": 60, "novelty_references": 500}


def chest_file() -> Path | None:
    """Return the scan, or None where slicerio is not installed."""
    spec = importlib.util.find_spec("slicerio")
    places = (spec.submodule_search_locations or ()) if spec else ()
    files = [Path(place) / "data" / "CTChest4.nrrd" for place in places]
    return next((file for file in files if file.is_file()), None)


def load_chest(name: str = "Chest CT", first: int = 0, last: int = LAST_WITH_LUNGS) -> Any:
    """Load the scan into the scene, cut to the slices from `first` to `last`, and show it with a wide window."""
    whole = slicer.util.loadVolume(str(chest_file()))
    array = slicer.util.arrayFromVolume(whole)[first : last + 1].copy()
    node = slicer.util.addVolumeFromArray(array, _moved(whole, first), name)
    slicer.mrmlScene.RemoveNode(whole)
    node.GetDisplayNode().SetAutoWindowLevel(False)
    node.GetDisplayNode().SetWindowLevelMinMax(-1000, 400)
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def _moved(node: Any, first: int) -> np.ndarray:
    """Return the IJK->RAS matrix of the part of a volume that begins at slice `first`."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    array = slicer.util.arrayFromVTKMatrix(matrix)
    array[:3, 3] += array[:3, 2] * first
    return array
