"""A short report of a run as one HTML file: what was asked, what was found, and how far it can be trusted."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib import __version__
from WeakMedSAMLib.contract.empty_classes import NOT_IN_VOLUME, why_empty
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import write_text
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import STATES
from WeakMedSAMLib.contract.runs import RunFolder
from WeakMedSAMLib.frontend.base.local_time import localTime
from WeakMedSAMLib.frontend.base.steps import Steps, inThread, runToEnd
from WeakMedSAMLib.frontend.results.review_subject import doubtsInWords
from WeakMedSAMLib.frontend.results.run_results import RunResult, StoredResult, confidenceInWords, volumeInWords
from WeakMedSAMLib.frontend.results.segment_layers import layerSteps
from WeakMedSAMLib.frontend.results.segment_tags import CLASS_TAG, isReviewed, segmentIdsOf, tagOf
from WeakMedSAMLib.frontend.results.slice_picture import pngBase64, sliceSteps
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas, voxelMl

_STYLE = """
body { font-family: sans-serif; color: #222; max-width: 50em; margin: 2em auto; line-height: 1.4; }
table { border-collapse: collapse; margin: 0.5em 0 1em; }
th, td { border: 1px solid #bbb; padding: 0.25em 0.7em; text-align: left; }
.note { border: 2px solid #a33; padding: 0.5em 1em; }
img { border: 1px solid #bbb; }
"""


@dataclass(frozen=True)
class ReportVolume:
    """One volume of a report: its node, its masks and its result."""

    volumeNode: Any
    segmentationNode: Any
    result: StoredResult


class _Segment(NamedTuple):
    """A segment, its voxels on the volume (k x j x i), and their number on every slice."""

    node: Any
    mask: np.ndarray
    counts: np.ndarray


def writeReportSteps(
    path: Path | str, run: RunResult, volumes: Iterable[ReportVolume], includeNames: bool = False
) -> Steps[Path]:
    """Write the report of a run, in short pieces.

    Parameters
    ----------
    path : Path
        The HTML file.
    run : RunResult
    volumes : iterable of ReportVolume
        Those with masks in the scene.
    includeNames : bool
        Whether volumes are called by their names, which may be names of patients.

    Raises
    ------
    UserError
        ``cannot_write``, ``segmentation_of_surfaces``.
    """
    parts = [_heading(run)]
    for volume in volumes:
        parts.append((yield from _volumeSteps(volume, run, includeNames)))
        yield None
    parts += [_settings(run), _versions(run.description.versions), _footer()]
    title = html.escape(_("WeakMedSAM report"))
    page = f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>\n'
    page += "<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    # Until it is on the disk may take long.
    yield from inThread(partial(write_text, path, page))
    return Path(path)


def writeReport(path: Path | str, run: RunResult, volumes: Iterable[ReportVolume], includeNames: bool = False) -> Path:
    """Write the report at once; see `writeReportSteps`."""
    return runToEnd(writeReportSteps(path, run, volumes, includeNames))


def _volumeSteps(volume: ReportVolume, run: RunResult, includeNames: bool) -> Steps[str]:
    segments = []
    for segmentId in segmentIdsOf(volume.segmentationNode, run.description.run_id, volume.result.volumeId):
        layers = yield from layerSteps(volume.segmentationNode, volume.volumeNode, {segmentId: 1})
        mask = layers.arrays[0].view(bool)
        counts = yield from _countSteps(mask, volume.result.axis)
        segments.append(_Segment(volume.segmentationNode.GetSegmentation().GetSegment(segmentId), mask, counts))
    name = volume.volumeNode.GetName() if includeNames else _("Volume {id}").format(id=volume.result.volumeId)
    head = (_("Class"), _("Size"), _("Slices with a mask"), _("Confidence"), _("Reviewed"))
    table = _table(head, [_classRow(segment, volume) for segment in segments])
    note = "<br>".join(map(html.escape, doubtsInWords(volume.result))) if volume.result.isLow else ""
    note = f'<p class="note">{note}</p>' if note else ""
    update = yield from _updateSteps(volume.result)
    picture = yield from _pictureSteps(volume, segments)
    return f"{_title(name)}{note}{table}{update}{picture}"


def _countSteps(mask: np.ndarray, axis: str) -> Steps[np.ndarray]:
    """Count the voxels of every slice along an axis."""
    number = 2 - AXES.index(axis)
    counts = np.zeros(mask.shape[number], np.int64)
    for k, plane in enumerate(mask):
        if number == 0:
            counts[k] = np.count_nonzero(plane)
        else:
            counts += np.count_nonzero(plane, axis=2 - number)
        yield None
    return counts


def _classRow(segment: _Segment, volume: ReportVolume) -> list[str]:
    quality = volume.result.classes.get(tagOf(segment.node, CLASS_TAG))
    size = volumeInWords(int(segment.counts.sum()) * voxelMl(volume.volumeNode))
    if not segment.counts.any() and quality is not None and not quality.present_without_mask:
        isSaid = why_empty(quality) == NOT_IN_VOLUME
        size = _("not in this volume, by its tags") if isSaid else _("nothing found")
    return [
        segment.node.GetName(),
        size,
        str(int(np.count_nonzero(segment.counts))),
        confidenceInWords(quality.confidence if quality else None),
        _("yes") if isReviewed(segment.node) else _("not yet"),
    ]


def _updateSteps(result: StoredResult) -> Steps[str]:
    """Say when an update drew the masks, and what a reader had corrected by then; empty if none did."""
    if not result.updated:
        return ""
    text = _("These masks were drawn by an update of {time}, which learned from what a reader had said of slices:")
    told = f"<p>{html.escape(text.format(time=localTime(result.updated)))}</p>\n"
    try:
        cohort = yield from inThread(partial(read_label_file, RunFolder(result.folder.parent.parent).tags))
        labels = cohort.volume_for(result.name, result.sha256)
    except UserError:
        labels = None
    if labels is None:
        gone = _("The run folder does not say any more what that was.")
        return told + f"<p>{html.escape(gone)}</p>\n"
    counts = {name: Counter(each.state for each in slices.values()) for name, slices in PAINTED.said(labels).items()}
    rows = [[name, *(str(counts[name][state]) for state in STATES)] for name in cohort.classes.names if name in counts]
    return told + _table((_("Class"), _("Slices drawn"), _("Slices fine"), _("Slices known in part")), rows)


def _pictureSteps(volume: ReportVolume, segments: Sequence[_Segment]) -> Steps[str]:
    """Draw the slice on which most is masked, as part of a page."""
    if not segments:
        return ""
    index = int(np.argmax(sum(segment.counts for segment in segments)))
    number = 2 - AXES.index(volume.result.axis)
    colored = [(np.take(segment.mask, index, axis=number), _color(segment.node)) for segment in segments]
    picture = yield from sliceSteps(volume.volumeNode, volume.result.axis, index, colored)
    data = pngBase64(picture)
    yield None
    caption = _("{plane}, slice {index} of {count}.")
    plane, count = _planeInWords(volume.volumeNode, volume.result.axis), len(segments[0].counts)
    caption = caption.format(plane=plane, index=index, count=count)
    return f'<p><img alt="{html.escape(caption)}" src="data:image/png;base64,{data}"><br>{html.escape(caption)}</p>'


def _planeInWords(volumeNode: Any, axis: str) -> str:
    """Return the plane that slices along an axis are nearest to."""
    nearest = int(np.argmax(np.abs(ijkToRas(volumeNode)[:3, AXES.index(axis)])))
    return (_("Sagittal"), _("Coronal"), _("Axial"))[nearest]


def _color(segment: Any) -> tuple[int, int, int]:
    red, green, blue = (round(part * 255) for part in segment.GetColor())
    return red, green, blue


def _heading(run: RunResult) -> str:
    title = _("Masks generated from slice tags")
    made = _("Run {id}, {created}.")
    made = made.format(id=run.description.run_id[:12], created=localTime(run.description.created))
    warning = _("For research only. Masks that are not yet reviewed have been checked by nobody.")
    return f"<h1>{html.escape(title)}</h1>\n<p>{html.escape(made)}<br>{html.escape(warning)}</p>"


def _settings(run: RunResult) -> str:
    settings = run.description.settings.to_json()
    # The folder of a model is a path on this computer, and may hold a name.
    settings["model"] = _("yes") if settings.get("model") else _("no")
    rows = [[name, _plain(value)] for name, value in settings.items()]
    return _title(_("Settings")) + _table((_("Setting"), _("Value")), rows)


def _versions(versions: Mapping[str, Any]) -> str:
    own = {"3D Slicer": slicer.app.applicationVersion, "WeakMedSAM": __version__}
    rows = [[name, _plain(value)] for name, value in {**own, **versions}.items()]
    return _title(_("Versions")) + _table((_("Program"), _("Version")), rows)


def _title(text: str) -> str:
    return f"<h2>{html.escape(text)}</h2>\n"


def _footer() -> str:
    text = _(
        "Confidence says how good a mask can be expected to be, by how far several ways to draw it agree; it is not "
        "accuracy."
    )
    return f"<p>{html.escape(text)}</p>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"<tr>{''.join(f'<th>{html.escape(cell)}</th>' for cell in head)}</tr>"]
    lines += [f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows]
    return "<table>\n" + "\n".join(lines) + "\n</table>\n"


def _plain(value: Any) -> str:
    return _("automatic") if value is None else str(value)
