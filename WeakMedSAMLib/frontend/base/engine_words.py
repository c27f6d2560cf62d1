"""What the contract and the engine say, in the language of the window.

Both speak English, for the command line too. Here the most frequent of their errors, warnings and notes have texts that
can be translated, by their codes. Where a language has none, as in English, the words of the engine stay: they say
more.
"""

from __future__ import annotations

import re

from slicer.i18n import tr

from WeakMedSAMLib.contract.errors import UserError

_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")


def _(text: str) -> str:
    """Mark a text for translation; it is translated when it is shown."""
    return text


_EIGHT = _("The number of tagged volumes decides how good the masks get: tag more volumes, 8 or better 30.")
_MEMORY = _("Close other programs, or use fewer or smaller volumes, then run it again.")
_SPACE = _("Make room on this drive, or choose other folders in the section Storage.")
_OTHER = _("Choose another one.")
# Code -> what is wrong, and the way out. {names} stands for what the English message has in quotes (classes, volumes),
# {english} for that message, where it says what no table can know.
TEXTS = {
    "no_classes": (_("There is no class."), _("Add a class, then tag slices.")),
    "no_tags": (_("No slice is tagged."), _("Tag the first to the last slice that show a class.")),
    "class_never_present": (
        _("Present on no slice: {names}."),
        _("Tag a slice that shows it, or remove the class."),
    ),
    "class_never_absent": (
        _("Absent on no slice of all volumes, so that nothing tells it from the rest: {names}."),
        _("Tag slices that do not show it, or a volume without it; 'Tag rest' does it for untagged slices."),
    ),
    "few_present_slices": (_("Present on few slices: {names}."), _("Tag more slices that show it.")),
    "few_absent_slices": (
        _("Absent on few slices: {names}."),
        _("Masks get better with more slices that do not show it."),
    ),
    "classes_overlap": (
        _("Tagged on nearly the same slices: {names}."),
        _("Tags alone cannot tell them apart: merge them, or tag volumes where one appears without the other."),
    ),
    "one_volume": (_("Only one volume is tagged."), _EIGHT),
    "few_volumes": (_("Few volumes are tagged."), _EIGHT),
    "matched_by_name": (
        _("Some tags were matched to volumes by name alone."),
        _("Make sure that they are these very scans."),
    ),
    "tags_unused": (
        _("Some tagged volumes are not part of this run."),
        _("Add them: the more, the better the masks."),
    ),
    "tags_unmet": (
        _("Some volumes have no tags, while tags of other names are unused."),
        _("Check the names in the tag file: they may be the same volumes, written in another way."),
    ),
    "classes_alike": (
        _("Classes of nearly the same name, which are learnt as two: {names}."),
        _("If they are one class, give it one name."),
    ),
    "low_confidence": (
        _("The confidence in some of the masks is low: look at every slice before you use them."),
        "",
    ),
    "duplicate_class": (_("Two classes have the same name: {names}."), _OTHER),
    "duplicate_label_value": (_("Two classes have the same label value: {names}."), _OTHER),
    "duplicate_shortcut": (_("Two classes have the same key: {names}."), _OTHER),
    "bad_name": (_("This name cannot be used: {english}"), _OTHER),
    "gpu_out_of_memory": (_("The memory of the GPU does not suffice."), _("Choose the CPU as device, or try again.")),
    "out_of_memory": (_("There is not enough memory."), _MEMORY),
    "volume_out_of_memory": (_("There is not enough memory for this volume: {english}"), _MEMORY),
    "disk_full": (_("The disk is full: {english}"), _SPACE),
    "cannot_write": (
        _("A file cannot be written: {english}"),
        _("Choose a folder that you may write to and that has free space."),
    ),
    "cache_limit_exceeded": (
        _("This run needs more room than the feature cache may take; a part is removed after it."),
        _("The next run on these volumes takes longer."),
    ),
    "weights_missing": (_("The weights of the network are missing: {english}"), ""),
    "volume_changed": (_("A volume changed after the run was begun."), _("Generate the masks again.")),
}
# How the notes begin that come with masks of low confidence (`engine.quality`); they have no codes.
ADVICE = {
    "Learned from": _("Tag more volumes, eight or more if you can."),
    "Tag slices of this volume": _("Tag slices of this volume on which the class is absent."),
    "Check the slices": _("Check the slices with the lowest confidence, and correct them in the Segment Editor."),
}


def translated(code: str, message: str, hint: str) -> tuple[str, str]:
    """Return a message and its hint in the language of the window, or as they are if it has no texts for the code."""
    sources = TEXTS.get(code, ("", ""))
    texts = tuple(tr(source) if source else "" for source in sources)
    found = [single or double for single, double in _QUOTED.findall(message)]
    if texts == sources or ("{names}" in sources[0] and not found):
        return message, hint
    names = ", ".join(dict.fromkeys(found))
    return texts[0].format(names=names, english=message), texts[1] or adviceInWords(hint)


def errorInWords(error: UserError) -> str:
    """Return an error with its way out, in the language of the window."""
    return " ".join(filter(None, translated(error.code, error.message, error.hint)))


def adviceInWords(advice: str) -> str:
    """Return what would make masks of low confidence better, in the language of the window."""
    source = next((text for start, text in ADVICE.items() if advice.startswith(start)), "")
    text = tr(source) if source else ""
    return advice if text == source else text
