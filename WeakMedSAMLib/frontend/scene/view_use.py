"""What the slice views are used for besides tagging, so that keys of tagging keep out of the way and notes say why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode


@dataclass(frozen=True)
class ShownSlice:
    """The slice that a view shows: of which volume, along which axis (``"i"``, ``"j"``, ``"k"``), which one."""

    volumeNode: VolumeNode
    axis: str
    index: int


class ViewUse:
    """One object for all who use the slice views.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when the views come to be used for something else, or when notes say something else.
    notes : list of callable
        Each gets a `ShownSlice` and returns a line for the note in its view, or an empty text.
    """

    def __init__(self) -> None:
        self.changed = Callbacks()
        self.notes: list[Callable[[ShownSlice], str]] = []
        self._taken = ""

    @property
    def taken(self) -> str:
        """What keys and clicks in the views are for now, in words for the user; empty for tagging as usual."""
        return self._taken

    def take(self, words: str) -> None:
        """Use the views for something else from now on; empty to leave them."""
        if words != self._taken:
            self._taken = words
            self.changed()

    def linesOf(self, shown: ShownSlice) -> list[str]:
        """Return what notes in a view are to say of its slice."""
        return [line for note in self.notes if (line := note(shown))]
