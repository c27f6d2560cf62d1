"""Notes in the slice views: which volume each of them shows, and the tags of its slice."""

from __future__ import annotations

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.slice_tags.slice_navigator import SceneSliceNavigator, indexOf
from WeakMedSAMLib.frontend.labels.slice_tags.tag_actions import TagActions
from WeakMedSAMLib.frontend.labels.tag_words import sliceInWords
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.slice_annotations import SliceAnnotations

_COLOR = (1.0, 1.0, 0.6)


class SliceNotes:
    """Writes into each slice view what a key there would tag: the volume that it shows, and the tags of its slice.

    Parameters
    ----------
    labels : SceneLabels
    navigator : SceneSliceNavigator
    actions : TagActions
        Knows the start of a range.

    Attributes
    ----------
    annotations : SliceAnnotations
    """

    def __init__(self, labels: SceneLabels, navigator: SceneSliceNavigator, actions: TagActions) -> None:
        self._labels = labels
        self._navigator = navigator
        self._actions = actions
        self.annotations = SliceAnnotations()

    def show(self) -> None:
        """Bring all notes up to date."""
        for viewName in slice_views.sliceViewNames():
            self.annotations.show(viewName, self._text(viewName), _COLOR)

    def clear(self) -> None:
        """Remove all notes."""
        self.annotations.clear()

    def _text(self, viewName: str) -> str:
        node = slice_views.shownVolume(viewName)
        if node is None:
            return ""
        if not self._navigator.isOfRun(node):
            return _("{volume}: not part of the run").format(volume=node.GetName())
        tags = self._labels.of(node)
        start = self._actions.start if node is self._labels.state.currentVolume else None
        slice_ = sliceInWords(tags, self._labels.session.classes, indexOf(node, tags, viewName), start)
        return f"{node.GetName()}\n{slice_}".strip()
