"""NIfTI files: values by the standard, at the places where 3D Slicer has them."""

from __future__ import annotations

import gzip
import zlib
from io import BufferedReader
from pathlib import Path

import numpy as np

from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.itk_files import check_name, suffix_of
from WeakMedSAMLib.engine.data.lengths import truncated
from WeakMedSAMLib.engine.data.nifti_header import (
    GZIP_ERRORS,
    Header,
    header_notes,
    is_packed,
    open_plain,
    read_header,
)
from WeakMedSAMLib.engine.data.nifti_placing import Placing, placing
from WeakMedSAMLib.engine.data.notes import Note, longer_note, other_values_note

_CHUNK = 1 << 20
_PACKED_SUFFIX = ".gz"


class NiftiFile:
    """A `source.Source` of a NIfTI file whose header has been read and checked."""

    is_segmentation = False

    def __init__(self, path: Path, header: Header, place: Placing, notes: tuple[Note, ...]) -> None:
        self.path = path
        self.notes = notes
        self._header = header
        self._place = place
        self._all_finite: bool | None = None if header.dtype.kind == "f" else True

    @property
    def geometry(self) -> Geometry:
        """See `source.Source`."""
        return self._place.geometry

    @property
    def is_turned(self) -> bool:
        """Slicer turns every left-handed volume that it loads from NIfTI."""
        return self.geometry.is_left_handed

    def voxels(self) -> tuple[np.ndarray, tuple[Note, ...]]:
        """See `source.Source`."""
        stored, notes = self._stored()
        if self._all_finite is None:
            self._all_finite = bool(np.isfinite(stored).all())
        return self._header.scaling.of(stored), (*notes, *self._not_finite_notes())

    def slicer_voxels(self) -> np.ndarray | None:
        """See `source.Source`: ITK has 0 for voxels that are not finite, and another rule for a scale of 0."""
        if self._all_finite is None:
            self.voxels()
        if self._all_finite and self._header.scaling == self._header.scaling_in_slicer:
            return None
        stored, _ = self._stored()
        if not self._all_finite:
            stored[~np.isfinite(stored)] = 0
        return self._header.scaling_in_slicer.of(stored)

    def _stored(self) -> tuple[np.ndarray, tuple[Note, ...]]:
        """Numbers as they are stored, k x j x i, in this computer's byte order."""
        array = np.empty(self.geometry.shape, self._header.dtype)
        try:
            with open_plain(self.path) as stream:
                stream.seek(self._header.first_voxel)
                self._fill(stream, array.reshape(-1).view(np.uint8))
                left = _left_over(stream)
        except GZIP_ERRORS as error:
            raise truncated(self.path, f"its gzip stream is broken ({error})") from error
        native = array if array.dtype.isnative else array.byteswap(inplace=True).view(array.dtype.newbyteorder("="))
        return native, (longer_note(self.path.name, left),) if left else ()

    def _fill(self, stream: gzip.GzipFile | BufferedReader, numbers: np.ndarray) -> None:
        found = 0
        while found < len(numbers):
            got = stream.readinto(numbers[found : found + _CHUNK].data)
            if not got:
                promised, there = self._header.file_bytes, self._header.first_voxel + found
                raise truncated(self.path, f"its header promises {promised:,} bytes and {there:,} are there")
            found += got

    def _not_finite_notes(self) -> tuple[Note, ...]:
        if self._all_finite:
            return ()
        why = "3D Slicer shows 0 where its voxels are NaN or infinite."
        hint = "Look at it here, or save it in Slicer as NRRD if 0 is what you want there."
        return (other_values_note(self.path.name, "not_finite", why, hint),)


def open_nifti(path: Path) -> NiftiFile:
    """Read and check the header of a .nii or .nii.gz file, NIfTI-1 or NIfTI-2. No voxels are read.

    Raises
    ------
    UserError
        What `nifti_header.read_header` and `nifti_placing.placing` refuse; not found.
    """
    check_name(path)
    header = read_header(path)
    place = placing(path, header)
    notes = (*_slicer_notes(path, header, place), *_twin_notes(path), *header_notes(path, header), *place.notes)
    return NiftiFile(path, header, place, notes)


def _left_over(stream: gzip.GzipFile | BufferedReader) -> str:
    """What follows the last voxel, in words. Reading on to the end of a gzip stream has its checksum tested."""
    try:
        more = stream.read(_CHUNK)
    except gzip.BadGzipFile as error:
        # Only gzip itself is told by its checksum; whatever else follows it is no part of the stream.
        if "Not a gzipped file" not in str(error):
            raise
        return "bytes that are not packed"
    return f"{len(more):,} bytes" if 0 < len(more) < _CHUNK else "many bytes" if more else ""


def _slicer_notes(path: Path, header: Header, place: Placing) -> tuple[Note, ...]:
    """Files that 3D Slicer does not open as they are."""
    reasons = {
        "nifti2": ("it is NIfTI-2", header.is_version_2),
        "sheared": ("its axes are not at right angles", place.is_sheared),
        "packed": ("it is packed though its name does not end in .gz", _is_packed_in_secret(path)),
    }
    hints = {
        "nifti2": "To see it there, convert it to NIfTI-1 or NRRD with another program.",
        "sheared": "To see it there, save it as NRRD with another program: Slicer takes sheared volumes from that.",
        "packed": "To see it there, rename it to end in .nii.gz.",
    }
    return tuple(
        Note(
            "slicer_cannot_load",
            f"{path.name}: {why}, so that 3D Slicer cannot load it; it was read as its header says.",
            hints[reason],
            {"file": path.name, "reason": reason},
        )
        for reason, (why, holds) in reasons.items()
        if holds
    )


def _is_packed_in_secret(path: Path) -> bool:
    return not path.name.lower().endswith(_PACKED_SUFFIX) and is_packed(path)


def _twin_notes(path: Path) -> tuple[Note, ...]:
    """ITK's reader takes scan.nii when scan.nii.gz is asked for and both are there."""
    twin = path.with_name(path.name[: -len(_PACKED_SUFFIX)])
    if suffix_of(path) != ".nii.gz" or not twin.is_file() or _has_same_content(path, twin):
        return ()
    message = f"{path.name}: beside it lies {twin.name}, another volume, which 3D Slicer opens in its place."
    hint = "Keep them in different folders; what was tagged in Slicer may belong to the other one."
    return (Note("slicer_opens_other_file", message, hint, {"file": path.name, "other": twin.name}),)


def _has_same_content(packed: Path, plain: Path) -> bool:
    """Whether a gzip file unpacks to another, by the length and checksum at its end."""
    with packed.open("rb") as stream:
        if packed.stat().st_size < 8:
            return False
        stream.seek(-8, 2)
        checksum, length = np.frombuffer(stream.read(8), "<u4").tolist()
    if plain.stat().st_size % 2**32 != length:
        return False
    found = 0
    with plain.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found = zlib.crc32(chunk, found)
    return found == checksum
