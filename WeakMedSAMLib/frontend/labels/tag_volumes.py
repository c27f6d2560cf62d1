"""Tags of one volume made into others; nothing here changes what it is given."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import comparable_name
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.labels.matching import as_held
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.known_volume import KnownVolume

_logger = logging.getLogger(__name__)


def keyOf(volume: VolumeLabels) -> str:
    """Return the key of a volume: its content hash, or what stands for it until the volume is loaded."""
    return volume.sha256 or f"name:{comparable_name(volume.name)}"


def copyOf(volume: VolumeLabels, **changes: Any) -> VolumeLabels:
    """Return a copy with arrays of its own, and with some fields changed."""
    return replace(volume, **changes)


def sizeOf(counts: Mapping[str, int]) -> tuple[int, int, int] | None:
    """Return how many voxels a volume has along i, j and k; None unless all are known."""
    return (counts["i"], counts["j"], counts["k"]) if all(axis in counts for axis in AXES) else None


def isTagged(volume: VolumeLabels, className: str | None = None) -> bool:
    """Say whether anything is labelled, with one class or with any."""
    return volume.is_said(className)


def renameInVolume(volume: VolumeLabels, old: str, new: str) -> VolumeLabels:
    """Return the volume with a class called otherwise; the same object if it has no labels of it."""
    names = volume.class_names()
    if old == new or old not in names:
        return volume
    return volume.with_classes({name: new if name == old else name for name in names})


def removeFromVolume(volume: VolumeLabels, *names: str) -> VolumeLabels:
    """Return the volume without some classes; the same object if it has no labels of them."""
    known = volume.class_names()
    if not any(name in known for name in names):
        return volume
    return volume.with_classes({name: name for name in known if name not in names})


def findPending(volumes: Iterable[VolumeLabels], name: str) -> VolumeLabels | None:
    """Return the tags from a file without hashes that are for a volume of this name."""
    same = comparable_name(name)
    return next((each for each in volumes if each.sha256 is None and comparable_name(each.name) == same), None)


def adopt(known: VolumeLabels, held: KnownVolume, axis: str) -> VolumeLabels | None:
    """Return known tags as those of a volume that is now there; None if they are not for such a volume.

    Parameters
    ----------
    known : VolumeLabels
        With the hash of the volume in either order of its slices, or without a hash.
    held : KnownVolume
        The volume that is there.
    axis : str
        Slice axis if nothing is tagged yet.

    Raises
    ------
    UserError
        ``numbering_unsaid``, ``label_kind_not_turned``.
    """
    if not isTagged(known):
        return VolumeLabels(held.name, held.sha256, axis, held.counts[axis], size=sizeOf(held.counts))
    if known.axis not in held.counts and not (known.sha256 and known.n_slices is not None):
        return None
    try:
        return giveTo(held, as_held(known, held, held.counts))
    except UserError as error:
        if error.code in ("numbering_unsaid", "label_kind_not_turned"):
            raise
        _logger.warning("Tags from a file are not for the volume of their name: %s", error)
        return None


def giveTo(held: KnownVolume, tags: VolumeLabels) -> VolumeLabels:
    """Return tags that count as a volume of the scene does as those of this volume.

    How they count is left to its hash: a volume that is turned over in the scene keeps the order of its slices.
    """
    return copyOf(tags, name=held.name, sha256=held.sha256, numbering=None)


def clashes(first: VolumeLabels, second: VolumeLabels) -> bool:
    """Say whether two entries could not be told apart in a file: the rule of `CohortLabels`."""
    if first.sha256 is not None and second.sha256 is not None:
        return first.sha256 == second.sha256
    return comparable_name(first.name) == comparable_name(second.name)


def setAside(volume: VolumeLabels, others: Iterable[VolumeLabels]) -> VolumeLabels:
    """Return tags that are not, or may not be, for the volume of their name, under a free name and without a hash."""
    taken = {comparable_name(other.name) for other in others}
    base = _("{name} (tags of another scan)").format(name=volume.name)
    names = (base if number == 1 else f"{base} {number}" for number in range(1, len(taken) + 2))
    return copyOf(volume, name=next(name for name in names if comparable_name(name) not in taken), sha256=None)
