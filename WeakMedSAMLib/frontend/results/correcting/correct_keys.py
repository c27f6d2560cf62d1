"""The keys of correcting: chords, heard in slice views and in the section, beside whatever tool is active."""

from __future__ import annotations

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.frontend.labels.slice_tags.slice_keys import SliceKeys
from WeakMedSAMLib.frontend.labels.tag_keys import KeyEntry, correctingKeys, fixedKeys

# While one draws the keys of tagging are off, these too.
UNDO, REDO = "undo", "redo"


class CorrectKeys(SliceKeys):
    """See `SliceKeys`; classes have no keys here. Undo and redo are heard while one draws: see `hearUndo`."""

    def hearUndo(self, isHeard: bool) -> None:
        """Hear the keys of undo and redo, or leave them to tagging."""
        for action in (UNDO, REDO):
            self.setEnabled(action, isHeard)

    def _entries(self, _classes: ClassTable) -> list[KeyEntry]:
        return [*correctingKeys(), *(entry for entry in fixedKeys() if entry.action in (UNDO, REDO))]
