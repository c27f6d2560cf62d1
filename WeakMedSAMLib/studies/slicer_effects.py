"""What 3D Slicer's Segment Editor makes of seeds, without learning: *Fill between slices* and *Grow from seeds*.

A process of its own, ``python -m WeakMedSAMLib.studies.slicer_effects EFFECT IN OUT``, that runs the filters of these
effects, out of the package ``slicer-core``: Slicer's libraries and PyTorch do not meet in one process.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError

FILL, GROW = "fill-between-slices", "grow-from-seeds"
EFFECTS = (FILL, GROW)
# Of seeds: unknown, the class, not the class.
UNSEEDED, INSIDE, OUTSIDE = 0, 1, 2
_MODULE = "WeakMedSAMLib.studies.slicer_effects"


def run_effect(
    effect: str, seeds: np.ndarray, image: np.ndarray, spacing: tuple[float, float, float], work: Path
) -> np.ndarray:
    """What an effect makes of the seeds of some classes, each for itself.

    Parameters
    ----------
    effect : {"fill-between-slices", "grow-from-seeds"}
        The former takes what is inside alone, and no image.
    seeds : numpy.ndarray
        uint8, classes x k x j x i: `UNSEEDED`, `INSIDE` or `OUTSIDE`.
    image : numpy.ndarray
        k x j x i.
    spacing : tuple of 3 floats
        mm along i, j, k.
    work : Path
        A folder for files meanwhile.

    Returns
    -------
    numpy.ndarray
        bool, classes x k x j x i.

    Raises
    ------
    UserError
        ``no_slicer_core``; ``effect_failed`` with what the process said.
    """
    if importlib.util.find_spec("slicer_core") is None:
        message = "3D Slicer's own filters are not installed."
        raise UserError("no_slicer_core", message, "Install the package slicer-core, or leave these rows out.")
    with TemporaryDirectory(dir=work) as folder:
        given, made = Path(folder) / "given.npz", Path(folder) / "made.npy"
        np.savez(given, seeds=seeds, image=image, spacing=np.array(spacing))
        command = [sys.executable, "-m", _MODULE, effect, str(given), str(made)]
        # Several threads of this filter have ended the process now and then.
        environment = {**os.environ, "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", check=False, env=environment
        )
        if done.returncode:
            message = f"The process of {effect} ended with {done.returncode}: {done.stderr.strip()}"
            raise UserError("effect_failed", message, "Leave this row out.")
        masks: np.ndarray = np.load(made, allow_pickle=False)
        return masks


def fill_between_slices(inside: np.ndarray) -> np.ndarray:
    """Morphological contour interpolation between the slices that hold something (bool, k x j x i), as Slicer does."""
    import slicer

    interpolator = slicer.vtkITKMorphologicalContourInterpolator()
    interpolator.SetInputData(_image(inside.astype(np.uint8), (1.0, 1.0, 1.0)))
    interpolator.Update()
    return _array(interpolator.GetOutput()) > 0


def grow_from_seeds(seeds: np.ndarray, image: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Fast grow-cut by intensities from seeds, as Slicer does by default; a mask of what grew from inside."""
    import slicer

    growing = slicer.vtkImageGrowCutSegment()
    growing.SetIntensityVolume(_image(image.astype(np.float32), spacing))
    growing.SetSeedLabelVolume(_image(seeds, spacing))
    growing.Update()
    return _array(growing.GetOutput()) == INSIDE


def _image(array: np.ndarray, spacing: Sequence[float]) -> Any:
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    image = vtk.vtkImageData()
    image.SetDimensions(*array.shape[::-1])
    image.SetSpacing(*spacing)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(array).ravel(), deep=True))
    return image


def _array(image: Any) -> np.ndarray:
    from vtk.util.numpy_support import vtk_to_numpy

    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def main(effect: str, given: str, made: str) -> None:
    """Run an effect on the seeds in a file, and write the masks into another."""
    with np.load(given, allow_pickle=False) as data:
        seeds, image, spacing = data["seeds"], data["image"], data["spacing"].tolist()
    masks = np.zeros(seeds.shape, bool)
    for mask, own in zip(masks, seeds, strict=True):
        if (own == INSIDE).any():  # without a seed the filters give nothing at all
            mask[:] = fill_between_slices(own == INSIDE) if effect == FILL else grow_from_seeds(own, image, spacing)
    np.save(made, masks)


if __name__ == "__main__":
    main(*sys.argv[1:])
