"""Scans of any size that are made by rule, with their truth: smooth blobs in a body on noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.mask_tags import tags_from_masks
from WeakMedSAMLib.engine.data.volumes import write_volume

# In shares of the scan's edge: half the body, and a blob's radius, and how far from the middle blobs lie. Two rings,
# so that sixteen of them do not touch.
_BODY, _BLOB, _RINGS = 0.42, 0.06, (0.32, 0.17)
_HALF = 0.25  # of the slices, that a blob reaches up and down from its own middle
_AIR, _TISSUE, _BRIGHT, _NOISE = 0.0, 400.0, 500.0, 30.0


@dataclass(frozen=True)
class Size:
    """How large a cohort is.

    Attributes
    ----------
    slices : int
        Of each volume; 6 at least, so that every class is present on some and absent on others.
    volumes : int
        Of the cohort.
    classes : int
        To be found, all of them in every volume.
    edge : int
        Pixels along each edge of a slice.
    """

    slices: int
    volumes: int
    classes: int
    edge: int

    @property
    def class_names(self) -> list[str]:
        """Of all classes."""
        return [f"blob {number + 1}" for number in range(self.classes)]


def make_cohort(size: Size, folder: Path) -> tuple[list[Path], CohortLabels]:
    """Write the volumes of a cohort; returns their files, and tags of every slice as the truth has them."""
    paths, tagged = [], []
    for number in range(size.volumes):
        name = f"scan {number + 1}"
        voxels, masks = made_volume(size, number)
        tagged.append(tags_from_masks(name, None, masks, min_pixels=1))
        paths.append(folder / f"{name}.nrrd")
        spacing = (256 / size.edge, 256 / size.edge, 4.0)
        upright = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
        write_volume(paths[-1], voxels, Geometry((0.0, 0.0, 0.0), spacing, upright, voxels.shape[::-1]))
    return paths, CohortLabels(ClassTable.from_names(size.class_names), tagged)


def made_volume(size: Size, number: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Voxels of one volume of a cohort, int16, slices x edge x edge, and a mask by class.

    Blobs of a class are as bright, as large in shares of the volume, and in the same place but for a small turn in each
    volume, whatever the size: only what grows changes what there is to compute.
    """
    generator = np.random.default_rng(number)
    middle = (size.edge - 1) / 2
    rows, columns = (np.indices((size.edge, size.edge), np.float32) - middle) / size.edge
    body = _TISSUE * (rows**2 + columns**2 < _BODY**2) + _AIR
    voxels = generator.normal(body, _NOISE, (size.slices, size.edge, size.edge)).astype(np.float32)
    masks = {}
    for index, name in enumerate(size.class_names):
        distance = _from_blob(size, index, number, rows, columns)
        voxels += _BRIGHT * np.exp2(-distance)
        masks[name] = distance < 1
    return voxels.round().astype(np.int16), masks


def _from_blob(size: Size, index: int, number: int, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Squared distance of each voxel from the middle of a blob, in its radii."""
    angle = 2 * np.pi * index / size.classes + 0.2 * number
    ring = _RINGS[index % 2]
    within = (rows - ring * np.sin(angle)) ** 2 + (columns - ring * np.cos(angle)) ** 2
    share = (np.arange(size.slices, dtype=np.float32) + 0.5) / size.slices
    level = 0.35 + 0.3 * (index + 0.5) / size.classes
    return within / _BLOB**2 + ((share - level)[:, None, None] / _HALF) ** 2
