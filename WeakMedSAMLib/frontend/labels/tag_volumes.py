"""Tags of one volume made into others; nothing here changes what it is given."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Iterable
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import UNTAGGED, VolumeTags
from WeakMedSAMLib.contract.labels.matching import as_held
from WeakMedSAMLib.frontend.labels.scene_volume import SceneVolume

_logger = logging.getLogger(__name__)


def keyOf(volume: VolumeTags) -> str:
    """Return the key of a volume: its content hash, or what stands for it until the volume is loaded."""
    return volume.sha256 or f"name:{plainName(volume.name)}"


def plainName(name: str) -> str:
    """Return a name in the form in which names are compared (macOS decomposes accents, others do not)."""
    return unicodedata.normalize("NFC", name.strip())


def copyOf(volume: VolumeTags, **changes: Any) -> VolumeTags:
    """Return a copy with arrays of its own, and with some fields changed."""
    fields = {
        "name": volume.name,
        "sha256": volume.sha256,
        "axis": volume.axis,
        "n_slices": volume.n_slices,
        "states": dict(volume.states),
        "rest_is_absent": dict(volume.rest_is_absent),
        "numbering": volume.numbering,
    }
    return VolumeTags(**{**fields, **changes})


def isTagged(volume: VolumeTags, className: str | None = None) -> bool:
    """Say whether a slice is tagged, with one class or with any."""
    names = [className] if className is not None else [*volume.states, *volume.rest_is_absent]
    tagged = (name in volume.states and bool((volume.states[name] != UNTAGGED).any()) for name in names)
    return any(name in volume.rest_is_absent for name in names) or any(tagged)


def renamedClass(volume: VolumeTags, old: str, new: str) -> VolumeTags:
    """Return the volume with a class called otherwise; the same object if it has no tags of it."""
    if old == new or (old not in volume.states and old not in volume.rest_is_absent):
        return volume
    states = {new if name == old else name: state for name, state in volume.states.items()}
    rest = {new if name == old else name: value for name, value in volume.rest_is_absent.items()}
    return copyOf(volume, states=states, rest_is_absent=rest)


def withoutClass(volume: VolumeTags, *names: str) -> VolumeTags:
    """Return the volume without some classes; the same object if it has no tags of them."""
    if not any(name in volume.states or name in volume.rest_is_absent for name in names):
        return volume
    states = {name: state for name, state in volume.states.items() if name not in names}
    rest = {name: value for name, value in volume.rest_is_absent.items() if name not in names}
    return copyOf(volume, states=states, rest_is_absent=rest)


def pendingFor(volumes: Iterable[VolumeTags], name: str) -> VolumeTags | None:
    """Return the tags from a file without hashes that are for a volume of this name."""
    same = plainName(name)
    return next((each for each in volumes if each.sha256 is None and plainName(each.name) == same), None)


def adopted(known: VolumeTags, held: SceneVolume, axis: str) -> VolumeTags | None:
    """Return known tags as those of a volume that is now there; None if they are not for such a volume.

    Parameters
    ----------
    known : VolumeTags
        With the hash of the volume in either order of its slices, or without a hash.
    held : SceneVolume
        The volume that is there.
    axis : str
        Slice axis if nothing is tagged yet.

    Raises
    ------
    UserError
        ``numbering_unsaid``.
    """
    if not isTagged(known):
        return VolumeTags(held.name, held.sha256, axis, held.counts[axis])
    if known.axis not in held.counts and not (known.sha256 and known.n_slices is not None):
        return None
    try:
        return ownedBy(held, as_held(known, held, held.counts))
    except UserError as error:
        if error.code == "numbering_unsaid":
            raise
        _logger.warning("Tags from a file are not for the volume of their name: %s", error)
        return None


def ownedBy(held: SceneVolume, tags: VolumeTags) -> VolumeTags:
    """Return tags that count as a volume of the scene does as those of this volume.

    How they count is left to its hash: a volume that is turned over in the scene keeps the order of its slices.
    """
    return copyOf(tags, name=held.name, sha256=held.sha256, numbering=None)


def clashes(first: VolumeTags, second: VolumeTags) -> bool:
    """Say whether two entries could not be told apart in a file: the rule of `CohortTags`."""
    if first.sha256 is not None and second.sha256 is not None:
        return first.sha256 == second.sha256
    return plainName(first.name) == plainName(second.name)


def setAside(volume: VolumeTags, others: Iterable[VolumeTags]) -> VolumeTags:
    """Return tags that are not, or may not be, for the volume of their name, under a free name and without a hash."""
    taken = {plainName(other.name) for other in others}
    base = _("{name} (tags of another scan)").format(name=volume.name)
    names = (base if number == 1 else f"{base} {number}" for number in range(1, len(taken) + 2))
    return copyOf(volume, name=next(name for name in names if plainName(name) not in taken), sha256=None)
