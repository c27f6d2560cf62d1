"""Notes in the slice views: which volume each of them shows, and the tags of its slice."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.labels.slice_tags.slice_navigator import SceneSliceNavigator, indexOf
from WeakMedSAMLib.frontend.labels.slice_tags.tag_actions import TagActions
from WeakMedSAMLib.frontend.labels.tag_words import sliceInWords
from WeakMedSAMLib.frontend.scene import slice_views

_COLOR = (1.0, 1.0, 0.6)


class SliceNotes:
    """Writes into each slice view what a key there would tag: the volume that it shows, and the tags of its slice.

    Parameters
    ----------
    logic : WeakMedSAMLogic
        With `state`, `session` and `keyOf(node)`.
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
        for viewName in slice_views.sliceViewNames():
            slice_views.setSliceAnnotation(viewName, self._text(viewName), _COLOR)

    def clear(self) -> None:
        """Remove all notes."""
        slice_views.clearSliceAnnotations()

    def _text(self, viewName: str) -> str:
        node = slice_views.shownVolume(viewName)
        if node is None:
            return ""
        if not self._navigator.isOfRun(node):
            return _("{volume}: not part of the run").format(volume=node.GetName())
        key = self._logic.keyOf(node)
        tags = self._logic.session.volume(key) if key is not None else None
        start = self._actions.start if node is self._logic.state.currentVolume else None
        slice_ = sliceInWords(tags, self._logic.session.classes, indexOf(node, tags, viewName), start)
        return f"{node.GetName()}\n{slice_}".strip()
