"""Follows what happens to the scene as a whole: it is closed, another one is loaded into it, nodes go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.run_models import keepModel, modelText, removeUnused
from WeakMedSAMLib.frontend.scene.run_records import RunRecord


class SceneKeeper:
    """Observes one scene, binds the module's state to it anew, and says what happened.

    Parameters
    ----------
    scene : vtkMRMLScene

    Attributes
    ----------
    state : ModuleState
        What the scene keeps; bound to its parameter node before anybody is told that the scene was closed or loaded.
    closing, closed : Callbacks
        Called without arguments before the scene is closed, and after it.
    loading, loaded : Callbacks
        Called without arguments before another scene is loaded into it, and after it.
    changed : Callbacks
        Called without arguments after `closed` and after `loaded`: what all made of it can be shown.
    nodeRemoved : Callbacks
        Called without arguments after a node was removed, except while the scene closes.
    isBusy : bool
        Whether the scene is being closed or loaded: what it holds then is neither the old nor the new.
    isOver : bool
        Whether `cleanup` was called.
    """

    def __init__(self, scene: Any) -> None:
        self.state = ModuleState(scene)
        self.closing, self.closed = Callbacks(), Callbacks()
        self.loading, self.loaded = Callbacks(), Callbacks()
        self.changed, self.nodeRemoved = Callbacks(), Callbacks()
        self.isBusy = self.isOver = False
        self._scene = scene
        self._before: _Kept | None = None
        self._tags = [scene.AddObserver(event, guarded(function)) for event, function in self._functions().items()]

    def cleanup(self) -> None:
        """Observe nothing any more; `state` stays as it is."""
        self.isOver = True
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        for callbacks in (self.closing, self.closed, self.loading, self.loaded, self.changed, self.nodeRemoved):
            callbacks.clear()

    def _functions(self) -> dict[int, Callable[[], None]]:
        scene = self._scene
        return {
            scene.StartCloseEvent: self._onStartClose,
            scene.EndCloseEvent: self._onEndClose,
            scene.StartImportEvent: self._onStartImport,
            scene.EndImportEvent: self._onEndImport,
            scene.NodeRemovedEvent: self._onNodeRemoved,
        }

    def _onStartClose(self) -> None:
        self.isBusy = True
        self.closing()

    def _onEndClose(self) -> None:
        self.state.bind()
        self.isBusy = False
        self.closed()
        self.changed()

    def _onStartImport(self) -> None:
        self.isBusy = True
        self.loading()
        self._before = _Kept(self.state)

    def _onEndImport(self) -> None:
        self.state.bind()
        if self._before is not None:
            self._before.giveBack(self.state)
            self._before = None
        self.isBusy = False
        self.loaded()
        self.changed()

    def _onNodeRemoved(self) -> None:
        if not self._scene.IsClosing():
            self.nodeRemoved()


class _Kept:
    """What a scene refers to, kept while another one is loaded into it and takes the place of its parameter node."""

    def __init__(self, state: ModuleState) -> None:
        self._runs: list[RunRecord] = state.runs()
        self._cohort: list[VolumeNode] = state.cohort()
        self._current: VolumeNode | None = state.currentVolume
        self._unreadable: list[str] = state.unreadableTags
        self._models: dict[str, str] = {record.runId: modelText(state, record.runId) for record in self._runs}

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
                if self._models[record.runId]:
                    keepModel(state, record.runId, self._models[record.runId])
        removeUnused(state)
        if state.currentVolume is None and self._current is not None and self._current.GetScene() is not None:
            state.currentVolume = self._current
