"""Which scan each volume of the scene is: content hashes found out one after the other, while the window answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps, runToEnd
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import (
    identitySteps,
    knownIdentity,
    knownReversedIdentity,
    reversedIdentitySteps,
    sliceCount,
    usableProblem,
)
from WeakMedSAMLib.frontend.scene.slice_order import NodeFacts, noteFileOrder
from WeakMedSAMLib.frontend.scene.slice_views import axisOfView, sliceNodeOf

OnKey = Callable[[str], Any]


@dataclass
class _Waiting:
    node: VolumeNode
    onDone: OnKey | None
    onError: Callable[[Exception], Any] | None


class VolumeKeys:
    """Identifies volumes and makes them known to the tags.

    Parameters
    ----------
    session : TagSession
    state : ModuleState
        Of the scene.

    Attributes
    ----------
    changed : Callbacks
        Called with a volume node once its key is known.
    """

    def __init__(self, session: TagSession, state: ModuleState) -> None:
        self._session = session
        self._state = state
        self._waiting: deque[_Waiting] = deque()
        self._runner: StepRunner | None = None
        self._atWork: VolumeNode | None = None
        # Node id -> key and name as the tags have them. Two copies of one scan share a key: each names it once only.
        self._known: dict[str, tuple[str, str]] = {}
        # Volumes that cannot be used, by their state: finding that out may mean to look at every voxel.
        self._refused: set[tuple[int, int]] = set()
        self.changed = Callbacks()

    def cleanup(self) -> None:
        """Stop; nothing is told any more."""
        self.changed.clear()
        self.reset()

    def reset(self) -> None:
        """Forget what the tags know: they were replaced, or the scene was."""
        self._waiting.clear()
        if self._runner is not None:
            self._runner.cancel()
            self._runner = self._atWork = None
        self._known.clear()

    def keyOf(self, volumeNode: VolumeNode | None) -> str | None:
        """Return the key of a volume that is ready for tags; None before it was identified, and without a volume."""
        key = knownIdentity(volumeNode) if volumeNode is not None else None
        return key if key is not None and self._session.volume(key) is not None else None

    def identify(
        self, volumeNode: VolumeNode, onDone: OnKey | None = None, onError: Callable[[Exception], Any] | None = None
    ) -> None:
        """Find out the key of a volume without blocking; nothing is called if it leaves the scene meanwhile."""
        if self._isIdentified(volumeNode):
            key = self._enter(volumeNode)
            if onDone is not None:
                onDone(key)
            return
        self._waiting.append(_Waiting(volumeNode, onDone, onError))
        self._next()

    def identifyNow(self, volumeNode: VolumeNode) -> str:
        """Return the key of a volume, waiting for it; `UserError` ``unusable_volume``."""
        problem = usableProblem(volumeNode)
        if problem:
            raise UserError("unusable_volume", problem, _("Choose another volume."))
        runToEnd(self._keySteps(volumeNode))
        return self._enter(volumeNode)

    def watch(self, volumeNodes: list[VolumeNode]) -> None:
        """Have these volumes identified and known to the tags; those that are already cost nothing."""
        queued = [entry.node for entry in self._waiting]
        for node in volumeNodes:
            if self._isIdentified(node):
                if self._known.get(node.GetID()) != (knownIdentity(node), node.GetName()):
                    self._enter(node)
            elif node not in queued and node is not self._atWork and not self._isRefused(node):
                self.identify(node)

    def _keySteps(self, node: VolumeNode) -> Steps[None]:
        """Compute the key of a volume, and that of its slices in reversed order where tags may be waiting for it."""
        yield from identitySteps(node)
        if not self._isIdentified(node):
            yield from reversedIdentitySteps(node)

    def _isIdentified(self, node: VolumeNode) -> bool:
        """Say whether all that is needed to find the tags of a volume was computed since its voxels changed last."""
        key = knownIdentity(node)
        if key is None or knownReversedIdentity(node) is not None:
            return key is not None
        return not self._session.mayBeReversed(key, _countsOf(node))

    def _isRefused(self, node: VolumeNode) -> bool:
        version = (node.GetMTime(), node.GetImageData().GetMTime() if node.GetImageData() else 0)
        if version not in self._refused and usableProblem(node):
            self._refused.add(version)
        return version in self._refused

    def _next(self) -> None:
        if self._runner is not None or not self._waiting:
            return
        entry = self._waiting.popleft()
        self._atWork = entry.node
        self._runner = StepRunner(
            self._keySteps(entry.node),
            onDone=lambda _key: self._onDone(entry),
            onError=lambda error: self._onError(entry, error),
        ).start()

    def _onDone(self, entry: _Waiting) -> None:
        self._runner = self._atWork = None
        if entry.node.GetScene() is not None:
            key = self._enter(entry.node)
            if entry.onDone is not None:
                entry.onDone(key)
        self._next()

    def _onError(self, entry: _Waiting, error: Exception) -> None:
        self._runner = self._atWork = None
        self._next()
        if entry.onError is not None:
            entry.onError(error)

    def _enter(self, node: VolumeNode) -> str:
        key = knownIdentity(node)
        if key is None:
            raise ValueError("the volume is not identified")
        name = self._nameFor(node, key)
        self._known[node.GetID()] = (key, node.GetName())
        noteFileOrder(node)
        self._session.ensureVolume(name, key, self.axisFor(node), _countsOf(node), NodeFacts(node))
        self.changed(node)
        return key

    def _nameFor(self, node: VolumeNode, key: str) -> str:
        """Return the name for the tags; of two copies of one scan the first gives it, or each would rename them."""
        entry = self._session.volume(key)
        others = [known for nodeId, known in self._known.items() if nodeId != node.GetID()]
        if entry is not None and (key, entry.name) in others:
            return entry.name
        return node.GetName() or "volume"

    def axisFor(self, volumeNode: VolumeNode) -> str:
        """Return the slice axis that the view one works in shows; ``"k"`` without a window."""
        sliceNode = sliceNodeOf(self._state.sliceView)
        return axisOfView(volumeNode, sliceNode) if sliceNode is not None else "k"


def _countsOf(node: VolumeNode) -> dict[str, int]:
    return {axis: sliceCount(node, axis) for axis in AXES}
