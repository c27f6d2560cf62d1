"""From which end the slices of a volume are counted: 3D Slicer reverses those of left-handed files when it loads them.

A left-handed volume that was made in the scene, or loaded with that switched off, stays as it is until it is saved and
loaded again. Its slices are then counted from the other end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer

from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.frontend.base.steps import runToEnd
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas, knownIdentity, reversedIdentitySteps

_ATTRIBUTE, _REVERSED = "WeakMedSAM.OrderOfFile", "reversed"
# What Slicer turns: it loads DICOM in an order of its own.
_TURNED = (".nii", ".nii.gz", ".hdr", ".img", ".img.gz", ".nia", ".nrrd", ".nhdr", ".mha", ".mhd")


def numberingOf(volumeNode: VolumeNode) -> Numbering:
    """Return how the Data Probe counts the slices of a volume: as of any loaded file, or as a left-handed file does."""
    return "file" if np.linalg.det(ijkToRas(volumeNode)[:3, :3]) < 0 else "slicer"


def isFileReversed(volumeNode: VolumeNode) -> bool:
    """Say whether the file that a volume came from has its slices in another order than Slicer shows it in.

    Reads the header of its file, and what `noteFileOrder` noted: the file of a scene that was saved is another one.
    """
    return volumeNode.GetAttribute(_ATTRIBUTE) == _REVERSED or _hasLeftHandedFile(volumeNode)


def noteFileOrder(volumeNode: VolumeNode) -> None:
    """Keep with a volume that its file has its slices in another order, for when it is saved to another file."""
    if volumeNode.GetAttribute(_ATTRIBUTE) != _REVERSED and _hasLeftHandedFile(volumeNode):
        volumeNode.SetAttribute(_ATTRIBUTE, _REVERSED)


def _hasLeftHandedFile(volumeNode: VolumeNode) -> bool:
    storage = volumeNode.GetStorageNode()
    path = (storage.GetFullNameFromFileName() or "") if storage is not None else ""
    if not path.lower().endswith(_TURNED) or not Path(path).is_file():
        return False
    reader = _newReader()
    reader.SetArchetype(path)
    reader.SetOutputScalarTypeToNative()
    reader.SetDesiredCoordinateOrientationToNative()
    reader.UpdateInformation()
    matrix = reader.GetRasToIjkMatrix()
    return matrix is not None and matrix.Determinant() < 0


def isReversedSince(volumeNode: VolumeNode, wasLeftHanded: bool, key: str | None) -> bool:
    """Say whether the k planes of a volume are in another order than when it was left- or right-handed.

    Parameters
    ----------
    volumeNode : vtkMRMLScalarVolumeNode
    wasLeftHanded : bool
        What it was then.
    key : str or None
        Its content hash then. If that is the same now, somebody turned the volume over; its slices are as they were.
    """
    return wasLeftHanded != (numberingOf(volumeNode) == "file") and (key is None or knownIdentity(volumeNode) != key)


def _newReader() -> Any:
    """The reader of Slicer's own storage nodes."""
    try:
        import vtkITK
    except ImportError:
        # Outside of the application all of Slicer's classes are in one package.
        return slicer.vtkITKArchetypeImageSeriesScalarReader()
    return vtkITK.vtkITKArchetypeImageSeriesScalarReader()


class NodeFacts:
    """`SceneFacts` of a node of the scene; holds no voxels of a node that was removed.

    Parameters
    ----------
    volumeNode : vtkMRMLScalarVolumeNode
        Identified, see `scene_volumes.identitySteps`.
    """

    def __init__(self, volumeNode: VolumeNode) -> None:
        self._id = volumeNode.GetID()
        self._key = knownIdentity(volumeNode)

    def numbering(self) -> Numbering | None:
        """See `SceneFacts`."""
        node = self._node()
        return numberingOf(node) if node is not None else None

    def isFileReversed(self) -> bool:
        """See `SceneFacts`."""
        node = self._node()
        return node is not None and isFileReversed(node)

    def reversedKey(self) -> str | None:
        """See `SceneFacts`; takes as long as to identify the volume, once."""
        node = self._node()
        return runToEnd(reversedIdentitySteps(node)) if node is not None else None

    def _node(self) -> Any:
        node = slicer.mrmlScene.GetNodeByID(self._id)
        return node if node is not None and knownIdentity(node) == self._key else None
