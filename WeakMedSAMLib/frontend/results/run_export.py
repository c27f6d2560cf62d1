"""All files of a run at once, for scripts; the panel exports one by one."""

from __future__ import annotations

import logging
from pathlib import Path

import slicer

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.frontend.results.exports import exportLabelmap, exportSegmentation, proposedNames
from WeakMedSAMLib.frontend.results.report import ReportVolume, writeReport
from WeakMedSAMLib.frontend.results.run_results import readRun
from WeakMedSAMLib.frontend.results.segment_tags import segmentIdsOf
from WeakMedSAMLib.frontend.scene.run_records import RunRecord, folderOf

_logger = logging.getLogger(__name__)
REPORT_NAME = "report.html"


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
        ``<volume>_masks.seg.nrrd`` and ``<volume>_labels.nrrd`` of each volume, then ``report.html``.

    Raises
    ------
    UserError
        ``run_gone`` if the run folder is not there; what exporting raises.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    run = readRun(folderOf(record))
    paths: list[Path] = []
    reported = []
    for volumeId, segmentationId in record.segmentations.items():
        volumeNode = slicer.mrmlScene.GetNodeByID(record.volumes.get(volumeId, ""))
        segmentationNode = slicer.mrmlScene.GetNodeByID(segmentationId)
        if volumeNode is None or segmentationNode is None:
            continue
        # Another run may have put the same classes into the same segmentation.
        ids = segmentIdsOf(segmentationNode, record.runId, volumeId)
        if not ids:
            continue
        names = proposedNames(volumeNode)
        masks, labels = _free(folder, names, volumeId, paths)
        table = ClassTable.from_json(record.classes)
        for exported in (
            exportSegmentation(segmentationNode, masks, volumeNode, runSegmentIds=ids),
            exportLabelmap(segmentationNode, volumeNode, labels, table, ids),
        ):
            paths.append(exported.path)
            for note in exported.notes:
                _logger.warning("%s: %s", exported.path.name, note)
        if volumeId in run.volumes:
            reported.append(ReportVolume(volumeNode, segmentationNode, run.volumes[volumeId]))
    return [*paths, writeReport(folder / REPORT_NAME, run, reported)]


def _free(folder: Path, names: dict[str, str], volumeId: str, taken: list[Path]) -> tuple[Path, Path]:
    """Return the two paths of a volume; two volumes of one name get their ids in front."""
    paths = folder / names["segmentation"], folder / names["labelmap"]
    # Windows and macOS take "A" and "a" for one file.
    known = {str(path).casefold() for path in taken}
    if any(str(path).casefold() in known for path in paths):
        paths = folder / f"{volumeId}_{names['segmentation']}", folder / f"{volumeId}_{names['labelmap']}"
    return paths
