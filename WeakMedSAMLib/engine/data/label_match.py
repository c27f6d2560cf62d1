"""Which labels belong to a volume that was read, and on which of its slices they lie.

Slice numbers of a `Scan` are those of 3D Slicer's Data Probe, or in a run folder those of the stored copy; labels that
count from the other end are turned round here, so that from here on every slice number is that of the scan's array.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.contract.labels.matching import find_labels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.engine.data.volumes import AXES, Scan, slice_count


@dataclass(frozen=True)
class Match:
    """The labels of one volume.

    Attributes
    ----------
    entry : VolumeLabels or None
        As it stands among the labels of the cohort; None where there are none for the volume.
    labels : VolumeLabels
        Settled, with the name and the hash of the volume.
    """

    entry: VolumeLabels | None
    labels: VolumeLabels

    @property
    def by_name(self) -> bool:
        """Whether nothing but the name says that the labels are of this volume."""
        return self.entry is not None and self.entry.sha256 is None and bool(self.entry.class_names())


def match_labels(cohort: CohortLabels, volume: Scan, axis: str = "k", unsaid: Numbering | None = None) -> Match:
    """Find the labels of a volume: by its hash in either order of its slices, or by name where they carry no hash.

    Parameters
    ----------
    cohort : CohortLabels
        All labels.
    volume : Scan
        As read from its file.
    axis : str
        Slice axis of a volume without labels.
    unsaid : {"slicer", "file"}, optional
        How labels count that do not say it and carry no hash.

    Raises
    ------
    UserError
        What `matching.find_labels` raises: labels for other voxels, for slices that the volume does not have, or of
        which nobody can tell from which end they count.
    """
    counts = {each: slice_count(volume.geometry, each) for each in AXES}
    found = find_labels(cohort, volume, counts, unsaid)
    nothing = VolumeLabels(volume.name, axis=axis, n_slices=counts[axis], size=volume.geometry.size)
    labels = found.labels if found is not None else nothing
    held = replace(labels, name=volume.name, sha256=volume.sha256, numbering=held_numbering(volume))
    return Match(found.entry if found is not None else None, held)


def held_numbering(volume: Scan) -> Numbering:
    """How slices of the array of a scan are counted."""
    return "file" if volume.reverses("slicer") else "slicer"
