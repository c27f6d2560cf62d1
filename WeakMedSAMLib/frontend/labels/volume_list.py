"""The volumes of a scene with what is known about each, for the list of volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged
from WeakMedSAMLib.frontend.labels.tag_words import isReady
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode

# One a class, told apart without colour: its tags need nothing more, are begun, are not there.
READY, BEGUN, NONE = "●", "◐", "○"
_MOST_SIGNS = 12


@dataclass(frozen=True)
class LabelWords:
    """What the labels of a volume say, as its row shows it.

    Attributes
    ----------
    signs : str
        One a class, in their order.
    counts : str
        How many slices have which tag, one line a class.
    state : str
        Ready, or how far it is.
    isTagged, isReady : bool
    """

    signs: str = ""
    counts: str = ""
    state: str = ""
    isTagged: bool = False
    isReady: bool = False


class ReviewWords(NamedTuple):
    """How far the review of the masks of a volume is, in a word, and more of it for a tip."""

    word: str
    tip: str


class Reviews(Protocol):
    """Knows how far the review of each volume is.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when there may be something else to say.
    """

    changed: Callbacks

    def words(self) -> Mapping[str, ReviewWords]:
        """Return id of the node -> words, of the volumes that have masks."""


@dataclass(frozen=True)
class VolumeRow:
    """One volume of the scene.

    Attributes
    ----------
    nodeId, name : str
    words : LabelWords
    problem : str
        Why it cannot be learned from; empty if it can.
    isChecked, isCurrent : bool
        Whether it is learned from; whether it is the one that is tagged.
    review : ReviewWords or None
        None without masks.
    """

    nodeId: str
    name: str
    words: LabelWords
    problem: str
    isChecked: bool
    isCurrent: bool
    review: ReviewWords | None = None


def shownVolumes(scene: Any) -> list[VolumeNode]:
    """Return the volumes of a scene that are shown to users, in the order of the scene."""
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode", scene)
    return [node for node in nodes if not node.GetHideFromEditors() and not node.IsA("vtkMRMLLabelMapVolumeNode")]


class VolumeList:
    """Makes the rows; remembers what takes long to find out: how many tags each class has.

    Parameters
    ----------
    labels : SceneLabels
    reviews : Reviews, optional
    """

    def __init__(self, labels: SceneLabels, reviews: Reviews | None = None) -> None:
        self._labels, self._reviews = labels, reviews
        self._classes = ClassTable()
        # Node id -> labels and what they say. Labels are never changed in place: an edit puts others there.
        self._words: dict[str, tuple[VolumeLabels, LabelWords]] = {}

    def rows(self, scene: Any) -> list[VolumeRow]:
        """Return the volumes of a scene that are shown to users, in the order of the scene."""
        classes = self._labels.session.classes
        if classes != self._classes:
            self._classes = classes
            self._words.clear()
        current = self._labels.state.currentVolume
        reviews = self._reviews.words() if self._reviews is not None else {}
        rows = [self._row(node, node is current, reviews.get(node.GetID())) for node in shownVolumes(scene)]
        self._words = {row.nodeId: self._words[row.nodeId] for row in rows if row.nodeId in self._words}
        return rows

    def _row(self, node: VolumeNode, isCurrent: bool, review: ReviewWords | None) -> VolumeRow:
        problem = self._labels.problems.of(node)
        isChecked = self._labels.state.isInCohort(node)
        tags = None if problem else self._labels.of(node)
        if problem:
            words = LabelWords(state=_("⚠ unusable"))
        elif tags is not None:
            words = self._wordsOf(node.GetID(), tags)
        elif isChecked or isCurrent:
            words = LabelWords(state=_("reading ..."))
        else:
            words = LabelWords(counts=_("It is read once it is in use, or chosen."))
        return VolumeRow(node.GetID(), node.GetName() or "", words, problem, isChecked, isCurrent, review)

    def _wordsOf(self, nodeId: str, tags: VolumeLabels) -> LabelWords:
        known = self._words.get(nodeId)
        if known is None or known[0] is not tags:
            known = self._words[nodeId] = (tags, labelWords(tags, self._classes))
        return known[1]


def labelWords(volume: VolumeLabels, classes: ClassTable) -> LabelWords:
    """Return what the labels of a volume say of the classes."""
    signs = [_signOf(volume, name) for name in classes.names]
    lines = [_countsOf(volume, name, sign) for name, sign in zip(classes.names, signs, strict=True)]
    isAny, ready = isTagged(volume), signs.count(READY)
    isAll = isAny and ready == len(signs) > 0
    return LabelWords(_shortened(signs), "\n".join(lines), _stateOf(isAny, ready, len(signs)), isAny, isAll)


def _stateOf(isTagged: bool, ready: int, count: int) -> str:
    if not count:
        return _("no class")
    if not isTagged:
        return _("no tags")
    if not ready:
        return _("begun")
    return _("✓ ready") if ready == count else _("{ready} of {count} ready").format(ready=ready, count=count)


def _signOf(volume: VolumeLabels, name: str) -> str:
    if isReady(volume, name):
        return READY
    return BEGUN if isTagged(volume, name) else NONE


def _countsOf(volume: VolumeLabels, name: str, sign: str) -> str:
    present, absent, untagged = volume.presence_counts(name)
    if not present and not absent:
        return _("{sign} {name}: no tags").format(sign=sign, name=name)
    text = _("{sign} {name}: {present} present, {absent} absent").format(
        sign=sign, name=name, present=present, absent=absent
    )
    return text + (_(", {count} untagged").format(count=untagged) if untagged else "")


def _shortened(signs: list[str]) -> str:
    """Return the signs in one word that leaves room for the name of the volume; the tooltip has all of them."""
    return "".join(signs) if len(signs) <= _MOST_SIGNS else "".join(signs[: _MOST_SIGNS - 1]) + "…"
