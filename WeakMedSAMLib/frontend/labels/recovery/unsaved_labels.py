"""Keeps labels that are in no saved scene in files of this process, a moment after each change."""

from __future__ import annotations

import atexit
from contextlib import suppress

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.base.steps import StepRunner, inThread
from WeakMedSAMLib.frontend.labels.recovery.unsaved_files import UnsavedFiles
from WeakMedSAMLib.frontend.labels.session_store import SessionStore
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.labels.tag_volumes import copyOf, isTagged

# How often files are written at most, and how long after a change at the latest.
INTERVAL_MS = 2000


class UnsavedLabels:
    """Writes in another thread, and removes what was saved, or let go of in an orderly way.

    Parameters
    ----------
    session : TagSession
    store : SessionStore
        Says whether a saved scene has the labels.

    Attributes
    ----------
    files : UnsavedFiles
    settled : Callbacks
        Called without arguments once nothing has to be kept any more: the scene was saved, or it closes.
    failed : Callbacks
        Called once, with the `UserError` that says why labels cannot be kept.
    """

    def __init__(self, session: TagSession, store: SessionStore) -> None:
        self._session, self._store = session, store
        self.files = UnsavedFiles(folders.unsavedLabelsFolder)
        self.settled, self.failed = Callbacks(), Callbacks()
        # By key, what the scene has in its file.
        self._saved: dict[str, VolumeLabels] = {}
        self._isDue = self._hasFailed = False
        self._work: StepRunner | None = None
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._onTime = guarded(self.look)
        self._timer.connect("timeout()", self._onTime)
        session.changed.connect(self._onChanged)
        # A script may end without `cleanup`; that is no crash.
        atexit.register(self.files.end)

    def cleanup(self, isKept: bool = True) -> None:
        """Remove the files as `forget` does, and keep nothing any more."""
        self._session.changed.disconnect(self._onChanged)
        # Qt would keep this object for ever.
        self._timer.disconnect("timeout()", self._onTime)
        self.forget(isKept)
        atexit.unregister(self.files.end)
        self.settled.clear()
        self.failed.clear()

    def forget(self, isKept: bool = True) -> None:
        """Remove the files: the scene of the labels is closed. Labels that are not kept elsewhere are left in them."""
        self._stop()
        if isKept:
            self.files.end()
            self.settled()
        else:
            self.files.want(self._session.classes, self._unsaved())
            with suppress(UserError):
                self.files.write()
            self.files.letGo()
        self._saved.clear()

    def look(self) -> None:
        """Keep what changed since, or nothing if the scene was saved. No event tells of that: it is looked at."""
        if self._work is not None:
            return
        if self._store.isSaved():
            self._timer.stop()
            self._saved = {volume.sha256: volume for volume in self._session.cohort.volumes if volume.sha256}
            self._isDue = False
            self.settled()
            self._begin({})
        elif self._isDue:
            self._isDue = False
            self._begin(self._unsaved())

    def _onChanged(self, _kind: str) -> None:
        self._isDue = True
        if not self._timer.active:
            self._timer.start()

    def _unsaved(self) -> dict[str, VolumeLabels]:
        """By key, the labels that are not as the scene's file has them. Such values are never changed in place."""
        volumes = {volume.sha256: volume for volume in self._session.cohort.volumes if volume.sha256}
        return {
            key: each for key, each in volumes.items() if isTagged(each) and not _isSame(each, self._saved.get(key))
        }

    def _begin(self, volumes: dict[str, VolumeLabels]) -> None:
        if volumes or self.files.folder is not None:
            self.files.want(self._session.classes, volumes)
            self._work = StepRunner(inThread(self.files.write), self._onDone, self._onFailed).start()

    def _onDone(self, _none: None) -> None:
        self._work = None

    def _onFailed(self, error: Exception) -> None:
        self._work = None
        if not isinstance(error, UserError):
            raise error
        # Again at the next turn: the disk may have room then.
        self._isDue = True
        if not self._hasFailed:
            self._hasFailed = True
            message = _("Labels are not kept in case Slicer crashes. {reason}").format(reason=wordsOf(error)[0])
            self.failed(UserError("unsaved_not_kept", message, _("Save the scene often.")))

    def _stop(self) -> None:
        self._timer.stop()
        self._isDue = False
        if self._work is not None:
            self._work.cancel()
            self._work = None


def _isSame(labels: VolumeLabels, saved: VolumeLabels | None) -> bool:
    """Whether both say the same, of a volume that may have another name by now."""
    if saved is None or labels is saved:
        return saved is not None
    return copyOf(saved, name=labels.name, numbering=labels.numbering) == labels
