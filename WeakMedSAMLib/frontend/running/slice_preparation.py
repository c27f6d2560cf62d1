"""Prepares slices in the background: once a volume has a label, its features are made before anybody waits for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.resident import Encoded, Window
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, Connections
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.running.dependencies import findMissing
from WeakMedSAMLib.frontend.running.resident_client import COPY_PROBLEMS, ResidentClient
from WeakMedSAMLib.frontend.running.resident_encoding import CANCELLED, EncodingOrder
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode

_SETTING = "WeakMedSAM/PrepareSlices"
_WAIT_MS = 4000
# The copy of a volume may go with its voxels.
_MOST_TRIES = 3


@dataclass(frozen=True)
class Place:
    """What features of a volume are for: they differ by slice axis and device, and lie in one cache."""

    key: str
    axis: str
    device: str
    cache: str


# The windows of the run that a volume was encoded for.
_Windows: TypeAlias = frozenset[Window]


class SlicePreparation:
    """Encodes one volume after the other, those alone that were labelled since the scene was opened.

    Nothing is installed, downloaded or asked for it. It gives way to a run.

    Parameters
    ----------
    labels : SceneLabels
    resident : ResidentClient
        Encodes.
    runs : RunControl

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when `words` may be others, or another volume is done.
    keys : set of str
        Of the volumes that are done.
    """

    def __init__(self, labels: SceneLabels, resident: ResidentClient, runs: RunControl) -> None:
        self.changed = Callbacks()
        self.keys: set[str] = set()
        self._labels, self._resident, self._runs = labels, resident, runs
        self._soon = Coalesced(self._begin, _WAIT_MS)
        self._connections = Connections()
        self._known: dict[str, VolumeLabels] = {}
        self._edited: set[str] = set()
        self._now: Place | None = None
        self._progress = (0, 0)
        self._problem: UserError | None = None
        self._problemAt = ("", "")
        self._tries: dict[Place, int] = {}
        self._done: dict[Place, _Windows] = {}
        self._windows: dict[str, Window] = {}

    def follow(self) -> None:
        """Begin as soon as there is something to do."""
        self._connections = Connections(
            (self._labels.session.changed, self._onLabels),
            (self._labels.volumeChanged, self._soon),
            (self._labels.leaving, self.forget),
            (self._runs.changed, self._onRun),
        )

    def cleanup(self) -> None:
        """Stop, and follow nothing any more."""
        self._connections.disconnect()
        self.changed.clear()
        self.forget()

    def forget(self) -> None:
        """The scene is closed: nothing is to be done. What is done stays so, since features are of voxels."""
        self._stop()
        self._soon.cancel()
        self._known.clear()
        self._edited.clear()
        self._tries.clear()
        self._problem = None
        self.changed()

    def again(self) -> None:
        """Nothing counts as done or failed any more: the cache was cleared, or packages were installed."""
        self._tries.clear()
        self._done.clear()
        self.keys.clear()
        self._problem = None
        self._soon()
        self.changed()

    @property
    def isOn(self) -> bool:
        """Whether it may begin; kept for this user."""
        return str(slicer.app.userSettings().value(_SETTING) or "").lower() != "false"

    @isOn.setter
    def isOn(self, value: bool) -> None:
        slicer.app.userSettings().setValue(_SETTING, "true" if value else "false")
        self._problem = None
        self._tries.clear()
        if value:
            self._soon()
        else:
            self._stop()
        self.changed()

    @property
    def words(self) -> str:
        """What it does, or why it cannot; empty if there is nothing to be said."""
        if self._problem is not None:
            return _("Slices are not prepared: {reason}").format(reason=errorInWords(self._problem))
        if self._now is None:
            return ""
        done, total = self._progress
        if not total:
            return _("Preparing slices; Generate will start sooner")
        text = _("Preparing slices: {done} of {total}; Generate will start sooner")
        return text.format(done=done, total=total)

    @property
    def fewWords(self) -> str:
        """How far it is, for a header; empty if nothing is under way."""
        done, total = self._progress
        if self._now is None or not total:
            return ""
        return _("preparing slices, {done} of {total}").format(done=done, total=total)

    def cachedKeys(self) -> set[str]:
        """Return the keys of volumes whose features were made; none where there is no cache of features."""
        if not folders.cacheFolder().is_dir():
            return set()
        nodes = self._runs.volumesOfFinished()
        return {key for node in nodes if (key := self._labels.keyOf(node)) is not None} | self.keys

    # When

    def _onLabels(self, kind: str) -> None:
        now = {key: labels for key in self._volumes() if (labels := self._labels.session.volume(key)) is not None}
        # Labels of another scene begin a history of their own.
        if kind == "tags" or (kind == "all" and self._labels.session.undoText):
            # What was edited is a new object.
            edited = {key for key, labels in now.items() if labels is not self._known.get(key)}
            self._edited |= edited
            if edited:
                self._soon()
        self._known.update(now)

    def _onRun(self) -> None:
        if self._runs.isRunning:
            self._stop()
            self.changed()
        else:
            self._soon()

    def _begin(self) -> None:
        if self._now is not None or not self.isOn or self._runs.isRunning or self._isStuck():
            return
        found = self._next()
        if found is None or not arePackagesThere():
            return
        node, place = found
        self._now, self._progress = place, (0, 0)
        self._tries[place] = self._tries.get(place, 0) + 1
        windows = self._windowsBeside(place.key)
        ended = partial(self._end, place, windows)
        self._resident.encode(EncodingOrder(node, place.axis, windows, partial(self._hear, place), ended))
        self.changed()

    def _isStuck(self) -> bool:
        """Whether there is a problem, which may go with another device or another cache."""
        return self._problem is not None and self._problemAt == self._here()

    def _next(self) -> tuple[VolumeNode, Place] | None:
        """A volume that was labelled and is not done; the current one first."""
        made = self.cachedKeys() - self.keys
        for key, node in self._volumes().items():
            labels = self._labels.session.volume(key)
            if key not in self._edited or key in made or labels is None or not labels.is_said():
                continue
            place = Place(key, labels.axis, *self._here())
            if not self._isDone(place) and self._tries.get(place, 0) < _MOST_TRIES:
                return node, place
        return None

    def _isDone(self, place: Place) -> bool:
        """Whether there are features of a volume, for CT in the window that it has in a run of now."""
        done, own = self._done.get(place), self._windows.get(place.key)
        return done is not None and (own is None or done == self._windowsBeside(place.key) | {own})

    def _windowsBeside(self, key: str) -> _Windows:
        """Windows of the CT that a run would take along with a volume."""
        return frozenset(self._windows[other] for other in self._volumes() if other != key and other in self._windows)

    def _volumes(self) -> Mapping[str, VolumeNode]:
        return self._labels.readyVolumes()

    def _here(self) -> tuple[str, str]:
        return self._labels.state.device, str(folders.cacheFolder())

    # What comes of it

    def _hear(self, place: Place, done: int, total: int) -> None:
        if place == self._now:
            self._progress = done, total
            self.changed()

    def _end(self, place: Place, windows: _Windows, answer: Encoded | None, error: UserError | None) -> None:
        if place != self._now:
            return
        self._now = None
        if answer is not None:
            self._tries.pop(place, None)
            self._takeIn(place, windows, answer)
        elif error is not None and error.code == CANCELLED:
            # It did not fail: an update that is cancelled takes the worker along, however often.
            self._tries.pop(place, None)
        elif error is not None and error.code not in COPY_PROBLEMS:
            self._problem, self._problemAt = error, self._here()
        self.changed()
        self._soon()

    def _takeIn(self, place: Place, windows: _Windows, answer: Encoded) -> None:
        if answer.window is not None:
            low, high = answer.window
            self._windows[place.key] = (low, high)
            windows |= {(low, high)}
        self._done[place] = windows
        self.keys.add(place.key)
        self._problem = None

    def _stop(self) -> None:
        place, self._now = self._now, None
        if place is not None:
            # It did not fail.
            self._tries.pop(place, None)
            self._resident.stopEncoding()


def arePackagesThere() -> bool:
    """Whether the worker can be started, without anything being asked for."""
    try:
        return not findMissing()
    except UserError:
        return False
