"""Volumes from NRRD, NIfTI, MetaImage and DICOM, read exactly or refused with the reason."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.identity import content_hash
from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.contract.labels.matching import Order
from WeakMedSAMLib.engine.data import itk_files
from WeakMedSAMLib.engine.data.geometry import (
    AXES,
    Geometry,
    from_slice_stack,
    in_plane_spacing,
    plane_axes,
    slice_count,
    slice_spacing,
    slice_stack,
)
from WeakMedSAMLib.engine.data.notes import Note, spacing_notes
from WeakMedSAMLib.engine.data.part_names import is_part
from WeakMedSAMLib.engine.data.source import Source
from WeakMedSAMLib.engine.data.voxel_checks import make_finite, memory_guard, narrow, note_rounding, refuse_constant
from WeakMedSAMLib.engine.data.writing import write_nrrd, write_volume

__all__ = [
    "AXES",
    "Geometry",
    "Note",
    "Numbering",
    "Scan",
    "Shelf",
    "from_slice_stack",
    "in_plane_spacing",
    "open_scan",
    "open_stored",
    "plane_axes",
    "read_geometry",
    "read_labels",
    "read_stored",
    "read_volume",
    "slice_count",
    "slice_spacing",
    "slice_stack",
    "volume_name",
    "write_nrrd",
    "write_volume",
]

_NIFTI = ".nii"
_SCALING_NOISE = 1e-4


class Shelf:
    """Room for the voxels of a few scans in memory: when one more is read, the one read longest ago lets go of them.

    Scans that only map the voxels of their file take no room.

    Parameters
    ----------
    room : int
        Scans whose voxels may be in memory at once.
    """

    def __init__(self, room: int = 2) -> None:
        self._room = room
        self._scans: list[Scan] = []

    def take(self, scan: Scan) -> None:
        """Keep what a scan has just read."""
        self._scans = [*(other for other in self._scans if other is not scan), scan]
        while len(self._scans) > self._room:
            self._scans.pop(0).release()


class Scan:
    """A scan in a file or DICOM folder: its place at once, its voxels when they are wanted, read and hashed once.

    Slices are numbered as 3D Slicer's Data Probe shows the loaded file: a left-handed volume from NIfTI, NRRD or
    MetaImage has its k planes reversed, as Slicer reverses them. A volume of a run folder keeps the order of its file.

    Parameters
    ----------
    source : Source
        What the reader of its format found.
    name : str
        What to call it to the user.
    stored : bool
        Keep the order of the file: the volume is one of a run folder.
    shelf : Shelf, optional
        What holds its voxels; without it they stay until the scan is gone or `release` is called.

    Attributes
    ----------
    path : Path
        As it was named.
    name : str
    is_turned : bool
        Whether its k planes are in another order than in the file.
    geometry : Geometry
        Where the voxels lie.
    """

    def __init__(self, source: Source, name: str, stored: bool = False, shelf: Shelf | None = None) -> None:
        self._source = source
        self._shelf = shelf
        self.path = source.path
        self.name = name
        self.is_turned = source.is_turned and not stored
        self.geometry = source.geometry.turned() if self.is_turned else source.geometry
        self._header_notes = (*source.notes, *spacing_notes(source.path, source.geometry))
        self._voxel_notes: tuple[Note, ...] = ()
        self._hash_before_filling: str | None = None

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was noticed: in the header, and in the voxels once they were read."""
        return (*self._header_notes, *self._voxel_notes)

    def release(self) -> None:
        """Let go of the voxels; place, notes and hashes stay, and the voxels are read again if they are wanted."""
        self.__dict__.pop("array", None)

    @cached_property
    def array(self) -> np.ndarray:
        """Voxels by the standard of the format, k x j x i, finite; 64-bit numbers become float32.

        Voxels that are NaN or infinite are replaced by the smallest finite value, as they mark places outside the field
        of view after registration or resampling; a note says how many there were. Those of a run folder that are not
        packed are mapped where they lie in their file, and so read-only.

        Raises
        ------
        UserError
            What the format's reader raises; no finite voxel (``volume_not_finite``), all voxels equal
            (``volume_is_constant``), not enough memory (``volume_out_of_memory``).
        """
        array, noticed = _voxels(self._source)
        array = np.ascontiguousarray(array[::-1]) if self.is_turned else array
        if self._hash_before_filling is None and array.dtype.kind == "f" and not np.isfinite(array).all():
            self._hash_before_filling = content_hash(array)
        array, filled = make_finite(self.path, array, noticed)
        refuse_constant(self.path, array)
        self._voxel_notes = (*noticed, *filled)
        if self._shelf is not None and not isinstance(array, np.memmap):
            self._shelf.take(self)
        return array.view(np.ndarray)

    @cached_property
    def sha256(self) -> str:
        """Content hash of the volume as 3D Slicer holds it, in the order of `array`: what tags are recognised by."""
        _ = self.array  # first, since what is not finite is known once it was read
        held = self._source.slicer_voxels()
        return self._standard_sha256 if held is None else content_hash(self._order(narrow(held)))

    def order_of(self, sha256: str) -> Order | None:
        """Whether a hash is over the k planes of `array` as they are, or reversed; None if it is of another volume.

        It may be over what Slicer holds or over the values by the standard, where these differ.
        """
        if sha256 in (self.sha256, self._standard_sha256):
            return "same"
        return "reversed" if self.has_two_numberings and sha256 in self._reversed_hashes else None

    def reverses(self, numbering: Numbering) -> bool:
        """Whether slices counted in this way along k run against `array`."""
        return self.has_two_numberings and self.is_turned == (numbering == "file")

    @property
    def has_two_numberings(self) -> bool:
        """Whether the file's order of slices along k is not the one in which Slicer shows it."""
        return self.is_turned or self.geometry.is_left_handed

    @cached_property
    def array_sha256(self) -> str:
        """Content hash of `array`, in which what was not finite is replaced."""
        return content_hash(self.array)

    @cached_property
    def _standard_sha256(self) -> str:
        _ = self.array  # first, as above
        return self._hash_before_filling or self.array_sha256

    @cached_property
    def _reversed_hashes(self) -> set[str]:
        """Hashes over the reversed order of the k planes."""
        _ = self.array
        is_filled = self._hash_before_filling is not None
        standard = self._order(_voxels(self._source)[0]) if is_filled else self.array
        held = self._source.slicer_voxels()
        arrays = [standard] if held is None else [standard, self._order(narrow(held))]
        return {content_hash(array[::-1]) for array in arrays}

    def _order(self, array: np.ndarray) -> np.ndarray:
        return array[::-1] if self.is_turned else array


def open_scan(path: Path | str, name: str = "") -> Scan:
    """Open a scan: a NRRD, NIfTI or MetaImage file, or the one DICOM series in a folder. No voxels are read.

    Parameters
    ----------
    path : Path
        File or folder.
    name : str
        Name of the volume; the file's name without its suffix by default.

    Raises
    ------
    UserError
        Whatever cannot be a scan by its header; a segmentation (``volume_is_segmentation``).
    """
    return _scan(Path(path), name, stored=False)


def open_stored(path: Path | str, name: str = "", shelf: Shelf | None = None) -> Scan:
    """Open a volume of a run folder, as `open_scan`, in the order in which it was stored."""
    return _scan(Path(path), name, stored=True, shelf=shelf)


def read_volume(path: Path | str, name: str = "") -> Scan:
    """Open a scan and read its voxels; raises as `open_scan` and `Scan.array`."""
    return _read_whole(open_scan(path, name))


def read_stored(path: Path | str, name: str = "") -> Scan:
    """Open a volume of a run folder and read its voxels; raises as `open_stored` and `Scan.array`."""
    return _read_whole(open_stored(path, name))


def _scan(path: Path, name: str, stored: bool, shelf: Shelf | None = None) -> Scan:
    source = _open(path)
    if source.is_segmentation:
        raise UserError(
            "volume_is_segmentation",
            f"{path} is a segmentation, not a scan.",
            "Give the volume that it was drawn on.",
            values={"file": str(path)},
        )
    if stored and isinstance(source, itk_files.VolumeFile):
        source = replace(source, in_place=True)
    return Scan(source, name or volume_name(path), stored, shelf)


def _read_whole(scan: Scan) -> Scan:
    _ = scan.array
    return scan


def read_labels(path: Path | str) -> tuple[np.ndarray, Geometry]:
    """Read a label map or a single-layer segmentation; all-zero ones are fine.

    Returns
    -------
    labels : numpy.ndarray
        k x j x i integers.
    geometry : Geometry
        Where they lie.

    Raises
    ------
    UserError
        As `read_volume`; ``labels_not_whole`` for values that are no whole numbers from 0 to 65535.
    """
    array, geometry, _notes = read_label_map(Path(path))
    return array, geometry


def read_label_map(path: Path) -> tuple[np.ndarray, Geometry, tuple[Note, ...]]:
    """As `read_labels`, with what was noticed."""
    source = _open(path)
    array, notes = _voxels(source)
    geometry = source.geometry
    if source.is_turned:
        array, geometry = array[::-1], geometry.turned()
    return as_labels(path, array), geometry, (*source.notes, *notes)


def as_labels(path: Path, array: np.ndarray) -> np.ndarray:
    """Voxels as uint8 or uint16; `UserError` ``labels_not_whole`` where they are no whole numbers from 0 to 65535.

    Scaling leaves a little noise on whole numbers, which is taken off.
    """
    whole = array if array.dtype.kind in "iu" else np.rint(array)
    finite = array if whole is array else array[np.isfinite(array)]
    is_whole = finite.size == array.size and (whole is array or np.abs(array - whole).max() <= _SCALING_NOISE)
    low, high = whole.min(), whole.max()
    if not (is_whole and low >= 0 and high <= np.iinfo(np.uint16).max):
        shown = f"values from {finite.min()} to {finite.max()}" if finite.size else "values"
        also = " and some that are no numbers (NaN)" if finite.size < array.size else ""
        raise UserError(
            "labels_not_whole",
            f"{path} holds {shown}{also} that are not all label values.",
            "A label map holds whole numbers from 0 to 65535.",
            values={"file": str(path)},
        )
    return whole.astype(np.uint8 if high <= np.iinfo(np.uint8).max else np.uint16, copy=False)


def read_geometry(path: Path | str) -> Geometry:
    """Geometry of a scan from its header, with the same refusals as `read_volume` as far as the header tells."""
    source = _open(Path(path))
    return source.geometry.turned() if source.is_turned else source.geometry


def volume_name(path: Path) -> str:
    """Name of a file without the suffixes of its format, or of a folder."""
    suffix = itk_files.suffix_of(path)
    return path.name[: -len(suffix)] if suffix and path.name != suffix else path.name


def _open(path: Path) -> Source:
    # pydicom and nibabel (which imports it) take longer to import than most files to read.
    if path.is_dir() or is_part(path):
        from WeakMedSAMLib.engine.data.dicom import open_folder

        return open_folder(path)
    if itk_files.suffix_of(path).startswith(_NIFTI):
        from WeakMedSAMLib.engine.data.nifti import open_nifti

        return open_nifti(path)
    return itk_files.open_file(path)


def _voxels(source: Source) -> tuple[np.ndarray, tuple[Note, ...]]:
    """Voxels in the order of the file, 64-bit numbers narrowed to float32, and what was noticed."""
    with memory_guard(source.path, source.geometry):
        array, notes = source.voxels()
        return narrow(array), (*notes, *note_rounding(source.path, array))
