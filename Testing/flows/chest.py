"""A small real scan: the chest CT of the package slicerio (MIT), thinned out so that two cores segment it quickly."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk

# The lungs are seen from here on, counted in the part that is used.
FIRST_WITH_LUNGS = 5
_FIRST, _SLICES, _STEP = 2, 24, 1
# A method that is quick and poor: tests look at the way of the data, not at the quality of masks.
QUICK = {"rounds": 1, "segmenter_steps": 12, "pam_slices": 6, "classifier_steps": 60, "novelty_references": 500}


def chest_file() -> Path | None:
    """Return the scan, or None where slicerio is not installed."""
    spec = importlib.util.find_spec("slicerio")
    places = (spec.submodule_search_locations or ()) if spec else ()
    files = [Path(place) / "data" / "CTChest4.nrrd" for place in places]
    return next((file for file in files if file.is_file()), None)


def load_chest(name: str = "Chest CT", slices: int = _SLICES, show: bool = True) -> Any:
    """Load the scan into the scene, cut to some slices, and show it."""
    whole = slicer.util.loadVolume(str(chest_file()))
    array = slicer.util.arrayFromVolume(whole)[_FIRST : _FIRST + slices, ::_STEP, ::_STEP].copy()
    matrix = _moved(whole)
    slicer.mrmlScene.RemoveNode(whole)
    node = slicer.util.addVolumeFromArray(array, matrix, name)
    node.GetDisplayNode().SetAutoWindowLevel(False)
    node.GetDisplayNode().SetWindowLevelMinMax(-1000, 400)
    if show:
        slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def _moved(node: Any) -> Any:
    """Return the IJK->RAS matrix of the part of the volume that is used."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    array = slicer.util.arrayFromVTKMatrix(matrix)
    array[:3, 3] += array[:3, 2] * _FIRST
    return array @ np.diag([_STEP, _STEP, 1, 1])
