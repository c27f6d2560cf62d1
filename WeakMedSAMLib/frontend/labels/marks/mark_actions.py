"""What buttons and keys of marks do: placing a box or a point by clicks in the view, one gesture a press."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.labels.class_edits import chosenName
from WeakMedSAMLib.frontend.labels.marks.mark_finding import BOX, NOT, POINT, Mark, boxesOn, joinable
from WeakMedSAMLib.frontend.labels.marks.mark_words import markInWords
from WeakMedSAMLib.frontend.labels.marks.model_answers import PLANES, ModelAnswers
from WeakMedSAMLib.frontend.labels.marks.placing import Place, Placing
from WeakMedSAMLib.frontend.labels.marks.placing_words import (
    CORNERS,
    EXTREMES,
    clickInCorner,
    clickInWords,
    keysInCorner,
    placedInCorner,
    placedInWords,
)
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.slice_tags.slice_navigator import SceneSliceNavigator
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.slice_outlines import Outline, SliceOutlines

_PREVIEW = "preview"


@dataclass(frozen=True)
class _Gesture:
    """What is being placed: `kind` of `BOX`, `POINT`, `NOT`, by `count` clicks on one slice of a volume in a view."""

    kind: str
    count: int
    key: str
    volumeNode: VolumeNode
    className: str
    axis: str
    viewName: str


@dataclass(frozen=True)
class _Placed:
    """What was placed last, the step of undo that it was, and the box that it may be joined with."""

    key: str
    mark: Mark
    serial: int
    other: Box | None = None


class MarkActions:
    """Places marks of the current class on the slice that is being looked at.

    Parameters
    ----------
    labels : SceneLabels
    navigator : SceneSliceNavigator
    outlines : SliceOutlines

    Attributes
    ----------
    answers : ModelAnswers
    extremePoints : bool
        Whether a box is made by four clicks on the outermost points rather than by two on corners.
    told : Callbacks
        Called with a short text: what was done.
    changed : Callbacks
        Called without arguments when a gesture begins, goes on or ends.
    """

    def __init__(self, labels: SceneLabels, navigator: SceneSliceNavigator, outlines: SliceOutlines) -> None:
        self._labels, self._session, self._marks = labels, labels.session, labels.marks
        self._navigator, self._outlines = navigator, outlines
        self.answers = ModelAnswers(labels.session, outlines)
        self.extremePoints = False
        self.told, self.changed = Callbacks(), Callbacks()
        self._placing = Placing()
        self._placing.changed.connect(self._look)
        self._placing.left.connect(self._onLeft)
        self._gesture: _Gesture | None = None
        self._placed: _Placed | None = None
        # How many clicks there were, and whether the mouse is in the view, when listeners were told last.
        self._seen = (0, False)

    def cleanup(self) -> None:
        """Leave nothing behind."""
        self.stop()
        self.told.clear()
        self.changed.clear()

    # Gestures

    @property
    def kind(self) -> str:
        """What is being placed: `BOX`, `POINT` or `NOT`; empty if nothing is."""
        return self._gesture.kind if self._gesture is not None else ""

    @property
    def canTake(self) -> bool:
        """Whether there is something that `take` would keep."""
        if self._gesture is None:
            return self._placed is not None
        return len(self._shownPlaces()) >= (CORNERS if self._gesture.kind == BOX else 1)

    @property
    def canLeave(self) -> bool:
        """Whether there is something that `leave` would end or take back."""
        return self._gesture is not None or self._placed is not None

    @property
    def canJoin(self) -> bool:
        """Whether the box that was placed last is offered to become one in 3-D with another one."""
        return self._placed is not None and self._placed.other is not None

    def toggle(self, kind: str) -> None:
        """Begin to place something, or leave it if it is being placed.

        Raises
        ------
        UserError
            ``no_volume``, ``no_classes``, ``view_across``, ``sheared_volume`` and what `SliceNavigator.problem` says.
        """
        if self.kind == kind:
            self.leave()
        else:
            self.begin(kind)

    def begin(self, kind: str) -> None:
        """Begin to place a box or a point; raises as `toggle`."""
        self.stop()
        key, className, node = self._place()
        viewName = self._navigator.viewName()
        sliceNode = slice_views.sliceNodeOf(viewName)
        if sliceNode is None or not self._navigator.isAligned():
            text = _("The {view} view cuts across the slices.").format(view=viewName)
            raise UserError("view_across", text, _("Press 'Align view', so that what you see is one slice."))
        if kind == BOX:
            VoxelGrid.of(node).requireStraight(node.GetName())
        count = 1 if kind != BOX else EXTREMES if self.extremePoints else CORNERS
        self._gesture = _Gesture(kind, count, key, node, className, self._navigator.axis(), viewName)
        entry = self._session.classes[self._session.classes.index(className)]
        self._placing.begin(sliceNode, entry.color)
        self.told("")
        self.changed()

    def take(self) -> None:
        """Keep what is shown: the box to where the mouse is, the point under it; or what was placed last as it is."""
        if not self.canTake:
            return
        if self._gesture is not None:
            self._finish(self._shownPlaces())
        else:
            self._forgetPlaced()

    def joinPlaced(self) -> None:
        """Make one box in 3-D of the box that was placed last and the one that this was offered with."""
        placed = self._placed
        if placed is None or placed.other is None or not isinstance(placed.mark, Box):
            return
        joined = self._marks.joinPair(placed.key, placed.mark, placed.other)
        self._labels.markNodes.settle()
        self._placed = _Placed(placed.key, joined, self._session.undoSerial)
        self._labels.markNodes.select(placed.key, joined)
        self.changed()

    def leave(self) -> None:
        """Place nothing after all, or take back what was placed last."""
        placed, isPlacing = self._placed, self._gesture is not None
        self.stop()
        if placed is not None and not isPlacing and self._session.undoSerial == placed.serial:
            self.told(_("Undone: {text}").format(text=self._session.undo()))

    def stop(self) -> None:
        """Leave place mode, and show nothing of it any more; labels stay as they are."""
        self._placing.end()
        self._outlines.show(_PREVIEW, None)
        self.answers.clear()
        self._labels.markNodes.select(None, None)
        wasOn = self._gesture is not None or self._placed is not None
        self._gesture = self._placed = None
        self._seen = (0, False)
        if wasOn:
            self.changed()

    # What is said of the class on a slice

    def join(self) -> None:
        """Make one box in 3-D of the box on this slice and the nearest one of the class."""
        key, className, _node = self._place()
        box = self._marks.joinBoxes(key, className, self._slice())
        self.told(markInWords(box, self._session.volume(key)) + ".")  # type: ignore[arg-type]

    def setComplete(self, isComplete: bool) -> None:
        """Say whether all of the class on this slice is in its boxes there."""
        key, className, _node = self._place()
        self._marks.setComplete(key, className, self._slice(), isComplete)
        self.told(self._session.undoText)

    def isComplete(self) -> bool:
        """Whether all of the current class on this slice is said to be in its boxes."""
        labels, index = self._labels.ofCurrent(), self._navigator.sliceIndex()
        boxes = boxesOn(labels, self._className(), index) if labels is not None and index is not None else []
        return bool(boxes) and all(box.complete for box in boxes)

    def clearClass(self) -> None:
        """Remove all marks of the class in the volume."""
        key, className, _node = self._place()
        self._marks.clear(key, className)
        self.told(_("'{name}': no points and boxes any more.").format(name=className))

    # What is shown

    def hint(self) -> str:
        """Return what to do next while something is placed; empty otherwise."""
        gesture, placed = self._gesture, self._placed
        if gesture is not None:
            return clickInWords(gesture.kind, gesture.className, len(self._placing.places), gesture.count)
        labels = self._session.volume(placed.key) if placed is not None else None
        if placed is None or labels is None:
            return ""
        return f"{placedInWords(placed.mark, placed.other, labels)} {self.answers.words}".strip()

    def cornerLines(self, viewName: str) -> list[str]:
        """Return what to do next, short, for the corner of a view; empty if nothing is placed."""
        gesture, placed = self._gesture, self._placed
        if gesture is not None:
            off = _("placing: tagging keys are off")
            if viewName != gesture.viewName:
                return [off]
            click = clickInCorner(gesture.kind, len(self._placing.places), gesture.count)
            return [click, keysInCorner(self.canTake, isPlaced=False), off]
        labels = self._session.volume(placed.key) if placed is not None else None
        if placed is None or labels is None:
            return []
        return [*placedInCorner(placed.mark, placed.other, labels), keysInCorner(self.canTake, isPlaced=True)]

    def follow(self) -> None:
        """Leave what cannot go on, as labels, classes and volumes are now."""
        gesture, placed = self._gesture, self._placed
        if gesture is not None:
            isSame = self._navigator.volumeKey() == gesture.key and self._className() == gesture.className
            if not isSame or self._labels.state.currentVolume is not gesture.volumeNode:
                self.stop()
                return
        if placed is not None:
            if self._navigator.volumeKey() != placed.key:
                self.stop()
                return
            if self._session.undoSerial != placed.serial:
                self._placed = None
                self.changed()
        if self.answers.key in ("", self._navigator.volumeKey()):
            self.answers.followMarks()
        else:
            self.answers.clear()

    def _look(self) -> None:
        """Something was clicked, or the mouse moved."""
        gesture = self._gesture
        if gesture is None:
            return
        problem = self._problemOf(gesture, self._placing.places)
        if problem:
            self._placing.dropLast()
            self.told(problem)
        places = self._placing.places
        if len(places) >= gesture.count:
            self._finish(places[: gesture.count])
        else:
            self._showPreview(gesture)
            seen, self._seen = self._seen, (len(places), self._placing.pointer is not None)
            if seen != self._seen:
                self.changed()

    def _onLeft(self) -> None:
        self.stop()

    def _problemOf(self, gesture: _Gesture, places: list[Place]) -> str:
        """Say why the last place cannot be taken; empty if it can."""
        if not places:
            return ""
        grid = VoxelGrid.of(gesture.volumeNode)
        along = AXES.index(gesture.axis)
        if gesture.kind != BOX:
            return "" if grid.voxelAt(places[-1]) is not None else _("That is outside of the volume.")
        slices = [int(voxel[along]) for voxel in self._voxels(gesture, places)]
        if slices[-1] != slices[0]:
            text = _("A box lies on one slice; it was begun on slice {index}. Go back there.")
            return text.format(index=slices[0])
        return ""

    def _shownPlaces(self) -> list[Place]:
        pointer = self._placing.pointer
        return [*self._placing.places, *([pointer] if pointer is not None else [])]

    def _voxels(self, gesture: _Gesture, places: list[Place]) -> np.ndarray:
        grid = VoxelGrid.of(gesture.volumeNode)
        return grid.clipped([grid.toIjk(place) for place in places])

    def _finish(self, places: list[Place]) -> None:
        gesture = self._gesture
        if gesture is None or not places:
            return
        problem = self._problemOf(gesture, places)
        if problem:
            self.told(problem)
            return
        voxels = self._voxels(gesture, places)
        self.stop()
        before = self._session.undoSerial
        mark = self._make(gesture, voxels)
        self._labels.markNodes.settle()
        # What was there already is no step, and nothing to take back.
        serial = self._session.undoSerial
        labels = self._session.volume(gesture.key)
        other = joinable(labels, mark) if labels is not None and isinstance(mark, Box) else None
        self._placed = _Placed(gesture.key, mark, serial, other) if serial != before else None
        if isinstance(mark, Box):
            self._labels.markNodes.select(gesture.key, mark)
        index = int(voxels[0][AXES.index(gesture.axis)])
        self.answers.about(gesture.volumeNode, gesture.key, gesture.className, index)
        self.changed()

    def _make(self, gesture: _Gesture, voxels: np.ndarray) -> Mark:
        corners = [tuple(int(each) for each in corner) for corner in (voxels.min(axis=0), voxels.max(axis=0))]
        (i, j, k), other = corners
        if gesture.kind == BOX:
            return self._marks.addBox(gesture.key, gesture.className, (i, j, k), other)  # type: ignore[arg-type]
        return self._marks.addPoint(gesture.key, gesture.className, (i, j, k), gesture.kind == POINT)

    def _showPreview(self, gesture: _Gesture) -> None:
        places = self._shownPlaces()
        if gesture.kind != BOX or len(places) < CORNERS:
            self._outlines.show(_PREVIEW, None)
            return
        voxels = self._voxels(gesture, places)
        index = int(voxels[0][AXES.index(gesture.axis)])
        lines = _rectangle(voxels.min(axis=0) - 0.5, voxels.max(axis=0) + 0.5, gesture.axis, index)
        entry = self._session.classes[self._session.classes.index(gesture.className)]
        red, green, blue = (part / 255 for part in entry.color)
        self._outlines.show(_PREVIEW, Outline(gesture.volumeNode, gesture.axis, index, lines, (red, green, blue)))

    def _forgetPlaced(self) -> None:
        self._placed = None
        self.answers.clear()
        self._labels.markNodes.select(None, None)
        self.changed()

    # Where one is

    def _className(self) -> str:
        return chosenName(self._session.classes, self._labels.state.currentClass)

    def _place(self) -> tuple[str, str, VolumeNode]:
        key, className, node = self._navigator.volumeKey(), self._className(), self._labels.state.currentVolume
        if key is None or node is None:
            raise UserError("no_volume", _("There is no volume to tag."), _("Choose one in Volumes."))
        if not className:
            raise UserError("no_classes", _("There is no class."), _("Add one in Classes."))
        problem = self._navigator.problem()
        if problem is not None:
            raise problem
        return key, className, node

    def _slice(self) -> int:
        index = self._navigator.sliceIndex()
        if index is None:
            raise ValueError("a navigator without a problem shows a slice")
        return index

    def functions(self) -> dict[str, Callable[[], None]]:
        """Return what the keys of `tag_keys` do, by their actions."""
        return {
            "box": lambda: self.toggle(BOX),
            "point": lambda: self.toggle(POINT),
            "notPoint": lambda: self.toggle(NOT),
            "take": self.take,
            "join": self.joinPlaced,
        }


def _rectangle(low: np.ndarray, high: np.ndarray, axis: str, index: int) -> np.ndarray:
    """Return the four sides of a rectangle on a slice as lines, 4 x 2 x 3."""
    rows, columns = PLANES[axis]
    corners = np.full((4, 3), float(index))
    corners[:, rows] = [low[rows], low[rows], high[rows], high[rows]]
    corners[:, columns] = [low[columns], high[columns], high[columns], low[columns]]
    return np.stack([corners, np.roll(corners, -1, axis=0)], 1)
