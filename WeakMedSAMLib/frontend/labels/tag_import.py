"""Tags of a file merged into the tags of the scene."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels, comparable_name
from WeakMedSAMLib.contract.labels.labelled_volume import Numbering
from WeakMedSAMLib.contract.labels.matching import Matched, find_labels
from WeakMedSAMLib.contract.labels.unmet import find_unmet
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.engine_words import errorInWords, wordsOf
from WeakMedSAMLib.frontend.labels.class_edits import newClass
from WeakMedSAMLib.frontend.labels.known_volume import KnownVolume
from WeakMedSAMLib.frontend.labels.tag_keys import shortcutProblem
from WeakMedSAMLib.frontend.labels.tag_volumes import clashes, copyOf, giveTo, isTagged, keyOf
from WeakMedSAMLib.frontend.labels.tag_words import unsaidInWords


@dataclass
class Merged:
    """What comes out of `mergeTags`.

    Attributes
    ----------
    classes : ClassTable
        The table for the scene.
    volumes : dict
        Key -> tags before and after, of the volumes that change.
    messages : list of str
        What was taken, what was not, and why.
    """

    classes: ClassTable
    volumes: dict[str, tuple[VolumeLabels | None, VolumeLabels | None]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


def mergeTags(
    scene: CohortLabels, imported: CohortLabels, volumes: Iterable[KnownVolume], unsaid: Numbering | None = None
) -> Merged:
    """Merge tags of a file into those of a scene, without changing either.

    Where both have a tag, the file's one is taken, and the messages say how many there were. Tags of volumes that are
    not in the scene are kept, and are there when the volume is loaded. Tags that count slices from the other end than
    the volume does in the scene are turned round.

    Parameters
    ----------
    scene, imported : CohortLabels
        What there is, and what comes.
    volumes : iterable of KnownVolume
        The volumes of the scene.
    unsaid : {"slicer", "file"}, optional
        How slices are counted by tags that do not say it and carry no hash.
    """
    merged = Merged(scene.classes)
    _mergeClasses(merged, scene, imported.classes)
    told: list[VolumeLabels] = []
    lacking: list[KnownVolume] = []
    for held in volumes:
        try:
            found = find_labels(imported, held, held.counts, unsaid)
        except UserError as error:
            told += _refuse(merged, imported, held, error)
            continue
        if found is None:
            lacking.append(held)
            continue
        told.append(found.entry)
        _mergeVolume(merged, scene, found, held)
    unused = [source for source in imported.volumes if not any(source is other for other in told)]
    _tellUnmet(merged, scene, lacking, unused)
    for source in unused:
        asked = source.sha256 is None and source.numbering is None
        _keepForLater(merged, scene, copyOf(source, numbering=unsaid) if asked else source)
    return merged


def restored(scene: CohortLabels, kept: CohortLabels, volume: KnownVolume) -> Merged:
    """Put kept labels in place of those that a scene has of a volume, without changing either.

    Parameters
    ----------
    scene : CohortLabels
    kept : CohortLabels
        With the labels of this volume alone, and the hash of its voxels in either order.
    volume : KnownVolume

    Raises
    ------
    UserError
        What `find_labels` raises; ``bad_tags`` if they are of another volume.
    """
    found = find_labels(kept, volume, volume.counts)
    if found is None:
        raise UserError("bad_tags", "The labels are of another volume.")
    merged = Merged(scene.classes)
    _mergeClasses(merged, scene, kept.classes)
    before = next((each for each in scene.volumes if each.sha256 == volume.sha256), None)
    merged.volumes[volume.sha256] = before, giveTo(volume, found.labels)
    return merged


def unsaidNumberings(imported: CohortLabels, volumes: Iterable[KnownVolume]) -> list[UserError]:
    """Return for which volumes somebody has to say how their tags count slices, with what either answer would mean."""
    errors = []
    for held in volumes:
        try:
            find_labels(imported, held, held.counts)
        except UserError as error:
            errors += [error] if error.code == "numbering_unsaid" else []
    return errors


def _mergeClasses(merged: Merged, scene: CohortLabels, imported: ClassTable) -> None:
    untouched = not any(isTagged(volume) for volume in scene.volumes)
    entries = [] if untouched and len(scene.classes) <= 1 and len(imported) else list(scene.classes)
    for entry in imported:
        if entry.name not in [known.name for known in entries]:
            entries.append(_fitIn(merged, ClassTable(entries), entry))
    merged.classes = ClassTable(entries)


def _fitIn(merged: Merged, table: ClassTable, entry: SegmentClass) -> SegmentClass:
    """Return an imported class with what is taken already chosen anew."""
    keys = {known.shortcut.upper() for known in table if known.shortcut}
    if entry.shortcut and (shortcutProblem(entry.shortcut) or entry.shortcut.upper() in keys):
        entry = replace(entry, shortcut="")
    free = newClass(table, name=entry.name)
    if entry.label_value in table.label_values:
        text = _("The label value {old} of '{name}' is in use already: it became {new}.")
        message = text.format(old=entry.label_value, name=entry.name, new=free.label_value)
        merged.messages.append(message)
        entry = replace(entry, label_value=free.label_value)
    return entry if entry.shortcut else replace(entry, shortcut=free.shortcut)


def _refuse(merged: Merged, imported: CohortLabels, held: KnownVolume, error: UserError) -> list[VolumeLabels]:
    """Say why a volume was left as it is; returns the entries of which there is no more to say."""
    isUnsaid = error.code == "numbering_unsaid"
    reason = errorInWords(unsaidInWords(error) if isUnsaid else error)
    merged.messages.append(_("'{name}' was left as it is: {reason}").format(name=held.name, reason=reason))
    same = comparable_name(held.name)
    return [each for each in imported.volumes if isUnsaid and not each.sha256 and comparable_name(each.name) == same]


def _tellUnmet(
    merged: Merged, scene: CohortLabels, lacking: Sequence[KnownVolume], unused: Sequence[VolumeLabels]
) -> None:
    """Say that volumes have no tags while tags of the file have no volume: they may be the same, named in two ways."""
    tagged = {volume.sha256 for volume in scene.volumes if isTagged(volume)}
    problem = find_unmet([held.name for held in lacking if held.sha256 not in tagged], [each.name for each in unused])
    if problem is not None:
        merged.messages.append(" ".join(wordsOf(problem)))


def _mergeVolume(merged: Merged, scene: CohortLabels, found: Matched, held: KnownVolume) -> None:
    name, key, source = held.name, held.sha256, found.entry
    before = next((volume for volume in scene.volumes if volume.sha256 == key), None)
    if before is not None and isTagged(before) and before.axis != source.axis:
        text = _(
            "'{name}' was left as it is: it is tagged in another slice direction here than in the file. "
            "Clear its tags to take those of the file."
        )
        merged.messages.append(text.format(name=name))
        return
    settled = giveTo(held, found.labels)
    pending = [volume for volume in scene.volumes if volume.sha256 is None and clashes(volume, settled)]
    merged.volumes.update({keyOf(volume): (volume, None) for volume in pending})
    after, replaced = _overlay(before if before is not None and isTagged(before) else None, settled)
    merged.volumes[key] = (before, after)
    merged.messages.append(_takenText(name, source, replaced))


def _takenText(name: str, source: VolumeLabels, replaced: int) -> str:
    text = _("'{name}': tags imported.").format(name=name)
    if source.sha256 is None:
        text += " " + _("It was matched by its name alone: make sure that it is the same scan.")
    if replaced:
        text += " " + _("Tags that were replaced: {count}.").format(count=replaced)
    return text


def _overlay(before: VolumeLabels | None, settled: VolumeLabels) -> tuple[VolumeLabels, int]:
    """Return the tags of a file over those of the scene, and how many of the scene's were replaced."""
    if before is None:
        return settled, 0
    laid, replaced = settled.with_below(before)
    size = before.size or laid.size
    return copyOf(before, states=laid.states, by_rest=laid.by_rest, further=laid.further, size=size), replaced


def _keepForLater(merged: Merged, scene: CohortLabels, source: VolumeLabels) -> None:
    known = [volume for volume in scene.volumes if clashes(volume, source)]
    coming = [after for _before, after in merged.volumes.values() if after is not None and clashes(after, source)]
    if coming or any(volume.sha256 is not None or isTagged(volume) for volume in known):
        text = _("The tags of '{name}' were not imported: the scene has other tags for it. Load the scan, then import.")
        merged.messages.append(text.format(name=source.name))
        return
    merged.volumes.update({keyOf(volume): (volume, None) for volume in known})
    key = keyOf(source)
    merged.volumes[key] = (merged.volumes.get(key, (None, None))[0], copyOf(source))
    text = _("'{name}' is not in the scene: its tags are kept for when it is loaded.")
    merged.messages.append(text.format(name=source.name))
