"""Marks in the scene: nodes are views of the labels, and what a person does to a node becomes a step of undo.

The labels are the truth. Nodes are made, moved and removed as these change, by undo or by a scene that was opened; they
are not saved. Dragged, deleted or renamed in whatever module, a node is read back a moment later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import vtk
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.points import KIND as POINTS
from WeakMedSAMLib.contract.labels.points import Point
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.labels.marks.held_nodes import (
    HeldNode,
    Shown,
    VolumeNodes,
    matched,
    setHandles,
    unfollow,
)
from WeakMedSAMLib.frontend.labels.marks.mark_edits import MarkEdits
from WeakMedSAMLib.frontend.labels.marks.mark_finding import Mark
from WeakMedSAMLib.frontend.labels.marks.mark_folders import dropDead, dropEmpty, putInFolder
from WeakMedSAMLib.frontend.labels.marks.mark_node import (
    POINT_LIST,
    ROI,
    addNode,
    follow,
    readPoints,
    removeNode,
    showIn,
    writeBox,
    writePoints,
)
from WeakMedSAMLib.frontend.labels.marks.voxel_grid import VoxelGrid
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode

_SOON_MS = 30


class MarkNodes:
    """Keeps the nodes of all marks.

    Parameters
    ----------
    scene : vtkMRMLScene
    session : TagSession
    edits : MarkEdits
    volumes : callable
        Returns node and key of the volumes whose marks are shown.

    Attributes
    ----------
    refused : Callbacks
        Called with the `UserError` that says why what was done to a node could not be taken over; it is put back.
    selected : tuple or None
        Key of the volume and the box whose handles are shown.
    """

    def __init__(
        self,
        scene: Any,
        session: TagSession,
        edits: MarkEdits,
        volumes: Callable[[], Iterable[tuple[VolumeNode, str]]],
    ) -> None:
        self._scene, self._session, self._edits, self._findVolumes = scene, session, edits, volumes
        self._volumes: dict[str, VolumeNodes] = {}
        self._wanted: dict[str, tuple[VolumeNode, str]] = {}
        self.refused = Callbacks()
        self.selected: tuple[str, Mark] | None = None
        self._isWriting = False
        # A scene that was opened may bring folders of marks that it does not hold.
        self._hasLeftOver = True
        self._shownIn: dict[str, str] = {}
        self._soon = Coalesced(self.settle, _SOON_MS)
        self._tag = scene.AddObserver(scene.NodeRemovedEvent, guarded(self._onNodeRemoved))
        session.changed.connect(self._soon)

    def cleanup(self) -> None:
        """Remove all nodes, and follow nothing any more."""
        self._soon.cancel()
        self._session.changed.disconnect(self._soon)
        self._scene.RemoveObserver(self._tag)
        self.refused.clear()
        self._wanted = {}
        self._write()

    def forget(self) -> None:
        """Let go of all nodes: their scene is being closed, and takes them along."""
        self._soon.cancel()
        for held in self._all():
            unfollow(held)
        self._volumes.clear()
        self._wanted = {}
        self.selected = None
        self._hasLeftOver = True

    def loaded(self) -> None:
        """Another scene came into this one, with what it holds of the nodes of its marks."""
        self._hasLeftOver = True
        self._soon()

    def soon(self, *_arguments: Any) -> None:
        """Bring nodes and labels together a moment later."""
        self._soon()

    def viewsChanged(self) -> None:
        """Look anew which views show which volumes."""
        before, self._shownIn = self._shownIn, _volumesShown()
        if before != self._shownIn:
            for nodeId, ofVolume in self._volumes.items():
                self._show(nodeId, ofVolume)

    def select(self, key: str | None, mark: Mark | None) -> None:
        """Show handles at a box and at no other one; None for none."""
        self.selected = (key, mark) if key is not None and mark is not None else None
        for ofVolume in self._volumes.values():
            for held in ofVolume.held:
                setHandles(held, self.selected is not None and self._isSelected(ofVolume, held))

    def nodeOf(self, mark: Mark) -> Any:
        """Return the node that shows a mark, or None."""
        return next((held.node for held in self._all() if mark in held.marks), None)

    def ids(self) -> set[str]:
        """Return the ids of all nodes that are kept here."""
        return {held.node.GetID() for held in self._all()}

    @property
    def isSettled(self) -> bool:
        """Whether nodes and labels say the same, as far as is known; not while one is dragged."""
        return not self._soon.isWaiting

    def settle(self) -> None:
        """Take over what was done to nodes, then show the labels as they are; it comes by itself a moment later."""
        self._soon.cancel()
        if self._isDragged():
            return
        if self._scene.IsClosing() or self._scene.IsBatchProcessing():
            self._soon()
            return
        isUsed = self._hasLeftOver or any(volume.further for volume in self._session.cohort.volumes)
        if not isUsed and not self._volumes:
            return
        for nodeId, ofVolume in list(self._volumes.items()):
            # Where the volume went, its nodes go along and its labels stay.
            if self._scene.GetNodeByID(nodeId) is not None and self._session.volume(ofVolume.key) is not None:
                self._read(ofVolume)
        self._wanted = {node.GetID(): (node, key) for node, key in self._findVolumes()}
        self._write()

    def _isDragged(self) -> bool:
        return any(held.isDragged and held.node.GetScene() is not None for held in self._all())

    # From nodes to labels

    def _read(self, ofVolume: VolumeNodes) -> None:
        removed = [held for held in ofVolume.held if held.node.GetScene() is None]
        for held in removed:
            unfollow(held)
            ofVolume.held.remove(held)
        if removed:
            self._remove(ofVolume.key, [mark for held in removed for mark in held.marks])
        for held in list(ofVolume.held):
            if held.isDirty:
                held.isDirty = False
                try:
                    self._readName(ofVolume, held)
                    self._readNode(ofVolume, held)
                except UserError as error:
                    self.refused(error)

    def _remove(self, key: str, marks: list[Mark]) -> None:
        known = self._edits.of(key)
        left = [mark for mark in marks if mark in known]
        if left:
            self._edits.removeMark(key, *left)

    def _readName(self, ofVolume: VolumeNodes, held: HeldNode) -> None:
        """A node that was called otherwise is of the class of that name; a list of another name renames its class."""
        name = (held.node.GetName() or "").strip()
        if not name or name == held.className or held.className not in self._session.classes.names:
            return
        before, held.className = held.className, name
        if name in self._session.classes.names:
            changes: dict[Mark, Mark] = {mark: mark.renamed(name) for mark in held.marks}
            held.marks = tuple(mark.renamed(name) for mark in held.marks)
            text = _("marks of '{old}' given to '{new}'").format(old=before, new=name)
            self._edits.change(ofVolume.key, changes, text)
        elif held.isList:
            held.marks = tuple(mark.renamed(name) for mark in held.marks)
            self._session.renameClass(before, name)
        else:
            held.className = before
            message = _("There is no class '{name}'; the box keeps the name of its class.").format(name=name)
            raise UserError("mark_not_renamed", message, _("Name it like a class, or rename that."), {"name": name})

    def _readNode(self, ofVolume: VolumeNodes, held: HeldNode) -> None:
        known = self._edits.of(ofVolume.key)
        before = [mark for mark in held.marks if mark in known]
        if len(before) < len(held.marks):
            # Somebody else changed them meanwhile; the labels are the truth.
            return
        if held.isList:
            self._readList(ofVolume, held)
            return
        (box,) = held.marks
        if not isinstance(box, Box):
            return
        if not held.node.GetNumberOfControlPoints():
            self._edits.removeMark(ofVolume.key, box)
            return
        ends = ofVolume.grid.voxelsOf(held.node)
        if ends is None:
            message = _("A box lies along the axes of its volume, and inside of it; it was put back.")
            raise UserError("mark_put_back", message, "")
        moved = replace(box, first=ends[0], last=ends[1])
        if moved != box:
            held.marks = (moved,)
            self._edits.moveMark(ofVolume.key, box, moved)
            self._followSelection(ofVolume.key, box, moved)

    def _readList(self, ofVolume: VolumeNodes, held: HeldNode) -> None:
        points = [mark for mark in held.marks if isinstance(mark, Point)]
        found = readPoints(held.node, held.className, ofVolume.grid, points)
        if found is None:
            message = _("A point of '{name}' lies outside of its volume; it was put back.")
            raise UserError("mark_put_back", message.format(name=held.className), "")
        if found == points:
            return
        more = len(found) - len(points)
        texts = (_("move of a point of '{name}'"), _("new point of '{name}'"), _("removal of points of '{name}'"))
        text = texts[(more > 0) - (more < 0)]
        held.marks = tuple(found)
        self._edits.setPoints(ofVolume.key, held.className, found, text.format(name=held.className))

    def _followSelection(self, key: str, old: Mark, new: Mark) -> None:
        if self.selected == (key, old):
            self.selected = (key, new)

    # From labels to nodes

    def _write(self) -> None:
        self._isWriting = True
        try:
            for nodeId in [each for each in self._volumes if self._isObsolete(each)]:
                for held in self._volumes.pop(nodeId).held:
                    self._drop(held)
            self._shownIn = _volumesShown()
            if self._hasLeftOver and not self._scene.IsClosing():
                dropDead(self._scene)
            for nodeId, (node, key) in self._wanted.items():
                if node.GetScene() is not None and node.GetImageData() is not None:
                    self._writeVolume(nodeId, node, key)
            if self._hasLeftOver and not self._scene.IsClosing():
                dropEmpty(self._scene)
                self._hasLeftOver = False
        finally:
            self._isWriting = False

    def _isObsolete(self, nodeId: str) -> bool:
        node, key = self._wanted.get(nodeId, (None, ""))
        return node is None or node.GetScene() is None or self._volumes[nodeId].key != key

    def _writeVolume(self, nodeId: str, node: VolumeNode, key: str) -> None:
        labels = self._session.volume(key)
        boxes = BOXES.marks(labels) if labels is not None else ()
        points = POINTS.marks(labels) if labels is not None else ()
        if not boxes and not points and nodeId not in self._volumes:
            return
        grid = VoxelGrid.of(node)
        ofVolume = self._volumes.setdefault(nodeId, VolumeNodes(key, grid))
        ofVolume.grid = grid
        byClass = {
            name: tuple(each for each in points if each.class_name == name) for name in self._session.classes.names
        }
        wanted: list[Shown] = [(name, marks) for name, marks in byClass.items() if marks]
        lists = matched([held for held in ofVolume.held if held.isList], wanted)
        rois: list[Shown]
        rois = [] if grid.isSheared else [(box.class_name, (box,)) for box in boxes]
        ofVolume.held, old = [], ofVolume.held
        pairs = [(POINT_LIST, *each) for each in lists]
        pairs += [(ROI, *each) for each in matched([held for held in old if not held.isList], rois)]
        for className, found, (name, marks) in pairs:
            held = found or self._add(className, name)
            held.className, held.marks = name, marks
            ofVolume.held.append(held)
            self._fill(node, ofVolume, held)
        kept = {id(held) for held in ofVolume.held}
        for held in old:
            if id(held) not in kept:
                self._drop(held)
        self._show(nodeId, ofVolume)

    def _add(self, className: str, name: str) -> HeldNode:
        held = HeldNode(addNode(self._scene, className, name), name, ())
        self._followNode(held)
        return held

    def _fill(self, volumeNode: VolumeNode, ofVolume: VolumeNodes, held: HeldNode) -> None:
        entry: SegmentClass = self._session.classes[self._session.classes.index(held.className)]
        if held.node.GetName() != held.className:
            held.node.SetName(held.className)
        follow(held.node, volumeNode, entry)
        if held.isList:
            writePoints(held.node, [mark for mark in held.marks if isinstance(mark, Point)], ofVolume.grid)
        else:
            (box,) = held.marks
            if isinstance(box, Box):
                writeBox(held.node, box, ofVolume.grid)
        putInFolder(self._scene, held.node, ofVolume.key, volumeNode.GetName() or "")
        setHandles(held, self._isSelected(ofVolume, held))

    def _show(self, nodeId: str, ofVolume: VolumeNodes) -> None:
        viewIds = [viewId for viewId, volumeId in self._shownIn.items() if volumeId == nodeId]
        for held in ofVolume.held:
            showIn(held.node, viewIds)

    def _isSelected(self, ofVolume: VolumeNodes, held: HeldNode) -> bool:
        return self.selected is not None and self.selected[0] == ofVolume.key and self.selected[1] in held.marks

    def _drop(self, held: HeldNode) -> None:
        unfollow(held)
        self._hasLeftOver = True
        removeNode(held.node)

    # What nodes tell

    def _followNode(self, held: HeldNode) -> None:
        node = held.node
        events = {
            vtk.vtkCommand.ModifiedEvent: self._onModified,
            node.PointModifiedEvent: self._onModified,
            node.PointAddedEvent: self._onModified,
            node.PointRemovedEvent: self._onModified,
            node.PointStartInteractionEvent: self._onDragStarted,
            node.PointEndInteractionEvent: self._onDragEnded,
        }
        for event, function in events.items():
            held.tags.append(node.AddObserver(event, guarded(partial(function, held))))

    def _onModified(self, held: HeldNode) -> None:
        if not self._isWriting:
            held.isDirty = True
            self._soon()

    def _onDragStarted(self, held: HeldNode) -> None:
        held.isDragged = True

    def _onDragEnded(self, held: HeldNode) -> None:
        held.isDragged = False
        self._onModified(held)

    def _onNodeRemoved(self) -> None:
        if self._isWriting or self._scene.IsClosing():
            return
        if any(held.node.GetScene() is None for held in self._all()) or any(
            self._scene.GetNodeByID(nodeId) is None for nodeId in self._volumes
        ):
            self._soon()

    def _all(self) -> list[HeldNode]:
        return [held for ofVolume in self._volumes.values() for held in ofVolume.held]


def _volumesShown() -> dict[str, str]:
    """Return slice view -> volume for the slice views of the layout, both by id."""
    shown = ((slice_views.sliceNodeOf(name), slice_views.shownVolume(name)) for name in slice_views.sliceViewNames())
    return {view.GetID(): volume.GetID() for view, volume in shown if view is not None and volume is not None}
