"""All files of one export, written one after the other in short pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.frontend.base.steps import Steps, inThread
from WeakMedSAMLib.frontend.results.exports import (
    Exported,
    exportLabelmapSteps,
    exportSegmentationSteps,
    exportTags,
    movedNotes,
)
from WeakMedSAMLib.frontend.results.report import ReportVolume, writeReportSteps
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.run_results import RunResult
from WeakMedSAMLib.frontend.results.segment_places import movedSegments

KINDS = ("segmentation", "labelmap", "tagsJson", "tagsCsv", "report")


@dataclass(frozen=True)
class ExportWork:
    """What to write where.

    Attributes
    ----------
    paths : dict
        Kind (one of `KINDS`) -> file.
    subject : ReviewSubject or None
        The masks; needed for segmentation, label map and report.
    classes : ClassTable
        Gives the label values.
    run : RunResult or None
        Needed for the report.
    cohort : CohortLabels
        Needed for tags.
    includeNames : bool
        Whether the report calls volumes by their names.
    """

    paths: dict[str, Path]
    subject: ReviewSubject | None
    classes: ClassTable
    run: RunResult | None
    cohort: CohortLabels
    includeNames: bool = False


def checkedPaths(folder: Path, names: Mapping[str, str]) -> dict[str, Path]:
    """Return kind -> file for kind -> name as typed.

    Raises
    ------
    UserError
        ``no_folder``; ``bad_file_name`` for what is no plain file name.
    """
    if not folder.is_dir():
        message = _("The folder {folder} does not exist.").format(folder=folder)
        raise UserError("no_folder", message, _("Make it, or choose another one."))
    paths = {kind: folder / name.strip() for kind, name in names.items()}
    for path in paths.values():
        if path.parent != folder or path.name in ("", ".", "..") or "\\" in path.name:
            message = _("{name} is not a file name.").format(name=path.name)
            raise UserError("bad_file_name", message, _("Leave folders out of it; choose the folder above."))
    return paths


def exportSteps(work: ExportWork) -> Steps[list[Exported]]:
    """Write all files of an export; raises as the functions in `exports` and `report` do."""
    makers: dict[str, Callable[[ExportWork, Path], Steps[Exported]]] = {
        "segmentation": _segmentation,
        "labelmap": _labelmap,
        "tagsJson": _tags,
        "tagsCsv": _tags,
        "report": _report,
    }
    written = []
    for number, (kind, path) in enumerate(work.paths.items()):
        steps = makers[kind](work, path)
        try:
            while True:
                fraction = next(steps)
                yield None if fraction is None else (number + fraction) / len(work.paths)
        except StopIteration as end:
            written.append(end.value)
        finally:
            steps.close()
    return written


def _segmentation(work: ExportWork, path: Path) -> Steps[Exported]:
    subject = work.subject
    ids = subject.segmentIds
    return exportSegmentationSteps(subject.segmentationNode, subject.volumeNode, path, runSegmentIds=ids)


def _labelmap(work: ExportWork, path: Path) -> Steps[Exported]:
    subject = work.subject
    # Of this run alone: the same class of another run in the same segmentation would be mixed in.
    ids = subject.segmentIds
    return exportLabelmapSteps(subject.segmentationNode, subject.volumeNode, path, work.classes, ids)


def _tags(work: ExportWork, path: Path) -> Steps[Exported]:
    # Until a file is on the disk may take long; tags are copied first, since tagging goes on meanwhile.
    return (yield from inThread(partial(exportTags, deepcopy(work.cohort), path)))


def _report(work: ExportWork, path: Path) -> Steps[Exported]:
    subject = work.subject
    volumes = [ReportVolume(subject.volumeNode, subject.segmentationNode, subject.result)]
    yield from writeReportSteps(path, work.run, volumes, work.includeNames)
    moved = set(movedSegments(subject.segmentationNode, subject.volumeNode))
    return Exported(path, movedNotes(subject.segmentationNode, [each for each in subject.segmentIds if each in moved]))
