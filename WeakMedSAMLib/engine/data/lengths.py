"""Whether a file holds the voxels that its header promises: neither fewer nor more, nor packed ones called raw."""

from __future__ import annotations

import zlib
from pathlib import Path

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.notes import Note

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP = 31  # zlib's name for it
_ZLIB_OR_GZIP = 47
_CHUNK = 1 << 20


def longer_note(path: Path) -> Note:
    """The note that there is more in a file than voxels."""
    message = f"{path.name} holds more bytes than its header has voxels; what comes after them was left out."
    hint = "Compare size and type of the voxels in its header with those of the program that wrote it."
    return Note("volume_longer", message, hint, {"file": path.name})


def truncated(path: Path, why: str) -> UserError:
    """The error that a file ends early."""
    hint = "Copy or download it again; it is cut off or damaged."
    return UserError("volume_truncated", f"{path} is not complete: {why}.", hint)


def require_beside(path: Path, name: str | None) -> None:
    """Refuse a header whose voxels are not beside it: MetaImage's reader would look where the program was started.

    Raises
    ------
    UserError
        ``volume_data_missing``.
    """
    if name is not None and not (path.parent / name).is_file():
        message = f"The voxels of {path} are in {name[:80]!r}, which is not there."
        raise UserError("volume_data_missing", message, f"Put it beside {path.name}.")


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
    if voxels.stat().st_size - first_byte == n_bytes:
        return ()
    with voxels.open("rb") as stream:
        stream.seek(first_byte)
        is_packed = stream.read(2) == _GZIP_MAGIC
    if is_packed:
        message = f"{path} says that its voxels are not packed, but {voxels.name} holds a gzip stream."
        raise UserError("volume_unreadable", message, "Correct the encoding in its header, or unpack the voxels.")
    return (longer_note(path),) if voxels.stat().st_size - first_byte > n_bytes else ()


def check_gzip(path: Path, voxels: Path, first_byte: int, n_bytes: int) -> tuple[Note, ...]:
    """The same for packed voxels, by the length that stands at the end of the stream; unpacked only if that is wrong.

    Raises
    ------
    UserError
        ``volume_truncated`` for a stream without its end: its checksum was never compared.
    """
    with voxels.open("rb") as stream:
        stream.seek(-min(4, voxels.stat().st_size), 2)
        if int.from_bytes(stream.read(), "little") == n_bytes % 2**32:
            return ()
    found, whole = _unpacked_length(voxels, first_byte, n_bytes)
    if not whole and found <= n_bytes:
        raise truncated(path, "its gzip stream has no end, or is damaged")
    return (longer_note(path),) if found > n_bytes else ()


def unpack(path: Path, voxels: Path, first_byte: int, n_bytes: int) -> bytearray:
    """Unpack a zlib or gzip stream: so many bytes, or one more where there are more.

    Raises
    ------
    UserError
        ``volume_truncated`` for fewer, and for a damaged stream.
    """
    stream, found = zlib.decompressobj(_ZLIB_OR_GZIP), bytearray()
    with voxels.open("rb") as packed:
        packed.seek(first_byte)
        try:
            while len(found) <= n_bytes and not stream.eof and (chunk := stream.unconsumed_tail or packed.read(_CHUNK)):
                found += stream.decompress(chunk, n_bytes + 1 - len(found))
        except zlib.error as error:
            raise truncated(path, f"its packed voxels are damaged ({error})") from error
    if len(found) < n_bytes or not (stream.eof or len(found) > n_bytes):
        raise truncated(path, f"its header promises {n_bytes:,} bytes of voxels and {len(found):,} are there")
    return found


def _unpacked_length(voxels: Path, first_byte: int, enough: int) -> tuple[int, bool]:
    """Bytes that a gzip stream of one or several members unpacks to, and whether the last of them had its end."""
    found, member, rest = 0, zlib.decompressobj(_GZIP), b""
    with voxels.open("rb") as stream:
        stream.seek(first_byte)
        while found <= enough and (chunk := rest or stream.read(_CHUNK)):
            if member.eof and not chunk.startswith(_GZIP_MAGIC):
                break
            member = zlib.decompressobj(_GZIP) if member.eof else member
            try:
                found += len(member.decompress(chunk, _CHUNK))
            except zlib.error:
                return found, False
            rest = member.unused_data if member.eof else member.unconsumed_tail
    return found, member.eof
