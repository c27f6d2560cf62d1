"""Notes in the slice views: the tags of the slice that each of them shows."""

from __future__ import annotations

from typing import Any

from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.tagging.slice_navigator import SceneSliceNavigator
from WeakMedSAMLib.frontend.tagging.tag_actions import TagActions
from WeakMedSAMLib.frontend.tagging.tag_words import sliceInWords

_COLOR = (1.0, 1.0, 0.6)


class SliceNotes:
    """Writes the tags of the current volume into the slice views that show its slices.

    Parameters
    ----------
    logic : WeakMedSAMLogic
        With `session`.
    navigator : SceneSliceNavigator
    actions : TagActions
        Knows the start of a range.
    """

    def __init__(self, logic: Any, navigator: SceneSliceNavigator, actions: TagActions) -> None:
        self._logic = logic
        self._navigator = navigator
        self._actions = actions

    def show(self) -> None:
        """Bring all notes up to date."""
        key = self._navigator.volumeKey()
        volume = self._logic.session.volume(key) if key is not None else None
        for viewName in slice_views.sliceViewNames():
            index = self._navigator.indexIn(viewName) if volume is not None else None
            text = sliceInWords(volume, self._logic.session.classes, index, self._actions.start)
            slice_views.setSliceAnnotation(viewName, text, _COLOR)

    def clear(self) -> None:
        """Remove all notes."""
        slice_views.clearSliceAnnotations()
