"""Painted labels as plain data: slices by class and state, and their pixels as text or in a file that is named.

Text is what a scene keeps, which has no files beside; a label file names one, see `painted_files`.
"""

from __future__ import annotations

import binascii
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.fields import require_fit, require_object
from WeakMedSAMLib.contract.labels.painted_slice import STATES, PaintedSlice, Slices, bits_of, pixels_of_bits
from WeakMedSAMLib.contract.labels.spans import Span, paint, spans_of_slices

Record = dict[str, Any]
# Class -> slice -> state: which slices are painted, without their pixels.
Named = dict[str, dict[int, str]]

_KEYS = ("slices", "shape", "pixels", "file", "sha256")
_MOST_PIXELS = 2**26  # of a slice
_MOST_SLICES = 2**20  # of a volume, of all classes: a short file can claim very many


def painted_to_json(painted: Mapping[str, Slices]) -> Record:
    """Return painted slices, all of one shape, with their pixels as text."""
    shape = next(one.shape for found in painted.values() for one in found.values())
    pixels = {
        name: {str(index): b64encode(one.packed).decode("ascii") for index, one in found.items()}
        for name, found in painted.items()
    }
    return {"slices": slices_to_json(painted), "shape": list(shape), "pixels": pixels}


def slices_to_json(painted: Mapping[str, Slices]) -> Record:
    """Return the slices by class and state, as ranges; the layer of a class is its place in the file of pixels."""
    return {
        name: {"layer": layer, **{state: _spans(found, state) for state in STATES if _spans(found, state)}}
        for layer, (name, found) in enumerate(painted.items())
    }


def painted_from_json(data: Any, volume: str) -> dict[str, Slices]:
    """Return what `painted_to_json` was given.

    Parameters
    ----------
    data : object
        Plain data.
    volume : str
        The name, for errors.

    Raises
    ------
    UserError
        ``bad_field``, ``bad_tags``, ``tags_conflict``.
    """
    what = f"'painted' of volume {volume!r}"
    record = checked(data, what)
    if "pixels" not in record:
        raise UserError("bad_field", f"{what} has its pixels in a file beside.", "Read it out of its label file.")
    require_fit(record["pixels"], dict[str, dict[str, str]], f"'pixels' of {what}")
    require_fit(record.get("shape"), tuple[int, int], f"'shape' of {what}")
    shape = (record["shape"][0], record["shape"][1])
    if min(shape) < 1 or shape[0] * shape[1] > _MOST_PIXELS:
        raise UserError("bad_field", f"'shape' of {what} is {list(shape)}.", f"A slice has 1 to {_MOST_PIXELS} pixels.")
    named, texts = named_slices(record, volume)[0], record["pixels"]
    for name in {**named, **texts}:
        if {str(index) for index in named.get(name, {})} != {*texts.get(name, {})}:
            message = f"{what} has pixels of other slices of class {name!r} than it names."
            raise UserError("bad_field", message, "Each slice that is named has its pixels.")
    try:
        return slices_of_pixels(
            named, lambda name, index: _unpacked(texts[name][str(index)], named[name][index], shape)
        )
    except ValueError as error:
        raise UserError("bad_field", f"{what}, {error}.", "Export the labels again.") from None


def checked(data: Any, what: str) -> Record:
    """Return the record of a volume with known keys; `UserError` ``bad_field``."""
    record = require_object(data, what, _KEYS)
    if ("file" in record) == ("pixels" in record):
        raise UserError("bad_field", f"{what} has to have a 'file' of pixels.", "Export the labels again.")
    return record


def named_slices(record: Record, volume: str) -> tuple[Named, dict[str, int]]:
    """Return the slices that a record names, and the layers of the classes.

    Raises
    ------
    UserError
        ``bad_field``, ``bad_tags``; ``tags_conflict`` for a slice in two states.
    """
    what = f"'painted' of volume {volume!r}"
    require_fit(record.get("slices"), dict[str, Any], f"'slices' of {what}")
    named: Named = {}
    layers: dict[str, int] = {}
    left = _MOST_SLICES
    for name, entry in record["slices"].items():
        entry = {"layer": len(layers), **require_object(entry, f"class {name!r} of {what}", ("layer", *STATES))}
        require_fit(entry["layer"], int, f"'layer' of class {name!r} of {what}")
        layers[name] = entry["layer"]
        named[name] = {}
        for state in STATES:
            require_fit(entry.get(state, []), list[tuple[int, int]], f"{state!r} of class {name!r} of {what}")
            spans = [Span(first, last, 1) for first, last in entry.get(state, [])]
            row = paint(volume, name, spans)
            left -= np.count_nonzero(row == 1)
            if left < 0:
                raise UserError("bad_field", f"{what} names more than {_MOST_SLICES:,} slices.", "Check its numbers.")
            for index in np.flatnonzero(row == 1).tolist():
                if index in named[name]:
                    message = f"{what}: slice {index} of class {name!r} is both {named[name][index]} and {state}."
                    raise UserError("tags_conflict", message, "It is one.", {"name": volume, "class": name})
                named[name][index] = state
    if sorted(layers.values()) != list(range(len(layers))):
        message = f"{what} has the layers {[*layers.values()]}."
        raise UserError("bad_field", message, "Each class has a layer of its own, from 0 on.")
    return named, layers


def slices_of_pixels(named: Named, pixels_of: Callable[[str, int], np.ndarray]) -> dict[str, Slices]:
    """Return the painted slices that are named, with the pixels of each; ValueError for pixels that are none."""
    found: dict[str, Slices] = {}
    for name, states in named.items():
        found[name] = {}
        for index, state in states.items():
            try:
                found[name][index] = PaintedSlice.of(state, pixels_of(name, index))  # type: ignore[arg-type]
            except ValueError as error:
                raise ValueError(f"slice {index} of class {name!r}: {error}") from None
    return found


def _spans(found: Slices, state: str) -> list[list[int]]:
    spans = spans_of_slices(index for index, one in found.items() if one.state == state)
    return [[span.first, span.last] for span in spans]


def _unpacked(text: str, state: str, shape: tuple[int, int]) -> np.ndarray:
    """Pixels out of text; ValueError unless they are as many as there should be."""
    count, unpacker = bits_of(state, shape), zlib.decompressobj()
    try:
        data = unpacker.decompress(b64decode(text, validate=True), count + 1)
    except (binascii.Error, zlib.error, ValueError):
        raise ValueError("its pixels cannot be read") from None
    if len(data) != count:
        raise ValueError(f"it has not {shape[0]} x {shape[1]} pixels")
    return pixels_of_bits(state, shape, data)
