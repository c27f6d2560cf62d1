"""One undo and redo over everything that is taken back of the current volume: its labels and masks, and classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.labels.tag_history import Step
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory


class Undo:
    """Takes back whichever was done last.

    Parameters
    ----------
    session : TagSession
    history : SegmentHistory
    masks : callable
        Returns the segmentation whose changes count now, or None.
    volumeKey : callable
        Returns the key of the volume whose labels count now, or None.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when there is something else to take back, or to do again.
    """

    def __init__(
        self,
        session: TagSession,
        history: SegmentHistory,
        masks: Callable[[], Any],
        volumeKey: Callable[[], str | None],
    ) -> None:
        self._session, self._history, self._masks, self._volumeKey = session, history, masks, volumeKey
        self._newest = 0
        self.changed = Callbacks()
        session.changed.connect(self._onSessionChanged)
        history.changed.connect(self._onHistoryChanged)

    def cleanup(self) -> None:
        """Listen to nothing any more."""
        self._session.changed.disconnect(self._onSessionChanged)
        self._history.changed.disconnect(self._onHistoryChanged)

    @property
    def undoText(self) -> str:
        """What `undo` takes back; empty if there is nothing."""
        done = self._lastChange() or self.lastStep
        return done.text if done is not None else ""

    @property
    def redoText(self) -> str:
        """What `redo` does again; empty if there is nothing."""
        undone = self._nextChange() or self.nextStep
        return undone.text if undone is not None else ""

    @property
    def undoProblem(self) -> UserError | None:
        """Why `undo` cannot take it back yet; None if it can, or if there is nothing."""
        return self._session.undoProblem(self._key()) if self._lastChange() is None else None

    @property
    def redoProblem(self) -> UserError | None:
        """Why `redo` cannot do it again yet; None if it can, or if there is nothing."""
        return self._session.redoProblem(self._key()) if self._nextChange() is None else None

    @property
    def lastStep(self) -> Step | None:
        """The last edit of labels that concerns the current volume, or None."""
        return self._session.lastStep(self._key())

    @property
    def nextStep(self) -> Step | None:
        """The edit of labels that comes next where what was taken back is done again, or None."""
        return self._session.nextStep(self._key())

    def undo(self) -> str:
        """Take back what was done last; returns it in words, empty if there was nothing, or the user thought better.

        `UserError` as of `TagStore.undo`.
        """
        self._history.settle()
        change = self._lastChange()
        if change is None:
            return self._session.undo(self._key())
        text = _("This mask was changed by hand since. Undo loses that change, too. Go on?")
        if not change.isUntouched() and not slicer.util.confirmYesNoDisplay(text, windowTitle=_("Undo")):
            return ""
        self._history.undo(change.segmentationNode)
        return change.text

    def redo(self) -> str:
        """Do again what was taken back last; returns it in words."""
        self._history.settle()
        change = self._nextChange()
        if change is None:
            return self._session.redo(self._key())
        self._history.redo(change.segmentationNode)
        return change.text

    def _lastChange(self) -> Any:
        """Return the change of a mask that is younger than the last edit of labels, or None."""
        node = self._node()
        change = self._history.last(node) if node is not None else None
        step = self.lastStep
        return change if change is not None and (step is None or change.serial > step.serial) else None

    def _nextChange(self) -> Any:
        """Return the change of a mask that comes before the next edit of labels to be done again, or None."""
        node = self._node()
        change = self._history.next(node) if node is not None else None
        step = self.nextStep
        return change if change is not None and (step is None or change.serial < step.serial) else None

    def _key(self) -> str:
        """Return the volume whose labels count; one that there is none of, where they are not known yet."""
        return self._volumeKey() or ""

    def _node(self) -> Any:
        """Return the segmentation whose changes count now, or None; not asked for where there are no changes."""
        return None if self._history.isEmpty else self._masks()

    # What was taken back cannot be done again once something else was done, in whichever history.

    def _onSessionChanged(self, _kind: str = "") -> None:
        if self._isNew(self._session.undoSerial):
            self._history.dropUndone()
        self.changed()

    def _onHistoryChanged(self) -> None:
        if self._isNew(self._history.newestSerial):
            self._session.dropUndone()
        self.changed()

    def _isNew(self, serial: int) -> bool:
        isNew = serial > self._newest
        self._newest = max(serial, self._newest)
        return isNew
