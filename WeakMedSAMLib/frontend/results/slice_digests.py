"""What tells whether a slice of a segment is as the module left it: short digests by slice, in a tag of the segment.

The tag travels with the segment through undo, copies and files. It holds two digests a slice: of the machine's mask,
and of what was seen last, which differs where somebody corrected it. Masks are told apart by content alone.
"""

from __future__ import annotations

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.segment_tags import tagOf
from WeakMedSAMLib.frontend.results.volume_planes import SegmentPlanes, bitsOf, packed, unpacked
from WeakMedSAMLib.frontend.scene.scene_volumes import knownIdentity, sliceCount
from WeakMedSAMLib.frontend.scene.slice_order import isReversedSince, numberingOf

SLICES_TAG = "WeakMedSAM.Slices"
_VERSION = "1"
_BYTES = 6
_NOTHING = bytes(_BYTES)


@dataclass(frozen=True)
class SliceDigests:
    """Digests of all slices of a segment.

    Attributes
    ----------
    axis : str
        ``"i"``, ``"j"`` or ``"k"``.
    isLeftHanded : bool
        Whether i, j, k of the volume were a left-handed system: Slicer reverses the slices of such a volume when it is
        saved and loaded again.
    key : str
        Content hash of the volume as its slices were counted.
    machine, seen : tuple of bytes
        By slice: of the machine's mask, and of the mask that was seen last.
    """

    axis: str
    isLeftHanded: bool
    key: str
    machine: tuple[bytes, ...]
    seen: tuple[bytes, ...]

    def turned(self) -> SliceDigests:
        """Return them with slices along k counted from the other end; along i and j no digest changes by that."""
        if self.axis != "k":
            return self
        return replace(self, machine=self.machine[::-1], seen=self.seen[::-1])


def digestOf(kept: bytes, shape: tuple[int, ...], axis: str) -> bytes:
    """Return the digest of a slice that `volume_planes.packed` kept; the same if its rows along k are reversed."""
    if not kept:
        return _NOTHING
    bits = bitsOf(kept)
    digest = _digest(bits, shape)
    if axis == "k":
        return digest
    return min(digest, _digest(np.packbits(unpacked(kept, shape)[::-1]).tobytes(), shape))


def digestSteps(planes: SegmentPlanes, volumeNode: Any) -> Steps[SliceDigests]:
    """Make the digests of a segment as the machine drew it, in short pieces."""
    made = []
    for index in range(planes.count):
        made.append(digestOf(packed(planes.plane(index)), planes.shape, planes.axis))
        yield None
    return digestsOf(planes.axis, volumeNode, made)


def digestsOf(axis: str, volumeNode: Any, machine: Iterable[bytes]) -> SliceDigests:
    """Return digests of the machine's slices, which are those of a volume as it is now, and as they were seen."""
    each = tuple(machine)
    isLeftHanded = numberingOf(volumeNode) == "file"
    return SliceDigests(axis, isLeftHanded, knownIdentity(volumeNode) or "", each, each)


def digestsFor(segment: Any, volumeNode: Any, axis: str) -> SliceDigests | None:
    """Return what is noted on a segment, counted as its volume is now; None if that is of other slices."""
    found = readDigests(segment)
    if found is None or found.axis != axis or len(found.machine) != sliceCount(volumeNode, axis):
        return None
    if isReversedSince(volumeNode, found.isLeftHanded, found.key or None):
        found = found.turned()
    isLeftHanded = numberingOf(volumeNode) == "file"
    return replace(found, isLeftHanded=isLeftHanded, key=knownIdentity(volumeNode) or found.key)


def readDigests(segment: Any) -> SliceDigests | None:
    """Return what is noted on a segment; None if nothing is, or nothing that can be read."""
    parts = tagOf(segment, SLICES_TAG).split(".")
    if len(parts) != 6 or parts[0] != _VERSION or parts[1] not in AXES:
        return None
    try:
        machine, seen = (_split(part) for part in parts[4:])
    except (binascii.Error, ValueError):
        return None
    seen = seen or machine
    return SliceDigests(parts[1], parts[2] == "L", parts[3], machine, seen) if len(seen) == len(machine) else None


def writeDigests(segment: Any, digests: SliceDigests) -> None:
    """Note digests on a segment, unless it has them already."""
    hand = "L" if digests.isLeftHanded else "R"
    seen = _joined(digests.seen) if digests.seen != digests.machine else ""
    text = ".".join((_VERSION, digests.axis, hand, digests.key, _joined(digests.machine), seen))
    if tagOf(segment, SLICES_TAG) != text:
        segment.SetTag(SLICES_TAG, text)


def _digest(bits: bytes, shape: tuple[int, ...]) -> bytes:
    return hashlib.blake2b(repr(tuple(shape)).encode("ascii") + bits, digest_size=_BYTES).digest()


def _joined(digests: tuple[bytes, ...]) -> str:
    return urlsafe_b64encode(b"".join(digests)).decode("ascii").rstrip("=")


def _split(text: str) -> tuple[bytes, ...]:
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(data) % _BYTES:
        raise ValueError("digests are not whole")
    return tuple(data[at : at + _BYTES] for at in range(0, len(data), _BYTES))
