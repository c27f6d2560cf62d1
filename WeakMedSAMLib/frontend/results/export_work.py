"""All files of one export, written one after the other in short pieces; and those of a whole run, for scripts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.steps import Steps, runToEnd
from WeakMedSAMLib.frontend.results.export_formats import ExportSubject, ExportWork, exportFormats
from WeakMedSAMLib.frontend.results.exports import (
    Exported,
    safeName,
)
from WeakMedSAMLib.frontend.results.run_results import RunResult, readRun
from WeakMedSAMLib.frontend.results.segment_tags import segmentIdsOf
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, folderOf

_logger = logging.getLogger(__name__)


def proposeNames(volumeNode: Any) -> dict[str, str]:
    """Propose file names for a volume: kind of format -> name."""
    stem = safeName(volumeNode.GetName() if volumeNode else "")
    return {kind: stem + entry.ending for kind, entry in exportFormats().items()}


def checkPaths(folder: Path, names: Mapping[str, str]) -> dict[str, Path]:
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


def writeFilesSteps(work: ExportWork) -> Steps[list[Exported]]:
    """Write all files of an export; raises as the functions in `exports` and `report` do."""
    formats = exportFormats()
    written = []
    for number, (kind, path) in enumerate(work.paths.items()):
        steps = formats[kind].writeSteps(work, path)
        try:
            while True:
                fraction = next(steps)
                yield None if fraction is None else (number + fraction) / len(work.paths)
        except StopIteration as end:
            written.append(end.value)
        finally:
            steps.close()
    return written


def exportRun(record: RunRecord, folder: Path | str) -> list[Path]:
    """Write the masks of every volume of a run and its report; files of the same names are replaced.

    What there is to know about a file, such as masks that were resampled, goes into the log as a warning.

    Parameters
    ----------
    record : RunRecord
        Of a run whose masks are in the scene.
    folder : Path
        Made if absent.

    Returns
    -------
    list of Path
        Of each volume a file of every format of masks, as ``<volume>_masks.seg.nrrd`` and ``<volume>_labels.nrrd``;
        then one of every format of runs, as ``report.html``.

    Raises
    ------
    UserError
        ``run_gone`` if the run folder is not there; what exporting raises.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    run = readRun(folderOf(record))
    table = ClassTable.from_json(record.classes)
    subjects = dict(_subjectsOf(record, run))
    written: list[Path] = []
    for volumeId, subject in subjects.items():
        names = {kind: proposeNames(subject.volumeNode)[kind] for kind in _kindsOf("masks")}
        paths = _freePaths(folder, names, volumeId, written)
        written += _writeAll(ExportWork(paths, (subject,), table))
    paths = {kind: folder / exportFormats()[kind].ending.lstrip("_") for kind in _kindsOf("run")}
    return [*written, *_writeAll(ExportWork(paths, tuple(subjects.values()), table, run))]


def _subjectsOf(record: RunRecord, run: RunResult) -> Iterator[tuple[str, ExportSubject]]:
    """Volume id and masks of those volumes of a run that are in the scene with masks."""
    for volumeId, segmentationId in record.segmentations.items():
        volumeNode = slicer.mrmlScene.GetNodeByID(record.volumes.get(volumeId, ""))
        segmentationNode = slicer.mrmlScene.GetNodeByID(segmentationId)
        if volumeNode is None or segmentationNode is None:
            continue
        # Another run may have put the same classes into the same segmentation.
        ids = segmentIdsOf(segmentationNode, record.runId, volumeId)
        if ids:
            yield volumeId, ExportSubject(volumeNode, segmentationNode, ids, run.volumes.get(volumeId))


def _kindsOf(source: str) -> list[str]:
    return [kind for kind, entry in exportFormats().items() if entry.source == source]


def _writeAll(work: ExportWork) -> list[Path]:
    written = runToEnd(writeFilesSteps(work))
    for exported in written:
        for note in exported.notes:
            _logger.warning("%s: %s", exported.path.name, note)
    return [exported.path for exported in written]


def _freePaths(folder: Path, names: Mapping[str, str], volumeId: str, taken: list[Path]) -> dict[str, Path]:
    """Return kind -> file of a volume; two volumes of one name get their ids in front."""
    # Windows and macOS take "A" and "a" for one file.
    known = {str(path).casefold() for path in taken}
    isTaken = any(str(folder / name).casefold() in known for name in names.values())
    return {kind: folder / (f"{volumeId}_{name}" if isTaken else name) for kind, name in names.items()}
