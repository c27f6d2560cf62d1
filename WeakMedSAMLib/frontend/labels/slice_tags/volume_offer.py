"""The ways out where the views do not show the volume to tag: show it, use the one that is shown, other views."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.panel_parts import setEnabled
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.slice_tags.slice_navigator import SceneSliceNavigator
from WeakMedSAMLib.frontend.scene import slice_views


class VolumeOffer:
    """Three buttons, each seen only where it helps.

    Parameters
    ----------
    ui : object
        With `showButton`, `useButton` and `layoutButton`.
    labels : SceneLabels
    views : SliceViews
    navigator : SceneSliceNavigator
    """

    def __init__(
        self, ui: Any, labels: SceneLabels, views: slice_views.SliceViews, navigator: SceneSliceNavigator
    ) -> None:
        self._ui = ui
        self._state = labels.state
        self._views = views
        self._navigator = navigator
        self._problems = labels.problems
        self._refused = ""

    def refuse(self, viewName: str) -> None:
        """Offer a way out for a view in which a key was pressed in vain."""
        self._refused = viewName
        self.show()

    def isRefused(self) -> bool:
        """Say whether a key would still be refused in the view in which one was."""
        return bool(self._refusedView())

    def show(self) -> None:
        """Show the buttons that help now."""
        code = self._problemCode()
        view = self._viewAtFault(code)
        current, shown = self._state.currentVolume, slice_views.shownVolume(view) if view else None
        self._ui.layoutButton.visible = code == "no_view"
        self._ui.showButton.visible = bool(view) and current is not None
        self._ui.useButton.visible = shown is not None
        if view and current is not None:
            self._ui.showButton.toolTip = _("Show '{name}', the volume to tag").format(name=current.GetName())
        if shown is not None:
            tip = _("Make '{name}', which is shown, part of the run, and tag it").format(name=shown.GetName())
            setEnabled(self._ui.useButton, self._problems.of(shown), tip)

    def showIt(self) -> None:
        """Show the volume to tag: in the view where a key was refused, else in all."""
        refused, node = self._refusedView(), self._state.currentVolume
        with self._views.together():
            for viewName in [refused] if refused else slice_views.sliceViewNames():
                if node is not None:
                    self._views.showVolume(node, viewName)

    def useIt(self) -> None:
        """Make the volume that is shown part of the run, and the one to tag."""
        node = slice_views.shownVolume(self._viewAtFault(self._problemCode()))
        if node is not None and not self._problems.of(node):
            self._state.setInCohort(node, True)
            self._state.currentVolume = node

    def changeLayout(self) -> None:
        """Show slices along all three directions."""
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        if self._problemCode() == "no_view":
            # Somebody turned a view: two of them show the same direction.
            slice_views.showAllDirections()

    def _problemCode(self) -> str:
        problem = self._navigator.problem() if self._navigator.volumeKey() is not None else None
        return problem.code if problem is not None else ""

    def _viewAtFault(self, code: str) -> str:
        """Return the view that shows what cannot be tagged; empty if none does."""
        if code != "not_shown":
            return self._refusedView()
        views = slice_views.sliceViewNames()
        chosen = self._state.sliceView
        return self._refusedView() or (chosen if chosen in views else views[0])

    def _refusedView(self) -> str:
        """Return the view in which a key was refused, as long as it still would be."""
        isThere = self._refused in slice_views.sliceViewNames()
        if not isThere or self._navigator.isOfRun(slice_views.shownVolume(self._refused)):
            self._refused = ""
        return self._refused
