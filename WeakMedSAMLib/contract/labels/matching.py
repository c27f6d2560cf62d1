"""Which labels belong to a volume, and from which end they count its slices.

A hash names a scan in either order of its k planes: 3D Slicer reverses those of a left-handed volume when it loads it.
Where labels do not say how they count, they count in the order that their hash is over; without a hash nobody can tell,
and nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.labelled_volume import AXES, Numbering
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, TAG_NAMES, UNTAGGED
from WeakMedSAMLib.contract.labels.spans import spans_in_words, spans_of
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels

Order: TypeAlias = Literal["same", "reversed"]


class HeldVolume(Protocol):
    """A volume whose voxels somebody holds, in one of the two orders of its k planes."""

    @property
    def name(self) -> str:
        """As the user calls it."""
        ...

    @property
    def sha256(self) -> str:
        """`identity.content_hash` in the order in which it is held."""
        ...

    @property
    def has_two_numberings(self) -> bool:
        """Whether the order of its file is not the one in which Slicer shows it."""
        ...

    def order_of(self, sha256: str) -> Order | None:
        """Whether a hash is over the k planes as they are held, or reversed; None if it is of another volume."""
        ...

    def reverses(self, numbering: Numbering) -> bool:
        """Whether slices counted in this way run against the order in which it is held."""
        ...


class Matched(NamedTuple):
    """Labels of a volume: as they stand in the cohort, and counted in the order in which the volume is held.

    `labels` are settled where the number of slices was given.
    """

    entry: VolumeLabels
    labels: VolumeLabels


def find_labels(
    cohort: CohortLabels, volume: HeldVolume, counts: Mapping[str, int], unsaid: Numbering | None = None
) -> Matched | None:
    """Find the labels of a volume: by its hash in either order, or by name where they carry none; None without any.

    Parameters
    ----------
    cohort : CohortLabels
        All labels.
    volume : HeldVolume
    counts : mapping
        Axis -> number of slices, as far as it is known.
    unsaid : {"slicer", "file"}, optional
        How slices are counted by labels that do not say it and carry no hash.

    Raises
    ------
    UserError
        What `CohortLabels.volume_for`, `VolumeLabels.settled` and `VolumeLabels.turned` raise; ``numbering_unsaid``
        with both readings in `values`; ``tags_conflict`` if two entries are of this volume, one by each order, and
        say different things.
    """
    entries = _of_hash(cohort, volume, counts)
    if not entries:
        by_name = cohort.volume_for(volume.name, volume.sha256)
        entries = [] if by_name is None else [by_name]
    found = [Matched(entry, as_held(entry, volume, counts, unsaid)) for entry in entries]
    for other in found[1:]:
        _require_agreement(found[0].labels, other.labels)
    return found[0] if found else None


def as_held(
    entry: VolumeLabels, volume: HeldVolume, counts: Mapping[str, int], unsaid: Numbering | None = None
) -> VolumeLabels:
    """Return labels that are known to be of a volume, counted in the order in which it is held.

    Parameters
    ----------
    entry, volume, counts, unsaid
        As of `find_labels`.

    Raises
    ------
    UserError
        What `VolumeLabels.settled` and `VolumeLabels.turned` raise; ``numbering_unsaid``.
    """
    size = (counts["i"], counts["j"], counts["k"]) if all(axis in counts for axis in AXES) else None
    settled = entry.settled(counts[entry.axis], size) if entry.axis in counts else entry
    if settled.n_slices is None or _is_symmetric(settled):
        return settled
    return settled.turned() if _is_reversed(entry, settled, volume, unsaid) else settled


def _of_hash(cohort: CohortLabels, volume: HeldVolume, counts: Mapping[str, int]) -> list[VolumeLabels]:
    """Entries with a hash of the volume, those over the order in which it is held first.

    To hash the reversed order takes as long as to read the volume: only what can be of it is compared with that.
    """
    exact = [entry for entry in cohort.volumes if entry.sha256 == volume.sha256]
    others = [entry for entry in cohort.volumes if entry.sha256 not in (None, volume.sha256)]
    likely = [entry for entry in others if _fits(entry, counts) and (not exact or entry.name == volume.name)]
    orders = [(volume.order_of(entry.sha256 or ""), entry) for entry in likely]
    return [*exact, *(entry for wanted in ("same", "reversed") for order, entry in orders if order == wanted)]


def _fits(entry: VolumeLabels, counts: Mapping[str, int]) -> bool:
    return entry.n_slices is None or counts.get(entry.axis, entry.n_slices) == entry.n_slices


def _is_symmetric(labels: VolumeLabels) -> bool:
    """Whether it makes no difference from which end the slices are counted."""
    if not labels.is_said():
        return True
    if labels.further:
        return False
    return labels.axis != "k" or all(np.array_equal(state, state[::-1]) for state in labels.states.values())


def _is_reversed(entry: VolumeLabels, settled: VolumeLabels, volume: HeldVolume, unsaid: Numbering | None) -> bool:
    if entry.numbering is not None:
        return volume.reverses(entry.numbering)
    order = None if entry.sha256 is None else volume.order_of(entry.sha256)
    if order is not None:
        return order == "reversed"
    if unsaid is None and volume.has_two_numberings:
        raise _unsaid(settled, volume)
    return unsaid is not None and volume.reverses(unsaid)


def _unsaid(labels: VolumeLabels, volume: HeldVolume) -> UserError:
    """The refusal of labels that may be counted from either end, with what each reading would mean in 3D Slicer."""
    tag = PRESENT if _slices_of(labels, PRESENT) else ABSENT
    slices = {"slicer": _slices_of(labels, tag), "file": _slices_of(labels.of_known_kinds().turned(), tag)}
    words = {
        numbering: "; ".join(f"{name} {TAG_NAMES[tag]} on {ranges}" for name, ranges in by_class.items())
        for numbering, by_class in slices.items()
    }
    message = (
        f"The tags of {volume.name!r} do not say from which end its slices are counted, and carry no hash that would "
        f"tell: 3D Slicer reverses the slices of this left-handed scan when it loads it."
    )
    hint = (
        "Say how they were counted. In the slice numbers of 3D Slicer's Data Probe, "
        f"--numbering slicer means: {words['slicer']}; --numbering file means: {words['file']}."
    )
    return UserError("numbering_unsaid", message, hint, {"name": volume.name, "tag": TAG_NAMES[tag], **slices})


def _slices_of(labels: VolumeLabels, tag: int) -> dict[str, str]:
    """Class name -> the slices of which that is said, in words."""
    spans = {name: spans_of(labels.presence(name), tag) for name in labels.class_names()}
    return {name: spans_in_words(found) for name, found in spans.items() if found}


def _require_agreement(first: VolumeLabels, second: VolumeLabels) -> None:
    """Refuse two entries of one volume, found by the hashes of either order, that say different things of a slice."""
    for name in {*first.class_names()} & {*second.class_names()}:
        if first.axis != second.axis or _clash(first.presence(name), second.presence(name)):
            message = f"{first.name!r} is tagged twice, by the hash of either order, and not the same for {name!r}."
            raise UserError(
                "tags_conflict",
                message,
                "Keep the entry that is right, and delete the other one.",
                values={"name": first.name, "class": name},
            )


def _clash(first: np.ndarray, second: np.ndarray) -> bool:
    length = min(len(first), len(second))
    one, other = first[:length], second[:length]
    return bool(((one != UNTAGGED) & (other != UNTAGGED) & (one != other)).any())
