"""What to look at next in the run under review: the most promising proposal that nobody has seen to."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_json
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.marks import Voxel
from WeakMedSAMLib.contract.open_proposals import is_range_right, without_ranges
from WeakMedSAMLib.contract.proposals import Proposal, Said, VolumeState, by_slice, is_settled, propose, said_of
from WeakMedSAMLib.contract.quality import ClassQuality
from WeakMedSAMLib.contract.run_folder import RunFolder
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.results.fine_slices import fineSlices
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject, ReviewSubjects
from WeakMedSAMLib.frontend.results.run_results import StoredResult
from WeakMedSAMLib.frontend.results.teaching import classNow
from WeakMedSAMLib.frontend.scene.run_records import RunRecord

_Boxes = frozenset[tuple[Voxel, ...]]


class ToLookAt(NamedTuple):
    """A proposal, the volume in the scene that it is about, and its class as it is called now."""

    volumeNode: Any
    className: str
    axis: str
    proposal: Proposal


class _ClassNow(NamedTuple):
    """What became of a class in a volume since its masks were drawn; the last are the boxes that the run was told."""

    volumeNode: Any
    className: str
    axis: str
    fine: Collection[int]
    said: Said | None
    boxes: _Boxes

    def isOpen(self, proposal: Proposal) -> bool:
        """Say whether nobody saw to it."""
        isSettled = self.said is not None and is_settled(proposal, self.said, self.boxes)
        return proposal.index not in self.fine and not isSettled


class CohortProposals:
    """Proposals for all volumes of the run under review that have masks in the scene.

    They are ranked once for a run and its updates, and anew when a doubted range was found right: nothing else is
    proposed of its class before. What was corrected, boxed, tagged otherwise or called fine since is passed over as the
    labels and marks are when it is asked.

    Parameters
    ----------
    labels : SceneLabels
    """

    def __init__(self, labels: SceneLabels) -> None:
        self._labels, self._state = labels, labels.state
        self._subjects = ReviewSubjects(labels.state)
        self._statesFor: tuple[str, ...] = ()
        self._states: dict[str, VolumeState] = {}
        self._rankedFor: set[tuple[str, str]] | None = None
        self._ranked: list[Proposal] = []
        # Run folder -> hash of a volume -> class -> the boxes that the run was told.
        self._told: dict[Path, dict[str, dict[str, _Boxes]]] = {}

    def forget(self) -> None:
        """Read run folders again the next time."""
        self._subjects.forget()
        self._statesFor, self._states = (), {}
        self._rankedFor, self._ranked = None, []
        self._told.clear()

    def next(self) -> ToLookAt | None:
        """Return what promises most of all that is open; None if nothing is in doubt, or there are no masks."""
        record = self._subjects.underReview(self._state.currentVolume)
        if record is None:
            return None
        subjectOf = cache(lambda volumeId: self._subjects.subject(self._state.scene, record, volumeId))
        fineOf = cache(lambda volumeId: fineSlices(subjectOf(volumeId)))

        @cache
        def nowOf(volumeId: str, name: str) -> _ClassNow | None:
            return self._now(subjectOf(volumeId), name, fineOf(volumeId).get(name, ()))

        for proposal in self._rankedOf(record, nowOf):
            now = nowOf(proposal.volume, proposal.class_name)
            for one in by_slice(proposal) if now is not None else ():
                if now is not None and now.isOpen(one):
                    return ToLookAt(now.volumeNode, now.className, now.axis, one)
        return None

    def _rankedOf(self, record: RunRecord, nowOf: Callable[[str, str], _ClassNow | None]) -> list[Proposal]:
        key = (record.runId, *record.updates, *record.updates.values(), *record.volumes.values())
        if key != self._statesFor:
            self._statesFor, self._states, self._rankedFor = key, {}, None
            for volumeId in self._subjects.results(record):
                # Slices are counted as the volume in the scene is now.
                result = self._subjects.subject(self._state.scene, record, volumeId).result
                if result is not None:
                    self._states[volumeId] = VolumeState(result.classes, result.advice)
        right = {
            (volumeId, name)
            for volumeId, state in self._states.items()
            for name, quality in state.classes.items()
            if quality.doubted and _isRangeRight(quality, nowOf(volumeId, name))
        }
        if right != self._rankedFor:
            self._rankedFor, self._ranked = (
                right,
                propose(
                    {
                        volumeId: without_ranges(state, {name for each, name in right if each == volumeId})
                        for volumeId, state in self._states.items()
                    }
                ),
            )
        return self._ranked

    def _now(self, subject: ReviewSubject, name: str, fine: Collection[int]) -> _ClassNow | None:
        """Return what became of a class of the run in a volume; None if it is gone, or labels are of other slices."""
        result, node = subject.result, subject.volumeNode
        ids = (each for each in subject.segmentIds if subject.className(each) == name)
        segment = subject.segment(next(ids, ""))
        className = classNow(segment, self._labels.session.classes) if segment is not None else ""
        if result is None or node is None or not className:
            return None
        labels = self._labels.of(node)
        # Labels that were made anew along another axis are of other slices.
        if labels is not None and labels.axis != result.axis:
            return None
        said = said_of(labels, className) if labels is not None else None
        return _ClassNow(node, className, result.axis, fine, said, self._toldBoxes(result).get(name, frozenset()))

    def _toldBoxes(self, result: StoredResult) -> dict[str, _Boxes]:
        """Class -> the boxes that the run had that drew the masks of a volume; none where its file cannot be read."""
        folder = result.folder.parent.parent
        if folder not in self._told:
            self._told[folder] = _boxesIn(RunFolder(folder).tags)
        return self._told[folder].get(result.sha256 or "", {})


def _isRangeRight(quality: ClassQuality, now: _ClassNow | None) -> bool:
    return now is not None and now.said is not None and is_range_right(quality, now.said)


def _boxesIn(file: Path) -> dict[str, dict[str, _Boxes]]:
    """Hash of a volume -> class -> corners of its boxes, of a label file; without the pixels beside it."""
    try:
        data = read_json(file)
    except UserError:
        return {}
    found: dict[str, dict[str, _Boxes]] = {}
    volumes = data.get("volumes") if isinstance(data, dict) else None
    for volume in volumes if isinstance(volumes, list) else ():
        kinds = volume.get("labels") if isinstance(volume, dict) else None
        boxes = kinds.get(BOXES.name) if isinstance(kinds, dict) else None
        for record in boxes if isinstance(boxes, list) else ():
            with suppress(UserError):
                box = BOXES.mark_from_json(record, "the box")
                ofClass = found.setdefault(str(volume.get("sha256") or ""), {})
                ofClass[box.class_name] = ofClass.get(box.class_name, frozenset()) | {box.corners}
    return found
