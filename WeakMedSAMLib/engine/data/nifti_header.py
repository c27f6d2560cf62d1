"""What the header of a NIfTI file says: its fields, read by nibabel, and what of them can be no volume.

NIfTI-1 and NIfTI-2, single files, packed or not. Nothing is corrected: a field that says nothing, or what cannot be, is
refused or told, while nibabel and 3D Slicer (ITK) each put a number of their own in its place.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.header_checks import check_components, check_promise, check_size, size_3d
from WeakMedSAMLib.engine.data.lengths import truncated
from WeakMedSAMLib.engine.data.notes import Note, other_values_note

GZIP_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile)
_GZIP_MAGIC = b"\x1f\x8b"
_LONGER = tuple(Nifti2Header.sizeof_hdr.to_bytes(4, order) for order in ("little", "big"))
# Where the two versions say what they are. The magic of a pair may stand in a single file; both libraries take it.
_MAGICS = (
    (Nifti2Header, slice(4, 8), (b"n+2\0", b"ni2\0")),
    (Nifti1Header, slice(344, 348), (b"n+1\0", b"ni1\0")),
)
# Intents whose numbers along the fifth axis belong to one voxel (nifti1.h: matrices, displacements, vectors, ...).
_VECTOR_INTENTS = (1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010)
_LONG_QUATERNION = np.float64(1e-4)
_SAME_AS_ONE = np.finfo(np.float64).eps


class _Header1(Nifti1Header):
    # Quaternions that are too long by a rounding are made unit, as ITK does; nibabel alone would refuse them.
    quaternion_threshold = _LONG_QUATERNION


class _Header2(Nifti2Header):
    quaternion_threshold = _LONG_QUATERNION


_KINDS = {Nifti1Header: _Header1, Nifti2Header: _Header2}


@dataclass(frozen=True)
class Scaling:
    """What stored numbers are multiplied by, and what is then added."""

    slope: float = 1.0
    intercept: float = 0.0

    @property
    def is_none(self) -> bool:
        """Whether the stored numbers are the values."""
        return self == Scaling()

    def of(self, stored: np.ndarray) -> np.ndarray:
        """Values of stored numbers: these themselves where nothing is scaled, float32 else."""
        if self.is_none:
            return stored
        values = np.empty(stored.shape, np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            for plane, numbers in zip(values, stored, strict=True):
                plane[:] = numbers.astype(np.float64) * self.slope + self.intercept
        return values


@dataclass(frozen=True)
class Header:
    """A header that describes one scalar volume.

    Attributes
    ----------
    fields : nibabel.nifti1.Nifti1Header
        All fields as they stand in the file.
    size : tuple of 3 ints
        Voxels along i, j, k.
    dtype : numpy.dtype
        Of the stored numbers, in the byte order of the file.
    first_voxel : int
        Byte at which the voxels begin.
    """

    fields: Nifti1Header
    size: tuple[int, int, int]
    dtype: np.dtype
    first_voxel: int

    @property
    def is_version_2(self) -> bool:
        """Whether it is NIfTI-2."""
        return isinstance(self.fields, Nifti2Header)

    @property
    def is_flat(self) -> bool:
        """Whether it is an image of two dimensions."""
        return int(self.fields["dim"][0]) == 2

    @property
    def file_bytes(self) -> int:
        """Length of the whole file, unpacked."""
        return self.first_voxel + int(np.prod(self.size, dtype=object)) * self.dtype.itemsize

    @property
    def scaling(self) -> Scaling:
        """Scaling by the standard: none where the slope is 0 or no number."""
        slope, intercept = self.fields.get_slope_inter()
        return Scaling() if slope is None else Scaling(slope, intercept)

    @property
    def scaling_in_slicer(self) -> Scaling:
        """Scaling as ITK applies it: a slope of 0 is taken as 1, and what is added is added."""
        slope, intercept = (float(self.fields[name]) for name in ("scl_slope", "scl_inter"))
        slope = slope if np.isfinite(slope) and abs(slope) > _SAME_AS_ONE else 1.0
        intercept = intercept if np.isfinite(intercept) else 0.0
        is_none = abs(slope - 1) <= _SAME_AS_ONE and abs(intercept) <= _SAME_AS_ONE
        return Scaling() if is_none else Scaling(slope, intercept)


def open_plain(path: Path) -> gzip.GzipFile | BufferedReader:
    """Open for reading, unpacking gzip by content: the suffix is often wrong."""
    return gzip.open(path, "rb") if is_packed(path) else path.open("rb")


def is_packed(path: Path) -> bool:
    """Whether a file begins as gzip does."""
    with path.open("rb") as stream:
        return stream.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC


def read_header(path: Path) -> Header:
    """Read and check the header of a NIfTI file.

    Raises
    ------
    UserError
        No NIfTI (``volume_unreadable``), cut off (``volume_truncated``), not one scalar 3-D volume
        (``volume_is_vector``, ``volume_is_complex``, ``volume_is_4d``, ``volume_is_line``, ``volume_is_empty``,
        ``volume_too_large``), numbers that nothing can read (``volume_unreadable``).
    """
    fields = _fields(path)
    dtype, components = _numbers(path, fields)
    check_components(path, components)
    size = _size(path, fields)
    check_size(path, size)
    header = Header(fields, size, dtype, _first_voxel(path, fields))
    there = path.stat().st_size
    check_promise(path, size, dtype.itemsize, there)
    if not is_packed(path) and there < header.file_bytes:
        raise truncated(path, f"its header promises {header.file_bytes:,} bytes and {there:,} are there")
    _check_scaling(path, fields)
    return header


def header_notes(path: Path, header: Header) -> tuple[Note, ...]:
    """What is odd about values and lengths in a header that can be read."""
    return (*_scaling_notes(path, header), *_length_notes(path, header))


def _fields(path: Path) -> Nifti1Header:
    raw = _beginning(path)
    for kind, place, magics in _MAGICS:
        if raw[place] in magics and len(raw) >= kind.sizeof_hdr:
            return _KINDS[kind](raw[: kind.sizeof_hdr], check=False)
    is_short = len(raw) < Nifti1Header.sizeof_hdr
    raise _unreadable(path, f"it ends after {len(raw)} bytes" if is_short else "it does not begin as NIfTI files do")


def _beginning(path: Path) -> bytes:
    try:
        with open_plain(path) as stream:
            # In two steps: a gzip stream may end after a short first one, with something else behind it.
            start = stream.read(Nifti1Header.sizeof_hdr)
            is_longer = start[:4] in _LONGER
            return start + stream.read(Nifti2Header.sizeof_hdr - len(start)) if is_longer else start
    except GZIP_ERRORS as error:
        raise truncated(path, f"its gzip stream is broken ({error})") from error
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise UserError("volume_unreadable", message, "Check that it is a file that you may read.") from error


def _numbers(path: Path, fields: Nifti1Header) -> tuple[np.dtype, int]:
    """Type of the stored numbers and how many of them make one voxel."""
    try:
        dtype = fields.get_data_dtype()
    except (HeaderDataError, KeyError):
        dtype = np.dtype("V1")
    if dtype.kind not in "iufc" and not dtype.names:
        why = f"its header says that voxels are of type {int(fields['datatype'])}, which cannot be read"
        hint = "Save it with voxels of a common type (16-bit integers or 32-bit floats)."
        raise _unreadable(path, why, hint)
    if dtype.kind == "c":
        raise UserError("volume_is_complex", f"{path} holds complex numbers.", "Export the magnitude image.")
    is_vector = int(fields["intent_code"]) in _VECTOR_INTENTS and int(fields["dim"][0]) >= 5
    along_fifth = max(int(fields["dim"][5]), 1) if is_vector else 1
    return dtype, len(dtype.names or "1") * along_fifth


def _size(path: Path, fields: Nifti1Header) -> tuple[int, int, int]:
    n = int(fields["dim"][0])
    if not 1 <= n <= 7:
        raise _unreadable(path, f"its header claims {n} dimensions")
    return size_3d(path, tuple(int(length) for length in fields["dim"][1 : n + 1]))


def _first_voxel(path: Path, fields: Nifti1Header) -> int:
    """Byte of the first voxel.

    Within the header it is nonsense that each library reads its own way: as voxels, or a few bytes too early.
    """
    offset, least = float(fields["vox_offset"]), fields.single_vox_offset
    if not least <= offset < 2**53:
        why = f"its header says that voxels begin at byte {offset:g} (vox_offset), and itself ends at {least}"
        hint = "Export it again, or write it anew with the program that made it: any reader would have to guess."
        raise _unreadable(path, why, hint)
    return int(offset)


def _check_scaling(path: Path, fields: Nifti1Header) -> None:
    try:
        fields.get_slope_inter()
    except HeaderDataError as error:
        slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
        raise UserError(
            "volume_bad_scale",
            f"The header of {path} scales voxels by {slope:g} and adds {intercept:g} (scl_slope, scl_inter).",
            "Its values cannot be known: export it again from its source.",
            {"file": path.name, "slope": slope},
        ) from error


def _scaling_notes(path: Path, header: Header) -> tuple[Note, ...]:
    standard, slicer = header.scaling, header.scaling_in_slicer
    if standard == slicer:
        return ()
    slope, intercept = (float(header.fields[name]) for name in ("scl_slope", "scl_inter"))
    done = "voxels were read as they are stored" if standard.is_none else "voxels were scaled by these"
    shown = "shows them as they are stored" if slicer.is_none else f"adds {slicer.intercept:g} to them"
    why = (
        f"its header has a scale of {slope:g} with {intercept:g} to add (scl_slope, scl_inter); {done}, "
        f"as the standard wants it, while 3D Slicer {shown}."
    )
    hint = "If Slicer's values are the right ones, save the volume in Slicer as NRRD and use that file."
    return (other_values_note(path.name, "scale", why, hint, slope=str(slope), intercept=str(intercept)),)


def _length_notes(path: Path, header: Header) -> tuple[Note, ...]:
    bits, said = header.dtype.itemsize * 8, int(header.fields["bitpix"])
    if bits == said:
        return ()
    message = (
        f"{path.name}: its header says {header.dtype.name} and {said} bits a voxel; the type counts, of {bits} bits, "
        "as in 3D Slicer."
    )
    hint = "If the picture looks like noise, export the volume again."
    return (Note("header_disagrees", message, hint, {"file": path.name, "field": "bitpix", "said": said}),)


def _unreadable(path: Path, why: str, hint: str = "") -> UserError:
    usual = "It is damaged, or not what its name says: copy it again, or open it in 3D Slicer and save it as NRRD."
    return UserError("volume_unreadable", f"{path} cannot be read: {why}.", hint or usual)
