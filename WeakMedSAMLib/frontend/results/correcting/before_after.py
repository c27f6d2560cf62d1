"""Before and after: the masks as before the last update, or as generated, for as long as a key or a button is held."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import qt
import slicer

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.label_maps import read_label_maps_steps
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps
from WeakMedSAMLib.frontend.results.noted_grids import gridWhenMade, isOtherEnd
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.segment_images import PackedMask, setMask
from WeakMedSAMLib.frontend.results.segment_tags import labelValueOf
from WeakMedSAMLib.frontend.scene.scene_volumes import arrayOf

Masks = Mapping[str, PackedMask | None]
Before = Callable[[ReviewSubject], Masks | None]
_NAME = "WeakMedSAM before"


class BeforeAfter:
    """Shows earlier masks in place of those under review, in a segmentation that is in the scene only meanwhile.

    Parameters
    ----------
    before : callable
        Gets a `ReviewSubject` and returns segment id -> mask as before the last update; None if there was none.
    """

    def __init__(self, before: Before) -> None:
        self.before = before
        self._subject: ReviewSubject | None = None
        self._shown: Any = None
        self._hidden: list[Any] = []
        self._isHeld = False
        self._loading: StepRunner | None = None
        self._generated: Masks | None = None
        self._isGeneratedThere = False
        self._ear = _ReleaseEar(self.release)

    @property
    def isShown(self) -> bool:
        """Whether earlier masks are seen now."""
        return self._shown is not None

    def choose(self, subject: ReviewSubject | None) -> None:
        """Show masks of another volume, or of none; what is held stays where they are the same ones."""
        former, self._subject = self._subject, subject
        if not _areSame(former, subject):
            self.release()
        result = subject.result if subject is not None else None
        # The same result is read again whenever run folders are.
        if former is None or former.result != result:
            self._stop()
            self._generated = None
            self._isGeneratedThere = result is not None and result.labels.is_file()

    def problem(self) -> bool:
        """Say whether there is nothing earlier to show."""
        subject = self._subject
        if subject is None or subject.volumeNode is None or not subject.segmentIds:
            return True
        return self.before(subject) is None and not self._isGeneratedThere

    def hold(self, byKey: bool = False) -> None:
        """Show earlier masks until `release`; one that began with a key ends when any key is let go."""
        if self._isHeld or self._subject is None or self.problem():
            return
        self._isHeld = True
        if byKey:
            self._ear.listen()
        masks = self.before(self._subject) or self._generated
        if masks is not None:
            self._show(masks)
        elif self._loading is None:
            self._loading = StepRunner(_generatedSteps(self._subject), self._onLoaded, self._onFailed).start()

    def release(self) -> None:
        """Show the masks as they are now."""
        self._ear.stop()
        self._isHeld = False
        shown, self._shown = self._shown, None
        if shown is not None and shown.GetScene() is not None:
            shown.GetScene().RemoveNode(shown)
        for display in self._hidden:
            if display.GetScene() is not None:
                display.SetVisibility(True)
        self._hidden = []

    def cleanup(self) -> None:
        """Show nothing and hold nothing of the scene any more."""
        self.release()
        self._stop()
        self._subject = self._generated = None

    def _onLoaded(self, masks: Masks) -> None:
        self._loading, self._generated = None, masks
        if self._isHeld:
            self._show(masks)

    def _onFailed(self, error: Exception) -> None:
        self._loading = None
        self.release()
        # A run folder that is gone has nothing to show.
        if not isinstance(error, UserError | OSError):
            raise error

    def _show(self, masks: Masks) -> None:
        subject = self._subject
        node = subject.segmentationNode if subject is not None else None
        if subject is None or node is None or node.GetScene() is None or self._shown is not None:
            return
        shown = self._shown = _newNode(node)
        for segmentId, mask in masks.items():
            segment = subject.segment(segmentId)
            if segment is not None:
                shown.GetSegmentation().AddEmptySegment(segmentId, segment.GetName(), segment.GetColor())
                setMask(shown, segmentId, mask)
        for number in range(node.GetNumberOfDisplayNodes()):
            display = node.GetNthDisplayNode(number)
            if display is not None and display.GetVisibility():
                display.SetVisibility(False)
                self._hidden.append(display)

    def _stop(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None


def _areSame(one: ReviewSubject | None, other: ReviewSubject | None) -> bool:
    """Say whether two subjects are the same masks in the scene."""
    if one is None or other is None:
        return one is other
    return one.segmentationNode is other.segmentationNode and one.result == other.result


class _ReleaseEar(qt.QObject):
    """Hears when a key is let go, or the window is left; a shortcut alone says only when it is pressed.

    Of a chord the system may not say that its letter was let go, so that any key counts.
    """

    def __init__(self, released: Callable[[], Any]) -> None:
        qt.QObject.__init__(self)
        self._released = guarded(released)
        self._isOn = False

    def listen(self) -> None:
        """Begin to hear."""
        if not self._isOn:
            self._isOn = True
            qt.QApplication.instance().installEventFilter(self)

    def stop(self) -> None:
        """Hear nothing any more."""
        if self._isOn:
            self._isOn = False
            qt.QApplication.instance().removeEventFilter(self)

    def eventFilter(self, _watched: Any, event: Any) -> bool:
        """Let every event pass."""
        kind = event.type()
        isReleased = kind == qt.QEvent.KeyRelease and not event.isAutoRepeat()
        if self._isOn and (isReleased or kind == qt.QEvent.ApplicationDeactivate):
            self._released()
        return False


def _newNode(node: Any) -> Any:
    """Add a segmentation that is seen where and as another one is."""
    made = slicer.vtkMRMLSegmentationNode()
    made.SetName(_NAME)
    made.SetHideFromEditors(True)
    made.SetSaveWithScene(False)
    made = node.GetScene().AddNode(made)
    made.CreateDefaultDisplayNodes()
    made.SetAndObserveTransformNodeID(node.GetTransformNodeID())
    display, like = made.GetDisplayNode(), node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility3D(False)
    if like is not None:
        display.SetOpacity2DFill(like.GetOpacity2DFill())
        display.SetOpacity2DOutline(like.GetOpacity2DOutline())
        for viewId in like.GetViewNodeIDs():
            display.AddViewNodeID(viewId)
    return made


def _generatedSteps(subject: ReviewSubject) -> Steps[Masks]:
    """Read the masks as generated, in short pieces; `UserError` ``file_missing``, ``cannot_read``, ``bad_result``."""
    assert subject.result is not None
    labels = yield from read_label_maps_steps(subject.result.labels)
    if labels.shape != arrayOf(subject.volumeNode).shape:
        return {}
    masks: dict[str, PackedMask | None] = {}
    for segmentId in subject.segmentIds:
        segment = subject.segment(segmentId)
        value = labelValueOf(segment) if segment is not None else None
        if value is None:
            continue
        nodes = subject.segmentationNode, subject.volumeNode, segmentId
        array = labels.layer(value)[:: -1 if isOtherEnd(*nodes, labels.ijk_to_ras) else 1]
        found = np.zeros(array.shape, bool)
        for plane, target in zip(array, found, strict=True):
            np.equal(plane, value, out=target)
            yield None
        mask = PackedMask(np.packbits(found), labels.shape, (0, 0, 0), labels.ijk_to_ras)
        yield None
        masks[segmentId] = replace(mask, ijkToRas=gridWhenMade(*nodes))
    return masks
