"""Keeps the logic in step with the scene: what happens to tags and runs when it is closed or another one comes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import slicer

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base import places
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, showError
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord
from WeakMedSAMLib.frontend.scene.scene_events import SceneEvents

if TYPE_CHECKING:
    from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic

_logger = logging.getLogger(__name__)


class SceneKeeper:
    """Reacts to what happens to the scene, for one logic.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments after the scene was closed or another one was loaded into it.
    isBusy : bool
        Whether the scene is being closed or loaded: what it holds then is neither the old nor the new.
    isOver : bool
        Whether `cleanup` was called.
    """

    def __init__(self, logic: WeakMedSAMLogic) -> None:
        self._logic = logic
        self._events = SceneEvents(slicer.mrmlScene)
        self._before: _Kept | None = None
        self.changed = Callbacks()
        self.isBusy = self.isOver = False

    def begin(self) -> None:
        """Take over what the scene holds already, and observe it from now on."""
        events = self._events
        events.startClose.connect(self._onStartClose)
        events.endClose.connect(self._onEndClose)
        events.startImport.connect(self._onStartImport)
        events.endImport.connect(self._onEndImport)
        events.nodeRemoved.connect(self._logic.runs.cancelIfNothingLeft)
        self._logic.runs.markInterrupted()
        self._loadTags()

    def cleanup(self) -> None:
        """Observe nothing any more."""
        self.isOver = True
        self._events.cleanup()
        self.changed.clear()

    def watchVolumes(self) -> None:
        """Make the current volume and those of the cohort ready for tags, in the background."""
        state = self._logic.state
        nodes = [state.currentVolume, *state.cohort()]
        self._logic.keys.watch([node for node in nodes if node is not None])

    def _onStartClose(self) -> None:
        self.isBusy = True
        logic = self._logic
        logic.runs.abandon()
        logic.store.keepCopy(places.runsFolder())
        logic.store.forget()

    def _onEndClose(self) -> None:
        self._rebind()
        self.isBusy = False
        self._loadTags()
        self._tell()

    def _onStartImport(self) -> None:
        self.isBusy = True
        self._logic.store.flush()
        self._before = _Kept(self._logic.state)

    def _onEndImport(self) -> None:
        logic = self._logic
        self._rebind()
        if self._before is not None:
            self._before.giveBack(logic.state)
            self._before = None
        self.isBusy = False
        try:
            messages = logic.store.merge()
        except UserError as error:
            messages = []
            showError(error)
        for message in messages:
            _logger.info("Tags of the loaded scene: %s", message)
        logic.runs.markInterrupted()
        logic.keys.reset()
        self.watchVolumes()
        self._tell()

    def _loadTags(self) -> None:
        logic = self._logic
        logic.keys.reset()
        try:
            logic.store.load()
        except UserError as error:
            showError(error)
        self.watchVolumes()

    def _rebind(self) -> None:
        """Bind the state to the scene's node, which may be another one now, with all who listen to it."""
        old = self._logic.state
        fresh = ModuleState(slicer.mrmlScene)
        fresh.changed, old.changed = old.changed, Callbacks()
        old.cleanup()
        self._logic.state = fresh

    def _tell(self) -> None:
        self.changed()
        self._logic.volumeChanged()
        self._logic.runs.changed()


class _Kept:
    """What a scene refers to, kept while another one is loaded into it and takes the place of its parameter node."""

    def __init__(self, state: ModuleState) -> None:
        self._runs: list[RunRecord] = state.runs()
        self._cohort: list[Any] = state.cohort()
        self._current: Any = state.currentVolume
        self._unreadable: list[str] = state.unreadableTags

    def giveBack(self, state: ModuleState) -> None:
        """Add to a state what it does not have; nodes that are gone are left out."""
        for node in self._cohort:
            if node.GetScene() is not None:
                state.setInCohort(node, True)
        state.keepUnreadableTags(*self._unreadable)
        known = {record.runId for record in state.runs()}
        for record in self._runs:
            if record.runId not in known:
                state.saveRun(record)
        if state.currentVolume is None and self._current is not None and self._current.GetScene() is not None:
            state.currentVolume = self._current
