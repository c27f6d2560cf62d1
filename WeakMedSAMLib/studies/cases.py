"""The cases of a benchmark folder: scans with masks, from which tags are made and by which results are scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.data.geometry import AXES, Geometry, from_slice_stack, slice_stack
from WeakMedSAMLib.engine.data.label_values import other_values, require_values
from WeakMedSAMLib.engine.data.layouts.known import AUTO, read_dataset
from WeakMedSAMLib.engine.data.layouts.scans import Dataset
from WeakMedSAMLib.engine.data.mask_tags import MaskClass, class_table, tags_from_masks
from WeakMedSAMLib.engine.data.notes import Note
from WeakMedSAMLib.engine.data.segmentations import MaskFile, read_mask
from WeakMedSAMLib.engine.data.volumes import read_geometry, read_volume, write_volume

Masks = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A scan, and its mask file.

    Attributes
    ----------
    name : str
        As in the file names.
    image, mask : Path
        Files on the same grid.
    patient : str
        Whose scan it is.
    stride : int
        Only every so-manieth slice along ``axis`` is used; the others do not exist for the benchmark.
    axis : str
        Slice axis.
    part : tuple of int, optional
        First and last of these slices, if only a part of them is the scan.
    """

    name: str
    image: Path
    mask: Path
    patient: str
    stride: int = 1
    axis: str = "k"
    part: tuple[int, int] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the scan is its file as it is."""
        return self.stride == 1 and self.part is None

    def geometry(self) -> Geometry:
        """Geometry of the slices that are used."""
        found = read_geometry(self.image)
        found = found if self.stride == 1 else _thin(found, self.axis, self.stride)
        return found if self.part is None else _cut(found, self.axis, *self.part)

    def labels(self) -> np.ndarray:
        """True label map of the slices that are used, k x j x i; of a mask file without several layers."""
        (labels,) = self.masks().layers
        return labels

    def masks(self) -> MaskFile:
        """True masks on the slices that are used."""
        placed = read_mask(self.mask).on(read_geometry(self.image), self.image)
        used = [self._used(layer) for layer in placed.layers]
        return replace(placed, layers=np.stack(used), geometry=self.geometry())

    def masks_in(self, file: Path, classes: ClassTable) -> Masks:
        """Class -> mask (bool, k x j x i) in the label maps that a run made of the slices that are used."""
        layers = read_mask(file).on(self.geometry(), self.image).layers
        return {entry.name: (layers == entry.label_value).any(0) for entry in classes}

    def voxels(self) -> np.ndarray:
        """The scan, slices that are used, k x j x i."""
        return self._used(read_volume(self.image).array)

    def _used(self, array: np.ndarray) -> np.ndarray:
        """The slices of an array (k x j x i) of the file that are used."""
        stack = slice_stack(array, self.axis)[:: self.stride]
        if self.part is not None:
            stack = stack[self.part[0] : self.part[1] + 1]
        return from_slice_stack(stack, self.axis)

    def tags(self, classes: Sequence[MaskClass]) -> VolumeLabels:
        """Slice tags from the mask: whether a slice shows a class, and nothing else."""
        truth = self.masks()
        return tags_from_masks(self.name, None, {entry.name: truth.mask(entry) for entry in classes}, self.axis)


def find_cases(
    folder: Path, count: int | None = None, stride: int = 1, axis: str = "k", layout: str = AUTO
) -> list[Case]:
    """The cases of a dataset folder, by name; the first ``count`` of them.

    Raises
    ------
    UserError
        What `cases_of` and `read_dataset` raise.
    """
    return cases_of(read_dataset(folder, layout), count, stride, axis)


def cases_of(dataset: Dataset, count: int | None = None, stride: int = 1, axis: str = "k") -> list[Case]:
    """The cases of a dataset, by name; the first ``count`` of them; `UserError` ``too_few_cases``."""
    found = len(dataset.scans)
    if count is not None and count > found:
        raise UserError("too_few_cases", f"There are {found} cases, not {count}.", "Ask for fewer.")
    return [Case(scan.name, scan.image, scan.mask, scan.patient, stride, axis) for scan in dataset.scans[:count]]


def check_cases(cases: Sequence[Case], classes: Sequence[MaskClass], all_needed: bool = True) -> list[Problem]:
    """Read scans and masks before any run, and compare the values in the masks with the classes that are asked for.

    Parameters
    ----------
    cases : sequence of Case
        Their files are read one at a time.
    classes : sequence of MaskClass
        What to look for.
    all_needed : bool
        Whether a class that is in no mask is an error: the first cases of a dataset need not show all that it knows.

    Returns
    -------
    list of Problem
        Warnings: what was noticed in the files, once a kind; of masks with other values alone.

    Raises
    ------
    UserError
        ``label_not_in_masks`` with the values that are there.
    """
    found, notes = {}, []
    for case in cases:
        masks = case.masks()
        found[case.mask] = frozenset(masks.values)
        notes += [*read_volume(case.image).notes, *masks.notes]
    if all_needed:
        require_values(found, classes, "--labels")
    strange = other_values(found, classes, "They count as empty: check how that mask is numbered.")
    return [*_once_a_kind(notes), *strange]


def checking_once(
    cases: Sequence[Case], classes: Sequence[MaskClass], told: Callable[[str], None]
) -> Callable[[], None]:
    """What looks at the masks the first time that it is called, and tells what it finds, see `check_cases`.

    They are large, and nothing of it is needed where all of a benchmark is finished.
    """

    @cache
    def check() -> None:
        for problem in check_cases(cases, classes):
            told(f"{problem.message} {problem.hint}")

    return check


def _once_a_kind(notes: Sequence[Note]) -> list[Problem]:
    """A warning for the first note of each code, and how many more files have it."""
    by_code: dict[str, list[Note]] = {}
    for note in notes:
        by_code.setdefault(note.code, []).append(note)
    return [
        Problem("warning", code, some[0].message + (f" ({len(some)} such)" if len(some) > 1 else ""), some[0].hint)
        for code, some in by_code.items()
    ]


def volume_of(case: Case, folder: Path) -> Path:
    """File of the scan to give to a run: its own, or, where slices are left out, a copy without them in ``folder``."""
    if case.is_whole:
        return case.image
    path = folder / f"{case.name}.nrrd"
    if not path.exists():
        write_volume(path, case.voxels(), case.geometry())
    return path


def tags_of(cases: Sequence[Case], untagged: set[str], classes: Sequence[MaskClass]) -> CohortLabels:
    """Tags of a cohort; the ``untagged`` cases get none, and their masks are not even read."""
    axis = cases[0].axis
    entries = [VolumeLabels(case.name, axis=axis) if case.name in untagged else case.tags(classes) for case in cases]
    return CohortLabels(class_table(classes), entries)


def _thin(geometry: Geometry, axis: str, stride: int) -> Geometry:
    position = AXES.index(axis)
    spacing, size = list(geometry.spacing), list(geometry.size)
    spacing[position] *= stride
    size[position] = -(-size[position] // stride)
    (x, y, z), (i, j, k) = spacing, size
    return replace(geometry, spacing=(x, y, z), size=(i, j, k))


def _cut(geometry: Geometry, axis: str, first: int, last: int) -> Geometry:
    position = AXES.index(axis)
    x, y, z = (np.array(geometry.origin) + geometry.axes[:, position] * geometry.spacing[position] * first).tolist()
    i, j, k = (last + 1 - first if each == position else count for each, count in enumerate(geometry.size))
    return replace(geometry, origin=(x, y, z), size=(i, j, k))
