"""The report of a run: ``.html``."""

from __future__ import annotations

from pathlib import Path

from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.export_formats import ExportFormat, ExportWork, register
from WeakMedSAMLib.frontend.results.exports import Exported, movedNotes
from WeakMedSAMLib.frontend.results.report import ReportVolume, writeReportSteps
from WeakMedSAMLib.frontend.results.segment_moves import findMovedSegments


def _writeSteps(work: ExportWork, path: Path) -> Steps[Exported]:
    found = [subject for subject in work.subjects if subject.result is not None]
    volumes = [ReportVolume(each.volumeNode, each.segmentationNode, each.result) for each in found]
    yield from writeReportSteps(path, work.run, volumes, work.includeNames)
    notes = []
    for subject in found:
        moved = set(findMovedSegments(subject.segmentationNode, subject.volumeNode))
        notes += movedNotes(subject.segmentationNode, [each for each in subject.segmentIds if each in moved])
    return Exported(path, notes)


register(ExportFormat("report", "_report.html", "run", _writeSteps))
