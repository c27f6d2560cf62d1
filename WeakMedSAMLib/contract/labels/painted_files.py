"""Pixels of painted labels in files beside a label file: ``labels/NNN.nrrd``, one a volume.

A file has a layer a class over all voxels of its volume, uint8: 0 does not show the class, 1 does, 255 unknown. It says
nothing of where the volume lies: its voxels are counted as the labels count them. The label file names it, and its
SHA-256. A file is never changed: other pixels are another file, so that a cut-off leaves the old labels or the new.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_fit
from WeakMedSAMLib.contract.files import read_json, read_text, write_bytes
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.painted import KIND
from WeakMedSAMLib.contract.labels.painted_json import (
    Record,
    checked,
    named_slices,
    painted_to_json,
    slices_of_pixels,
    slices_to_json,
)
from WeakMedSAMLib.contract.labels.painted_slice import UNKNOWN
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.nrrd import image_bytes, layers_from
from WeakMedSAMLib.contract.run_folder import LABEL_PIXELS

_FURTHER = "labels"
_MOST_VOXELS = 2**33


def put_beside(path: Path, data: dict[str, Any], cohort: CohortLabels) -> dict[str, Any]:
    """Write the painted pixels of a cohort beside a label file that will be written, and return what it will hold.

    Parameters
    ----------
    path : Path
        The label file; files that it names now stay, see `remove_unused`.
    data : dict
        What `label_json.labels_to_json` gave of the cohort.
    cohort : CohortLabels

    Raises
    ------
    UserError
        ``cannot_write``.
    """
    records: list[Any] = []
    try:
        for number, (record, labels) in enumerate(zip(data["volumes"], cohort.volumes, strict=True)):
            records.append(_with_file(path, number, record, labels))
    except UserError:
        remove_unused(path, files_of({"volumes": records}))
        raise
    return {**data, "volumes": records}


def take_from_beside(path: Path, data: Any) -> Any:
    """Return what a label file holds, with painted pixels in it in place of the names of their files.

    What is no label file is returned as it is; whoever reads it says so.

    Raises
    ------
    UserError
        ``painted_missing``, ``painted_changed``, ``bad_painted``, ``cannot_read``, ``bad_field`` and what
        `painted_json.named_slices` raises.
    """
    volumes = data.get("volumes") if isinstance(data, dict) else None
    if not isinstance(volumes, list):
        return data
    return {**data, "volumes": [_with_pixels(path, record) for record in volumes]}


def named_files(path: Path) -> set[str]:
    """Return the files of pixels that a label file names; none if it cannot be read."""
    if not (path.parent / LABEL_PIXELS).is_dir():
        return set()
    with suppress(UserError):
        return files_of(read_json(path))
    return set()


def files_of(data: Any) -> set[str]:
    """Return the files of pixels that the data of a label file name; none of what is no label file."""
    found = set()
    with suppress(AttributeError, TypeError, KeyError):
        for record in data["volumes"]:
            found.add(record.get(_FURTHER, {}).get(KIND.name, {}).get("file"))
    return {file for file in found if isinstance(file, str) and _is_ours(file)}


def remove_unused(path: Path, files: Collection[str]) -> None:
    """Remove those of some files of pixels that no label file of the folder of `path` names; what cannot be, stays."""
    unused = set(files)
    if not unused:
        return
    others = (each for each in path.parent.iterdir() if each.suffix.lower() == ".json")
    with suppress(UserError, OSError):
        for other in others:
            text = read_text(other)
            unused -= {file for file in unused if file in text}
        for file in unused:
            (path.parent / file).unlink(missing_ok=True)
        if unused:
            (path.parent / LABEL_PIXELS).rmdir()  # only an empty one can be


def _with_file(path: Path, number: int, record: Record, labels: VolumeLabels) -> Record:
    """The record of a volume with the name of a file, now written, in place of its painted pixels."""
    if KIND.name not in record.get(_FURTHER, {}):
        return record
    pixels = _file_bytes(labels)
    file, sha256 = _place(path.parent, number, pixels), hashlib.sha256(pixels).hexdigest()
    painted = {"file": file, "sha256": sha256, "slices": slices_to_json(KIND.said(labels))}
    return {**record, _FURTHER: {**record[_FURTHER], KIND.name: painted}}


def _file_bytes(labels: VolumeLabels) -> bytes:
    """All layers over the voxels of the volume, as the file holds them."""
    if labels.size is None:
        raise ValueError(f"the size of {labels.name!r} is not settled")
    painted = KIND.said(labels)
    layers = np.full((len(painted), *labels.size[::-1]), UNKNOWN, np.uint8)
    for layer, found in zip(layers, painted.values(), strict=True):
        for index, one in found.items():
            _slice(layer, labels.axis, index)[...] = one.pixels
    return image_bytes(layers, np.eye(4))


def _slice(layer_kji: np.ndarray, axis: str, index: int) -> np.ndarray:
    """A slice of a layer, rows x columns; a view."""
    return layer_kji[(slice(None),) * "kji".index(axis) + (index,)]


def _place(folder: Path, number: int, pixels: bytes) -> str:
    """Write pixels under a number that is free, unless a file has them already; returns its name."""
    with suppress(OSError):  # what cannot be made `write_bytes` says
        (folder / LABEL_PIXELS).mkdir(exist_ok=True)
    for free in count(number):
        file = f"{LABEL_PIXELS}/{free:03d}.nrrd"
        if not os.path.lexists(folder / file):
            write_bytes(folder / file, pixels)
            return file
        with suppress(OSError):
            if (folder / file).read_bytes() == pixels:
                return file
    raise AssertionError("numbers do not end")


def _with_pixels(path: Path, record: Any) -> Any:
    """The record of a volume with its painted pixels, if it names a file of them."""
    further = record.get(_FURTHER) if isinstance(record, dict) else None
    if not isinstance(further, dict) or not isinstance(record.get("name"), str):
        return record
    painted = further.get(KIND.name)
    if not isinstance(painted, dict) or "file" not in painted:
        return record
    what = f"'painted' of volume {record['name']!r}"
    painted = checked(painted, what)
    size, axis = record.get("size"), record.get("axis", "k")
    require_fit(size, tuple[int, int, int], f"'size' of volume {record['name']!r}")
    require_fit(painted["file"], str, f"'file' of {what}")
    require_fit(painted.get("sha256"), str | None, f"'sha256' of {what}")
    if axis not in ("i", "j", "k"):
        return record
    named, layers = named_slices(painted, record["name"])
    if not any(named.values()):
        return {**record, _FURTHER: {name: said for name, said in further.items() if name != KIND.name}}
    last = max(index for found in named.values() for index in found)
    if last >= size["ijk".index(axis)]:
        message = f"{what} names slice {last}; the volume has {size['ijk'.index(axis)]} along {axis}."
        raise UserError("bad_field", message, "Check the size, the axis and the slices.")
    array = _read(path, painted, (len(layers), size[2], size[1], size[0]))

    def pixels_of(name: str, index: int) -> np.ndarray:
        return _slice(array[layers[name]], axis, index)

    try:
        inline = painted_to_json(slices_of_pixels(named, pixels_of))
    except ValueError as error:
        raise _bad(path.parent / painted["file"], str(error)) from None
    return {**record, _FURTHER: {**further, KIND.name: inline}}


def _read(path: Path, painted: Record, shape: tuple[int, int, int, int]) -> np.ndarray:
    """The layers in the file that a record names: layers x k x j x i."""
    file = path.parent / painted["file"]
    if not _is_ours(painted["file"]) or Path(os.path.realpath(file)).parent != Path(os.path.realpath(path.parent)) / (
        LABEL_PIXELS
    ):
        raise _bad(file, f"it is not in the folder '{LABEL_PIXELS}' beside {path.name}")
    if min(shape) < 1 or int(np.prod(shape, dtype=object)) > _MOST_VOXELS:
        raise _bad(file, f"it would have {' x '.join(map(str, shape))} voxels")
    data = _bytes_of(file, path)
    wanted, sha256 = painted.get("sha256"), hashlib.sha256(data).hexdigest()
    if wanted is not None and wanted.lower() != sha256:
        message = f"{file} is not the file that {path.name} was written with: its sha256 is {sha256[:12]}..., not "
        hint = f"Copy it and {path.name} from one place, or take the labels of the kind 'painted' out of {path.name}."
        values = {"file": str(file), "labels": path.name, "expected": wanted[:12], "found": sha256[:12]}
        raise UserError("painted_changed", f"{message}{wanted[:12]}...", hint, values)
    try:
        return layers_from(file, data, shape)
    except UserError as error:
        raise _bad(file, str(error.values["reason"])) from None
    except MemoryError:
        raise _bad(file, "there is not enough memory for it") from None


def _bytes_of(file: Path, path: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        message = f"{file} is missing: it holds the painted pixels of {path.name}."
        hint = f"Copy the folder '{LABEL_PIXELS}' along with {path.name}, or take 'painted' out of {path.name}."
        values = {"file": str(file), "labels": path.name}
        raise UserError("painted_missing", message, hint, values) from None
    except OSError as error:
        reason = error.strerror or str(error)
        hint, values = "Check that it is a readable file.", {"file": str(file), "reason": reason}
        raise UserError("cannot_read", f"Cannot read {file}: {reason}.", hint, values) from None


def _is_ours(file: str) -> bool:
    folder, _, name = file.partition("/")
    return folder == LABEL_PIXELS and name.endswith(".nrrd") and name[: -len(".nrrd")].isalnum() and name.isascii()


def _bad(file: Path, reason: str) -> UserError:
    message = f"{file} cannot be used as painted labels: {reason}."
    hint = "Export the labels again from where they were painted."
    return UserError("bad_painted", message, hint, {"file": str(file), "reason": reason})
