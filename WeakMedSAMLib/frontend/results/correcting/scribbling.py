"""Scribble + and Scribble -: a few strokes of what shows a class and of what does not, in place of a whole outline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import NOT_SHOWN, SHOWN, PaintedSlice
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.results.correcting.embedded_editor import Drawing, EmbeddedEditor
from WeakMedSAMLib.frontend.results.correcting.given import Corrections
from WeakMedSAMLib.frontend.results.correcting.hints import Hints, Scribbles, hintsOf, makeHints, turned
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.unmasked import Unmasked
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf, ijkToRas

_READ_MS = 150
_VOXELS = 3  # of a slice, for the diameter of the brush


class Scribbling:
    """Takes scribbles of a volume with the embedded editor, and hands on what was scribbled, slice by slice.

    Parameters
    ----------
    editor : EmbeddedEditor

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when scribbling begins, ends or is of another kind.
    scribbled : Callbacks
        Called with a class and its new scribbles by slice, once they are handed on.
    classNames : frozenset of str
        The classes of which scribbles are kept.
    className : str
        The one that was scribbled on last.
    """

    def __init__(self, editor: EmbeddedEditor) -> None:
        self._editor = editor
        self._before: Drawing | None = None
        self._shows: bool | None = None
        self._subject: ReviewSubject | Unmasked | None = None
        self._corrections: Corrections | None = None
        self._hints: Hints | None = None
        self._observations: list[tuple[Any, int]] = []
        # Along this axis, by class and slice: what is shown, and all that was shown since the volume was chosen.
        self._axis = "k"
        self._known: dict[str, dict[int, Scribbles]] = {}
        self._ever: dict[str, dict[int, Scribbles]] = {}
        # What the labels held of it when that was looked at last, and versions of classes that were read.
        self._painted: dict[str, dict[int, PaintedSlice | None]] = {}
        self._versions: dict[str, tuple[Any, ...]] = {}
        self._isWriting = False
        self._readSoon = Coalesced(self._readAndShow, _READ_MS)
        self.changed, self.scribbled = Callbacks(), Callbacks()
        self.classNames: frozenset[str] = frozenset()
        self.className = ""

    @property
    def _isAlone(self) -> bool:
        """Whether there are no masks."""
        return isinstance(self._subject, Unmasked)

    @property
    def shows(self) -> bool | None:
        """True for what shows the class, False for what does not; None while nobody scribbles."""
        return self._shows

    def choose(self, subject: ReviewSubject | Unmasked | None, corrections: Corrections | None) -> None:
        """Take scribbles of another volume, or of none; without masks they are all that is painted there."""
        try:
            self.end()
        finally:
            self._follow(None)
            self._subject, self._corrections = subject, corrections
            volumeNode = subject.volumeNode if subject is not None else None
            if volumeNode is not None and corrections is not None:
                self._follow(hintsOf(volumeNode))

    def begin(self, className: str, shows: bool, color: tuple[float, float, float]) -> None:
        """Scribble on a class from now on, for one of the two; the editor must be on, unless there are no masks."""
        subject = self._subject
        if subject is None or subject.volumeNode is None or self._corrections is None:
            return
        if not self._editor.isOn and not self._isAlone:
            return
        self.read()
        if self._hints is None or not self._isThere():
            self._follow(makeHints(subject.volumeNode))
        assert self._hints is not None
        segmentId = self._hints.segmentIdOf(className, shows, color)
        if not self._editor.isOn:
            self._editor.begin(self._hints.segmentationNode, segmentId, subject.volumeNode, overwrites=False)
        if self._before is None:
            self._before = self._editor.drawing()
        self._shows, self.className = shows, className
        self.show(True)
        brushMm = _brushMm(subject.volumeNode, self._corrections.axis)
        self._editor.paintOn(self._hints.segmentationNode, segmentId, brushMm)
        self.changed()

    def end(self, drawOn: str = "") -> None:
        """Draw on the masks again as before; on another segment of them if one is given."""
        if self._shows is None:
            return
        try:
            self.read()
        finally:
            before, self._before, self._shows = self._before, None, None
            if before is not None:
                self._editor.putBack(before._replace(segmentId=drawOn) if drawOn else before)
            self.changed()

    def show(self, isOn: bool) -> None:
        """Let scribbles be seen, or hide them: they are seen while masks are corrected."""
        if self._hints is not None and self._isThere():
            node = self._subject.segmentationNode if self._subject is not None else None
            self._hints.show(isOn, node.GetDisplayNode() if isOn and node is not None else None)

    def update(self, current: VolumeNode | None = None) -> None:
        """Show of what was scribbled here what the labels hold now, as after an undo.

        Labels are those of the current volume, and the scribbles may still be of the one before: nothing is done then.
        """
        corrections, hints = self._corrections, self._hints
        if current is not None and hints is not None and hints.volumeNode is not current:
            return
        if corrections is None or hints is None or not self._isThere() or self._readSoon.isWaiting:
            return
        if not self._keepUp(hints) and not self._isAlone:
            return
        try:
            labels = corrections.labels()
        except UserError:
            return  # the volume is not ready, or another one by now
        if self._isAlone:
            self._showPainted(hints, labels)
            return
        for name, found in self._ever.items():
            now, known = PAINTED.slices(labels, name), self._known.setdefault(name, {})
            painted, others = self._painted.setdefault(name, {}), {}
            for index, ever in found.items():
                if index in painted and painted[index] == now.get(index):
                    continue
                painted[index] = now.get(index)
                one = _heldOf(ever, now.get(index))
                if not one.isSame(known.get(index)):
                    others[index] = one
            if others:
                with self._writing():
                    hints.put(name, labels.axis, others)
                known.update(others)

    def _showPainted(self, hints: Hints, labels: VolumeLabels) -> None:
        """Show all that is painted, where there are no masks that do; of a class that is gone, nothing."""
        for name in sorted(self.classNames.union(hints.classNames())):
            now, known = PAINTED.slices(labels, name), self._known.setdefault(name, {})
            painted, others = self._painted.setdefault(name, {}), {}
            for index in sorted({*now, *known}):
                if index in painted and painted[index] == now.get(index):
                    continue
                painted[index] = one = now.get(index)
                shown = _allOf(one) if one is not None else _noneLike(known[index])
                if not shown.isSame(known.get(index)):
                    others[index] = shown
            if others:
                with self._writing():
                    hints.put(name, labels.axis, others)
                known |= others
                ever = self._ever.setdefault(name, {})
                ever |= {index: _both(one, ever.get(index)) for index, one in others.items()}

    def read(self) -> None:
        """Hand on what was scribbled since the last time; what cannot be is handed on at the next."""
        self._readSoon.cancel()
        hints, corrections = self._hints, self._corrections
        if hints is None or corrections is None or not self._isThere() or not self._keepUp(hints):
            return
        for name in self.classNames.intersection(hints.classNames()):
            if self._versions.get(name) == hints.version(name):
                continue
            now = hints.scribbles(name, self._axis, self._shows is not False)
            if not hints.isSettled(name, self._axis):
                with self._writing():
                    hints.put(name, self._axis, now)
            version = hints.version(name)
            self._handOn(corrections, name, now)
            self._versions[name] = version

    def _readAndShow(self) -> None:
        """Hand on what was scribbled, and show what became known since it was begun."""
        self.read()
        self.update()

    def cleanup(self) -> None:
        """Hold nothing of the scene any more."""
        self._shows = self._before = None
        self._follow(None)
        self._subject = self._corrections = None
        self.changed.clear()
        self.scribbled.clear()

    def _handOn(self, corrections: Corrections, name: str, now: dict[int, Scribbles]) -> None:
        """Hand on what is scribbled of a class, of slices where it is not what is known."""
        known, ever = self._known.setdefault(name, {}), self._ever.setdefault(name, {})
        all_ = {index: now[index] if index in now else _noneLike(known[index]) for index in sorted({*known, *now})}
        new = {index: one for index, one in all_.items() if not one.isSame(known.get(index))}
        before = {index: known.get(index, _noneLike(one)) for index, one in new.items()}
        for index, one in new.items():
            ever[index] = _both(one, ever.get(index))
            self._painted.get(name, {}).pop(index, None)
        # Known from now on: what is shown is compared with the labels as soon as they change.
        known |= new
        try:
            corrections.putScribbles(name, new, before)
        except Exception:
            known |= before
            raise
        if new:
            self.scribbled(name, new)

    def _follow(self, hints: Hints | None) -> None:
        self._readSoon.cancel()
        for subject, tag in self._observations:
            subject.RemoveObserver(tag)
        self._observations = []
        if self._hints is not None and hints is None:
            self.show(False)
        self._hints = hints
        self._forgetShown()
        if hints is not None and self._isThere():
            self._keepUp(hints)
            self._known = {name: hints.scribbles(name, self._axis) for name in hints.classNames()}
            self._ever = {name: dict(found) for name, found in self._known.items()}
            segmentation = hints.segmentationNode.GetSegmentation()
            # The second alone tells of the editor's own undo.
            for event in (segmentation.SourceRepresentationModified, segmentation.SegmentModified):
                self._observations.append((segmentation, segmentation.AddObserver(event, guarded(self._onPainted))))
            if self._isAlone:
                self.update()

    def _keepUp(self, hints: Hints) -> bool:
        """Forget what was shown if the volume was moved away from it; say whether it was not.

        Count the slices of it as the corrections do, too.
        """
        with self._writing():
            isKept = hints.keepUp()
        before, self._axis = self._axis, self._corrections.axis if self._corrections is not None else "k"
        if not isKept:
            self._forgetShown()
        elif self._axis != before:
            shape = arrayOf(hints.volumeNode).shape
            for found in (self._known, self._ever):
                found |= {name: turned(each, shape, before, self._axis) for name, each in found.items()}
            self._painted, self._versions = {}, {}
        return isKept

    def _forgetShown(self) -> None:
        self._known, self._ever, self._painted, self._versions = {}, {}, {}, {}

    def _isThere(self) -> bool:
        """Say whether volume and scribbles are in the scene."""
        nodes = (self._hints.segmentationNode, self._hints.volumeNode) if self._hints is not None else (None,)
        return all(node is not None and node.GetScene() is not None for node in nodes)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """What is painted meanwhile is nobody's scribble."""
        self._isWriting = True
        try:
            yield
        finally:
            self._isWriting = False

    def _onPainted(self) -> None:
        if not self._isWriting:
            self._readSoon()


def _noneLike(other: Scribbles) -> Scribbles:
    return Scribbles(np.zeros_like(other.shows), np.zeros_like(other.not_))


def _allOf(painted: PaintedSlice) -> Scribbles:
    """Return all that is painted on a slice; of one that is drawn, what shows the class."""
    pixels = painted.pixels
    return Scribbles(pixels == SHOWN, (pixels == NOT_SHOWN) & (not painted.is_whole))


def _both(one: Scribbles, other: Scribbles | None) -> Scribbles:
    return one if other is None else Scribbles(one.shows | other.shows, one.not_ | other.not_)


def _heldOf(ever: Scribbles, painted: PaintedSlice | None) -> Scribbles:
    """Return of all that was scribbled on a slice what is painted there."""
    if painted is None or painted.shape != ever.shows.shape:
        return _noneLike(ever)
    return Scribbles(ever.shows & (painted.pixels == SHOWN), ever.not_ & (painted.pixels == NOT_SHOWN))


def _brushMm(volumeNode: VolumeNode, axis: str) -> float:
    """Return the diameter of a brush some voxels of a slice wide."""
    steps = np.linalg.norm(ijkToRas(volumeNode)[:3, :3], axis=0)
    return float(_VOXELS * np.delete(steps, AXES.index(axis)).min())
