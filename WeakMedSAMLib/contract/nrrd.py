"""NRRD files written and read in short pieces, in full geometry; SimpleITK and Slicer read them like any other.

Source: the definition of the NRRD file format, http://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import IO, Literal

import numpy as np

from WeakMedSAMLib.contract.errors import UserError

Encoding = Literal["raw", "gzip"]

PIECE_BYTES = 2**20
_HEADER_BYTES = 2**24
_GZIP = 16 + zlib.MAX_WBITS
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
_TYPES = {
    "i1": "signed char",
    "u1": "unsigned char",
    "i2": "short",
    "u2": "unsigned short",
    "i4": "int",
    "u4": "unsigned int",
    "i8": "longlong",
    "u8": "ulonglong",
    "f4": "float",
    "f8": "double",
}
# Other writers use other names of the same types.
_TYPE_NAMES = {
    **{name: code for code, name in _TYPES.items()},
    **{"int8": "i1", "uint8": "u1", "uchar": "u1", "int16": "i2", "uint16": "u2", "ushort": "u2"},
    **{"int32": "i4", "uint32": "u4", "uint": "u4", "int64": "i8", "uint64": "u8"},
}


@dataclass(frozen=True, eq=False)
class NrrdImage:
    """A label map or probability map as read from a file.

    Attributes
    ----------
    array : numpy.ndarray
        Voxels, k x j x i; layers x k x j x i where layers were asked for.
    ijk_to_ras : numpy.ndarray
        4 x 4, voxel index to RAS in mm.
    fields : dict
        Key/value pairs of the header.
    """

    array: np.ndarray
    ijk_to_ras: np.ndarray
    fields: dict[str, str] = field(default_factory=dict)

    def turned(self) -> NrrdImage:
        """Return the same voxels at the same places, with the k planes in reversed order."""
        reverse = np.diag([1.0, 1.0, -1.0, 1.0])
        reverse[2, 3] = self.array.shape[-3] - 1
        return NrrdImage(self.array[..., ::-1, :, :], self.ijk_to_ras @ reverse, self.fields)


def write_image_steps(
    path: Path,
    array: np.ndarray,
    ijk_to_ras: np.ndarray,
    fields: Mapping[str, str] | None = None,
    encoding: Encoding = "raw",
) -> Generator[float, None, None]:
    """Write an image in short pieces, straight to `path`: to be used inside of `files.replacing`.

    Parameters
    ----------
    path : Path
        Ends in ``.nrrd``.
    array : numpy.ndarray
        k x j x i, or layers x k x j x i; any strides, real numbers.
    ijk_to_ras : numpy.ndarray
        4 x 4, voxel index to RAS in mm.
    fields : mapping of str to str, optional
        Key/value pairs for the header; they are written in the order of their keys.
    encoding : {"raw", "gzip"}
        Raw voxels are read where they lie; packed ones take less room.

    Yields
    ------
    float
        Progress, 0..1.

    Raises
    ------
    OSError
        With the name of the file.
    TypeError
        For voxels of a type that NRRD does not have.
    """
    try:
        with path.open("wb") as stream:
            stream.write(_header(array, ijk_to_ras, fields or {}, encoding))
            yield from _write_voxels(stream, array, encoding)
    except OSError as error:
        # What a full disk says as it is written to names no file.
        error.filename = error.filename or str(path)
        raise


def write_image(
    path: Path,
    array: np.ndarray,
    ijk_to_ras: np.ndarray,
    fields: Mapping[str, str] | None = None,
    encoding: Encoding = "raw",
) -> None:
    """Write an image at once; see `write_image_steps`."""
    for _ in write_image_steps(path, array, ijk_to_ras, fields, encoding):
        pass


def read_image_steps(path: Path | str, with_layers: bool = False) -> Generator[float, None, NrrdImage]:
    """Read an image in short pieces: a three-dimensional one, or with layers one of one layer or several.

    Raises
    ------
    UserError
        ``file_missing``, ``cannot_read`` or ``bad_result`` (not such a file, or cut off).
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            image, encoding = _empty_image(path, stream, with_layers)
            yield from _read_voxels(path, stream, encoding, image.array)
    except FileNotFoundError:
        hint = "Generate the masks again."
        raise UserError("file_missing", f"{path} does not exist.", hint, {"file": str(path)}) from None
    except OSError as error:
        raise _unreadable(path, error) from error
    # In the file the layer runs fastest.
    return replace(image, array=np.moveaxis(image.array, -1, 0)) if with_layers else image


def read_image(path: Path | str) -> NrrdImage:
    """Read an image at once; see `read_image_steps`."""
    steps = read_image_steps(path)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            image: NrrdImage = end.value
            return image


def image_bytes(array: np.ndarray, ijk_to_ras: np.ndarray) -> bytes:
    """Return a packed image as `write_image` writes it; the same voxels give the same bytes."""
    stream = BytesIO()
    stream.write(_header(array, ijk_to_ras, {}, "gzip"))
    for _ in _write_voxels(stream, array, "gzip"):
        pass
    return stream.getvalue()


def layers_from(path: Path, data: bytes, shape: tuple[int, int, int, int]) -> np.ndarray:
    """Return the voxels of an image of bytes (uint8) with several layers out of what its file holds.

    Parameters
    ----------
    path : Path
        The file, for errors.
    data : bytes
        What it holds.
    shape : tuple of int
        Layers, k, j, i that it must have. A single layer may be three-dimensional.

    Raises
    ------
    UserError
        ``bad_result`` with the reason: another type or size, cut off, no such file.
    """
    stream = BytesIO(data)
    values, _ = _checked_header(path, stream)
    layers, k, j, i = shape
    sizes, encoding = values.get("sizes", "").split(), values.get("encoding", "")
    if _TYPE_NAMES.get(values.get("type", "")) != "u1":
        raise _bad(path, f"its voxels are of the type '{values.get('type', '')}', not unsigned char")
    fitting = [[str(size) for size in (layers, i, j, k)], *([[str(i), str(j), str(k)]] if layers == 1 else [])]
    if sizes not in fitting or encoding not in ("raw", "gzip", "gz"):
        wanted = " ".join(fitting[0])
        raise _bad(path, f"it has the sizes {' '.join(sizes)} and the encoding '{encoding}', not {wanted} and gzip")
    array = np.zeros((k, j, i, layers), np.uint8)
    for _ in _read_voxels(path, stream, "raw" if encoding == "raw" else "gzip", array):
        pass
    return np.moveaxis(array, -1, 0)


def read_fields(path: Path | str) -> dict[str, str]:
    """Read the key/value pairs of a header; `UserError` ``cannot_read`` or ``bad_result``."""
    path = Path(path)
    try:
        with path.open("rb") as stream:
            return _checked_header(path, stream)[1]
    except OSError as error:
        raise _unreadable(path, error) from error


def read_matrix(path: Path | str) -> np.ndarray:
    """Read where the voxels of an image lie: 4 x 4, voxel index to RAS in mm.

    Raises
    ------
    UserError
        ``cannot_read`` or ``bad_result``.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            return _matrix(_checked_header(path, stream)[0])
    except OSError as error:
        raise _unreadable(path, error) from error
    except (KeyError, ValueError):
        raise _bad(path, "its header cannot be read") from None


def _header(array: np.ndarray, ijk_to_ras: np.ndarray, fields: Mapping[str, str], encoding: str) -> bytes:
    axes = _LPS_TO_RAS @ ijk_to_ras[:3, :3]
    origin = _LPS_TO_RAS @ ijk_to_ras[:3, 3]
    has_layers = array.ndim == 4
    sizes = (*array.shape[:0:-1], array.shape[0]) if not has_layers else (array.shape[0], *array.shape[:0:-1])
    kind = _TYPES.get(array.dtype.str[1:])
    if kind is None:
        raise TypeError(f"NRRD has no voxels of the type {array.dtype}")
    lines = [
        "NRRD0004",
        f"type: {kind}",
        f"dimension: {array.ndim}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(str(size) for size in sizes)}",
        f"space directions: {'none ' * has_layers}{' '.join(_vector(axis) for axis in axes.T)}",
        f"kinds: {'list ' * has_layers}domain domain domain",
        "endian: little",
        f"encoding: {encoding}",
        f"space origin: {_vector(origin)}",
        *(f"{key}:={_escape(value)}" for key, value in sorted(fields.items())),
    ]
    return ("\n".join(lines) + "\n\n").encode("utf-8")


def _vector(numbers: np.ndarray) -> str:
    # 17 digits bring back the very same number; + 0.0 turns -0 into 0.
    return "(" + ",".join(f"{number + 0.0:.17g}" for number in numbers) + ")"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _write_voxels(stream: IO[bytes], array: np.ndarray, encoding: str) -> Generator[float, None, None]:
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP) if encoding == "gzip" else None
    done = 0
    for piece in _pieces(array):
        data = np.ascontiguousarray(piece, piece.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data
        stream.write(packer.compress(data) if packer else data)
        done += piece.size
        yield done / array.size
    if packer:
        stream.write(packer.flush())


def _pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    """Cut an image into parts in the order of the file, none of them larger than a piece (or than one row)."""
    if array.ndim == 4:
        # In the file the layer runs fastest.
        array = np.moveaxis(array, 0, -1)
    row_bytes = array[0, 0].size * array.itemsize
    rows = max(1, PIECE_BYTES // max(1, row_bytes))
    for plane in array:
        for first in range(0, plane.shape[0], rows):
            yield plane[first : first + rows]


def _empty_image(path: Path, stream: IO[bytes], with_layers: bool) -> tuple[NrrdImage, str]:
    """Read the header; return the image with room for its voxels, layers last, and the encoding."""
    values, pairs = _checked_header(path, stream)
    try:
        sizes = [int(text) for text in values["sizes"].split()]
        endian = ">" if values.get("endian", "little") == "big" else "<"
        dtype = np.dtype(endian + _TYPE_NAMES[values["type"]])
        matrix = _matrix(values)
        encoding = {"gz": "gzip"}.get(values["encoding"], values["encoding"])
        has_layers = with_layers and len(sizes) == 4 and values["spacedirections"].startswith("none")
    except (KeyError, ValueError, TypeError):
        raise _bad(path, "its header cannot be read") from None
    if len(sizes) != 3 + has_layers or min(sizes) < 1 or encoding not in ("raw", "gzip"):
        raise _bad(path, f"it has the sizes {sizes} and the encoding '{encoding}'")
    shape = [*sizes[::-1], 1] if with_layers and not has_layers else sizes[::-1]
    return NrrdImage(np.zeros(shape, dtype), matrix, pairs), encoding


def parse_header(stream: IO[bytes]) -> tuple[dict[str, str], dict[str, str]]:
    """Read the header of a file that is taken for NRRD; the stream is left at the first byte of the data.

    Where something is said twice, the first counts.

    Returns
    -------
    fields : dict
        Name, in lower case without spaces (``spacedirections``) -> what it says.
    pairs : dict
        The key/value pairs.
    """
    fields: dict[str, str] = {}
    pairs: dict[str, str] = {}
    stream.readline(_HEADER_BYTES)
    while stream.tell() < _HEADER_BYTES and (line := stream.readline(_HEADER_BYTES).rstrip(b"\r\n")):
        name, _, said = line.decode("utf-8", "replace").partition(":")
        if said.startswith("="):
            pairs.setdefault(name.strip(), _unescape(said[1:]))
        elif not name.startswith("#"):
            fields.setdefault("".join(name.lower().split()), said.strip())
    return fields, pairs


def _unescape(value: str) -> str:
    return re.sub(r"\\([n\\])", lambda found: "\n" if found[1] == "n" else "\\", value)


def _checked_header(path: Path, stream: IO[bytes]) -> tuple[dict[str, str], dict[str, str]]:
    is_nrrd = stream.read(4) == b"NRRD"
    stream.seek(0)
    if not is_nrrd:
        raise _bad(path, "it is no NRRD file")
    return parse_header(stream)


def _matrix(values: Mapping[str, str]) -> np.ndarray:
    if values["space"].lower() not in ("left-posterior-superior", "lps"):
        raise ValueError(values["space"])
    columns = [_numbers(part) for part in values["spacedirections"].removeprefix("none").split(")") if part.strip()]
    matrix = np.eye(4)
    matrix[:3, :3] = _LPS_TO_RAS @ np.array(columns).T
    matrix[:3, 3] = _LPS_TO_RAS @ np.array(_numbers(values["spaceorigin"].rstrip(")")))
    return matrix


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.strip().lstrip("(").split(",")]


def _read_voxels(path: Path, stream: IO[bytes], encoding: str, array: np.ndarray) -> Generator[float, None, None]:
    room = array.reshape(-1).view(np.uint8).data
    done = 0
    for data in _unpack(stream) if encoding == "gzip" else iter(lambda: stream.read(PIECE_BYTES), b""):
        data = data[: len(room) - done]
        room[done : done + len(data)] = data
        done += len(data)
        yield done / len(room)
    if done < len(room):
        raise _bad(path, "it is cut off")


def _unpack(stream: IO[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP)
    packed = b""
    try:
        while not unpacker.eof:
            packed = unpacker.unconsumed_tail or stream.read(2**16)
            if not packed:
                return
            yield unpacker.decompress(packed, PIECE_BYTES)
    except zlib.error:
        return


def _bad(path: Path, what: str) -> UserError:
    hint = "Generate the masks again."
    return UserError("bad_result", f"{path} cannot be used: {what}.", hint, {"file": str(path), "reason": what})


def _unreadable(path: Path, error: OSError) -> UserError:
    reason = error.strerror or str(error)
    hint = "Check that it is a readable file."
    values = {"file": str(path), "reason": reason}
    return UserError("cannot_read", f"Cannot read {path}: {reason}.", hint, values)
