"""Where one is in the current volume: which slice along which axis, and how to get to another one."""

from __future__ import annotations

from typing import Any, Protocol

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.tags import AXES, VolumeTags
from WeakMedSAMLib.frontend.callbacks import Callbacks
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.scene_volumes import sliceCount
from WeakMedSAMLib.frontend.tagging.tag_volumes import isTagged


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

    def workIn(self, viewName: str) -> None:
        """Make a view the one that is worked in; `UserError` if the volume is tagged along another direction."""


class SceneSliceNavigator:
    """The slice views of Slicer, for the current volume of a logic.

    Parameters
    ----------
    logic : WeakMedSAMLogic
        With `state`, `session` and `currentKey()`.
    """

    def __init__(self, logic: Any) -> None:
        self._logic = logic
        self._observer = slice_views.SliceObserver(self._onViewMoved)
        self.changed = Callbacks()

    def start(self) -> None:
        """Observe the slice views of the layout as it is now; again after the layout changed."""
        self._observer.start()

    def stop(self) -> None:
        """Observe nothing any more."""
        self._observer.stop()

    def volumeKey(self) -> str | None:
        """See `SliceNavigator`."""
        return self._logic.currentKey() if self._logic.state.currentVolume is not None else None

    def axis(self) -> str:
        """See `SliceNavigator`."""
        volume = self._tags()
        return volume.axis if volume is not None else "k"

    def sliceIndex(self) -> int | None:
        """See `SliceNavigator`."""
        return self.indexIn(self.viewName())

    def indexIn(self, viewName: str) -> int | None:
        """Return the slice of the current volume that a view shows; None if it shows none, or cuts across them."""
        node, sliceNode = self._logic.state.currentVolume, slice_views.sliceNodeOf(viewName) if viewName else None
        if node is None or sliceNode is None or self._tags() is None or not self.isAlong(viewName):
            return None
        return slice_views.currentSlice(node, sliceNode, self.axis())

    def isAlong(self, viewName: str) -> bool:
        """Say whether a view shows slices along the axis of the current volume's tags."""
        node, sliceNode = self._logic.state.currentVolume, slice_views.sliceNodeOf(viewName)
        return None not in (node, sliceNode) and slice_views.axisOfView(node, sliceNode) == self.axis()

    def sliceCount(self) -> int:
        """See `SliceNavigator`."""
        volume = self._tags()
        return (volume.n_slices or 0) if volume is not None else 0

    def jump(self, index: int) -> None:
        """See `SliceNavigator`."""
        viewName = self.viewName()
        if not viewName:
            text = _("No slice view shows the direction in which this volume is tagged.")
            raise UserError("no_view", text, _("Choose a layout with Red, Yellow and Green."))
        sliceNode = slice_views.sliceNodeOf(viewName)
        slice_views.jumpToSlice(self._logic.state.currentVolume, sliceNode, self.axis(), index)

    def viewName(self) -> str:
        """See `SliceNavigator`."""
        chosen = self._logic.state.sliceView
        names = sorted(slice_views.sliceViewNames(), key=lambda name: name != chosen)
        return next((name for name in names if self.isAlong(name)), "")

    def isAligned(self) -> bool:
        """Say whether the view shows whole slices of the volume, rather than cutting across them."""
        node, sliceNode = self._logic.state.currentVolume, slice_views.sliceNodeOf(self.viewName())
        return None in (node, sliceNode) or slice_views.isAligned(node, sliceNode)

    def align(self) -> None:
        """Turn the view so that it shows whole slices of the volume."""
        sliceNode = slice_views.sliceNodeOf(self.viewName())
        if sliceNode is not None:
            slice_views.alignView(self._logic.state.currentVolume, sliceNode)

    def workIn(self, viewName: str) -> None:
        """See `SliceNavigator`."""
        volume, node = self._tags(), self._logic.state.currentVolume
        if volume is None or node is None:
            return
        if not self.isAlong(viewName):
            if isTagged(volume):
                text = _("'{name}' is tagged slice by slice in the {view} view, not in this one.")
                hint = _("Tag it there, or start over in another direction in Volumes.")
                raise UserError("other_direction", text.format(name=volume.name, view=self.viewName()), hint)
            axis = slice_views.axisOfView(node, slice_views.sliceNodeOf(viewName))
            counts = {each: sliceCount(node, each) for each in AXES}
            self._logic.session.ensureVolume(volume.name, volume.sha256, axis, counts)
        self._logic.state.sliceView = viewName

    def _tags(self) -> VolumeTags | None:
        key = self.volumeKey()
        return self._logic.session.volume(key) if key is not None else None

    def _onViewMoved(self, _viewName: str) -> None:
        self.changed()
