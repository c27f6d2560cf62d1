"""Keeps the tags of the session in the scene, so that a saved scene has them and a loaded one brings them."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import qt

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import private_folder
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import remove_label_file, write_label_file
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.labels.tag_session import TagSession, cohortFromJson
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged
from WeakMedSAMLib.frontend.scene.module_state import ModuleState

# Followed by a time in UTC; the copies of earlier versions had none.
SAFETY_COPY = "tags-of-closed-scene"
_COPIES = 5
_DELAY_MS = 100
# Writing that takes no longer happens at once, so that whoever saves the scene next has everything.
_AT_ONCE_S = 0.01
_logger = logging.getLogger(__name__)


class SessionStore:
    """Writes the tags into the scene shortly after each change, and reads them when the scene brings others.

    Parameters
    ----------
    session : TagSession
        Stays the same object for all scenes.
    state : ModuleState
        Of the scene.
    """

    def __init__(self, session: TagSession, state: ModuleState) -> None:
        self._session = session
        self._state = state
        # The scene's text as last read or written, and what the session gave then: not the same if it cannot be read.
        self._written = self._clean = ""
        # When the scene got them at the latest, and when it was last saved, as VTK counts.
        self._writtenAt, self._savedAt = 0, state.scene.GetStoredTime()
        # The scene's own time and its file as last looked at; that time rises for more than saving.
        self._storedAt, self._file = self._savedAt, _factsOf(state.scene.GetURL())
        # Whether another scene was loaded since, and whether the labels came with it.
        self._isImported = self._isLoaded = False
        self._afterImport = Coalesced(self._onImported, 0)
        self._lastSeconds = 0.0
        self._isReading = self._isDue = False
        # A held key makes many changes a second; with many volumes one writing for all of them must do.
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.connect("timeout()", guarded(self.flush))
        session.changed.connect(self._onChanged)

    def cleanup(self) -> None:
        """Write what is not written yet, and stop."""
        self.flush()
        self._afterImport.cancel()
        self._session.changed.disconnect(self._onChanged)

    def flush(self) -> None:
        """Write the tags into the scene now, if they changed."""
        self._stopTimer()
        self._lookAtFile()
        begun = time.perf_counter()
        text = self._session.toJson()
        if text != self._clean:
            self._written = self._clean = text
            self._state.tagsJson = text
            self._writtenAt = self._state.node.GetMTime()
        self._lastSeconds = time.perf_counter() - begun

    def isSaved(self) -> bool:
        """Say whether the scene was saved with the labels as they are now, or loaded with them."""
        self._lookAtFile()
        return not self._isDue and self._writtenAt <= self._savedAt

    def forget(self) -> None:
        """Drop changes that are not written: the scene that they were made in is gone."""
        self._stopTimer()

    def load(self) -> None:
        """Take the tags that the scene holds in place of those of the session; the undo history starts anew.

        Raises
        ------
        UserError
            What `TagSession.fromJson` raises. The session is as in an empty scene then, and the scene keeps the text:
            under another name too, since the next change is written over it.
        """
        # Noted first: whoever hears that the state changed must not read the same text again.
        text = self._written = self._state.tagsJson
        self._writtenAt = self._state.node.GetMTime()
        try:
            self._read(text)
        except UserError:
            self._state.keepUnreadableTags(text)
            self._read("")
            raise
        finally:
            self._clean = self._session.toJson()

    def merge(self) -> list[str]:
        """Take tags that another scene has brought in addition to those of the session, which are not lost.

        Returns
        -------
        list of str
            What was taken and what was not, for the user; empty if nothing had to be merged.

        Raises
        ------
        UserError
            As `load`; the session has what it had then, and the scene keeps both.
        """
        text = self._state.tagsJson
        self._isImported, self._isLoaded = True, False
        self._afterImport()
        if text == self._written:
            return []
        if not hasTags(self._session.cohort):
            self.load()
            self._isLoaded = True
            return []
        self._written = text
        try:
            return self._session.importTags(*_cohortAndVolumes(text)) if text else []
        except UserError:
            self._state.keepUnreadableTags(text)
            raise
        finally:
            # The scene has the text of the other one: ours must come back even if nothing new was in it.
            self._clean = ""
            self.flush()

    def takeOver(self) -> bool:
        """Read the tags again if somebody else has changed them in the scene, and say whether that was so."""
        text = self._state.tagsJson
        if not text or text == self._written or self._isDue:
            return False
        self.load()
        return True

    def keepCopy(self, folder: Path) -> Path | None:
        """Write the tags to a file, so that a scene closed in haste does not take them along.

        The latest few such files are kept, see `keptCopies`; older ones are deleted.

        Returns
        -------
        Path or None
            The file; None if nothing is tagged or it could not be written, which is logged.
        """
        cohort = self._session.exportCohort()
        if not hasTags(cohort):
            return None
        path = _copiesIn(folder) / f"{SAFETY_COPY}-{datetime.now(timezone.utc):%Y%m%d-%H%M%S-%f}.json"
        try:
            # They hold names of volumes, and the folder of runs may be one that everybody can read.
            private_folder(path.parent)
            write_label_file(path, cohort)
            _deleteOldCopies(folder)
        except (UserError, OSError) as error:
            _logger.warning("The safety copy of the tags was not written: %s", error)
            return None
        _logger.info("The tags of the closed scene were kept in %s", path)
        return path

    def _lookAtFile(self) -> None:
        """Note whether the scene was saved: its time rises for any import, for text in memory and for a failure too."""
        at = self._state.scene.GetStoredTime()
        if at == self._storedAt:
            return
        file = _factsOf(self._state.scene.GetURL())
        isWritten = not self._isImported and file is not None and file != self._file
        if isWritten or self._isLoaded:
            self._savedAt = at
        self._storedAt, self._file = at, file
        self._isImported = self._isLoaded = False

    def _onImported(self) -> None:
        # The time of the scene rises after everybody was told of its import, and not for every one.
        self._lookAtFile()
        self._isImported = self._isLoaded = False

    def _read(self, text: str) -> None:
        self._stopTimer()
        self._isReading = True
        try:
            self._session.fromJson(text)
        finally:
            self._isReading = False

    def _onChanged(self, _kind: str) -> None:
        if self._isReading or self._isDue:
            return
        if self._lastSeconds < _AT_ONCE_S:
            self.flush()
        else:
            self._isDue = True
            self._timer.start()

    def _stopTimer(self) -> None:
        self._isDue = False
        self._timer.stop()


def hasTags(cohort: CohortLabels) -> bool:
    """Say whether any slice of any volume is tagged."""
    return any(isTagged(volume) for volume in cohort.volumes)


def keptCopies(folder: Path) -> list[Path]:
    """Return the files that `SessionStore.keepCopy` left in a folder, the latest first."""
    return sorted(_copiesIn(folder).glob(f"{SAFETY_COPY}*.json"), key=lambda path: path.stem, reverse=True)


def _factsOf(url: str | None) -> tuple[str, int, int] | None:
    """What tells that a file was written again; None if there is none. Clocks of network drives are not compared."""
    if not url:
        return None
    try:
        facts = Path(url).stat()
    except (OSError, ValueError):
        return None
    return url, facts.st_mtime_ns, facts.st_size


def _copiesIn(folder: Path) -> Path:
    return Path(folder) / "tags-of-closed-scenes"


def _deleteOldCopies(folder: Path) -> None:
    """Keep the latest copies only, and one of those that say the same: Slicer's end may follow a closed scene."""
    latest, *older = keptCopies(folder)
    same = [path for path in older if path.read_bytes() == latest.read_bytes()]
    for path in {*same, *[path for path in older if path not in same][_COPIES - 1 :]}:
        remove_label_file(path)


def _cohortAndVolumes(text: str) -> tuple[CohortLabels, list[tuple[str, str, dict[str, Any]]]]:
    cohort = cohortFromJson(text)
    # They were volumes of a scene: their hash and number of slices are known, so that nothing has to be looked up.
    return cohort, [
        (volume.name, volume.sha256, {volume.axis: volume.n_slices})
        for volume in cohort.volumes
        if volume.sha256 and volume.n_slices
    ]
