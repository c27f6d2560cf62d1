"""Segments with names, colours and terminology, for 3D Slicer: ``.seg.nrrd``."""

from __future__ import annotations

from pathlib import Path

from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.export_formats import ExportFormat, ExportWork, register
from WeakMedSAMLib.frontend.results.exports import Exported, exportSegmentationSteps


def _writeSteps(work: ExportWork, path: Path) -> Steps[Exported]:
    (subject,) = work.subjects
    return exportSegmentationSteps(
        subject.segmentationNode, subject.volumeNode, path, runSegmentIds=subject.segmentIds, known=subject.known
    )


register(ExportFormat("segmentation", "_masks.seg.nrrd", "masks", _writeSteps))
