"""The keys of correcting: chords, heard in slice views and in the section, beside whatever tool is active."""

from __future__ import annotations

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.frontend.labels.slice_tags.slice_keys import SliceKeys
from WeakMedSAMLib.frontend.labels.tag_keys import KeyEntry, correctingKeys


class CorrectKeys(SliceKeys):
    """See `SliceKeys`; classes have no keys here."""

    def _entries(self, _classes: ClassTable) -> list[KeyEntry]:
        return correctingKeys()
