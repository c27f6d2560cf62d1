"""The whole real pipeline in about a second: two small generated scans and a backbone of a few fixed filters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from safetensors.torch import load_file

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.backbones.registry import register
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import read_labels, write_volume
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.studies.filter_backbone import FilterBackbone

NAME = "tiny-of-tests"
CLASSES = ("ball", "rod")
STAGES = (
    "embed",
    "handing-on",
    "projection",
    "novelty",
    "classifier",
    "objects",
    "pseudo-masks",
    "segmenter-1",
    "segmenter-2",
    "masks",
)
QUICK = {"classifier_steps": 30, "segmenter_steps": 3, "pam_slices": 3, "novelty_references": 100, "objects": False}
_SLICES = 7
SHOWN = {"ball": ((2, 4), (1, 4)), "rod": ((3, 5), (4, 5))}  # first and last slice in each scan


class TinyBackbone(FilterBackbone):
    """The filters under a name that runs can ask for, with small batches, and for balls and rods less bright."""

    info = replace(FilterBackbone.info, name=NAME)
    batch_size = 3
    bright = 0.45


register(NAME)(lambda *_, **__: TinyBackbone())


def make_scans(folder: Path) -> list[Path]:
    """Write two scans: a body with a bright ball and a rod less bright, on other slices in each."""
    paths = []
    for number in range(2):
        generator = np.random.default_rng(number)
        k, j, i = np.mgrid[:_SLICES, :40, :36]
        array = generator.normal(100, 15, k.shape) + 150 * ((j - 20) ** 2 + (i - 18) ** 2 < 17**2)
        (ball_first, ball_last), (rod_first, rod_last) = SHOWN["ball"][number], SHOWN["rod"][number]
        ball = ((j - 14 - number) ** 2 + (i - 12) ** 2 < 25) & (k >= ball_first) & (k <= ball_last)
        rod = (abs(j - 27) < 3) & (abs(i - 20 - number) < 8) & (k >= rod_first) & (k <= rod_last)
        array[ball], array[rod] = array[ball] + 500, array[rod] + 300
        geometry = Geometry((-10.0, 5.0, 2.0), (1.5, 1.5, 4.0), (-1.0, 0, 0, 0, -1.0, 0, 0, 0, 1.0), (36, 40, _SLICES))
        paths.append(folder / f"scan {number}.nrrd")
        write_volume(paths[-1], array.astype(np.int16), geometry)
    return paths


def make_tiny_run(out: Path, scans: list[Path], shift: int = 0, **overrides) -> RunFolder:
    """Make the run folder of these scans, every slice tagged; with a shift the tags are wrong by so many slices.

    The folder is the same whatever the tags, as after an edit of them.
    """
    tagged = []
    for number in range(len(scans)):
        volume = VolumeLabels(f"scan {number}", n_slices=_SLICES)
        for name in CLASSES:
            first, last = SHOWN[name][number]
            volume.tag_range(name, first - shift, last - shift)
        tagged.append(volume)
    settings = RunSettings(device="cpu", backbone=NAME, overrides={**QUICK, **overrides})
    return make_run(out, scans, CohortLabels(ClassTable.from_names(list(CLASSES)), tagged), settings)


def outputs(places: RunFolder) -> dict[str, np.ndarray | bytes]:
    """All that a run made: voxels and weights as arrays, quality as it was written."""
    found: dict[str, np.ndarray | bytes] = {}
    for folder in sorted(places.path.glob("results/*")):
        for path in sorted(folder.glob("*.nrrd")):
            image = read_labels(path)[0] if path.name == "segmentation.seg.nrrd" else read_array(path)
            found[f"{folder.name}/{path.name}"] = image
        found[f"{folder.name}/quality.json"] = (folder / "quality.json").read_bytes()
    for name, tensor in load_file(places.model / "model.safetensors").items():
        found[f"model/{name}"] = tensor.numpy()
    return found


def read_array(path: Path) -> np.ndarray:
    """Voxels as they are, be they all of one value."""
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def different(one: dict, other: dict) -> list[str]:
    """Names of what is not the same in two runs, bit for bit."""
    names = sorted(one.keys() | other.keys())
    return [name for name in names if name not in one or name not in other or not _same(one[name], other[name])]


def _same(one: np.ndarray | bytes, other: np.ndarray | bytes) -> bool:
    if isinstance(one, bytes) or isinstance(other, bytes):
        return one == other
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
