"""Whether a file holds the voxels that its header promises: neither fewer nor more, nor packed ones called raw."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.notes import Note, longer_note

_GZIP_MAGIC = b"\x1f\x8b"
_ZLIB_OR_GZIP = 47
_CHUNK = 1 << 20


def truncated(path: Path, why: str) -> UserError:
    """The error that a file ends early."""
    hint = "Copy or download it again; it is cut off or damaged."
    return UserError("volume_truncated", f"{path} is not complete: {why}.", hint, values={"file": str(path)})


def require_beside(path: Path, name: str | None) -> None:
    """Refuse a header whose voxels are not beside it: MetaImage's reader would look where the program was started.

    Raises
    ------
    UserError
        ``volume_data_missing``.
    """
    if name is not None and not (path.parent / name).is_file():
        message = f"The voxels of {path} are in {name[:80]!r}, which is not there."
        raise UserError(
            "volume_data_missing",
            message,
            f"Put it beside {path.name}.",
            values={"file": str(path), "missing": name[:80]},
        )


def check_raw(path: Path, voxels: Path, first_byte: int, n_bytes: int) -> tuple[Note, ...]:
    """Compare the length of unpacked voxels with the header's.

    Parameters
    ----------
    path : Path
        The file that was named.
    voxels : Path
        The file that holds the voxels; the same, or one beside it.
    first_byte, n_bytes : int
        Where they begin, and how many there must be.

    Raises
    ------
    UserError
        ``volume_unreadable`` for packed voxels that the header calls raw. Fewer than there must be are ITK's to find.
    """
    more = voxels.stat().st_size - first_byte - n_bytes
    if more == 0:
        return ()
    with voxels.open("rb") as stream:
        stream.seek(first_byte)
        is_packed = stream.read(2) == _GZIP_MAGIC
    if is_packed:
        message = f"{path} says that its voxels are not packed, but {voxels.name} holds a gzip stream."
        raise UserError(
            "volume_unreadable",
            message,
            "Correct the encoding in its header, or unpack the voxels.",
            values={"file": str(path)},
        )
    return (longer_note(path.name, f"{more:,} bytes"),) if more > 0 else ()


def unpack(path: Path, voxels: Path, first_byte: int, n_bytes: int) -> tuple[bytearray, tuple[Note, ...]]:
    """Unpack voxels from a zlib or gzip stream, or from several gzip streams in a row.

    ITK compares no checksum where nothing comes after the last voxel, and in MetaImage leaves random memory where a
    stream is damaged.

    Raises
    ------
    UserError
        ``volume_truncated`` for fewer bytes than there must be, and for a damaged stream.
    """
    found = bytearray()
    with voxels.open("rb") as packed:
        packed.seek(first_byte)
        try:
            for piece in _pieces(packed, n_bytes + 1):
                found += piece
        except (zlib.error, EOFError) as error:
            raise truncated(path, f"its packed voxels are damaged or end early ({error})") from error
    if len(found) < n_bytes:
        raise truncated(path, f"its header promises {n_bytes:,} bytes of voxels and {len(found):,} are there")
    notes = (longer_note(path.name),) if len(found) > n_bytes else ()
    del found[n_bytes:]
    return found, notes


def _pieces(packed: BinaryIO, most: int) -> Iterator[bytes]:
    """What a stream unpacks to, up to so many bytes; EOFError for one without its end."""
    stream, rest, found = zlib.decompressobj(_ZLIB_OR_GZIP), b"", 0
    while found < most and (chunk := rest or packed.read(_CHUNK)):
        if stream.eof and not chunk.startswith(_GZIP_MAGIC):
            return
        stream = zlib.decompressobj(_ZLIB_OR_GZIP) if stream.eof else stream
        piece = stream.decompress(chunk, most - found)
        rest = stream.unused_data if stream.eof else stream.unconsumed_tail
        found += len(piece)
        yield piece
    if found < most and not stream.eof:
        raise EOFError("the end of the stream is missing")


def require_read(path: Path, what: str, said: Sequence[float] | np.ndarray, read: Sequence[float] | np.ndarray) -> None:
    """Refuse a header whose numbers ITK, and so 3D Slicer, takes for others.

    Raises
    ------
    UserError
        ``volume_bad_header``.
    """
    one, other = np.ravel(said), np.ravel(read)
    if one.shape != other.shape or not np.allclose(one, other, rtol=1e-6, atol=1e-6 * np.abs(other).max(initial=0)):
        message = f"{path}: its {what} is {_listed(one)} as it is written, but {_listed(other)} as 3D Slicer reads it."
        raise UserError(
            "volume_bad_header", message, "Correct the header, or export the volume again.", values={"file": str(path)}
        )


def _listed(numbers: np.ndarray) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
