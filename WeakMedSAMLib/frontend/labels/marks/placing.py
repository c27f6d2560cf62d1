"""Places that one clicks in a slice view, by Slicer's own place mode."""

from __future__ import annotations

from typing import Any

import slicer

from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.labels.marks.mark_node import POINT_LIST, addNode, removeNode
from WeakMedSAMLib.frontend.scene.nodes import SliceNode

_PEN = "WeakMedSAM pen"
Place = tuple[float, float, float]


class Placing:
    """Takes clicks in one slice view with a pen: a point list that is in the scene only meanwhile.

    Place mode, and the kind of markup that the toolbar offers, are afterwards as they were before. It ends as well if
    anybody leaves place mode or begins to place something else. A scene that is saved meanwhile is not in it when it is
    opened.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments a moment after a click, and after the mouse moved.
    left : Callbacks
        Called without arguments when it ended because somebody else left place mode, or took the pen away.
    """

    def __init__(self) -> None:
        self.changed, self.left = Callbacks(), Callbacks()
        self._pen: Any = None
        self._observations: list[tuple[Any, int]] = []
        self._before: tuple[str, str, int] = ("", "", 0)
        self._isSaved = True
        # Not from within Slicer's own handling of the click: the pen may be removed then.
        self._soon = Coalesced(self._look, 1)

    @property
    def isOn(self) -> bool:
        """Whether clicks are taken."""
        return self._pen is not None

    @property
    def places(self) -> list[Place]:
        """The places that were clicked, RAS in mm."""
        return self._found(slicer.vtkMRMLMarkupsNode.PositionDefined)

    @property
    def pointer(self) -> Place | None:
        """Where the mouse is in the view; None if it is elsewhere."""
        found = self._found(slicer.vtkMRMLMarkupsNode.PositionPreview)
        return found[-1] if found else None

    def begin(self, sliceNode: SliceNode, color: tuple[int, int, int]) -> None:
        """Take clicks in a view from now on."""
        self.end()
        pen = self._pen = addNode(slicer.mrmlScene, POINT_LIST, _PEN)
        pen.SetHideFromEditors(True)
        display = pen.GetDisplayNode()
        display.SetSelectedColor(*(part / 255 for part in color))
        display.AddViewNodeID(sliceNode.GetID())
        self._takeMode()
        interaction, selection = _modes()
        self._observe(pen, pen.PointPositionDefinedEvent, self._soon)
        self._observe(pen, pen.PointModifiedEvent, self._soon)
        self._observe(interaction, interaction.InteractionModeChangedEvent, self._soon)
        self._observe(selection, selection.ActivePlaceNodeIDChangedEvent, self._soon)
        self._observe(slicer.mrmlScene, slicer.mrmlScene.NodeRemovedEvent, self._soon)

    def end(self) -> None:
        """Take no more clicks, and leave nothing behind."""
        if self._pen is None:
            return
        self._soon.cancel()
        for subject, tag in self._observations:
            subject.RemoveObserver(tag)
        self._observations = []
        pen, self._pen = self._pen, None
        self._giveModeBack(pen)
        removeNode(pen)

    def dropLast(self) -> None:
        """Forget the last place that was clicked."""
        numbers = self._numbers(slicer.vtkMRMLMarkupsNode.PositionDefined)
        if numbers:
            self._pen.RemoveNthControlPoint(numbers[-1])

    def _takeMode(self) -> None:
        interaction, selection = _modes()
        self._before = (
            selection.GetActivePlaceNodeClassName() or "",
            selection.GetActivePlaceNodeID() or "",
            interaction.GetPlaceModePersistence(),
        )
        self._isSaved = interaction.GetSaveWithScene()
        interaction.SetSaveWithScene(False)
        selection.SetReferenceActivePlaceNodeClassName(POINT_LIST)
        selection.SetReferenceActivePlaceNodeID(self._pen.GetID())
        interaction.SwitchToPersistentPlaceMode()

    def _giveModeBack(self, pen: Any) -> None:
        interaction, selection = _modes()
        interaction.SetSaveWithScene(self._isSaved)
        if selection.GetActivePlaceNodeID() not in (None, "", pen.GetID()):
            # Somebody places something else by now.
            return
        className, nodeId, persistence = self._before
        if interaction.GetCurrentInteractionMode() == interaction.Place:
            interaction.SwitchToViewTransformMode()
        interaction.SetPlaceModePersistence(persistence)
        isThere = bool(nodeId) and slicer.mrmlScene.GetNodeByID(nodeId) is not None
        selection.SetReferenceActivePlaceNodeID(nodeId if isThere else None)
        if className:
            selection.SetReferenceActivePlaceNodeClassName(className)

    def _look(self) -> None:
        if self._pen is None:
            return
        interaction, selection = _modes()
        isMine = selection.GetActivePlaceNodeID() == self._pen.GetID()
        if interaction.GetCurrentInteractionMode() != interaction.Place or not isMine or self._pen.GetScene() is None:
            self.end()
            self.left()
        else:
            self.changed()

    def _observe(self, subject: Any, event: int, function: Any) -> None:
        self._observations.append((subject, subject.AddObserver(event, guarded(function))))

    def _numbers(self, status: int) -> list[int]:
        pen = self._pen
        if pen is None:
            return []
        numbers = range(pen.GetNumberOfControlPoints())
        return [number for number in numbers if pen.GetNthControlPointPositionStatus(number) == status]

    def _found(self, status: int) -> list[Place]:
        places = (self._pen.GetNthControlPointPositionWorld(number) for number in self._numbers(status))
        return [(float(place[0]), float(place[1]), float(place[2])) for place in places]


def _modes() -> tuple[Any, Any]:
    logic = slicer.app.applicationLogic()
    return logic.GetInteractionNode(), logic.GetSelectionNode()
