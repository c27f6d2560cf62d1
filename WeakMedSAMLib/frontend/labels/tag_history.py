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


class History:
    """The steps that can be undone and redone.

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

    def undo(self) -> Step | None:
        """Go back one step; returns it, or None if there is none."""
        return self._move(self._done, self._undone, False)

    def redo(self) -> Step | None:
        """Go forward one step; returns it, or None if there is none."""
        return self._move(self._undone, self._done, True)

    def dropUndone(self) -> None:
        """Forget the steps that were undone."""
        self._undone.clear()

    def clear(self) -> None:
        """Forget all steps."""
        self._done.clear()
        self._undone.clear()

    @property
    def undoText(self) -> str:
        """What `undo` would take back; empty if there is nothing."""
        return self._done[-1].text if self._done else ""

    @property
    def redoText(self) -> str:
        """What `redo` would do again; empty if there is nothing."""
        return self._undone[-1].text if self._undone else ""

    @property
    def undoKeys(self) -> list[str]:
        """Keys of the volumes that `undo` would change."""
        return list(self._done[-1].volumes) if self._done else []

    @property
    def redoKeys(self) -> list[str]:
        """Keys of the volumes that `redo` would change."""
        return list(self._undone[-1].volumes) if self._undone else []

    @property
    def undoSerial(self) -> int:
        """The number of the step that `undo` would take back; 0 if there is none."""
        return self._done[-1].serial if self._done else 0

    @property
    def redoSerial(self) -> int:
        """The number of the step that `redo` would do again; 0 if there is none."""
        return self._undone[-1].serial if self._undone else 0

    @property
    def undoBeside(self) -> Callable[[bool], None] | None:
        """What else `undo` takes back, see `Step`."""
        return self._done[-1].beside if self._done else None

    @property
    def redoBeside(self) -> Callable[[bool], None] | None:
        """What else `redo` does again."""
        return self._undone[-1].beside if self._undone else None

    def _move(self, source: list[Step], target: list[Step], forward: bool) -> Step | None:
        if not source:
            return None
        step = source[-1]
        self._apply(step, forward)
        target.append(source.pop())
        if step.beside is not None:
            step.beside(forward)
        return step
