"""Undo and redo of tagging: each step keeps only what it changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.serials import nextSerial

MAX_STEPS = 500


@dataclass
class Step:
    """One change.

    Attributes
    ----------
    text : str
        What was done, for the user.
    classes : tuple of ClassTable, optional
        The table before and after, if it changed.
    volumes : dict
        Key of a volume -> its tags before and after; None where there was or is no entry.
    renamed : tuple of str, optional
        Former and new name, if a class was renamed.
    beside : callable, optional
        Called with False when the step is taken back, and with True when it is made again: what else changed along with
        the labels, such as voxels.
    serial : int
        Higher than that of every step, of whatever history, that was made before.
    """

    text: str
    classes: tuple[ClassTable, ClassTable] | None = None
    volumes: dict[str, tuple[VolumeLabels | None, VolumeLabels | None]] = field(default_factory=dict)
    renamed: tuple[str, str] | None = None
    beside: Callable[[bool], None] | None = field(default=None, compare=False)
    serial: int = field(default_factory=nextSerial, compare=False)

    @property
    def kind(self) -> str:
        """What listeners are told: ``"classes"``, ``"tags"`` or ``"all"``."""
        if self.classes is None:
            return "tags"
        return "all" if self.volumes else "classes"

    def isEmpty(self) -> bool:
        """Say whether nothing changes by it."""
        return self.classes is None and not self.volumes

    def concerns(self, key: str) -> bool:
        """Say whether it belongs to what was done to a volume: classes are of all of them."""
        return self.classes is not None or key in self.volumes

    def isApartFrom(self, other: Step) -> bool:
        """Say whether either can be taken back before the other: they change different volumes, and no classes."""
        return self.classes is None and other.classes is None and not self.volumes.keys() & other.volumes.keys()


class History:
    """The steps that can be undone and redone, each volume's by themselves.

    Steps are named by the key of a volume: the last of those that concern it, or without a key the last of all.

    Parameters
    ----------
    apply : callable
        Gets a step and False to go back or True to go forward, and changes the tags accordingly.
    """

    def __init__(self, apply: Callable[[Step, bool], None]) -> None:
        self._apply = apply
        self._done: list[Step] = []
        self._undone: list[Step] = []

    def do(self, step: Step) -> bool:
        """Apply a step and keep it; returns False, and does nothing, if it is empty."""
        if step.isEmpty():
            return False
        self._apply(step, True)
        self._done.append(step)
        del self._done[:-MAX_STEPS]
        self._undone.clear()
        return True

    def last(self, key: str | None = None) -> Step | None:
        """Return the step that `undo` would take back, or None if there is none."""
        return _found(self._done, key)[0]

    def next(self, key: str | None = None) -> Step | None:
        """Return the step that `redo` would make again, or None if there is none."""
        return _found(self._undone, key)[0]

    def undoHeldBy(self, key: str | None = None) -> list[str]:
        """Return the keys of other volumes that the step changes, too, and that something was done to since.

        That has to be taken back first, there; `undo` does nothing before.
        """
        return _heldBy(*_found(self._done, key))

    def redoHeldBy(self, key: str | None = None) -> list[str]:
        """Return the keys of other volumes in which something has to be done again before, as of `undoHeldBy`."""
        return _heldBy(*_found(self._undone, key))

    def undo(self, key: str | None = None) -> Step | None:
        """Go back one step; returns it, or None if there is none that can be taken back."""
        return self._move(self._done, self._undone, key, False)

    def redo(self, key: str | None = None) -> Step | None:
        """Go forward one step; returns it, or None if there is none that can be made again."""
        return self._move(self._undone, self._done, key, True)

    def dropUndone(self) -> None:
        """Forget the steps that were undone."""
        self._undone.clear()

    def clear(self) -> None:
        """Forget all steps."""
        self._done.clear()
        self._undone.clear()

    def _move(self, source: list[Step], target: list[Step], key: str | None, forward: bool) -> Step | None:
        step, later = _found(source, key)
        if step is None or _heldBy(step, later):
            return None
        self._apply(step, forward)
        # By its place: others may say the same.
        target.append(source.pop(len(source) - 1 - len(later)))
        if step.beside is not None:
            step.beside(forward)
        return step


def _found(steps: list[Step], key: str | None) -> tuple[Step | None, list[Step]]:
    """Return the last step that concerns a volume, or any without a key, and those after it."""
    for at in range(len(steps) - 1, -1, -1):
        if key is None or steps[at].concerns(key):
            return steps[at], steps[at + 1 :]
    return None, []


def _heldBy(step: Step | None, later: list[Step]) -> list[str]:
    """Return the volumes of later steps that a step cannot be taken from under."""
    held = [each for each in later if step is not None and not step.isApartFrom(each)]
    return list(dict.fromkeys(key for each in held for key in each.volumes))
