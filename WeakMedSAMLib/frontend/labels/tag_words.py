"""Tags in words: what a class has, what is missing, and what a slice shows."""

from __future__ import annotations

from collections.abc import Iterable

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.labelled_volume import NUMBERINGS
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.base.panel_parts import elided
from WeakMedSAMLib.frontend.labels.marks.mark_finding import marksOf

# Signs that differ without colour, and that the font of the slice views has.
TAG_SIGNS = {PRESENT: "+", ABSENT: "-", UNTAGGED: "?"}
# Of a name in a slice view, which may be a quarter of a small window.
_MOST_LETTERS = 20


def tagWord(tag: int) -> str:
    """Return the word for a tag."""
    return {PRESENT: _("present"), ABSENT: _("absent"), UNTAGGED: _("untagged")}[tag]


def rangeInWords(className: str, tag: int, first: int, last: int) -> str:
    """Return the tag of the slices from `first` to `last`, in either order, which may be one slice."""
    first, last = sorted((first, last))
    one, many = _("'{name}' {tag} on slice {first}"), _("'{name}' {tag} on slices {first} to {last}")
    return (one if first == last else many).format(name=className, tag=tagWord(tag), first=first, last=last)


def countsInWords(volume: VolumeLabels | None, className: str) -> str:
    """Return what a class has in a volume, for a tip, such as "Tumour: 46 present, 109 absent; ready".

    Parameters
    ----------
    volume : VolumeLabels or None
        None where no volume is chosen.
    className : str
        The class.
    """
    if volume is None:
        return _("{name}: no volume").format(name=className)
    present, absent, untagged = volume.presence_counts(className)
    if SCAN_TAGS.is_open(volume, className):
        return _("{name}: in this volume, nobody says on which slices; ready").format(name=className)
    if not present and not absent:
        return _("{name}: no slice tagged yet; set the start and the end of a range").format(name=className)
    if SCAN_TAGS.lacks(volume, className) and not present:
        return _("{name}: not in this volume; ready").format(name=className)
    parts = [_("{count} present").format(count=present), _("{count} absent").format(count=absent)]
    if untagged:
        parts.append(_("{count} untagged").format(count=untagged))
    counts = ", ".join(parts)
    return _("{name}: {counts}; {state}").format(name=className, counts=counts, state=_stateInWords(volume, className))


def readyInWords(volume: VolumeLabels | None, classes: ClassTable) -> str:
    """Return how many classes are ready in a volume, such as "2 of 4 classes ready"; empty without a volume."""
    if volume is None or not classes:
        return ""
    ready = sum(isReady(volume, name) for name in classes.names)
    if len(classes) == 1:
        return _("ready") if ready else _("not ready")
    return _("{ready} of {count} classes ready").format(ready=ready, count=len(classes))


def problemsInWords(problems: Iterable[Problem]) -> str:
    """Return what stands in the way of learning, and what would make it better; what has one way out in one line."""
    leads = {"error": _("Still missing: {text}"), "warning": _("Note: {text}")}
    lines: dict[tuple[str, str], list[str]] = {}
    for each in problems:
        message, hint = wordsOf(each)
        lines.setdefault((each.severity, hint), []).append(message)
    return "\n".join(
        leads[severity].format(text=" ".join([*messages, hint])) for (severity, hint), messages in lines.items()
    )


def _stateInWords(volume: VolumeLabels, className: str) -> str:
    """Return whether a class is ready in a volume, or the next thing to do."""
    present, absent, untagged = volume.presence_counts(className)
    if not untagged:
        return _("ready") if present else _("ready: the class is not in this volume")
    if _isMarked(volume, className):
        return _("ready: a box or a point shows it")
    if not present:
        return _("tag slices that show it, or go on to the next volume")
    if not absent:
        return _("tag slices that do not show it, or choose 'Tag the rest as absent'")
    return _("ready: untagged slices are left out")


def isReady(volume: VolumeLabels | None, className: str) -> bool:
    """Say whether the labels of a class need nothing more in this volume: a box or a point alone is enough."""
    if volume is None:
        return False
    present, absent, untagged = volume.presence_counts(className)
    isTagged = bool(absent) and (bool(present) or not untagged)
    return isTagged or _isMarked(volume, className) or SCAN_TAGS.is_open(volume, className)


def _isMarked(volume: VolumeLabels, className: str) -> bool:
    return any(mark.shows for mark in marksOf(volume, className))


def sliceInWords(volume: VolumeLabels | None, className: str, index: int | None) -> str:
    """Return what a slice shows of a class, such as "slice 41: + Tumour present", for the corner of its view.

    Parameters
    ----------
    volume : VolumeLabels or None
        None gives an empty text.
    className : str
        Long ones are shortened; empty without classes.
    index : int or None
        The slice; None gives an empty text.
    """
    if volume is None or index is None:
        return ""
    if not className:
        return _("slice {index}").format(index=index)
    name = elided(className, _MOST_LETTERS)
    if SCAN_TAGS.lacks(volume, className) and tagOf(volume, className, index) == UNTAGGED:
        return _("slice {index}: {name} is not in this volume").format(index=index, name=name)
    tag = tagOf(volume, className, index)
    text = _("slice {index}: {sign} {name} {tag}")
    return text.format(index=index, sign=TAG_SIGNS[tag], name=name, tag=tagWord(tag))


def tipInWords(index: int, className: str, tag: int) -> str:
    """Return the tip over one cell of the tag strip."""
    return _("slice {index}: {name} {tag}").format(index=index, name=className, tag=tagWord(tag))


def unsaidInWords(error: UserError) -> UserError:
    """Return the error ``numbering_unsaid`` of `contract.labels.matching` as the module says it."""
    text = _("The tags of '{name}' do not say from which end its slices are counted.")
    hint = _("Import them while the scan is loaded, and say how they were counted: {readings}")
    readings = readingsInWords(error)
    message = text.format(name=error.values["name"])
    return UserError(error.code, message, hint.format(readings=readings), error.values)


def readingsInWords(error: UserError) -> str:
    """Return what tags mean if they were counted from one end or the other, of the error ``numbering_unsaid``."""
    text = _("as Slicer shows slices, {slicer}; in the order of the file, {file} (in Slicer's numbers).")
    words = {"present": tagWord(PRESENT), "absent": tagWord(ABSENT)}[error.values["tag"]]
    parts = {
        each: ", ".join(f"'{name}' {words} {slices}" for name, slices in error.values[each].items())
        for each in NUMBERINGS
    }
    return text.format(**parts)


def tagOf(volume: VolumeLabels, className: str, index: int) -> int:
    """Return the tag of a slice, without copying those of the others."""
    state = volume.states.get(className)
    return UNTAGGED if state is None or not 0 <= index < len(state) else int(state[index])
