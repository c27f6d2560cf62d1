"""The keys of tagging: one table that the shortcuts are made from and that the panel shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError

CLASS_KEYS = "1234567890"
# The only keys that are heard while something is placed by clicks.
PLACING_ACTIONS = frozenset({"box", "point", "notPoint", "take", "forgetStart"})
# What Slicer's slice views listen to themselves.
SLICER_KEYS = frozenset("BFGRTV[]{}")
_KEY_STYLE = 'width="36%"'


@dataclass(frozen=True)
class KeyEntry:
    """One key of the table.

    Attributes
    ----------
    keys : tuple of str
        Key sequences in Qt's portable notation; each does the same.
    action : str
        Stable name of what it does.
    text : str
        What it does, for the user.
    repeats : bool
        Whether holding the key down repeats the action.
    """

    keys: tuple[str, ...]
    action: str
    text: str
    repeats: bool = False


def fixedKeys() -> list[KeyEntry]:
    """Return the keys that do not depend on the classes."""
    return [
        KeyEntry(("S",), "markStart", _("Start of a range: its first slice")),
        KeyEntry(("E",), "markEnd", _("End of the range: its last slice; the range becomes present")),
        KeyEntry(("Escape",), "forgetStart", _("Forget the start of the range, or leave what is being placed")),
        KeyEntry(("P",), "present", _("Current class: present on this slice, or untagged again")),
        KeyEntry(("A",), "absent", _("Current class: absent on this slice, or untagged again")),
        KeyEntry(("Shift+A",), "notInVolume", _("Current class: not in this volume at all, or no longer said so")),
        KeyEntry(
            ("Shift+P",), "inVolume", _("Current class: in this volume, on whichever slices, or no longer said so")
        ),
        KeyEntry(("X",), "box", _("Draw a box around the current class by clicks, or leave that")),
        KeyEntry(("O",), "point", _("Click on the current class, or leave that")),
        KeyEntry(("Shift+O",), "notPoint", _("Click on what is not the current class, or leave that")),
        KeyEntry(
            ("Return", "Enter"), "take", _("Keep what is being placed, or outlined by a scribble, as it is shown")
        ),
        KeyEntry(("Shift+Return", "Shift+Enter"), "join", _("Join the new box with the one offered, to one in 3-D")),
        KeyEntry(("C",), "nextClass", _("Make the next class the current one")),
        KeyEntry(("N",), "nextUntagged", _("Go to the next untagged slice"), repeats=True),
        KeyEntry(("Shift+N",), "previousUntagged", _("Go to the previous untagged slice"), repeats=True),
        KeyEntry(("Z", "Ctrl+Z"), "undo", _("Undo the last change"), repeats=True),
        KeyEntry(("Y", "Ctrl+Y", "Ctrl+Shift+Z"), "redo", _("Redo what was undone"), repeats=True),
    ]


def correctingKeys() -> list[KeyEntry]:
    """Return the keys of looking and correcting: chords that neither Slicer nor its Segment Editor has."""
    return [
        KeyEntry(("Ctrl+D",), "fineAndNext", _("This slice is fine; go on to the next one to look at")),
        KeyEntry(("Ctrl+N",), "nextToLook", _("Go to the next slice to look at")),
        KeyEntry(("Ctrl+E",), "before", _("While held: the masks as they were before the last update, or generated")),
        KeyEntry(("Ctrl+R",), "right", _("The masks of this slice are right as they are")),
        KeyEntry(("Ctrl+G",), "giveBack", _("Give this slice back to the machine")),
        KeyEntry(("Ctrl+U",), "update", _("Update the other slices by what was corrected")),
    ]


def classKeys(classes: ClassTable) -> list[KeyEntry]:
    """Return two entries for each class that has a key: toggle present, and with Shift toggle absent."""
    entries = []
    for entry in classes:
        if entry.shortcut and shortcutProblem(entry.shortcut) == "":
            key = entry.shortcut.upper()
            present = _("'{name}': present on this slice, or untagged again").format(name=entry.name)
            absent = _("'{name}': absent on this slice, or untagged again").format(name=entry.name)
            entries.append(KeyEntry((key,), f"present:{entry.name}", present))
            entries.append(KeyEntry((f"Shift+{key}",), f"absent:{entry.name}", absent))
    return entries


def keysAsHtml(classes: ClassTable, keyName: Callable[[str], str] = str) -> str:
    """Return the table of all keys for a rich-text label.

    Parameters
    ----------
    classes : ClassTable
    keyName : callable
        Makes what the keyboard says from a key in Qt's portable notation, such as `slice_keys.keyName`.
    """
    keyed = [entry for entry in classes if entry.shortcut]
    lines: list[tuple[tuple[str, ...], str, str]] = [
        ((each.shortcut, f"Shift+{each.shortcut}"), ", ", _classHelp(each.name)) for each in keyed
    ]
    lines += [(entry.keys, _(" or "), entry.text) for entry in [*fixedKeys(), *correctingKeys()]]
    named = [(between.join(map(keyName, keys)), text) for keys, between, text in lines]
    rows = [f"<tr><td {_KEY_STYLE}><b>{escape(keys)}</b></td><td>{escape(text)}</td></tr>" for keys, text in named]
    where = _("These keys work while a slice view has the keyboard (click into it), and in this section.")
    other = _("Slicer's own keys stay as they are: arrows, F and B scroll; R resets the view.")
    return f"<p>{escape(where)}</p><table>{''.join(rows)}</table><p>{escape(other)}</p>"


def _classHelp(name: str) -> str:
    return _("'{name}': present, absent (again: untagged)").format(name=name)


def shortcutProblem(text: str) -> str:
    """Say why a text cannot be the key of a class; empty if it can (or if it is empty: no key)."""
    key = text.upper()
    if key == "":
        return ""
    if len(key) != 1 or not key.isascii() or not (key.isalnum()):
        return _("A class key is one digit or one letter, such as 1 or K.")
    if key in SLICER_KEYS:
        return _("Slicer's slice views use the key {key} already. Digits are always free.").format(key=key)
    if key in reservedKeys():
        return _("The key {key} has a meaning in tagging already. Digits are always free.").format(key=key)
    return ""


def requireShortcut(text: str) -> str:
    """Return the key of a class as it is stored; `UserError` ``bad_shortcut`` says what is wrong with it."""
    problem = shortcutProblem(text.strip())
    if problem:
        raise UserError("bad_shortcut", _("The key '{key}' cannot be used.").format(key=text.strip()), problem)
    return text.strip().upper()


def reservedKeys() -> set[str]:
    """Return the single keys of the fixed table."""
    return {key for entry in fixedKeys() for key in entry.keys if len(key) == 1}


def freeShortcut(classes: ClassTable) -> str:
    """Return the first digit that is not the key of a class; empty if there is none."""
    taken = {entry.shortcut.upper() for entry in classes}
    return next((key for key in CLASS_KEYS if key not in taken), "")
