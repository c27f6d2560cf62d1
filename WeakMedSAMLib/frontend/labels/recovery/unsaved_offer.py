"""Offers what a crash left behind of the labels of the current volume: once it is ready, and never taken by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps, inThread
from WeakMedSAMLib.frontend.labels.recovery.unsaved_files import LeftFile, leftBehind, readLeft, removeLeft, setAside
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.labels.volume_keys import VolumeKeys
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import reversedIdentitySteps

# What is wrong inside a file: it is so every time that it is read.
_BROKEN = (
    *("bad_json", "not_utf8", "bad_tags", "bad_field", "bad_name", "bad_box", "bad_painted"),
    *("slice_count_differs", "size_differs", "tag_beyond_last_slice", "mark_outside", "tags_conflict"),
)
# What goes along with a step of undo.
Beside: TypeAlias = Callable[[bool], None]


@dataclass(frozen=True)
class Found:
    """What is offered.

    Attributes
    ----------
    key : str
        The volume.
    labels : VolumeLabels
        As the volume would have them.
    at : float
        When they were written, in seconds since 1970.
    kept : CohortLabels
        As the file has them.
    files : tuple of LeftFile
        The file, and those of earlier crashes after it.
    """

    key: str
    labels: VolumeLabels
    at: float
    kept: CohortLabels
    files: tuple[LeftFile, ...]


class UnsavedOffer:
    """Looks whenever another volume is current and ready.

    Parameters
    ----------
    session : TagSession
    state : ModuleState
    keys : VolumeKeys
    own : callable
        Returns the folder of this process's own unsaved labels, or None.

    Attributes
    ----------
    found : Found or None
        What is offered of the current volume.
    changed : Callbacks
        Called without arguments when that changes.
    refused : Callbacks
        Called with the `UserError` that says that a file cannot be read.
    beside : callable
        Gets the labels that are restored, and what of this goes along with them, see `tag_history.Step`; returns that
        with what else does.
    """

    def __init__(
        self, session: TagSession, state: ModuleState, keys: VolumeKeys, own: Callable[[], Path | None]
    ) -> None:
        self._session, self._state, self._keys, self._own = session, state, keys, own
        self.found: Found | None = None
        self.changed, self.refused = Callbacks(), Callbacks()
        self.beside: Callable[[VolumeLabels, Beside], Beside] = lambda _labels, own: own
        self._lookedFor = ""
        self._work: StepRunner | None = None
        # Answered, and those that were taken: they go once the labels that came of them are saved.
        self._answered: set[Path] = set()
        self._taken: set[Path] = set()
        # Of which it was said that they cannot be read.
        self._said: set[Path] = set()

    def cleanup(self) -> None:
        """Offer nothing any more."""
        self.changed.clear()
        self.refused.clear()
        self.forget()

    def forget(self) -> None:
        """Look anew, at the next `look`: the scene was changed."""
        self._lookedFor = ""
        self._stop()
        self._show(None)

    def look(self) -> None:
        """Look for labels of the current volume, unless that was done."""
        node = self._state.currentVolume
        key = self._keys.keyOf(node) or ""
        if key == self._lookedFor:
            return
        self.forget()
        self._lookedFor = key
        if node is not None and key:
            self._work = StepRunner(self._lookSteps(node, key), self._onLooked, self._onFailed).start()

    def restore(self) -> list[str]:
        """Put what is offered in place of the labels of the volume, as one step of undo.

        Returns
        -------
        list of str
            What did not come as it was, for the user.
        """
        if self.found is None:
            return []
        found = self.found
        beside = self.beside(found.labels, partial(self._take, {each.path for each in found.files}))
        messages = self._session.restore(found.key, found.kept, beside)
        beside(True)
        self.later()
        return messages

    def later(self) -> None:
        """Offer it no more until Slicer is started again."""
        if self.found is not None:
            self._answered |= {each.path for each in self.found.files}
            self._show(None)

    def discard(self) -> None:
        """Remove what is offered; what an earlier crash left of the volume is offered next."""
        if self.found is not None:
            removeLeft(self.found.files[0].path)
            self.forget()
            self.look()

    def removeTaken(self) -> None:
        """Remove the files that were restored from: the labels were saved, or let go of."""
        for path in self._taken:
            removeLeft(path)
        self._taken.clear()

    def leaveTaken(self) -> None:
        """Offer the files that were restored from again: the labels could be kept nowhere else."""
        self._answered -= self._taken
        self._taken.clear()

    def _take(self, paths: set[Path], isDone: bool) -> None:
        """Files go with the labels that came of them; whoever took these back has them in the files alone."""
        self._taken = self._taken | paths if isDone else self._taken - paths

    def _lookSteps(self, node: VolumeNode, key: str) -> Steps[Found | None]:
        left = yield from inThread(partial(leftBehind, folders.unsavedLabelsFolder(), self._own()))
        left = [each for each in left if each.path not in self._answered]
        files = [each for each in left if each.key == key]
        if left and not files:
            # Slicer turns left-handed volumes as it loads them.
            turned = yield from reversedIdentitySteps(node)
            files = [each for each in left if each.key == turned]
        while files:
            found = yield from self._readSteps(key, files)
            if found is not None:
                return found
            del files[0]
        return None

    def _readSteps(self, key: str, files: list[LeftFile]) -> Steps[Found | None]:
        """Read the first of some files of a volume; None if it cannot be, or if the volume has all of it."""
        left = files[0]
        try:
            kept = yield from inThread(partial(readLeft, left))
            labels = self._session.wouldRestore(key, kept)
        except UserError as error:
            self._refuse(left, error)
            return None
        if labels is None:
            removeLeft(left.path)
            return None
        return Found(key, labels, left.at, kept, tuple(files))

    def _refuse(self, left: LeftFile, error: UserError) -> None:
        """Say once why a file is not offered. One that is not broken may be read later, or by a newer version."""
        path = setAside(left) if error.code in _BROKEN else left.path
        if left.path in self._said:
            return
        self._said.add(left.path)
        message = _("Labels that Slicer did not save before it crashed cannot be read: {reason}")
        hint = _("Their file is kept: {file}").format(file=path) if path.is_file() else ""
        self.refused(UserError("unsaved_unreadable", message.format(reason=errorInWords(error)), hint))

    def _onLooked(self, found: Found | None) -> None:
        self._work = None
        self._show(found)

    def _onFailed(self, error: Exception) -> None:
        self._work = None
        raise error

    def _show(self, found: Found | None) -> None:
        if found is not self.found:
            self.found = found
            self.changed()

    def _stop(self) -> None:
        if self._work is not None:
            self._work.cancel()
            self._work = None
