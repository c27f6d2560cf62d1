"""One number a class, in the geometry of the volume, for other programs: ``.nrrd``."""

from __future__ import annotations

from pathlib import Path

from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.export_formats import ExportFormat, ExportWork, register
from WeakMedSAMLib.frontend.results.exports import Exported, exportLabelmapSteps


def _writeSteps(work: ExportWork, path: Path) -> Steps[Exported]:
    (subject,) = work.subjects
    # Of this run alone: the same class of another run in the same segmentation would be mixed in.
    ids, known = subject.segmentIds, subject.known
    return exportLabelmapSteps(subject.segmentationNode, subject.volumeNode, path, work.classes, ids, known)


register(ExportFormat("labelmap", "_labels.nrrd", "masks", _writeSteps))
