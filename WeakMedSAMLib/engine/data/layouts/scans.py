"""What a reader of a dataset finds: scans with masks, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.itk_files import suffix_of

# Endings of file names that say what a file is, not whose: image.nii.gz of one layout, mask.nii.gz of another.
_ROLES = ("_image", "_mask", "_flair", "_seg", "_label", "_labels", "_0000")


@dataclass(frozen=True)
class DatasetScan:
    """A scan with its mask.

    Attributes
    ----------
    name : str
        Of the case, the only one of that name.
    patient : str
        Whose it is; a split keeps scans of one patient together.
    image, mask : Path
        Files on the same grid.
    """

    name: str
    patient: str
    image: Path
    mask: Path


@dataclass(frozen=True)
class Dataset:
    """The scans of a dataset folder.

    Attributes
    ----------
    layout : str
        Of the folder.
    scans : tuple of DatasetScan
        By name.
    labels : str
        Label values by class, as for `mask_tags.parse_mask_classes`; empty if the layout does not say.
    without_mask : int
        Images whose masks their publishers keep back; they are left out.
    """

    layout: str
    scans: tuple[DatasetScan, ...]
    labels: str = ""
    without_mask: int = 0


@dataclass(frozen=True)
class Layout:
    """How a dataset lies in its folder.

    Attributes
    ----------
    name : str
        For the command line.
    shape : str
        What the reader looks for, in words.
    recognises : callable
        Whether a folder lies like this.
    read : callable
        Reads such a folder.
    """

    name: str
    shape: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], Dataset]


def case_name(path: Path) -> str:
    """Name of a file without format and role: ``BraTS19_2013_2_1_flair.nii.gz`` and ``..._seg.nii`` share one."""
    suffix = suffix_of(path)
    name = path.name[: -len(suffix)] if suffix else path.name
    role = next((ending for ending in _ROLES if name.lower().endswith(ending)), "")
    return name[: len(name) - len(role)] or name


def volume_files(folder: Path, pattern: str) -> list[Path]:
    """Files below a folder that match a pattern, by path; the ``._`` files that macOS adds to archives are no scans."""
    return sorted(path for path in folder.rglob(pattern) if path.is_file() and not path.name.startswith("."))


def by_name(paths: Iterable[Path]) -> dict[str, Path]:
    """Files by `case_name`.

    Raises
    ------
    UserError
        ``duplicate_case``.
    """
    found: dict[str, Path] = {}
    for path in paths:
        name = case_name(path)
        if name in found:
            raise UserError(
                "duplicate_case", f"{found[name]} and {path} are both the case {name!r}.", "Keep one of them there."
            )
        found[name] = path
    return found
