"""What happens to the scene as a whole: closing, importing, nodes that go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded


class SceneEvents:
    """Observes one scene and says what happened to it.

    Attributes
    ----------
    startClose, endClose, startImport, endImport : Callbacks
        Called without arguments, around closing the scene and around loading another one into it.
    nodeRemoved : Callbacks
        Called without arguments after a node was removed, except while the scene closes.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self.startClose = Callbacks()
        self.endClose = Callbacks()
        self.startImport = Callbacks()
        self.endImport = Callbacks()
        self.nodeRemoved = Callbacks()
        self._tags = [scene.AddObserver(event, guarded(function)) for event, function in self._functions().items()]

    def cleanup(self) -> None:
        """Stop observing."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._tags = []

    def _functions(self) -> dict[int, Callable[[], None]]:
        scene = self._scene
        return {
            # Lambdas without parameters: what the scene passes along is of no use to anybody here.
            scene.StartCloseEvent: lambda: self.startClose(),
            scene.EndCloseEvent: lambda: self.endClose(),
            scene.StartImportEvent: lambda: self.startImport(),
            scene.EndImportEvent: lambda: self.endImport(),
            scene.NodeRemovedEvent: self._onNodeRemoved,
        }

    def _onNodeRemoved(self) -> None:
        if not self._scene.IsClosing():
            self.nodeRemoved()
