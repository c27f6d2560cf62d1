"""Where one is in the current volume: which slice along which axis, and how to get to another one."""

from __future__ import annotations

from typing import Protocol

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.panel_parts import elided
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged, keyOf
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.nodes import SliceNode, VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import sliceCount, usableProblem

_MOST_LETTERS = 28  # of a volume's name in a sentence


class SliceNavigator(Protocol):
    """What tagging needs to know of the scene and its views.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when a view moved or another volume is current.
    """

    changed: Callbacks

    def volumeKey(self) -> str | None:
        """Return the key of the current volume; None while there is none that is ready for tags."""

    def axis(self) -> str:
        """Return the slice axis of the current volume's tags."""

    def sliceIndex(self) -> int | None:
        """Return the slice that is being looked at; None if no view shows one."""

    def sliceCount(self) -> int:
        """Return the number of slices of the current volume, 0 without one."""

    def jump(self, index: int) -> None:
        """Show a slice."""

    def viewName(self) -> str:
        """Return the name of the view in which slices of the current volume are looked at; empty without one."""

    def problem(self) -> UserError | None:
        """Say why no slice of the current volume can be tagged where one looks; None if it can."""

    def workIn(self, viewName: str) -> None:
        """Make a view the one that is worked in, and the volume that it shows the current one.

        Raises
        ------
        UserError
            ``other_volume`` if it shows none that is part of the run, ``being_read`` if that is not ready yet,
            ``other_direction`` if it is tagged along another direction.
        """


class SceneSliceNavigator:
    """The slice views of Slicer, for the current volume.

    Parameters
    ----------
    labels : SceneLabels
    views : SliceViews
    """

    def __init__(self, labels: SceneLabels, views: slice_views.SliceViews) -> None:
        self._labels = labels
        self._state = labels.state
        self._observer = views.observer(self._onViewMoved)
        self.changed = Callbacks()

    def start(self) -> None:
        """Observe the slice views of the layout as it is now; again after the layout changed."""
        self._observer.start()

    def stop(self) -> None:
        """Observe nothing any more."""
        self._observer.stop()

    def volumeKey(self) -> str | None:
        """See `SliceNavigator`."""
        return self._labels.currentKey()

    def axis(self) -> str:
        """See `SliceNavigator`."""
        volume = self._labels.ofCurrent()
        return volume.axis if volume is not None else "k"

    def sliceIndex(self) -> int | None:
        """See `SliceNavigator`."""
        return self.indexIn(self.viewName())

    def indexIn(self, viewName: str) -> int | None:
        """Return the slice that a view shows of the current volume; None if it shows another, or cuts across them."""
        node = self._state.currentVolume
        if node is None or not viewName or slice_views.shownVolume(viewName) is not node:
            return None
        return indexOf(node, self._labels.ofCurrent(), viewName)

    def isOfRun(self, node: VolumeNode | None) -> bool:
        """Say whether a volume may be tagged: the current one, and those that are learned from."""
        return node is not None and (node is self._state.currentVolume or self._state.isInCohort(node))

    def isAlong(self, viewName: str) -> bool:
        """Say whether a view shows slices along the axis of the current volume's tags."""
        node, sliceNode = self._state.currentVolume, slice_views.sliceNodeOf(viewName)
        return node is not None and sliceNode is not None and slice_views.axisOfView(node, sliceNode) == self.axis()

    def sliceCount(self) -> int:
        """See `SliceNavigator`."""
        volume = self._labels.ofCurrent()
        return (volume.n_slices or 0) if volume is not None else 0

    def jump(self, index: int) -> None:
        """See `SliceNavigator`."""
        problem = self._viewProblem()
        if problem is not None:
            raise problem
        node, sliceNode = self._nodes()
        if node is not None and sliceNode is not None:
            slice_views.jumpToSlice(node, sliceNode, self.axis(), index)

    def viewName(self) -> str:
        """See `SliceNavigator`."""
        node = self._state.currentVolume
        return next((name for name in self._viewsAlong() if slice_views.shownVolume(name) is node), "")

    def problem(self) -> UserError | None:
        """See `SliceNavigator`."""
        problem = self._viewProblem()
        if problem is None and self.sliceIndex() is None:
            hint = _("Press the key R in a slice view to bring it back.")
            return UserError("no_slice", _("No slice view shows a slice of this volume."), hint)
        return problem

    def isAligned(self) -> bool:
        """Say whether the view shows whole slices of the volume, rather than cutting across them."""
        node, sliceNode = self._nodes()
        return node is None or sliceNode is None or slice_views.isAligned(node, sliceNode)

    def align(self) -> None:
        """Turn the view so that it shows whole slices of the volume."""
        node, sliceNode = self._nodes()
        if node is not None and sliceNode is not None:
            slice_views.alignView(node, sliceNode)

    def workIn(self, viewName: str) -> None:
        """See `SliceNavigator`."""
        node, sliceNode = self._requireOfRun(viewName), slice_views.sliceNodeOf(viewName)
        # The key tells which volume is meant: the one that is looked at.
        self._state.currentVolume = node
        volume = self._labels.ofCurrent()
        if volume is None:
            problem = usableProblem(node)
            if problem:
                raise UserError("unusable_volume", problem, _("Take it out of the list of volumes."))
            text = _("'{name}' is being read; this takes a moment.").format(name=elided(node.GetName(), _MOST_LETTERS))
            raise UserError("being_read", text, _("Press the key again then."))
        if sliceNode is not None and not self.isAlong(viewName):
            if isTagged(volume):
                hint = _("Tag it there, or start over in another direction in Volumes.")
                raise UserError("other_direction", self._directionInWords(elided(volume.name, _MOST_LETTERS)), hint)
            axis = slice_views.axisOfView(node, sliceNode)
            counts = {each: sliceCount(node, each) for each in AXES}
            self._labels.session.ensureVolume(volume.name, keyOf(volume), axis, counts)
        self._state.sliceView = viewName

    def _viewsAlong(self) -> list[str]:
        """Return the views along the axis of the tags, the one that is worked in first."""
        chosen = self._state.sliceView
        names = sorted(slice_views.sliceViewNames(), key=lambda name: name != chosen)
        return [name for name in names if self.isAlong(name)]

    def _viewProblem(self) -> UserError | None:
        """Say why no view shows slices of the current volume along the axis of its tags."""
        node, along = self._state.currentVolume, self._viewsAlong()
        name = elided(node.GetName(), _MOST_LETTERS) if node is not None else ""
        if not along:
            text = _("No slice view of this layout shows '{name}' in the direction in which it is tagged.")
            return UserError("no_view", text.format(name=name), _("Choose a layout that has one."))
        if not self.viewName():
            text = _("The {view} view does not show '{name}', the volume to tag.").format(view=along[0], name=name)
            return UserError("not_shown", text, _("Show it, or use the one that is shown."))
        return None

    def _directionInWords(self, name: str) -> str:
        """Say in which view a volume is tagged instead."""
        along = self._viewsAlong()
        if not along:
            return _("'{name}' is tagged in another direction, which no view of this layout shows.").format(name=name)
        text = _("'{name}' is tagged slice by slice in the {view} view, not in this one.")
        return text.format(name=name, view=along[0])

    def _requireOfRun(self, viewName: str) -> VolumeNode:
        """Return the volume that a view shows; `UserError` ``other_volume`` if that may not be tagged."""
        node = slice_views.shownVolume(viewName)
        if node is not None and self.isOfRun(node):
            return node
        text = _("The {view} view shows no volume.").format(view=viewName)
        if node is not None:
            text = _("The {view} view shows '{name}', which is not part of the run.")
            text = text.format(view=viewName, name=elided(node.GetName(), _MOST_LETTERS))
        hint = _("'Show it' brings back the volume to tag, 'Use it' makes the one that is shown part of the run.")
        raise UserError("other_volume", text, hint if node is not None else "")

    def _nodes(self) -> tuple[VolumeNode | None, SliceNode | None]:
        """Return the current volume, and the view in which its slices are looked at."""
        return self._state.currentVolume, slice_views.sliceNodeOf(self.viewName())

    def _onViewMoved(self, _viewName: str) -> None:
        self.changed()


def indexOf(node: VolumeNode, tags: VolumeLabels | None, viewName: str) -> int | None:
    """Return the slice of a volume at which a view is, along the axis of its tags; None beside it and across it."""
    sliceNode = slice_views.sliceNodeOf(viewName)
    if tags is None or sliceNode is None or slice_views.axisOfView(node, sliceNode) != tags.axis:
        return None
    return slice_views.currentSlice(node, sliceNode, tags.axis)
