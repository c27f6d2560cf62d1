"""Along which direction the slices of the current volume are counted: that of one of the slice views."""

from __future__ import annotations

from typing import Any

import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.axis_change import is_of_slice
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.slice_tags import KIND as SLICE_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.panel_parts import fillSelector, setEnabled, setText, setTip
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.tag_volumes import keyOf
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.nodes import SliceNode, VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import sliceCount

# What may be wrong with the view that one works in.
ACROSS, OTHER = "across", "other"


class SliceDirection:
    """A folded part of the section, which opens by itself where the view does not show whole slices of the volume.

    Parameters
    ----------
    ui : object
        With `viewsSection`, `viewSelector`, `alignButton` and `directionLabel`.
    labels : SceneLabels
    """

    def __init__(self, ui: Any, labels: SceneLabels) -> None:
        self._ui, self._labels, self._state = ui, labels, labels.state
        self._problem = ""
        self._isOpenedHere = False
        self._views: list[str] = []
        ui.viewsSection.collapsed = True

    def isOfOtherLayout(self) -> bool:
        """Say whether the layout has got or lost views since they were shown."""
        return self._views != slice_views.sliceViewNames()

    def show(self) -> None:
        """Show the views, and what they show of the current volume."""
        ui, volume = self._ui, self._state.currentVolume
        self._views = slice_views.sliceViewNames()
        fillSelector(ui.viewSelector, self._views)
        ui.viewSelector.currentIndex = ui.viewSelector.findText(self._state.sliceView)
        reason = "" if self._views else _("The layout has no slice views.")
        reason = _("Choose a volume first.") if volume is None else reason
        setEnabled(ui.viewSelector, reason, _("The slice view that decides along which direction slices are counted"))
        self.showWords()

    def showWords(self) -> None:
        """Show what the views show of the current volume now."""
        volume, tags = self._state.currentVolume, self._labels.ofCurrent()
        problem = text = tip = ""
        if volume is not None and tags is not None and volume.GetImageData() is not None:
            problem = self._problemOf(volume, tags)
            text = self._inWords(volume, tags, problem)
            tip = _("Numbered 0 to {last}, as in the Data Probe").format(last=(tags.n_slices or 1) - 1)
        self._ui.alignButton.visible = problem == ACROSS
        setText(self._ui.directionLabel, text)
        setTip(self._ui.directionLabel, tip)
        self._openFor(problem)

    def choose(self, viewName: str) -> None:
        """Count slices as a view shows them, unless labels would change by that and the user says no."""
        if self._mayTurnTo(viewName):
            self._state.sliceView = viewName

    def align(self) -> None:
        """Turn the view that one works in, so that it shows whole slices."""
        volume, sliceNode = self._state.currentVolume, slice_views.sliceNodeOf(self._state.sliceView)
        if volume is not None and sliceNode is not None:
            slice_views.alignView(volume, sliceNode)

    def _openFor(self, problem: str) -> None:
        """Open at a new problem, and fold again once there is none; a part that the user opened stays open."""
        section = self._ui.viewsSection
        if problem and problem != self._problem and section.collapsed:
            section.collapsed = False
            self._isOpenedHere = True
        elif not problem and self._isOpenedHere:
            section.collapsed = True
            self._isOpenedHere = False
        self._problem = problem

    def _problemOf(self, volume: VolumeNode, tags: VolumeLabels) -> str:
        sliceNode = _along(volume, tags, self._state.sliceView)
        if sliceNode is None:
            return OTHER
        return "" if slice_views.isAligned(volume, sliceNode) else ACROSS

    def _inWords(self, volume: VolumeNode, tags: VolumeLabels, problem: str) -> str:
        views = [self._state.sliceView, *slice_views.sliceViewNames()]
        along = [(name, node) for name in views if (node := _along(volume, tags, name)) is not None]
        if not along:
            return _("⚠ No view of the layout shows the slices of this volume. Choose the view to tag in.")
        view, sliceNode = along[0]
        texts = {
            ACROSS: _("⚠ The {view} view cuts across the slices. Align it, so that what you see is one slice."),
            OTHER: _("⚠ This volume is tagged in slices as in the {view} view. Choose the view to tag in."),
        }
        if problem:
            return texts[problem].format(view=view)
        index = None
        if slice_views.shownVolume(view) is volume:
            index = slice_views.currentSlice(volume, sliceNode, tags.axis)
        if index is None:
            return _("Slices as in the {view} view.").format(view=view)
        text = _("Slices as in the {view} view; slice {index} of {count}.")
        return text.format(view=view, index=index, count=tags.n_slices)

    def _mayTurnTo(self, viewName: str) -> bool:
        """Let the volume be tagged along the direction of a view; ask if labels change by that."""
        volume, tags, sliceNode = self._state.currentVolume, self._labels.ofCurrent(), slice_views.sliceNodeOf(viewName)
        if volume is None or tags is None or sliceNode is None:
            return True
        axis = slice_views.axisOfView(volume, sliceNode)
        if axis == tags.axis:
            return True
        # What was drawn in the last moment is of slices as they are counted until now.
        self._labels.turning()
        tags = self._labels.ofCurrent() or tags
        question = _questionFor(tags, viewName)
        if question and not slicer.util.confirmYesNoDisplay(question, windowTitle=_("Other slice direction")):
            return False
        self._labels.session.changeAxis(keyOf(tags), axis, sliceCount(volume, axis))
        return True


def _questionFor(tags: VolumeLabels, viewName: str) -> str:
    """Ask whether slices are to be counted as in a view, and say what becomes of labels; empty where all stay."""
    hasTags, isPainted = bool(SLICE_TAGS.said(tags)), bool(PAINTED.said(tags))
    isBoxed = any(is_of_slice(box, tags.axis) for box in BOXES.marks(tags))
    if not (hasTags or isPainted or isBoxed):
        return ""
    text = _("{name} is tagged in another direction than that of the slices in the {view} view.")
    parts = [text.format(name=tags.name, view=viewName)]
    if isPainted:
        parts.append(
            _(
                "What you drew, scribbled or found fine stays known, pixel by pixel. A slice that way is drawn or fine "
                "only if all of its pixels are known; else it is touched."
            )
        )
    if isBoxed:
        parts.append(_("Boxes of one slice are removed; points and boxes in 3-D stay. Undo brings them back."))
    if hasTags:
        parts.append(_("Remove its slice tags and start over in that direction? (Undo brings them back.)"))
    else:
        parts.append(_("Count its slices in that direction? (Undo takes that back.)"))
    return "\n\n".join(parts)


def _along(volume: VolumeNode, tags: VolumeLabels, viewName: str) -> SliceNode | None:
    """Return the slice node of a view of the layout that shows slices as the volume is tagged; None for any other."""
    sliceNode = slice_views.sliceNodeOf(viewName) if viewName in slice_views.sliceViewNames() else None
    isAlong = sliceNode is not None and slice_views.axisOfView(volume, sliceNode) == tags.axis
    return sliceNode if isAlong else None
