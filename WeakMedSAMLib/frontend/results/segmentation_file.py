"""A segmentation as .seg.nrrd: the header as Slicer writes it, with label values that stay as the class table says."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.results.segment_layers import Layers
from WeakMedSAMLib.frontend.scene.raw_nrrd import readFields


def segmentationFields(
    segmentationNode: Any, labelValues: Mapping[str, int], layers: Layers, shape: Sequence[int]
) -> dict[str, str]:
    """Return the key/value pairs that make label maps a segmentation of Slicer.

    Slicer itself numbers the segments anew when it writes them, so that only the header is taken from its writer: of a
    copy with the names, colours, terminology, status and other tags of the segments, but without a voxel.

    Parameters
    ----------
    segmentationNode : vtkMRMLSegmentationNode
    labelValues : mapping of str to int
        Segment id -> label value; these segments are written, in this order.
    layers : Layers
        Where the segments are.
    shape : sequence of int
        Voxels along k, j, i.

    Raises
    ------
    UserError
        ``cannot_write`` if there is no room for a temporary file.
    """
    fields = _fieldsBySlicer(_emptyCopy(segmentationNode, list(labelValues)))
    extent = " ".join(f"0 {count - 1}" for count in reversed(shape))
    for number, (segmentId, labelValue) in enumerate(labelValues.items()):
        fields[f"Segment{number}_LabelValue"] = str(labelValue)
        fields[f"Segment{number}_Layer"] = str(layers.layerOf[segmentId])
        fields[f"Segment{number}_Extent"] = extent
    fields["Segmentation_ReferenceImageExtentOffset"] = "0 0 0"
    return fields


def _emptyCopy(segmentationNode: Any, segmentIds: list[str]) -> Any:
    source = segmentationNode.GetSegmentation()
    copy = slicer.vtkMRMLSegmentationNode()
    copy.SetAndObserveSegmentation(slicer.vtkSegmentation())
    copy.GetSegmentation().CopyConversionParameters(source)
    for segmentId in segmentIds:
        segment = slicer.vtkSegment()
        segment.DeepCopyMetadata(source.GetSegment(segmentId))
        copy.GetSegmentation().AddSegment(segment, segmentId)
    return copy


def _fieldsBySlicer(segmentationNode: Any) -> dict[str, str]:
    # A scene of its own: nothing of this shows up in the user's.
    scene = slicer.vtkMRMLScene()
    scene.AddNode(segmentationNode)
    storage = slicer.vtkMRMLSegmentationStorageNode()
    scene.AddNode(storage)
    with tempfile.TemporaryDirectory(prefix="weakmedsam-") as folder:
        path = Path(folder) / "header.seg.nrrd"
        storage.SetFileName(str(path))
        if not storage.WriteData(segmentationNode):
            message = _("Slicer could not describe the segmentation.")
            raise UserError("not_described", message, _("Check that there is room on the disk of temporary files."))
        return readFields(path)
