"""Which tags belong to a volume that was read, and on which of its slices they lie.

3D Slicer reverses the k planes of a left-handed volume when it loads it (NIfTI files often are left-handed). Tags made
there carry the hash of the volume as Slicer holds it, and count slices along k from the other end. They are found by
that hash and turned round, so that from here on every slice number is that of the file. Slices along i and j have the
same numbers in both. Tags without a hash are taken to count as the file does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from WeakMedSAMLib.contract.tags import CohortTags, VolumeTags
from WeakMedSAMLib.engine.data.volumes import Scan, slice_count


@dataclass(frozen=True)
class Match:
    """The tags of one volume.

    Attributes
    ----------
    entry : VolumeTags or None
        As it stands among the tags of the cohort; None where there are none for the volume.
    tags : VolumeTags
        One tag for each slice of the file, with the name and the hash of the volume.
    """

    entry: VolumeTags | None
    tags: VolumeTags

    @property
    def by_name(self) -> bool:
        """Whether nothing but the name says that the tags are of this volume."""
        return self.entry is not None and self.entry.sha256 is None and bool(self.entry.states)


def match_tags(cohort: CohortTags, volume: Scan, axis: str = "k") -> Match:
    """Find the tags of a volume: by its hash, by its hash in 3D Slicer, or by name where they carry no hash.

    Parameters
    ----------
    cohort : CohortTags
        All tags.
    volume : Scan
        As read from its file.
    axis : str
        Slice axis of a volume without tags.

    Raises
    ------
    UserError
        What `CohortTags.volume_for` and `VolumeTags.settled` raise: tags for other voxels, or for slices that the
        volume does not have.
    """
    orders = {entry.sha256: volume.order_of(entry.sha256) for entry in cohort.volumes if entry.sha256 is not None}
    known = min((sha256 for sha256, order in orders.items() if order), key=lambda s: orders[s] != "same", default=None)
    is_reversed = known is not None and orders[known] == "reversed"
    entry = cohort.volume_for(volume.name, known or volume.sha256)
    found = entry or VolumeTags(volume.name, axis=axis)
    settled = found.settled(slice_count(volume.geometry, found.axis))
    states = _turned_round(settled.states) if is_reversed and settled.axis == "k" else settled.states
    return Match(entry, VolumeTags(volume.name, volume.sha256, settled.axis, settled.n_slices, states))


def _turned_round(states: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: state[::-1].copy() for name, state in states.items()}
