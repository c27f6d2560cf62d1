"""Labels of a cohort: the class table and what is said of every volume."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import numpy as np

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import PRESENT, Counts
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

ONE_DIRECTION = (
    "The tags of one volume lie along one axis. Keep those of one direction, or put those of the other into a tag file "
    "of its own and run it apart."
)


class CohortLabels:
    """All labels of a cohort.

    Parameters
    ----------
    classes : ClassTable
        The classes that the labels are about.
    volumes : iterable of VolumeLabels
        One entry a volume. Several may share a name if each has its hash.

    Attributes
    ----------
    classes : ClassTable
    volumes : list of VolumeLabels

    Raises
    ------
    UserError
        ``unknown_class`` or ``duplicate_volume``.
    """

    def __init__(self, classes: ClassTable, volumes: Iterable[VolumeLabels] = ()) -> None:
        self.classes = classes
        self.volumes = list(volumes)
        for volume in self.volumes:
            for name in volume.class_names():
                classes.index(name)
        self._require_told_apart()

    def volume_for(self, name: str, sha256: str | None) -> VolumeLabels | None:
        """Find the labels of a volume.

        By hash if both sides have one; an entry without a hash, or a volume without one, by name.

        Parameters
        ----------
        name : str
            Name of the volume.
        sha256 : str or None
            `identity.content_hash` of its voxels, if known.

        Returns
        -------
        VolumeLabels or None
            None if there are no labels for it.

        Raises
        ------
        UserError
            ``tags_for_other_volume`` if the tags of that name are for other voxels; ``ambiguous_volume`` if the volume
            has no hash and several entries have its name.
        """
        by_hash = [volume for volume in self.volumes if sha256 is not None and volume.sha256 == sha256.lower()]
        if by_hash:
            return by_hash[0]
        by_name = [volume for volume in self.volumes if _same_name(volume.name, name)]
        if not by_name:
            return None
        others = [volume.sha256 for volume in by_name if volume.sha256 is not None]
        if sha256 is not None and len(others) == len(by_name):
            message = f"The tags named {name!r} were made on other voxels (sha256 {others[0][:12]}...)."
            hint = f"This volume has {sha256[:12]}...: load the scan that was tagged, or tag this one."
            raise UserError("tags_for_other_volume", message, hint, values={"name": name})
        if len(by_name) > 1:
            message = f"{len(by_name)} tagged volumes are named {name!r}."
            raise UserError(
                "ambiguous_volume",
                message,
                "Give their hashes, or different names.",
                values={"name": name, "count": len(by_name)},
            )
        return by_name[0]

    def counts(self, class_name: str) -> Counts:
        """Count the slices of the whole cohort by their slice tag; `UserError` ``unknown_class``."""
        self.classes.index(class_name)
        parts = [volume.counts(class_name) for volume in self.volumes]
        return Counts(*(sum(column) for column in zip(*parts, strict=True))) if parts else Counts(0, 0, 0)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CohortLabels):
            return NotImplemented
        return self.classes == other.classes and self.volumes == other.volumes

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"CohortLabels(classes={self.classes.names!r}, volumes={[volume.name for volume in self.volumes]!r})"

    def _require_told_apart(self) -> None:
        """Refuse two entries that `volume_for` could not tell apart."""
        hashes: dict[str, VolumeLabels] = {}
        names: dict[str, VolumeLabels] = {}
        unhashed: dict[str, VolumeLabels] = {}
        for volume in self.volumes:
            name = comparable_name(volume.name)
            other = unhashed.get(name) if volume.sha256 is not None else names.get(name)
            other = hashes.get(volume.sha256 or "") or other
            if other is not None:
                raise _listed_twice(other, volume)
            names[name] = volume
            if volume.sha256 is None:
                unhashed[name] = volume
            else:
                hashes[volume.sha256] = volume


def _listed_twice(first: VolumeLabels, second: VolumeLabels) -> UserError:
    if first.axis != second.axis:
        ways = " and ".join(f"along {entry.axis} ({_tagged_slices(entry)})" for entry in (first, second))
        message = f"The volume {second.name!r} is tagged in two directions: {ways}."
        return UserError(
            "tagged_in_two_directions",
            message,
            ONE_DIRECTION,
            values={"name": second.name, "axes": [first.axis, second.axis]},
        )
    message = f"The volume {second.name!r} is listed twice ({first.name!r} is the same)."
    if first.sha256 is not None and first.sha256 == second.sha256:
        return UserError(
            "duplicate_volume",
            message,
            "Both have the same hash: keep one entry.",
            values={"names": [first.name, second.name]},
        )
    return UserError(
        "duplicate_volume",
        message,
        "Keep one entry, or give the hash of each.",
        values={"names": [first.name, second.name]},
    )


def _tagged_slices(volume: VolumeLabels) -> str:
    """In words, where each class is present."""
    found = {name: np.flatnonzero(volume.presence(name) == PRESENT) for name in volume.class_names()}
    words = [f"{name!r} on slices {at[0]} to {at[-1]}" for name, at in found.items() if at.size]
    return ", ".join(words) or "present on no slice"


def _same_name(first: str, second: str) -> bool:
    return comparable_name(first) == comparable_name(second)


def comparable_name(name: str) -> str:
    """Return the name of a volume as names are compared."""
    # macOS writes file names decomposed, others do not: the same name must still match.
    return unicodedata.normalize("NFC", name.strip())
