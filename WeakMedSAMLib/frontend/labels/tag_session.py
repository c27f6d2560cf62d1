"""All tagging of a scene: classes, tags of each volume, undo and redo, files. Neither Qt nor MRML."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.axis_change import along
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json, volume_to_json
from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.labels.class_edits import defaultTable, newClass, withChanged, withClass, withKeys, without
from WeakMedSAMLib.frontend.labels.known_volume import KnownVolume
from WeakMedSAMLib.frontend.labels.tag_history import Step
from WeakMedSAMLib.frontend.labels.tag_import import mergeTags, restored, unsaidNumberings
from WeakMedSAMLib.frontend.labels.tag_store import TagStore
from WeakMedSAMLib.frontend.labels.tag_volumes import copyOf, isTagged, keyOf, removeFromVolume, renameInVolume
from WeakMedSAMLib.frontend.labels.tag_words import rangeInWords, tagOf

InScene: TypeAlias = KnownVolume | tuple[str, str, Mapping[str, int]]


class TagSession(TagStore):
    """The tags of a scene.

    A volume is known by its key, the content hash of its voxels (`contract.identity.content_hash`). Slices are 0-based
    IJK indices along the volume's slice axis. Every edit is one step of undo; making a volume known is none.
    """

    # Classes

    def addClass(
        self,
        name: str | None = None,
        color: tuple[int, int, int] | None = None,
        labelValue: int | None = None,
        terminology: str = "",
        shortcut: str = "",
    ) -> SegmentClass:
        """Add a class; what is not given is chosen free. `UserError` if something is taken or unfit."""
        fields = {"name": name, "color": color, "labelValue": labelValue}
        entry = newClass(self.classes, **fields, terminology=terminology, shortcut=shortcut)
        self._editClasses(_("new class '{name}'").format(name=entry.name), withClass(self.classes, entry))
        return entry

    def renameClass(self, old: str, new: str) -> None:
        """Rename a class with all its tags; `UserError` ``unknown_class``, ``duplicate_class`` or ``bad_name``."""
        table = withChanged(self.classes, old, name=new)
        new = table[self.classes.index(old)].name
        text = _("'{old}' renamed to '{new}'").format(old=old, new=new)
        self._editClasses(text, table, lambda volume: renameInVolume(volume, old, new), (old, new))

    def changeClass(self, name: str, /, **fields: Any) -> None:
        """Change fields of a class as of `class_edits.newClass`; of its `name` see `renameClass`."""
        if "name" in fields:
            self.renameClass(name, fields.pop("name"))
            return
        table = withChanged(self.classes, name, **fields)
        self._editClasses(_("change of class '{name}'").format(name=name), table)

    def removeClass(self, name: str) -> None:
        """Remove a class and its tags; `UserError` ``unknown_class``."""
        table = without(self.classes, name)
        text = _("removal of class '{name}'").format(name=name)
        self._editClasses(text, table, lambda volume: removeFromVolume(volume, name))

    def setClasses(self, table: ClassTable | Iterable[SegmentClass]) -> None:
        """Replace the class table; tags of classes that are not in it any more are removed.

        Classes without a key get a free one.
        """
        table = withKeys(table if isinstance(table, ClassTable) else ClassTable(table))
        gone = [name for name in self.classes.names if name not in table.names]
        self._editClasses(_("new class table"), table, lambda volume: removeFromVolume(volume, *gone))

    def hasTags(self, name: str) -> bool:
        """Say whether any slice of any volume is tagged with the class."""
        return any(isTagged(volume, name) for volume in self._cohort.volumes)

    # Volumes

    def edit(
        self,
        text: str,
        key: str,
        change: Callable[[VolumeLabels], Any],
        beside: Callable[[bool], None] | None = None,
    ) -> None:
        """Change what is said of a volume, in labels of whatever kind, as one step of undo; none if nothing changes.

        Parameters
        ----------
        text : str
            What is done, for the user: "Undo: ...".
        key : str
            The volume.
        change : callable
            Gets a copy of what was said of the volume, to be changed in place.
        beside : callable, optional
            What else was changed already, and goes along with the step: see `tag_history.Step`.

        Raises
        ------
        UserError
            ``unknown_volume``, and what `change` raises; nothing is changed then.
        """
        before = self._require(key)
        after = copyOf(before)
        change(after)
        if after != before or beside is not None:
            self._editVolume(text, before, after, beside)

    def changeAxis(self, key: str, axis: str, nSlices: int) -> None:
        """Count the slices of a volume along another axis; slice tags are dropped, which can be undone.

        What was said of voxels stays, see `axis_change.along`.
        """
        before = self._require(key)
        if before.axis != axis:
            text = _("other slice direction for '{name}'").format(name=before.name)
            isSettled = before.size is not None
            after = along(before, axis) if isSettled else VolumeLabels(before.name, before.sha256, axis, nSlices)
            self._editVolume(text, before, after)

    # Tags

    def tag(self, key: str, className: str, index: int) -> int:
        """Return the tag of a slice: `PRESENT`, `ABSENT` or `UNTAGGED`."""
        return tagOf(self._require(key), className, index)

    def setTag(self, key: str, className: str, index: int, tag: int) -> None:
        """Tag a slice; `UserError` ``slice_out_of_range`` or ``unknown_class``."""
        text = rangeInWords(className, tag, index, index)
        self._editTags(text, key, className, lambda volume: volume.set(className, index, tag))

    def toggle(self, key: str, className: str, index: int) -> None:
        """Make a slice present, or untagged if it is present."""
        present = self.tag(key, className, index) == PRESENT
        self.setTag(key, className, index, UNTAGGED if present else PRESENT)

    def setAbsent(self, key: str, className: str, index: int) -> None:
        """Make a slice absent, or untagged if it is absent."""
        absent = self.tag(key, className, index) == ABSENT
        self.setTag(key, className, index, UNTAGGED if absent else ABSENT)

    def tagRange(self, key: str, className: str, first: int, last: int, restIsAbsent: bool = True) -> None:
        """Tag the slices from `first` to `last` (both inclusive, in either order) present.

        With `restIsAbsent` every other slice that is still untagged becomes absent.
        """
        first, last = sorted((first, last))
        text = rangeInWords(className, PRESENT, first, last)
        self._editTags(text, key, className, lambda volume: volume.tag_range(className, first, last, restIsAbsent))

    def setRange(self, key: str, className: str, first: int, last: int, tag: int) -> None:
        """Give the slices from `first` to `last` (both inclusive, in either order) a tag, whatever they had."""
        first, last = sorted((first, last))
        text = rangeInWords(className, tag, first, last)
        self._editTags(text, key, className, lambda volume: volume.set_range(className, first, last, tag))

    def restAbsent(self, key: str, className: str) -> None:
        """Make every slice absent that is still untagged."""
        text = _("rest absent for '{name}'").format(name=className)
        self._editTags(text, key, className, lambda volume: volume.set_rest_absent(className))

    def isInVolume(self, key: str, className: str) -> bool | None:
        """Whether a volume was said to show a class at all, or not to; None where nobody said."""
        return SCAN_TAGS.shows(self._require(key)).get(className)

    def setInVolume(self, key: str, className: str, shows: bool | None) -> None:
        """Say that a volume shows a class on some slices, or on none; None takes back what was said.

        Raises
        ------
        UserError
            ``unknown_class``; ``class_is_tagged`` if a label says that a slice shows what is said to be on none.
        """
        volume = self._require(key)
        shown = np.flatnonzero(volume.presence(className) == PRESENT)
        if shows is False and shown.size:
            message = _("Slice {index} of '{name}' shows '{class}'.")
            values = {"index": int(shown[0]), "name": volume.name, "class": className}
            hint = _("First take back what shows it: 'Clear the class in this volume', its boxes and points.")
            raise UserError("class_is_tagged", message.format(**values), hint, values)
        texts = {
            True: _("'{name}' is in this volume"),
            False: _("'{name}' is not in this volume"),
            None: _("whether '{name}' is in this volume"),
        }
        said = {name: each for name, each in SCAN_TAGS.shows(volume).items() if name != className}
        after = said if shows is None else {**said, className: shows}
        text = texts[shows].format(name=className)
        self._editTags(text, key, className, lambda labels: SCAN_TAGS.put(labels, after))

    def clearTags(self, key: str, className: str) -> None:
        """Make every slice untagged."""
        text = _("clearing of '{name}'").format(name=className)
        self._editTags(text, key, className, lambda volume: volume.states.pop(className, None))

    def nextUntagged(self, key: str, index: int, className: str | None = None, step: int = 1) -> int | None:
        """Return the next untagged slice, going on at the other end; None if every slice is tagged.

        Parameters
        ----------
        key : str
            The volume.
        index : int
            Where to start from; it comes last.
        className : str, optional
            Untagged for this class; without it for any class.
        step : int
            1 for upwards, -1 for downwards.
        """
        volume = self._require(key)
        names = [className] if className is not None else self.classes.names
        untagged = [np.flatnonzero(volume.state(name) == UNTAGGED) for name in names]
        found = np.unique(np.concatenate(untagged)) if untagged else np.zeros(0, int)
        distance = ((found - index) * step - 1) % (volume.n_slices or 1)
        return int(found[distance.argmin()]) if found.size else None

    # Files

    def importTags(
        self, cohort: CohortLabels, volumes: Iterable[InScene] = (), unsaid: Numbering | None = None
    ) -> list[str]:
        """Take over tags from a file, as one step of undo.

        Parameters
        ----------
        cohort : CohortLabels
            What `contract.labels.label_files.read_label_file` returns.
        volumes : iterable of (name, sha256, {axis: number of slices})
            The volumes of the scene.
        unsaid : {"slicer", "file"}, optional
            How slices are counted by tags that do not say it and carry no hash: as Slicer's Data Probe shows the loaded
            file, or in the file's own order. Without it such tags are left out where it makes a difference.

        Returns
        -------
        list of str
            What was taken, what was not, and why; for the user.
        """
        merged = mergeTags(self._cohort, cohort, [self._heldVolume(each) for each in volumes], unsaid)
        step = Step(_("import of tags"), volumes=merged.volumes)
        step.classes = None if merged.classes == self.classes else (self.classes, merged.classes)
        self._do(step)
        return merged.messages

    def restore(self, key: str, kept: CohortLabels, beside: Callable[[bool], None] | None = None) -> list[str]:
        """Put kept labels of a volume in place of those that it has, as one step of undo; `beside` as of `edit`.

        Returns
        -------
        list of str
            What became of classes whose label value is taken, for the user.

        Raises
        ------
        UserError
            ``unknown_volume``, and what `tag_import.restored` raises; nothing is changed then.
        """
        merged = restored(self._cohort, kept, self._volumeOf(key))
        step = Step(_("restoring of labels that were not saved"), volumes=merged.volumes, beside=beside)
        step.classes = None if merged.classes == self.classes else (self.classes, merged.classes)
        self._do(step)
        return merged.messages

    def wouldRestore(self, key: str, kept: CohortLabels) -> VolumeLabels | None:
        """Return the labels that `restore` would give a volume; None if it has them. Raises what `restore` does."""
        before, after = restored(self._cohort, kept, self._volumeOf(key)).volumes[key]
        return None if after == before else after

    def unsaidNumberings(self, cohort: CohortLabels, volumes: Iterable[InScene]) -> list[UserError]:
        """Return for which volumes `importTags` needs `unsaid`, as the errors that say what either answer means."""
        return unsaidNumberings(cohort, [self._heldVolume(each) for each in volumes])

    def exportCohort(self, keys: Iterable[str] | None = None) -> CohortLabels:
        """Return the tags of some volumes, or of all, as a copy that counts slices as the scene does.

        Raises
        ------
        UserError
            ``unknown_volume``.
        """
        chosen = self._cohort.volumes if keys is None else [self._require(key) for key in keys]
        return CohortLabels(self.classes, [copyOf(volume, numbering=self._numberingOf(volume)) for volume in chosen])

    def cohortForFile(self) -> CohortLabels:
        """Return all tags as a copy for a file: slices are counted as Slicer shows a volume that is saved and loaded.

        Tags of a left-handed volume, which Slicer reverses then, are turned round, and carry the hash of that order.
        """
        cohort = self.exportCohort()
        hashes = {volume.sha256 for volume in cohort.volumes}
        return CohortLabels(self.classes, [self._asLoaded(volume, hashes) for volume in cohort.volumes])

    def toJson(self) -> str:
        """Return everything as text, as tag files have it.

        It is asked for after each change, which is of one volume: the text of the others is kept.
        """
        kept = {id(volume): (volume, text) for volume, text in self._texts}
        known = [kept.get(id(volume), (volume, "")) for volume in self._cohort.volumes]
        self._texts = [(volume, text or _inJson(volume_to_json(volume))) for volume, text in known]
        head = _inJson(labels_to_json(CohortLabels(self.classes)))
        return head.removesuffix("]}") + ", ".join(text for _volume, text in self._texts) + "]}"

    def fromJson(self, text: str) -> None:
        """Replace everything by what `toJson` gave, without undo; an empty text is a scene that nobody has touched.

        Raises
        ------
        UserError
            ``bad_tags`` and what `contract.labels.label_json.labels_from_json` raises; nothing is changed then.
        """
        self._replaceAll(cohortFromJson(text))

    def problems(self, keys: Iterable[str]) -> list[Problem]:
        """List what is wrong with the tags of these volumes, errors first; volumes that are not known count nothing."""
        known = [key for key in keys if self.volume(key) is not None]
        return check(CohortLabels(self.classes, [self._require(key) for key in known]))

    def _volumeOf(self, key: str) -> KnownVolume:
        name = self._require(key).name
        return self._inScene.get(key) or KnownVolume(name, key, {})

    def _numberingOf(self, volume: VolumeLabels) -> Numbering | None:
        """How the tags of a volume count, as the volume is now; as they say themselves if it is not in the scene."""
        held = self._inScene.get(keyOf(volume))
        own = held.facts.numbering() if held is not None and held.facts is not None else None
        return volume.numbering or own

    def _asLoaded(self, volume: VolumeLabels, hashes: Collection[str | None]) -> VolumeLabels:
        held = self._inScene.get(keyOf(volume))
        if held is None or held.facts is None or volume.numbering != "file" or volume.n_slices is None:
            return volume
        key = held.facts.reversedKey()
        # Two entries with one hash cannot be; where the other order is in the scene too, each keeps its own.
        if key is None or key in hashes:
            return volume
        try:
            return copyOf(volume.turned(), sha256=key, numbering="slicer")
        except UserError:
            # Labels of a kind that is not known stay as they are; the file says how all labels of the volume count.
            return volume

    # How edits become steps

    def _editTags(self, text: str, key: str, className: str, change: Callable[[VolumeLabels], Any]) -> None:
        self.classes.index(className)
        self.edit(text, key, change)

    def _editVolume(
        self, text: str, before: VolumeLabels, after: VolumeLabels, beside: Callable[[bool], None] | None = None
    ) -> None:
        self._do(Step(text, volumes={keyOf(before): (before, after)}, beside=beside))

    def _editClasses(
        self,
        text: str,
        table: ClassTable,
        change: Callable[[VolumeLabels], VolumeLabels] | None = None,
        renamed: tuple[str, str] | None = None,
    ) -> None:
        step = Step(text, classes=None if table == self.classes else (self.classes, table), renamed=renamed)
        for before in self._cohort.volumes:
            after = change(before) if change is not None else before
            if after is not before:
                step.volumes[keyOf(before)] = (before, after)
        self._do(step)


def _inJson(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False)


def cohortFromJson(text: str) -> CohortLabels:
    """Return what `TagSession.toJson` gave; `UserError` as `TagSession.fromJson`."""
    if not text.strip():
        return CohortLabels(defaultTable())
    try:
        data = json.loads(text)
    except ValueError:
        hint = _("Import the tags from a file, if you exported them.")
        raise UserError("bad_tags", _("The tags kept in the scene cannot be read."), hint) from None
    return labels_from_json(data)
