"""All files of one export, written one after the other in short pieces; and those of a whole run, for scripts."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.steps import Steps, runToEnd
from WeakMedSAMLib.frontend.results.export_formats import ExportSubject, ExportWork, exportFormats
from WeakMedSAMLib.frontend.results.exports import Exported, safeName
from WeakMedSAMLib.frontend.results.review_changes import compareSteps
from WeakMedSAMLib.frontend.results.run_results import RunResult, readRecord
from WeakMedSAMLib.frontend.results.segment_tags import segmentIdsOf
from WeakMedSAMLib.frontend.scene.run_records import RunRecord

T = TypeVar("T")

# In names of files on Windows; of them / is none on other systems either.
_FORBIDDEN = '<>:"/\\|?*'
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


def nameProblem(name: str) -> str:
    """Say why a name cannot begin the names of files; empty if it can."""
    if not name.strip():
        return _("Type a name for the files.")
    found = next((letter for letter in name if letter in _FORBIDDEN or letter < " "), "")
    return _("The name of a file cannot have {letter} in it.").format(letter=found) if found else ""


def worksOfRun(
    folder: Path,
    subjects: Mapping[str, ExportSubject],
    classes: ClassTable,
    run: RunResult | None = None,
    kinds: Collection[str] | None = None,
    includeNames: bool = False,
) -> list[ExportWork]:
    """Return what to write of several volumes of a run: files called by the name of each, then those of the whole run.

    Parameters
    ----------
    folder : Path
    subjects : mapping
        Volume id -> masks.
    classes : ClassTable
        Of the run.
    run : RunResult, optional
        Needed for formats of a run.
    kinds : collection of str, optional
        Of formats; all that are of masks or of a run by default.
    includeNames : bool
        As in `ExportWork`.
    """
    works: list[ExportWork] = []
    for volumeId, subject in subjects.items():
        proposed = proposeNames(subject.volumeNode)
        names = {kind: proposed[kind] for kind in _kindsOf("masks", kinds)}
        taken = [path for work in works for path in work.paths.values()]
        works.append(ExportWork(_freePaths(folder, names, volumeId, taken), (subject,), classes))
    paths = {kind: folder / exportFormats()[kind].ending.lstrip("_") for kind in _kindsOf("run", kinds)}
    works.append(ExportWork(paths, tuple(subjects.values()), classes, run, includeNames=includeNames))
    return [work for work in works if work.paths]


def writeFilesSteps(work: ExportWork) -> Steps[list[Exported]]:
    """Write all files of one work; raises as the functions in `exports` and `report` do."""
    formats = exportFormats()
    written = []
    for subject in work.subjects:
        # What was reviewed may have been changed while another volume was current, which nobody followed.
        yield from compareSteps(subject.segmentationNode, subject.segmentIds)
    for number, (kind, path) in enumerate(work.paths.items()):
        steps = formats[kind].writeSteps(work, path)
        written.append((yield from _partSteps(steps, number, len(work.paths))))
    return written


def writeAllSteps(works: Sequence[ExportWork]) -> Steps[list[Exported]]:
    """Write the files of several works, one after the other; raises as `writeFilesSteps`."""
    written: list[Exported] = []
    for number, work in enumerate(works):
        written += yield from _partSteps(writeFilesSteps(work), number, len(works))
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
    run = readRecord(record)
    works = worksOfRun(folder, dict(_subjectsOf(record, run)), ClassTable.from_json(record.classes), run)
    written = runToEnd(writeAllSteps(works))
    for exported in written:
        for note in exported.notes:
            _logger.warning("%s: %s", exported.path.name, note)
    return [exported.path for exported in written]


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


def _kindsOf(source: str, wanted: Collection[str] | None) -> list[str]:
    known = [kind for kind, entry in exportFormats().items() if entry.source == source]
    return [kind for kind in known if wanted is None or kind in wanted]


def _partSteps(steps: Steps[T], number: int, total: int) -> Steps[T]:
    """Do some steps as one part of so many; their fractions become those of the whole."""
    try:
        while True:
            fraction = next(steps)
            yield None if fraction is None else (number + fraction) / total
    except StopIteration as end:
        done: T = end.value
        return done
    finally:
        steps.close()


def _freePaths(folder: Path, names: Mapping[str, str], volumeId: str, taken: list[Path]) -> dict[str, Path]:
    """Return kind -> file of a volume; two volumes of one name get their ids in front."""
    # Windows and macOS take "A" and "a" for one file.
    known = {str(path).casefold() for path in taken}
    isTaken = any(str(folder / name).casefold() in known for name in names.values())
    return {kind: folder / (f"{volumeId}_{name}" if isTaken else name) for kind, name in names.items()}
