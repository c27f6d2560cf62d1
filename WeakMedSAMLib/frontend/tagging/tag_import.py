"""Tags of a file merged into the tags of the scene."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.tags import UNTAGGED, CohortTags, VolumeTags
from WeakMedSAMLib.frontend.tagging.class_edits import newClass
from WeakMedSAMLib.frontend.tagging.tag_keys import shortcutProblem
from WeakMedSAMLib.frontend.tagging.tag_volumes import clashes, copyOf, isTagged, keyOf

SceneVolume = tuple[str, str, Mapping[str, int]]


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
    volumes: dict[str, tuple[VolumeTags | None, VolumeTags | None]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


def mergeTags(scene: CohortTags, imported: CohortTags, volumes: Iterable[SceneVolume]) -> Merged:
    """Merge tags of a file into those of a scene, without changing either.

    Where both have a tag, the file's one is taken, and the messages say how many there were. Tags of volumes that are
    not in the scene are kept, and are there when the volume is loaded.

    Parameters
    ----------
    scene, imported : CohortTags
        What there is, and what comes.
    volumes : iterable of (name, sha256, {axis: number of slices})
        The volumes of the scene.
    """
    merged = Merged(scene.classes)
    _mergeClasses(merged, scene, imported.classes)
    taken: list[VolumeTags] = []
    for name, key, counts in volumes:
        source = _sourceFor(merged, imported, name, key)
        if source is not None:
            taken.append(source)
            _mergeVolume(merged, scene, source, (name, key.lower(), counts))
    for source in imported.volumes:
        if not any(source is other for other in taken):
            _keepForLater(merged, scene, source)
    return merged


def _mergeClasses(merged: Merged, scene: CohortTags, imported: ClassTable) -> None:
    untouched = not any(isTagged(volume) for volume in scene.volumes)
    entries = [] if untouched and len(scene.classes) <= 1 and len(imported) else list(scene.classes)
    for entry in imported:
        if entry.name not in [known.name for known in entries]:
            entries.append(_fitting(merged, ClassTable(entries), entry))
    merged.classes = ClassTable(entries)


def _fitting(merged: Merged, table: ClassTable, entry: SegmentClass) -> SegmentClass:
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


def _sourceFor(merged: Merged, imported: CohortTags, name: str, key: str) -> VolumeTags | None:
    try:
        return imported.volume_for(name, key)
    except UserError as error:
        merged.messages.append(_("'{name}' was left as it is: {reason}").format(name=name, reason=error))
        return None


def _mergeVolume(merged: Merged, scene: CohortTags, source: VolumeTags, target: SceneVolume) -> None:
    name, key, counts = target
    before = next((volume for volume in scene.volumes if volume.sha256 == key), None)
    if before is not None and isTagged(before) and before.axis != source.axis:
        text = _("'{name}' was left as it is: it is tagged along {scene}, the file along {file}.")
        merged.messages.append(text.format(name=name, scene=before.axis.upper(), file=source.axis.upper()))
        return
    try:
        known = copyOf(source, name=name, sha256=key)
        settled = known.settled(counts[source.axis]) if source.axis in counts else known
    except UserError as error:
        merged.messages.append(_("'{name}' was left as it is: {reason}").format(name=name, reason=error))
        return
    pending = [volume for volume in scene.volumes if volume.sha256 is None and clashes(volume, settled)]
    merged.volumes.update({keyOf(volume): (volume, None) for volume in pending})
    after, replaced = _overlaid(before if before is not None and isTagged(before) else None, settled)
    merged.volumes[key] = (before, after)
    merged.messages.append(_takenText(name, source, replaced))


def _takenText(name: str, source: VolumeTags, replaced: int) -> str:
    text = _("'{name}': tags imported.").format(name=name)
    if source.sha256 is None:
        text += " " + _("It was matched by its name alone: make sure that it is the same scan.")
    if replaced:
        text += " " + _("Tags that were replaced: {count}.").format(count=replaced)
    return text


def _overlaid(before: VolumeTags | None, settled: VolumeTags) -> tuple[VolumeTags, int]:
    """Return the tags of a file over those of the scene, and how many of the scene's were replaced."""
    if before is None:
        return settled, 0
    states, replaced = dict(before.states), 0
    for name, state in settled.states.items():
        old = before.state(name)
        replaced += int(np.count_nonzero((old != UNTAGGED) & (state != UNTAGGED) & (old != state)))
        states[name] = np.where(state == UNTAGGED, old, state)
    return copyOf(before, states=states), replaced


def _keepForLater(merged: Merged, scene: CohortTags, source: VolumeTags) -> None:
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
