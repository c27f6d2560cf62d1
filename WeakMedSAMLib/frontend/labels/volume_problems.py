"""Why volumes cannot be used, found out once for all who ask: every voxel is looked at for it."""

from __future__ import annotations

from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import usableProblem

_Version = tuple[int, int, int]


class VolumeProblems:
    """Remembers of each volume what was found in its latest state."""

    def __init__(self) -> None:
        # By the id of the node, and with what changes with its voxels and its place.
        self._found: dict[str, tuple[_Version, str]] = {}

    def of(self, volumeNode: VolumeNode) -> str:
        """Say why a volume cannot be used; empty if it can."""
        version, nodeId = _versionOf(volumeNode), volumeNode.GetID()
        known = self._found.get(nodeId)
        if known is None or known[0] != version:
            known = self._found[nodeId] = version, usableProblem(volumeNode)
        return known[1]

    def forget(self) -> None:
        """Forget all volumes, as when their scene is closed."""
        self._found.clear()


def _versionOf(volumeNode: VolumeNode) -> _Version:
    image, transform = volumeNode.GetImageData(), volumeNode.GetParentTransformNode()
    return volumeNode.GetMTime(), image.GetMTime() if image else 0, transform.GetMTime() if transform else 0
