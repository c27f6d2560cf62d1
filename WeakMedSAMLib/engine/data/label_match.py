"""Which tags belong to a volume that was read, and on which of its slices they lie.

Slice numbers of a `Scan` are those of 3D Slicer's Data Probe, or in a run folder those of the stored copy; tags that
count from the other end are turned round here, so that from here on every slice number is that of the scan's array.
"""

from __future__ import annotations

from dataclasses import dataclass

from WeakMedSAMLib.contract.labels.cohort_labels import CohortTags, VolumeTags
from WeakMedSAMLib.contract.labels.matching import matched_tags
from WeakMedSAMLib.contract.labels.slice_tags import Numbering
from WeakMedSAMLib.engine.data.volumes import AXES, Scan, slice_count


@dataclass(frozen=True)
class Match:
    """The tags of one volume.

    Attributes
    ----------
    entry : VolumeTags or None
        As it stands among the tags of the cohort; None where there are none for the volume.
    tags : VolumeTags
        One tag for each slice of the scan, with the name and the hash of the volume.
    """

    entry: VolumeTags | None
    tags: VolumeTags

    @property
    def by_name(self) -> bool:
        """Whether nothing but the name says that the tags are of this volume."""
        return self.entry is not None and self.entry.sha256 is None and bool(self.entry.states)


def match_tags(cohort: CohortTags, volume: Scan, axis: str = "k", unsaid: Numbering | None = None) -> Match:
    """Find the tags of a volume: by its hash in either order of its slices, or by name where they carry no hash.

    Parameters
    ----------
    cohort : CohortTags
        All tags.
    volume : Scan
        As read from its file.
    axis : str
        Slice axis of a volume without tags.
    unsaid : {"slicer", "file"}, optional
        How tags count that do not say it and carry no hash.

    Raises
    ------
    UserError
        What `tag_matching.matched_tags` raises: tags for other voxels, for slices that the volume does not have, or of
        which nobody can tell from which end they count.
    """
    counts = {each: slice_count(volume.geometry, each) for each in AXES}
    found = matched_tags(cohort, volume, counts, unsaid)
    tags = found.tags if found is not None else VolumeTags(volume.name, axis=axis, n_slices=counts[axis])
    numbering = held_numbering(volume)
    held = VolumeTags(volume.name, volume.sha256, tags.axis, tags.n_slices, tags.states, numbering=numbering)
    return Match(found.entry if found is not None else None, held)


def held_numbering(volume: Scan) -> Numbering:
    """How slices of the array of a scan are counted."""
    return "file" if volume.reverses("slicer") else "slicer"
