"""What ITK leaves unchecked or refuses in NIfTI files: files that are cut off, and sheared axes."""

from __future__ import annotations

import gzip
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.geometry import Geometry

_HEADER_BYTES = 348
_EXTENSION_FLAG_BYTES = 4
_CODES_AT = 252
_CHUNK = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class NiftiHeader:
    """The fields of a NIfTI-1 header that decide how long the file must be and where its voxels lie."""

    order: str
    voxel_bytes: int
    first_voxel: int
    sform: np.ndarray

    @property
    def file_bytes(self) -> int:
        """Length of the whole file, unpacked."""
        return self.first_voxel + self.voxel_bytes


def read_header(path: Path) -> NiftiHeader | None:
    """Header of a .nii or .nii.gz file; None where it is not single-file NIfTI-1."""
    try:
        with open_plain(path) as stream:
            raw = stream.read(_HEADER_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return None
    order = next((o for o in "<>" if raw[:4] == struct.pack(f"{o}i", _HEADER_BYTES)), None)
    if order is None or len(raw) < _HEADER_BYTES or not raw[344:].startswith(b"n+1"):
        return None
    dimensions = struct.unpack_from(f"{order}8h", raw, 40)
    bits = struct.unpack_from(f"{order}h", raw, 72)[0]
    voxels = int(np.prod([max(n, 1) for n in dimensions[1 : 1 + max(dimensions[0], 0)]], dtype=object))
    sform = np.array(struct.unpack_from(f"{order}12f", raw, 280), dtype=np.float64).reshape(3, 4)
    first_voxel = _whole(struct.unpack_from(f"{order}f", raw, 108)[0])
    return NiftiHeader(order, voxels * bits // 8, first_voxel, sform)


def _whole(number: float) -> int:
    return max(0, int(number)) if np.isfinite(number) else 0


def open_plain(path: Path) -> gzip.GzipFile | BufferedReader:
    """Open for reading, unpacking gzip by content: the suffix is often wrong."""
    with path.open("rb") as stream:
        packed = stream.read(2) == _GZIP_MAGIC
    return gzip.open(path, "rb") if packed else path.open("rb")


def check_complete(path: Path) -> None:
    """Refuse a NIfTI file that ends early; ITK fills what is missing and says nothing.

    Raises
    ------
    UserError
        ``volume_truncated``: fewer voxels than the header promises, or a broken gzip stream.
    """
    header = read_header(path)
    if header is None:
        return
    try:
        found = _count_bytes(path, header.file_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _truncated(path, f"its gzip stream is broken ({error})") from error
    if found < header.file_bytes:
        raise _truncated(path, f"its header promises {header.file_bytes:,} bytes and {found:,} are there")


def _count_bytes(path: Path, enough: int) -> int:
    """Unpacked length of a file. Reading goes a little beyond `enough`, to where gzip checks its checksum."""
    found = 0
    with open_plain(path) as stream:
        while found <= enough + _CHUNK and (chunk := stream.read(_CHUNK)):
            found += len(chunk)
    return found


def _truncated(path: Path, why: str) -> UserError:
    hint = "Copy or download it again; it is cut off or damaged."
    return UserError("volume_truncated", f"{path} is not complete: {why}.", hint)


def sheared_geometry(path: Path, size: tuple[int, int, int]) -> Geometry:
    """True geometry of a volume whose sform axes are not at right angles, which ITK's NIfTI reader refuses.

    Raises
    ------
    UserError
        ``volume_bad_geometry``: the file holds no usable sform.
    """
    header = read_header(path)
    if header is None or not abs(np.linalg.det(header.sform[:, :3])) > 0:
        raise UserError(
            "volume_bad_geometry",
            f"The orientation in the header of {path} cannot be used: it has no three independent axes.",
            "Check it in 3D Slicer or another viewer and save it as NRRD.",
        )
    columns = _RAS_TO_LPS @ header.sform
    spacing = np.linalg.norm(columns[:, :3], axis=0)
    direction = (columns[:, :3] / spacing).ravel()
    return Geometry(tuple(columns[:, 3].tolist()), tuple(spacing.tolist()), tuple(direction.tolist()), size)


@contextmanager
def without_orientation(path: Path, voxels: bool) -> Iterator[Path]:
    """Private temporary copy of a NIfTI-1 file that claims no orientation, so that ITK reads it.

    Parameters
    ----------
    path : Path
        The file; anything but NIfTI-1 is copied as it is.
    voxels : bool
        Whether the copy is to hold the voxels or the header alone.
    """
    with tempfile.TemporaryDirectory() as folder, open_plain(path) as source:
        copy = Path(folder) / "unoriented.nii"
        raw = bytearray(source.read(_HEADER_BYTES + _EXTENSION_FLAG_BYTES))
        # No more than the header claims, which was bounded before: gzip may unpack to any length.
        left = 0
        if header := read_header(path):
            struct.pack_into(f"{header.order}hh", raw, _CODES_AT, 0, 0)
            left = header.file_bytes - len(raw) if voxels else 0
        with copy.open("wb") as target:
            target.write(raw)
            while left > 0 and (chunk := source.read(min(left, _CHUNK))):
                left -= target.write(chunk)
        yield copy
