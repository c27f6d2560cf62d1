"""One node after the other, of whose changes one wants to hear: of another name, for instance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vtk

from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.scene.nodes import Node


class WatchedNode:
    """Calls a function without arguments whenever the node that is watched was modified.

    Parameters
    ----------
    onModified : callable
    """

    def __init__(self, onModified: Callable[[], Any]) -> None:
        self._call = guarded(onModified)
        self._node: Node | None = None
        self._tag = 0

    def watch(self, node: Node | None) -> bool:
        """Watch another node, or none; say whether it is another one."""
        if node is self._node:
            return False
        if self._node is not None:
            self._node.RemoveObserver(self._tag)
        self._node = node
        if node is not None:
            self._tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._call)
        return True
