"""Notes in the slice views: which volume each of them shows, and the tag of its slice."""

from __future__ import annotations

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.panel_parts import elided
from WeakMedSAMLib.frontend.labels.marks.mark_contradictions import shortOf
from WeakMedSAMLib.frontend.labels.marks.mark_part import MarkPart
from WeakMedSAMLib.frontend.labels.marks.mark_words import noteOfSlice
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.slice_tags.slice_navigator import SceneSliceNavigator, indexOf
from WeakMedSAMLib.frontend.labels.slice_tags.tag_actions import TagActions
from WeakMedSAMLib.frontend.labels.tag_words import sliceInWords
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.slice_annotations import SliceAnnotations
from WeakMedSAMLib.frontend.scene.view_use import ShownSlice, ViewUse

_COLOR = (1.0, 1.0, 0.6)
_MOST_LETTERS = 28


class SliceNotes:
    """Writes into each slice view what a key there would tag: the volume that it shows, and the tag of its slice.

    A few short lines, of the current class alone: they must not hide what one looks at.

    Parameters
    ----------
    labels : SceneLabels
    navigator : SceneSliceNavigator
    actions : TagActions
        Knows the current class, and the start of a range.
    marks : MarkPart
        Knows whether something is being placed, and what contradicts.
    use : ViewUse
        Knows what else the views are used for, and what there is to say besides.

    Attributes
    ----------
    annotations : SliceAnnotations
    """

    def __init__(
        self,
        labels: SceneLabels,
        navigator: SceneSliceNavigator,
        actions: TagActions,
        marks: MarkPart,
        use: ViewUse,
    ) -> None:
        self._labels = labels
        self._navigator = navigator
        self._actions = actions
        self._marks = marks
        self._use = use
        self.annotations = SliceAnnotations()

    def show(self) -> None:
        """Bring all notes up to date."""
        for viewName in slice_views.sliceViewNames():
            node = slice_views.shownVolume(viewName)
            lines = self._lines(viewName, node) if node is not None else []
            self.annotations.show(viewName, "\n".join(line for line in lines if line), _COLOR)

    def clear(self) -> None:
        """Remove all notes."""
        self.annotations.clear()

    def _lines(self, viewName: str, node: VolumeNode) -> list[str]:
        name = elided(node.GetName() or "", _MOST_LETTERS)
        if not self._navigator.isOfRun(node):
            return [name, _("not part of the run")]
        tags, className = self._labels.of(node), self._actions.currentClass
        index = indexOf(node, tags, viewName)
        lines = [name, sliceInWords(tags, className, index), noteOfSlice(tags, className, index)]
        if node is not self._labels.state.currentVolume:
            return [*lines, _("not the current volume")]
        if index is not None:
            lines += map(_contradictionInWords, shortOf(self._marks.wrong, className, index))
        if self._marks.actions.kind:
            return [*lines, *self._marks.actions.cornerLines(viewName)]
        if index is not None and tags is not None:
            # Its keys are off while the views serve something else.
            lines += [] if self._use.taken else self._marks.actions.cornerLines(viewName)
            lines += self._use.linesOf(ShownSlice(node, tags.axis, index))
        if self._use.taken:
            return [*lines, _("{use}: tagging keys are off").format(use=self._use.taken)]
        start = self._actions.start
        return [*lines, _("range from slice {index}").format(index=start)] if lines[1] and start is not None else lines


def _contradictionInWords(counts: str) -> str:
    """Return that labels of a slice contradict each other, and which counts if that is told."""
    return _("! contradiction: {counts}").format(counts=counts) if counts else _("! labels contradict each other")
