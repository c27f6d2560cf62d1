"""NRRD and MetaImage as others read them: pynrrd, and a reader of MetaImage of a few lines.

What the product accepts must have their voxels and lie at their places, or a note must say why not.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

# Notes that say that ITK and Slicer read something otherwise than the header means it, or that it means nothing.
_PLACED_OTHERWISE = {"position_missing", "spacing_missing", "space_unknown", "axes_not_unit"}
_RAS, _LAS = np.diag([-1.0, -1, 1]), np.diag([1.0, -1, 1])
_TO_LPS = {"RAS": _RAS, "right-anterior-superior": _RAS, "LAS": _LAS, "left-anterior-superior": _LAS}
_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_FLOAT": "f4", "MET_DOUBLE": "f8", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8",
}  # fmt: skip

Other = tuple[np.ndarray, "np.ndarray | None", "np.ndarray | None"]  # voxels, steps, origin


def compare(path: Path) -> None:
    """Read a file by both; a file that the product refuses is not compared.

    Raises
    ------
    Difference
        With what is read otherwise.
    """
    from WeakMedSAMLib.contract.errors import UserError
    from WeakMedSAMLib.engine.data.volumes import read_stored

    try:
        scan = read_stored(path)
    except UserError:
        return
    told = {note.code for note in scan.notes}
    reader: Callable[[Path], Other] = read_nrrd if path.suffix in (".nrrd", ".nhdr") else read_meta
    try:
        values, steps, origin = reader(path)
    except Exception as error:
        if isinstance(error, Unable) or (isinstance(error, zlib.error) and "volume_longer" in told):
            return
        raise Difference(f"{path.name} was read, but not by {reader.__name__}: {error!r}") from error
    if not _same(scan.array, values):
        raise Difference(f"{path.name} has other voxels than {reader.__name__} gives; notes: {told}")
    here, place = scan.geometry.axes * scan.geometry.spacing, scan.geometry.origin
    if told & _PLACED_OTHERWISE:
        return
    if steps is not None and not np.allclose(here, steps, rtol=1e-6, atol=1e-9, equal_nan=True):
        raise Difference(f"{path.name}: axes {here.tolist()}, by {reader.__name__} {steps.tolist()}")
    if origin is not None and not np.allclose(place, origin, rtol=1e-6):
        raise Difference(f"{path.name}: origin {place}, by {reader.__name__} {origin}")


def compare_segments(path: Path, found: dict[str, np.ndarray], shape: tuple[int, ...]) -> None:
    """The same for segments by ID, with slicerio; one that is left-handed was turned."""
    import slicerio

    try:
        other = slicerio.read_segmentation(str(path))
        masks = {one["id"]: slicerio.segment_mask(other, one["id"]) for one in other["segments"] if "layer" in one}
    except Exception as error:
        if isinstance(error, (OSError, ValueError, LookupError, OverflowError)):
            return
        raise Difference(f"{path.name} was read, but not by slicerio: {error!r}") from error
    step = -1 if np.linalg.det(other["ijkToLPS"][:3, :3]) < 0 else 1
    for name, mask in masks.items():
        if name in found and not np.array_equal(found[name][::step], mask.transpose(2, 1, 0)):
            raise Difference(f"{path.name}: segment {name} is another by slicerio; layers {shape}")


class Difference(Exception):
    """What is read otherwise by another reader, and no note says so."""


class Unable(Exception):
    """The independent reader is known not to read such files."""


def read_nrrd(path: Path) -> Other:
    """By pynrrd; places in LPS."""
    import nrrd

    try:
        values, header = nrrd.read(str(path))
    except (nrrd.NRRDError, ValueError) as error:
        raise Unable(str(error)) from error
    turn = _TO_LPS.get(str(header.get("space", "")), np.eye(3))
    steps, origin = header.get("space directions"), header.get("space origin")
    is_3d = values.ndim == 3
    return (
        values.T,
        turn @ np.array(steps, float).T if is_3d and steps is not None else None,
        turn @ np.array(origin, float) if is_3d and origin is not None else None,
    )


def read_meta(path: Path) -> Other:
    """By its header, as MetaIO's documentation has it."""
    fields, data = _meta_fields(path)
    dtype = np.dtype(_TYPES[fields["ElementType"]])
    is_big = any(_is_true(fields, f"{name}ByteOrderMSB") for name in ("BinaryData", "Element"))
    shape = [int(float(word)) for word in fields["DimSize"].split()[: int(fields["NDims"])]][::-1]
    if _is_true(fields, "CompressedData"):
        data = zlib.decompressobj(47).decompress(data)
    if not _is_true({"BinaryData": "True"} | fields, "BinaryData"):
        raise Unable("voxels as text")
    count = int(np.prod(shape))
    skipped = int(float(fields.get("HeaderSize", "0")))
    first = len(data) - count * dtype.itemsize if skipped < 0 else 0
    values = np.frombuffer(data, dtype.newbyteorder(">" if is_big else "<"), count, first).reshape(shape)
    slope = float(fields.get("ElementToIntensityFunctionSlope", 1))
    values = values * slope + float(fields.get("ElementToIntensityFunctionOffset", 0))
    if len(shape) != 3:
        return values, None, None
    matrix = _numbers(fields, ("TransformMatrix", "Rotation", "Orientation"), 9, np.eye(3).ravel()).reshape(3, 3).T
    spacing = _numbers(fields, ("ElementSpacing", "ElementSize"), 3, np.ones(3))
    return values, matrix * spacing, _numbers(fields, ("Offset", "Position", "Origin"), 3, np.zeros(3))


def _meta_fields(path: Path) -> tuple[dict[str, str], bytes]:
    fields: dict[str, str] = {}
    with path.open("rb") as stream:
        while line := stream.readline():
            name, _, value = line.decode("latin-1").replace(":", "=", 1).partition("=")
            fields[name.strip()] = value.strip()
            if name.strip() == "ElementDataFile":
                break
        rest = stream.read()
    is_local = fields["ElementDataFile"].lower() == "local"
    return fields, rest if is_local else (path.parent / fields["ElementDataFile"]).read_bytes()


def _numbers(fields: dict[str, str], names: tuple[str, ...], count: int, otherwise: Any) -> np.ndarray:
    text = next((fields[name] for name in names if name in fields), "")
    numbers = np.array([float(word) for word in text.split()])
    return numbers[:count] if len(numbers) >= count else np.array(otherwise)


def _is_true(fields: dict[str, str], name: str) -> bool:
    return fields.get(name, "F").lstrip("= ")[:1] in ("T", "t", "1")


def _same(array: np.ndarray, values: np.ndarray) -> bool:
    """Whether voxels are these, as float32, with the lowest in place of those that are not finite."""
    if array.size != values.size:
        return False
    with np.errstate(over="ignore"):
        values = values.reshape(array.shape).astype(np.float32)
    usable = np.isfinite(values)
    return np.array_equal(array.astype(np.float32), np.where(usable, values, values[usable].min()))
