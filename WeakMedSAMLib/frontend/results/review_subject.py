"""What is under review: a run, one of its volumes, and the masks of that volume in the scene."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.engine_words import adviceInWords, errorInWords
from WeakMedSAMLib.frontend.results.run_results import RunResult, StoredResult, confidenceInWords, readRun
from WeakMedSAMLib.frontend.results.segment_tags import CLASS_TAG, labelValueOf, segmentIdsOf, tagOf
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import UNDER_WAY, RunRecord, folderOf
from WeakMedSAMLib.frontend.scene.slice_order import isReversedSince

_STATUS_WORDS = {
    "preparing": _("being prepared"),
    "running": _("running"),
    "finished": _("finished"),
    "cancelled": _("cancelled"),
    "failed": _("failed"),
}


@dataclass(frozen=True)
class ReviewSubject:
    """One volume of a run, as far as it is there.

    Attributes
    ----------
    record : RunRecord
    volumeId : str
    result : StoredResult or None
        None if the run folder is gone or has no result for the volume.
    volumeNode, segmentationNode : MRML node or None
        None if they are not in the scene.
    segmentIds : list of str
        The segments of this run in that segmentation.
    problem : str
        Why there is no result, for the user; empty if there is one.
    """

    record: RunRecord
    volumeId: str
    result: StoredResult | None
    volumeNode: Any
    segmentationNode: Any
    segmentIds: list[str]
    problem: str

    def segment(self, segmentId: str) -> Any:
        """Return a vtkSegment, or None if it was removed."""
        return self.segmentationNode.GetSegmentation().GetSegment(segmentId) if self.segmentationNode else None

    def inWords(self) -> str:
        """Return the volume in one line: its name and how sure its masks are."""
        name = self.volumeNode.GetName() if self.volumeNode else (self.result.name if self.result else "")
        if self.result is None:
            return name
        words = confidenceInWords(self.result.confidence)
        return f"{'⚠ ' if self.result.isLow else ''}{name} ({words})"

    def className(self, segmentId: str) -> str:
        """Return the name that the class of a segment had in the run."""
        segment = self.segment(segmentId)
        return tagOf(segment, CLASS_TAG) if segment else ""

    def probabilityPath(self, segmentId: str) -> Path | None:
        """Return the file with the probabilities of a segment, or None if there is none."""
        segment = self.segment(segmentId)
        if segment is None or self.result is None:
            return None
        labelValue = labelValueOf(segment)
        return self.result.probabilities.get(labelValue) if labelValue is not None else None


class ReviewSubjects:
    """Finds what is under review; reads each run folder once.

    Parameters
    ----------
    state : ModuleState
        With the runs of the scene.
    """

    def __init__(self, state: ModuleState) -> None:
        self._state = state
        self._read: dict[str, RunResult | UserError] = {}

    def forget(self) -> None:
        """Read run folders again the next time."""
        self._read.clear()

    def runs(self) -> list[RunRecord]:
        """Return the runs of the scene that can be looked at or say why not, the latest first."""
        return [record for record in reversed(self._state.runs()) if record.status not in UNDER_WAY]

    def runResult(self, record: RunRecord) -> RunResult:
        """Return the results of a run; `UserError` as `readRun`."""
        if record.runId not in self._read:
            try:
                self._read[record.runId] = readRun(folderOf(record))
            except UserError as error:
                self._read[record.runId] = error
        found = self._read[record.runId]
        if isinstance(found, UserError):
            raise found
        return found

    def volumeIds(self, record: RunRecord) -> list[str]:
        """Return the ids of the volumes of a run that have masks in the scene or in the run folder."""
        return sorted({*record.segmentations, *self._resultsOf(record)[0]})

    def subject(self, scene: Any, record: RunRecord, volumeId: str) -> ReviewSubject:
        """Return one volume of a run."""
        results, problem = self._resultsOf(record)
        nodes = (record.volumes.get(volumeId), record.segmentations.get(volumeId))
        volumeNode, segmentationNode = (scene.GetNodeByID(nodeId) if nodeId else None for nodeId in nodes)
        ids = segmentIdsOf(segmentationNode, record.runId, volumeId) if segmentationNode else []
        result = _countAsHeld(results.get(volumeId), volumeNode)
        return ReviewSubject(record, volumeId, result, volumeNode, segmentationNode, ids, "" if result else problem)

    def _resultsOf(self, record: RunRecord) -> tuple[dict[str, StoredResult], str]:
        try:
            return self.runResult(record).volumes, record.message
        except UserError as error:
            problem = errorInWords(error)
            return {}, problem if record.status == "finished" else record.message or problem


def _countAsHeld(result: StoredResult | None, volumeNode: Any) -> StoredResult | None:
    """Return a result with its slices counted as the volume is now."""
    if result is None or volumeNode is None or not isReversedSince(volumeNode, result.isLeftHanded, result.sha256):
        return result
    return result.turned()


def bannerInWords(result: StoredResult) -> str:
    """Return the warning about a result of low confidence, with what would help most."""
    if result.confidence is None:
        text = _("⚠ Nothing is known about how good these masks are: check every slice before you use them.")
    else:
        text = _("⚠ Low confidence ({percent} %): check every slice before you use these masks.")
        text = text.format(percent=round(result.confidence * 100))
    return f"{text}\n{adviceInWords(result.advice)}".strip()


def summaryInWords(result: StoredResult) -> str:
    """Return how sure a result is, and what that means."""
    text = _("Confidence: {confidence}. It says how far several ways to draw a mask agree; it is not accuracy.")
    return text.format(confidence=confidenceInWords(result.confidence))


def runInWords(record: RunRecord, isLatest: bool = False) -> str:
    """Return a run in one short line: when, on what, and how it ended unless it went well."""
    words = [whenInWords(record), _volumesInWords(record)]
    if record.status != "finished":
        words.append(_STATUS_WORDS.get(record.status, record.status))
    text = ", ".join(words)
    return _("{run} (latest)").format(run=text) if isLatest else text


def runInFull(record: RunRecord) -> str:
    """Return a run in one line, for a tip: when in UTC, on what, how it ended."""
    when = record.created[:16].replace("T", " ")
    status = _STATUS_WORDS.get(record.status, record.status)
    return _("{when} UTC, {volumes}, {status}").format(when=when, volumes=_volumesInWords(record), status=status)


def whenInWords(record: RunRecord) -> str:
    """Return when a run began, by the clock of this computer."""
    try:
        return f"{datetime.fromisoformat(record.created).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        # Of a scene that somebody else wrote.
        return record.created[:16].replace("T", " ")


def _volumesInWords(record: RunRecord) -> str:
    count = len(record.volumes)
    return _("1 volume") if count == 1 else _("{count} volumes").format(count=count)
