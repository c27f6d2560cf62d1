"""What is under review: a run, one of its volumes, and the masks of that volume in the scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.class_doubts import class_doubts
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.engine_words import adviceInWords, errorInWords
from WeakMedSAMLib.frontend.base.local_time import localTime
from WeakMedSAMLib.frontend.base.panel_parts import elided
from WeakMedSAMLib.frontend.results.run_results import RunResult, StoredResult, readRecord
from WeakMedSAMLib.frontend.results.segment_tags import CLASS_TAG, isReviewed, labelValueOf, segmentIdsOf, tagOf
from WeakMedSAMLib.frontend.results.under_review import UnderReview
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.run_records import RunRecord
from WeakMedSAMLib.frontend.scene.slice_order import isReversedSince

_MOST_LETTERS = 110  # of what is doubted in the banner
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
        # Run and its updates -> what its folders hold.
        self._read: dict[tuple[str, ...], RunResult | UserError] = {}

    def forget(self) -> None:
        """Read run folders again the next time."""
        self._read.clear()

    def runs(self) -> list[RunRecord]:
        """Return the runs of the scene that can be looked at or say why not, the latest first."""
        return UnderReview(self._state).runs

    def runResult(self, record: RunRecord) -> RunResult:
        """Return the results of a run; `UserError` as `readRecord`."""
        key = (record.runId, *record.updates, *record.updates.values())
        if key not in self._read:
            try:
                self._read[key] = readRecord(record)
            except UserError as error:
                self._read[key] = error
        found = self._read[key]
        if isinstance(found, UserError):
            raise found
        return found

    def volumeIds(self, record: RunRecord) -> list[str]:
        """Return the ids of the volumes of a run that have masks in the scene or in the run folder."""
        return sorted({*record.segmentations, *self._resultsOf(record)[0]})

    def results(self, record: RunRecord) -> dict[str, StoredResult]:
        """Return volume id -> result, as far as the run folder is there."""
        return self._resultsOf(record)[0]

    def underReview(self, volumeNode: Any) -> RunRecord | None:
        """Return the run under review where a volume is current, see `UnderReview.run`."""
        return UnderReview(self._state).run(volumeNode)

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
            nothing = _("This run made no masks of this volume.") if record.status == "finished" else record.message
            return self.runResult(record).volumes, nothing
        except UserError as error:
            problem = errorInWords(error)
            return {}, problem if record.status == "finished" else record.message or problem


def volumeIdOf(record: RunRecord, volumeNode: Any) -> str:
    """Return the id that a volume has in a run; empty if it is not part of it."""
    nodeId = volumeNode.GetID() if volumeNode is not None else ""
    return next((each for each, known in record.volumes.items() if known == nodeId), "")


def _countAsHeld(result: StoredResult | None, volumeNode: Any) -> StoredResult | None:
    """Return a result with its slices counted as the volume is now."""
    if result is None or volumeNode is None or not isReversedSince(volumeNode, result.isLeftHanded, result.sha256):
        return result
    return result.turned()


def bannerInWords(result: StoredResult) -> str:
    """Return the warning about a result of low confidence, short enough for a few lines: what is wrong at worst."""
    if result.confidence is None:
        return _("⚠ Nothing is known about how good these masks are: check every slice.")
    text = _("⚠ Low confidence ({percent} %): check every slice.").format(percent=round(result.confidence * 100))
    doubts = class_doubts(result.classes)
    return f"{text} {elided(adviceInWords(doubts[0]), _MOST_LETTERS)}" if doubts else text


def doubtsInWords(result: StoredResult) -> list[str]:
    """Return what is doubted of the classes of a result of low confidence, and what else would help, a line each."""
    said = [*class_doubts(result.classes), *filter(None, [result.advice])]
    return [words for words in map(adviceInWords, said) if words]


def bannerTip(result: StoredResult) -> str:
    """Return what is doubted, what would help, and what confidence is."""
    return "\n".join([*doubtsInWords(result), confidenceTip()])


def confidenceTip() -> str:
    """Return what confidence is."""
    return _(
        "Confidence says how good a mask can be expected to be, by how far several ways to draw it agree; it is not "
        "accuracy."
    )


def progressInWords(subject: ReviewSubject) -> str:
    """Return how far the review of a volume is, in a few words; empty without masks."""
    segments = [segment for each in subject.segmentIds if (segment := subject.segment(each)) is not None]
    if not segments:
        return ""
    text = _("{reviewed} of {count} reviewed")
    words = [text.format(reviewed=sum(isReviewed(segment) for segment in segments), count=len(segments))]
    if subject.result is not None and subject.result.isLow:
        words.append(_("low confidence"))
    return ", ".join(words)


def runInWords(record: RunRecord, isLatest: bool = False) -> str:
    """Return a run in one short line: when, on what, and how it ended unless it went well."""
    words = [localTime(record.created), _volumesInWords(record)]
    if record.status != "finished":
        words.append(_STATUS_WORDS.get(record.status, record.status))
    text = ", ".join(words)
    return _("{run} (latest)").format(run=text) if isLatest else text


def runInFull(record: RunRecord) -> str:
    """Return a run in one line, for a tip: when by the clock of this computer, on what, how it ended."""
    return ", ".join(
        [localTime(record.created), _volumesInWords(record), _STATUS_WORDS.get(record.status, record.status)]
    )


def _volumesInWords(record: RunRecord) -> str:
    count = len(record.volumes)
    return _("1 volume") if count == 1 else _("{count} volumes").format(count=count)
