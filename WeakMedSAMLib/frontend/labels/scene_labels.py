"""The labels of a scene: what was said of which volume, kept in the scene, and followed when that changes."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.labelled_volume import AXES
from WeakMedSAMLib.contract.labels.mrk_json import PlacedVolume
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded, showError
from WeakMedSAMLib.frontend.labels.marks.mark_edits import MarkEdits
from WeakMedSAMLib.frontend.labels.marks.mark_nodes import MarkNodes
from WeakMedSAMLib.frontend.labels.recovery.unsaved_labels import UnsavedLabels
from WeakMedSAMLib.frontend.labels.recovery.unsaved_offer import UnsavedOffer
from WeakMedSAMLib.frontend.labels.session_store import SessionStore, hasTags
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.labels.tag_volumes import keyOf
from WeakMedSAMLib.frontend.labels.volume_keys import VolumeKeys
from WeakMedSAMLib.frontend.labels.volume_problems import VolumeProblems
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.scene_keeper import SceneKeeper
from WeakMedSAMLib.frontend.scene.scene_volumes import ijkToRas

_logger = logging.getLogger(__name__)


class SceneLabels:
    """All that the panels of labels need, for one scene after the other.

    Parameters
    ----------
    keeper : SceneKeeper
        Of the scene.

    Attributes
    ----------
    state : ModuleState
        What is chosen: the volume, the volumes to learn from, the class, the view.
    session : TagSession
        The labels. The same object all the time.
    store : SessionStore
        Brings them into the scene and back.
    keys : VolumeKeys
        Which scan each volume is.
    unsaved : UnsavedLabels
        Keeps them in files meanwhile, in case Slicer crashes.
    offer : UnsavedOffer
        What a crash left behind of those of the current volume.
    marks : MarkEdits
        Points and boxes among the labels.
    markNodes : MarkNodes
        Their nodes in the scene.
    leaving : Callbacks
        Called without arguments before the scene is closed.
    turning : Callbacks
        Called without arguments before the slices of the current volume are counted along another axis.
    problems : VolumeProblems
        Which volumes cannot be used, and why.
    volumeChanged : Callbacks
        Called without arguments if another volume became current, or a volume became ready for tags.
    """

    def __init__(self, keeper: SceneKeeper) -> None:
        self._keeper = keeper
        self.state = keeper.state
        self.session = TagSession()
        self.store = SessionStore(self.session, self.state)
        self.keys = VolumeKeys(self.session, self.state)
        self.unsaved = UnsavedLabels(self.session, self.store)
        self.offer = UnsavedOffer(self.session, self.state, self.keys, lambda: self.unsaved.files.folder)
        self.marks = MarkEdits(self.session)
        self.markNodes = MarkNodes(self.state.scene, self.session, self.marks, self._volumesWithKeys)
        self.volumeChanged, self.leaving, self.turning = Callbacks(), Callbacks(), Callbacks()
        self.problems = VolumeProblems()
        self._lastVolumeId = ""
        self._classNumber = 0
        self.keys.changed.connect(lambda _node: self.volumeChanged())
        self.volumeChanged.connect(self.markNodes.soon)
        self.volumeChanged.connect(self.offer.look)
        for refused in (self.session.refused, self.offer.refused, self.unsaved.failed):
            refused.connect(showError)
        self.unsaved.settled.connect(self.offer.removeTaken)
        self.state.changed.connect(guarded(self._onStateChanged))
        self.session.changed.connect(guarded(self._keepClass))
        keeper.closing.connect(self._leave)
        keeper.closed.connect(self.load)
        keeper.loading.connect(self.store.flush)
        keeper.loaded.connect(self._merge)
        keeper.changed.connect(self._onSceneChanged)

    def cleanup(self) -> None:
        """Write the labels into the scene, keep a copy of them, and follow nothing any more."""
        # At its end Slicer does not close the scene, but lets go of its modules.
        isKept = self._keepCopy()
        self.markNodes.cleanup()
        self.unsaved.cleanup(isKept)
        self.offer.cleanup()
        self.store.cleanup()
        self.keys.cleanup()
        self.volumeChanged.clear()
        self.leaving.clear()
        self.turning.clear()

    def load(self) -> None:
        """Take the labels that the scene holds, and make its volumes ready for more."""
        self.keys.reset()
        try:
            self.store.load()
        except UserError as error:
            showError(error)
        self._watchVolumes()

    def keyOf(self, volumeNode: VolumeNode | None) -> str | None:
        """Return the key of a volume that is ready for tags; None before, and without a volume."""
        return self.keys.keyOf(volumeNode)

    def currentKey(self) -> str | None:
        """Return the key of the current volume, once it is ready for tags."""
        return self.keyOf(self.state.currentVolume)

    def of(self, volumeNode: VolumeNode | None) -> VolumeLabels | None:
        """Return the labels of a volume (not to be changed); None before it is ready for tags, and without one."""
        key = self.keyOf(volumeNode)
        return self.session.volume(key) if key is not None else None

    def ofCurrent(self) -> VolumeLabels | None:
        """Return the labels of the current volume; as `of`."""
        return self.of(self.state.currentVolume)

    def readyVolumes(self) -> dict[str, VolumeNode]:
        """Return key -> node of the current volume and of those to learn from, as far as they are ready for tags."""
        return {key: node for node, key in self._volumesWithKeys()}

    def placedCurrent(self) -> PlacedVolume:
        """Return the labels of the current volume, and where it lies in its own RAS; `UserError` ``no_volume``."""
        labels, node = self.ofCurrent(), self.state.currentVolume
        if labels is None or node is None:
            raise UserError("no_volume", _("There is no volume to tag."), _("Choose one in Volumes."))
        return PlacedVolume(labels, ijkToRas(node))

    def takeForCurrent(self, cohort: CohortLabels) -> list[str]:
        """Take over labels that were read by `placedCurrent`, as one step of undo; see `TagSession.importTags`."""
        labels = self.placedCurrent().labels
        counts = dict(zip(AXES, labels.size or (), strict=False))
        return self.session.importTags(cohort, [(labels.name, keyOf(labels), counts)])

    def _chosenVolumes(self) -> Iterable[VolumeNode]:
        return (node for node in (self.state.currentVolume, *self.state.cohort()) if node is not None)

    def _leave(self) -> None:
        self.leaving()
        self.markNodes.forget()
        self.problems.forget()
        isKept = self._keepCopy()
        self.store.forget()
        self.unsaved.forget(isKept)
        self.offer.forget()

    def _keepCopy(self) -> bool:
        """Keep a copy of the labels, and say whether all of them are somewhere."""
        isKept = self.store.keepCopy(folders.runsFolder()) is not None or not hasTags(self.session.cohort)
        if not isKept and not self.store.isSaved():
            self.offer.leaveTaken()
            return False
        return True

    def _merge(self) -> None:
        try:
            messages = self.store.merge()
        except UserError as error:
            messages = []
            showError(error)
        for message in messages:
            _logger.info("Tags of the loaded scene: %s", message)
        self.markNodes.loaded()
        self.keys.reset()
        self.offer.forget()
        self._watchVolumes()

    def _watchVolumes(self) -> None:
        """Make the current volume and those of the cohort ready for tags, in the background."""
        self.keys.watch(list(self._chosenVolumes()))

    def _onSceneChanged(self) -> None:
        self._noteVolume()
        self.volumeChanged()

    def _onStateChanged(self) -> None:
        if self._keeper.isBusy:
            return
        if self.store.takeOver():
            self.keys.reset()
        self._watchVolumes()
        self._keepClass()
        self.markNodes.soon()
        if self._noteVolume():
            self.volumeChanged()

    def _volumesWithKeys(self) -> list[tuple[VolumeNode, str]]:
        """Return node and key of the current volume and of those to learn from, as far as they are ready for tags."""
        return [(node, key) for node in self._chosenVolumes() if (key := self.keyOf(node)) is not None]

    def _keepClass(self) -> None:
        """Keep the current class one that there is: where it was renamed, removed or never was, that in its place."""
        names, current = self.session.classes.names, self.state.currentClass
        if current in names:
            self._classNumber = names.index(current)
        elif current and names:
            self.state.currentClass = names[min(self._classNumber, len(names) - 1)]

    def _noteVolume(self) -> bool:
        """Remember which volume is current, by its id since its scene may be closed; say whether it is another one."""
        before, node = self._lastVolumeId, self.state.currentVolume
        self._lastVolumeId = node.GetID() if node is not None else ""
        return self._lastVolumeId != before
