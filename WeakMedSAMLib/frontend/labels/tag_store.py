"""What tagging keeps: the tags, the volumes that are known, and the steps that can be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.labels.class_edits import defaultTable
from WeakMedSAMLib.frontend.labels.known_volume import KnownVolume, SceneFacts
from WeakMedSAMLib.frontend.labels.tag_history import History, Step
from WeakMedSAMLib.frontend.labels.tag_volumes import (
    adopt,
    clashes,
    copyOf,
    findPending,
    isTagged,
    keyOf,
    setAside,
    sizeOf,
)
from WeakMedSAMLib.frontend.labels.tag_words import unsaidInWords


class TagStore:
    """The tags of a scene, and how steps of editing go into them; `TagSession` makes the steps.

    Values are never changed in place: an edited volume is a new `VolumeLabels` in the place of the old one, which the
    history keeps.

    Parameters
    ----------
    cohort : CohortLabels, optional
        Tags to begin with; without it one class is ready, and no volume.

    Attributes
    ----------
    changed : Callbacks
        Called after each change with its kind: ``"classes"``, ``"tags"``, ``"volumes"`` or ``"all"``.
    renamed : Callbacks
        Called with former and new name when a class is renamed, also by undo and redo, before `changed`.
    refused : Callbacks
        Called with the `UserError` that says why tags that are kept were not taken when their volume came.
    """

    def __init__(self, cohort: CohortLabels | None = None) -> None:
        self._cohort = cohort if cohort is not None else CohortLabels(defaultTable())
        self._history = History(self._apply)
        self._inScene: dict[str, KnownVolume] = {}
        # Volumes and what `TagSession.toJson` made of each last.
        self._texts: list[tuple[VolumeLabels, str]] = []
        self.changed = Callbacks()
        self.renamed = Callbacks()
        self.refused = Callbacks()

    @property
    def cohort(self) -> CohortLabels:
        """Everything, live; not to be changed from outside."""
        return self._cohort

    @property
    def classes(self) -> ClassTable:
        """The class table."""
        return self._cohort.classes

    def volume(self, key: str) -> VolumeLabels | None:
        """Return the tags of a volume as they are now (not to be changed), or None if it is not known."""
        return next((volume for volume in self._cohort.volumes if keyOf(volume) == key), None)

    def ensureVolume(
        self,
        name: str,
        sha256: str,
        axis: str,
        nSlices: int | Mapping[str, int],
        facts: SceneFacts | None = None,
    ) -> str:
        """Make a volume known and return its key.

        Tags that are there already are kept, along the axis they were made on; a volume without tags takes `axis`. Tags
        of the same voxels with the slices in reversed order are taken over, turned round; an entry without a hash, from
        a file, by name if it fits.

        Parameters
        ----------
        name : str
            As in the scene.
        sha256 : str
            Content hash of the voxels.
        axis : str
            ``"i"``, ``"j"`` or ``"k"``.
        nSlices : int or mapping
            Slices along `axis`, or for each axis, with which tags of a file along another axis can be taken over.
        facts : SceneFacts, optional
            What the scene can tell of the volume; as at the last call if left out.
        """
        counts = {axis: int(nSlices)} if isinstance(nSlices, (int, np.integer)) else dict(nSlices)
        held = self._heldVolume(KnownVolume(name, sha256, counts, facts))
        key = held.sha256
        self._inScene[key] = held
        known = self._knownFor(held)
        entry = self._adopt(known, held, axis)
        if entry is not None and known is not None and (entry, entry.size) == (known, known.size):
            return key
        if known is not None and (known.sha256 != key or known.numbering is not None):
            # The steps of the history speak of it by another key, or count its slices otherwise.
            self._history.clear()
        self._enter(
            known if entry is not None else None,
            entry or VolumeLabels(name, key, axis, counts[axis], size=sizeOf(counts)),
        )
        self.changed("volumes")
        return key

    def mayBeReversed(self, key: str, counts: Mapping[str, int]) -> bool:
        """Say whether tags are waiting that may be of this volume with its slices in reversed order.

        Only then it is worth to compute the hash of that, see `SceneFacts.reversedKey`.
        """
        known = self.volume(key)
        return (known is None or not isTagged(known)) and bool(self._waitingFor(counts))

    def undo(self, key: str | None = None) -> str:
        """Take back the last edit, or the last that concerns a volume; returns what it was, empty if there was none.

        Classes concern every volume.

        Raises
        ------
        UserError
            ``done_elsewhere`` if what was done to other volumes since has to be taken back first.
        """
        problem = self.undoProblem(key)
        if problem is not None:
            raise problem
        return self._tell(self._history.undo(key))

    def redo(self, key: str | None = None) -> str:
        """Do again what was undone, as of `undo`; returns what it was, empty if there was nothing.

        Raises
        ------
        UserError
            ``undone_elsewhere`` if what was taken back of other volumes since has to be done again first.
        """
        problem = self.redoProblem(key)
        if problem is not None:
            raise problem
        return self._tell(self._history.redo(key))

    def lastStep(self, key: str | None = None) -> Step | None:
        """Return the edit that `undo` takes back, not to be changed; None if there is none."""
        return self._history.last(key)

    def nextStep(self, key: str | None = None) -> Step | None:
        """Return the edit that `redo` does again, not to be changed; None if there is none."""
        return self._history.next(key)

    def undoProblem(self, key: str | None = None) -> UserError | None:
        """Why `undo` cannot take back its edit yet; None if it can, or if there is none."""
        values = self._heldValues(self._history.last(key), self._history.undoHeldBy(key))
        text = _("'{text}' concerns other volumes, too, in which something was done since: {names}.")
        hint = _("Go there (load it again if it was removed), and take that back first.")
        return UserError("done_elsewhere", text.format(**values), hint, values) if values else None

    def redoProblem(self, key: str | None = None) -> UserError | None:
        """Why `redo` cannot do its edit again yet; None if it can, or if there is none."""
        values = self._heldValues(self._history.next(key), self._history.redoHeldBy(key))
        text = _("'{text}' concerns other volumes, too, in which something was taken back since: {names}.")
        hint = _("Go there (load it again if it was removed), and do that again first.")
        return UserError("undone_elsewhere", text.format(**values), hint, values) if values else None

    def _heldValues(self, step: Step | None, held: Iterable[str]) -> dict[str, str]:
        """Return the words of a step, and the names of volumes by which it is held; nothing where none does."""
        names = [volume.name if (volume := self.volume(key)) is not None else key[:8] for key in held]
        return {"text": step.text, "names": ", ".join(names)} if step is not None and names else {}

    @property
    def canUndo(self) -> bool:
        """Whether there is an edit to take back."""
        return self.undoText != ""

    @property
    def canRedo(self) -> bool:
        """Whether there is an edit to do again."""
        return self.redoText != ""

    @property
    def undoText(self) -> str:
        """The edit that `undo` takes back, in words; empty if there is none."""
        return _textOf(self._history.last())

    @property
    def redoText(self) -> str:
        """The edit that `redo` does again, in words; empty if there is none."""
        return _textOf(self._history.next())

    def dropUndone(self) -> None:
        """Forget what was undone: it cannot be done again."""
        self._history.dropUndone()

    @property
    def undoSerial(self) -> int:
        """The number of the edit that `undo` takes back, see `tag_history.Step`; 0 if there is none."""
        step = self._history.last()
        return step.serial if step is not None else 0

    def _knownFor(self, held: KnownVolume) -> VolumeLabels | None:
        """Return the entry for a volume: its own, or tags that wait for it."""
        known = self.volume(held.sha256)
        if known is not None and isTagged(known):
            return known
        waiting = (each for each in self._waitingFor(held.counts) if held.order_of(each.sha256 or "") == "reversed")
        return next(waiting, known or findPending(self._cohort.volumes, held.name))

    def _waitingFor(self, counts: Mapping[str, int]) -> list[VolumeLabels]:
        """Return tags with a hash that no volume of the scene has, but one with these numbers of slices may have."""
        waiting = [each for each in self._cohort.volumes if each.sha256 and each.sha256 not in self._inScene]
        return [each for each in waiting if isTagged(each) and each.n_slices in (None, counts.get(each.axis))]

    def _adopt(self, known: VolumeLabels | None, held: KnownVolume, axis: str) -> VolumeLabels | None:
        try:
            return None if known is None else adopt(known, held, axis)
        except UserError as error:
            self.refused(unsaidInWords(error) if error.code == "numbering_unsaid" else error)
            return None

    def _heldVolume(self, volume: KnownVolume | tuple[str, str, Mapping[str, int]]) -> KnownVolume:
        """Return a volume with what the scene told of it when it was made known."""
        held = volume if isinstance(volume, KnownVolume) else KnownVolume(*volume)
        known = self._inScene.get(held.sha256)
        if held.facts is None and known is not None:
            held.facts = known.facts
        return held

    def _replaceAll(self, cohort: CohortLabels) -> None:
        self._cohort = cohort
        self._inScene.clear()
        self._history.clear()
        self.changed("all")

    def _require(self, key: str) -> VolumeLabels:
        volume = self.volume(key)
        if volume is None:
            raise UserError("unknown_volume", _("This volume is not ready for tags."), _("Choose it in Volumes first."))
        return volume

    def _do(self, step: Step) -> None:
        if self._history.do(step):
            self.changed(step.kind)

    def _tell(self, step: Step | None) -> str:
        if step is None:
            return ""
        self.changed(step.kind)
        return step.text

    def _apply(self, step: Step, forward: bool) -> None:
        if step.classes is not None:
            self._cohort.classes = step.classes[forward]
        for key, pair in step.volumes.items():
            current = self.volume(key)
            self._replace(current, self._asNamedNow(pair[forward], current))
        if step.renamed is not None:
            self.renamed(*step.renamed[:: 1 if forward else -1])

    def _asNamedNow(self, wanted: VolumeLabels | None, current: VolumeLabels | None) -> VolumeLabels | None:
        """Return the tags that a step brings back, for a volume that was renamed or loaded meanwhile."""
        if current is None:
            return wanted
        if wanted is None and keyOf(current) in self._inScene:
            return copyOf(current, states={}, rest_is_absent={}, further={})
        if wanted is None or (wanted.name, wanted.size) == (current.name, current.size):
            return wanted
        return copyOf(wanted, name=current.name, size=current.size)

    def _enter(self, old: VolumeLabels | None, new: VolumeLabels) -> None:
        """Put a volume in; what cannot be told apart from it gives way."""
        if old is not None and old.sha256 != new.sha256:
            self._replace(self.volume(keyOf(new)), None)
        self._replace(old, new)
        for other in list(self._cohort.volumes):
            if other is not new and clashes(other, new):
                self._history.clear()
                self._replace(other, setAside(other, self._cohort.volumes))

    def _replace(self, old: VolumeLabels | None, new: VolumeLabels | None) -> None:
        volumes = self._cohort.volumes
        position = next((number for number, volume in enumerate(volumes) if volume is old), len(volumes))
        volumes[position : position + 1] = [] if new is None else [new]


def _textOf(step: Step | None) -> str:
    return step.text if step is not None else ""
