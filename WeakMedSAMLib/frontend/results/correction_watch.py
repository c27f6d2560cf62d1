"""Sees what anybody does to the masks that teach: by content, slice by slice, a moment after the edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps, runToEnd
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.results.correction_edits import Prepared, SliceEdit, withoutOverwritten
from WeakMedSAMLib.frontend.results.planes_put import PlaneChange
from WeakMedSAMLib.frontend.results.review_changes import versionOf
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_tags import isReviewed
from WeakMedSAMLib.frontend.results.slice_digests import (
    SliceDigests,
    digestOf,
    digestsFor,
    digestsOf,
    writeDigests,
)
from WeakMedSAMLib.frontend.results.teaching import Teaching, findTeaching
from WeakMedSAMLib.frontend.results.volume_planes import SegmentPlanes, packedSteps, planesOf, unpacked
from WeakMedSAMLib.frontend.scene.slice_views import shownSlice

_WAIT_MS = 50
# Of a slice that was corrected before anybody noted what the machine drew there.
_UNKNOWN = b"\xff" * 6


@dataclass
class _Held:
    """The slices of a segment as they were seen last."""

    version: tuple[int, int]
    planes: list[bytes]
    digests: SliceDigests


@dataclass(frozen=True)
class _Read:
    """The slices of a segment as they are.

    `digests`: of all where it was not seen before, else of those that changed.
    """

    teaching: Teaching
    className: str
    segmentId: str
    version: tuple[int, int]
    axis: str
    planes: list[bytes]
    shape: tuple[int, ...]
    digests: dict[int, bytes]


@dataclass(frozen=True)
class _Compared:
    """What came of reading segments: what is to be held of each, and what somebody did."""

    read: list[_Read]
    held: dict[str, _Held]
    edits: Prepared
    changes: list[PlaneChange]
    shape: tuple[int, ...]


class CorrectionWatch:
    """Follows the masks of the current volume that teach.

    Parameters
    ----------
    labels : SceneLabels
    history : SegmentHistory
        Knows what the module itself writes.
    onEdited : callable
        Gets edits (`Prepared`) and the same as `PlaneChange`, and the shape of a slice.

    Attributes
    ----------
    teaching : Teaching or None
        The masks.
    problem : UserError or None
        Why corrections of them cannot be seen, such as ``segmentation_of_surfaces``.
    wasReviewed : set of str
        Classes that were reviewed when they were edited, while `onEdited` is called.
    """

    def __init__(
        self,
        labels: SceneLabels,
        history: SegmentHistory,
        onEdited: Callable[[Prepared, list[PlaneChange], tuple[int, ...]], Any],
    ) -> None:
        self._labels, self._history, self._onEdited = labels, history, onEdited
        self.teaching: Teaching | None = None
        self.problem: UserError | None = None
        self.wasReviewed: set[str] = set()
        self._wasLast = True
        self._held: dict[str, _Held] = {}
        self._own: dict[str, tuple[int, int]] = {}
        self._shown: set[int] = set()
        self._isEdited = self._isFollowing = False
        self._seenFor: tuple[Any, ...] = ()
        self._observations: list[tuple[Any, int]] = []
        self._runner: StepRunner | None = None
        self._soon = Coalesced(self._begin, _WAIT_MS)
        history.wrote.connect(self._onWrote)

    def cleanup(self) -> None:
        """Follow nothing and hold nothing of the scene any more."""
        self._history.wrote.disconnect(self._onWrote)
        self.forget()

    def forget(self) -> None:
        """Hold nothing of the scene, until `follow`."""
        self._stop()
        self._release()
        self._seenFor = ()

    def follow(self) -> None:
        """Follow the masks that teach now, which may be others."""
        if self._isFollowing:
            return
        self._isFollowing = True
        try:
            self._follow()
        finally:
            self._isFollowing = False

    def settle(self) -> None:
        """Look now at what was edited and not yet seen."""
        if self._isEdited:
            self._stop()
            while self._take(runToEnd(self._compareSteps())):
                pass

    def planes(self, className: str) -> SegmentPlanes | None:
        """Return the slices of a class as they are now; None where no segment of it teaches, or it cannot be read."""
        teaching, volume = self.teaching, self._volume()
        if teaching is None or volume is None or teaching.segment(className) is None:
            return None
        nodes = (teaching.segmentationNode, teaching.volumeNode)
        try:
            return planesOf(*nodes, teaching.segmentIds[className], volume.axis)
        except UserError:
            return None

    def seen(self, segmentId: str, axis: str) -> Sequence[bytes] | None:
        """Return the slices of a segment as `volume_planes.packed` keeps them; None where they changed since seen."""
        teaching, volume, held = self.teaching, self._volume(), self._held.get(segmentId)
        if teaching is None or volume is None or held is None or volume.axis != axis:
            return None
        segment = teaching.segmentationNode.GetSegmentation().GetSegment(segmentId)
        return held.planes if segment is not None and held.version == versionOf(segment) else None

    def isMachine(self, className: str, index: int) -> bool:
        """Say whether a slice is known to be as the machine drew it."""
        held = self._held.get(self.teaching.segmentIds.get(className, "")) if self.teaching is not None else None
        return held is not None and held.digests.machine[index] == held.digests.seen[index]

    def adopt(self, className: str, indices: Iterable[int]) -> None:
        """Take slices as they are for the machine's."""
        segmentId = self.teaching.segmentIds.get(className, "") if self.teaching is not None else ""
        held = self._held.get(segmentId)
        if held is not None:
            machine = list(held.digests.machine)
            for index in indices:
                machine[index] = held.digests.seen[index]
            self._note(segmentId, replace(held, digests=replace(held.digests, machine=tuple(machine))))

    # Which masks

    def _follow(self) -> None:
        volumeNode, volume = self._labels.state.currentVolume, self._labels.ofCurrent()
        found = None
        if volumeNode is not None and volume is not None:
            found = findTeaching(self._labels.state, self._labels.session.classes, volumeNode)
        seenFor = _nameOf(found, volume)
        if seenFor == self._seenFor:
            self.teaching = found
            return
        if self.teaching is not None and self.teaching.segmentationNode.GetScene() is not None:
            self.settle()
        self._stop()
        isSame = seenFor[:3] == self._seenFor[:3]
        self._release(isSame)
        self._seenFor, self.teaching = seenFor, found
        self._wasLast = found is None or found.wasLast
        if found is not None:
            segmentation = found.segmentationNode.GetSegmentation()
            # Undo of the Segment Editor tells of segments alone.
            functions = {
                segmentation.SourceRepresentationModified: self._onVoxels,
                segmentation.SegmentModified: self._onSegment,
            }
            tags = (segmentation.AddObserver(event, guarded(each)) for event, each in functions.items())
            self._observations = [(segmentation, tag) for tag in tags]
            self._soon()

    def _release(self, isSame: bool = False) -> None:
        for observed, tag in self._observations:
            observed.RemoveObserver(tag)
        self._observations = []
        if not isSame:
            self._held, self._own = {}, {}
        self.teaching, self.problem = None, None
        self._shown, self._isEdited, self.wasReviewed = set(), False, set()

    def _volume(self) -> VolumeLabels | None:
        # Another volume may be current by now than the one whose masks were edited.
        return self._labels.of(self.teaching.volumeNode) if self.teaching is not None else None

    # What happens

    def _onVoxels(self) -> None:
        if self._history.isWriting or self.teaching is None:
            return
        volume = self._volume()
        if volume is not None:
            node = self.teaching.volumeNode
            index = shownSlice(node, volume.axis, self._labels.state.sliceView)
            self._shown |= {index} if index is not None else set()
        segments = {name: self.teaching.segment(name) for name in self.teaching.segmentIds}
        self.wasReviewed |= {name for name, each in segments.items() if each is not None and isReviewed(each)}
        self._isEdited = True
        self._soon()

    def _onSegment(self) -> None:
        if any(segmentId in self._held for segmentId, _version in self._versionsChanged()):
            self._onVoxels()

    def _onWrote(self) -> None:
        changed = dict(self._versionsChanged())
        if changed:
            self._own |= changed
            self._soon()

    def _versionsChanged(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Return segment and version of those that may hold other voxels than were seen."""
        teaching = self.teaching
        for className, segmentId in teaching.segmentIds.items() if teaching is not None else ():
            segment = teaching.segment(className) if teaching is not None else None
            held = self._held.get(segmentId)
            if segment is not None and (held is None or held.version != versionOf(segment)):
                yield segmentId, versionOf(segment)

    # Looking at voxels

    def _begin(self) -> None:
        self._stop()
        if self.teaching is not None:
            self._runner = StepRunner(self._compareSteps(), self._onRead).start()

    def _onRead(self, found: _Compared | None) -> None:
        self._runner = None
        if self._take(found):
            self._soon()

    def _stop(self) -> None:
        self._soon.cancel()
        if self._runner is not None:
            self._runner.cancel()
            self._runner = None

    def _compareSteps(self) -> Steps[_Compared | None]:
        """Read the segments that changed since they were seen, and compare; None if one changes while it is read."""
        volume, found = self._volume(), (yield from self._readSteps())
        if found is None:
            return None
        if volume is None:
            # It is read anew, as after its voxels changed; then all of this is followed again.
            return _Compared([], {}, Prepared([]), [], ())
        held, changes, edits = {}, [], []
        for each in found:
            held[each.segmentId], changed = self._compared(each)
            digests = held[each.segmentId].digests
            for index, before in changed.items():
                edits.append(_editOf(each, index, before, index in self._shown, digests))
                changes.append(PlaneChange(each.segmentId, index, before, each.planes[index]))
                yield None
        prepared = Prepared(withoutOverwritten(edits))
        yield from prepared.steps(volume)
        return _Compared(found, held, prepared, changes, found[0].shape if found else ())

    def _readSteps(self) -> Steps[list[_Read] | None]:
        teaching, volume, found = self.teaching, self._volume(), []
        if teaching is None or volume is None:
            return []
        if any(each.digests.axis != volume.axis for each in self._held.values()):
            # Slices are counted along another axis now, and none of them was seen.
            self._held, self._own = {}, {}
        self.problem = None
        for className, segmentId in teaching.segmentIds.items():
            segment, held = teaching.segment(className), self._held.get(segmentId)
            if segment is None or (held is not None and held.version == versionOf(segment)):
                continue
            version = versionOf(segment)
            try:
                planes = planesOf(teaching.segmentationNode, teaching.volumeNode, segmentId, volume.axis)
            except UserError as error:
                self.problem = error
                continue
            kept, digests = (yield from packedSteps(planes)), {}
            for index, each in enumerate(kept):
                if held is None or each != held.planes[index]:
                    digests[index] = digestOf(each, planes.shape, volume.axis)
                    yield None
            read = _Read(teaching, className, segmentId, version, volume.axis, kept, planes.shape, digests)
            if not self._isNow(read):
                return None
            found.append(read)
        return found

    def _take(self, found: _Compared | None) -> bool:
        """Take note of what was read; says whether it has to be read again."""
        # Qt had its turn since: something may have been written or drawn.
        isNow = found is not None and all(map(self._isNow, found.read))
        if found is None or (found.changes and not isNow):
            return self.teaching is not None
        self._wasLast = True
        for segmentId, held in found.held.items():
            if isNow or self._own.get(segmentId) == held.version:
                self._own.pop(segmentId, None)
            self._note(segmentId, held)
        if isNow:
            self._shown, self._isEdited = set(), False
            if found.changes:
                self._onEdited(found.edits, found.changes, found.shape)
            self.wasReviewed = set()
        return not isNow

    def _isNow(self, read: _Read) -> bool:
        volume, segment = self._volume(), read.teaching.segment(read.className)
        isSameAxis = volume is not None and volume.axis == read.axis
        return isSameAxis and segment is not None and versionOf(segment) == read.version

    def _compared(self, read: _Read) -> tuple[_Held, dict[int, bytes | None]]:
        """Return what is to be held of a segment, and slice -> what it was, of slices that somebody edited."""
        held = self._held.get(read.segmentId)
        own = self._own.get(read.segmentId)
        if held is None:
            return self._firstSeen(read, own == read.version)
        seen = tuple(read.digests.get(at, each) for at, each in enumerate(held.digests.seen))
        digests = replace(held.digests, seen=seen)
        edited = set(read.digests)
        noted = digestsFor(read.teaching.segment(read.className), read.teaching.volumeNode, read.axis)
        if noted is not None and noted.seen == seen:
            # Undo of the Segment Editor brought back what was noted of these voxels.
            digests = noted
        if own is not None:
            # Edited before what the module wrote was seen: what is not in view is taken for written.
            edited = edited & self._shown if own != read.version else set()
            kept = self._painted(read.className) | edited
            machine = tuple(it if at in kept else seen[at] for at, it in enumerate(held.digests.machine))
            digests = replace(digests, machine=machine)
        return _Held(read.version, read.planes, digests), {at: held.planes[at] for at in sorted(edited)}

    def _firstSeen(self, read: _Read, isOwn: bool) -> tuple[_Held, dict[int, bytes | None]]:
        noted = digestsFor(read.teaching.segment(read.className), read.teaching.volumeNode, read.axis)
        painted, now = self._painted(read.className), tuple(read.digests.values())
        if noted is None or isOwn or not self._wasLast:
            known = noted.machine if noted is not None else (_UNKNOWN,) * len(now)
            machine = (known[at] if at in painted else each for at, each in enumerate(now))
            digests = replace(digestsOf(read.axis, read.teaching.volumeNode, machine), seen=now)
            return _Held(read.version, read.planes, digests), {}
        changed: dict[int, bytes | None] = {at: None for at, each in enumerate(now) if each != noted.seen[at]}
        return _Held(read.version, read.planes, replace(noted, seen=now)), changed

    def _painted(self, className: str) -> set[int]:
        volume = self._volume()
        return set(PAINTED.slices(volume, className)) if volume is not None else set()

    def _note(self, segmentId: str, held: _Held) -> None:
        self._held[segmentId] = held
        segment = self.teaching.segmentationNode.GetSegmentation().GetSegment(segmentId) if self.teaching else None
        if segment is not None:
            writeDigests(segment, held.digests)


def _nameOf(teaching: Teaching | None, volume: VolumeLabels | None) -> tuple[Any, ...]:
    """Return what tells masks apart: segmentation, volume and axis, then segments by class."""
    if teaching is None or volume is None:
        return ()
    node = teaching.segmentationNode
    return node, volume.sha256, volume.axis, tuple(sorted(teaching.segmentIds.items())), node.GetSegmentation()


def _editOf(read: _Read, index: int, before: bytes | None, isShown: bool, digests: SliceDigests) -> SliceEdit:
    was = unpacked(before, read.shape) if before is not None else None
    isMachine = digests.seen[index] == digests.machine[index]
    return SliceEdit(read.className, index, was, unpacked(read.planes[index], read.shape), isShown, isMachine)
