"""The report of a run: ``.html``."""

from __future__ import annotations

from pathlib import Path

from WeakMedSAMLib.frontend.base.steps import Steps
from WeakMedSAMLib.frontend.results.export_formats import ExportFormat, ExportWork, register
from WeakMedSAMLib.frontend.results.exports import Exported, movedNotes
from WeakMedSAMLib.frontend.results.report import ReportVolume, writeReportSteps
from WeakMedSAMLib.frontend.results.segment_moves import findMovedSegments


def _writeSteps(work: ExportWork, path: Path) -> Steps[Exported]:
    if work.run is None:
        raise ValueError("a report is of a run")
    found = [(subject, subject.result) for subject in work.subjects if subject.result is not None]
    volumes = [ReportVolume(subject.volumeNode, subject.segmentationNode, result) for subject, result in found]
    yield from writeReportSteps(path, work.run, volumes, work.includeNames)
    notes = []
    for subject, _result in found:
        moved = set(findMovedSegments(subject.segmentationNode, subject.volumeNode))
        notes += movedNotes(subject.segmentationNode, [each for each in subject.segmentIds if each in moved])
    return Exported(path, notes)


register(ExportFormat("report", "_report.html", "run", _writeSteps))
