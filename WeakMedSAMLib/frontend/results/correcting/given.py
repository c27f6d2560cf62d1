"""What correcting is given from outside: what counts as corrected, and who learns from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.segment_images import PackedMask
from WeakMedSAMLib.frontend.results.unmasked import Unmasked


class Corrections(Protocol):
    """What a reader corrected of the masks of one volume, by class and slice, counted as the volume is now.

    States are ``"machine"``, ``"fine"``, ``"touched"`` and ``"drawn"``.
    """

    changed: Callbacks

    @property
    def axis(self) -> str:
        """Axis along which slices are counted: ``"i"``, ``"j"`` or ``"k"``."""

    def stateOf(self, className: str, index: int) -> str:
        """Return the state of a class on a slice."""

    def states(self, className: str) -> Mapping[int, str]:
        """Return slice -> state, but of slices that are the machine's."""

    @property
    def pending(self) -> int:
        """How many slices, by class, hold corrections that no update has seen."""

    def markFine(self, index: int, isFine: bool) -> None:
        """Call a slice fine for all classes, or no longer. A step to undo."""

    def callRight(self, index: int) -> None:
        """Call all that was changed of a slice right, of all classes."""

    def giveBack(self, first: int, last: int, classNames: Sequence[str] | None = None) -> None:
        """Give slices back to the machine, with its masks; of all classes without names. One step to undo."""

    def putScribbles(
        self,
        className: str,
        scribbles: Mapping[int, tuple[np.ndarray, np.ndarray]],
        before: Mapping[int, tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> None:
        """Take these scribbles in place of former ones, perhaps none: slice -> what shows the class, what does not.

        All are bool, rows x columns. Where pixels are as in `before`, labels stay as they are. One step to undo.
        """

    def unmasked(self) -> tuple[Unmasked | None, str]:
        """Return the current volume where it has no masks and can be drawn on; else None and why not, for the user."""

    def draw(self, className: str, index: int, mask: np.ndarray, overwrites: Collection[str] = ()) -> None:
        """Take a mask (bool, rows x columns) as drawn on a slice, and from other classes there. One step to undo."""

    def labels(self) -> VolumeLabels:
        """Return the labels of the volume with all that is painted."""

    def noteUpdated(self) -> None:
        """Nothing is pending any more."""

    def writing(self) -> AbstractContextManager[None]:
        """What is written into segments within is no correction."""


# Gets a segmentation and a segment id; returns the class, as it is called now, whose corrections are kept of that
# segment; empty if none are.
ClassOf = Callable[[object, str], str]


def _nothing(*_arguments: object) -> None:
    """Nothing happens."""


@dataclass(frozen=True)
class UpdateCalls:
    """Who learns from corrections.

    Attributes
    ----------
    onUpdate : callable
        Gets whether the other volumes are to be updated too; returns at once.
    onCancel, onUndo : callable
        End the update that is under way; take back what the last one wrote.
    problem : callable
        Returns why nothing can be updated now, for the user; empty if it can.
    undoProblem : callable
        Returns why the last update cannot be taken back; empty if it can.
    cost : callable
        Returns what it takes to update the other volumes too: "4 volumes, about 20 min"; empty if there are none.
    before : callable
        Gets a `ReviewSubject` and returns segment id -> mask as before the last update; None if there was none. It is
        asked whenever the panel is brought up to date.
    """

    onUpdate: Callable[[bool], object] = _nothing
    onCancel: Callable[[], object] = _nothing
    onUndo: Callable[[], object] = _nothing
    problem: Callable[[], str] = lambda: ""
    undoProblem: Callable[[], str] = lambda: ""
    cost: Callable[[], str] = lambda: ""
    before: Callable[[ReviewSubject], Mapping[str, PackedMask | None] | None] = lambda _subject: None


class UpdateProgress(Protocol):
    """Where an update says how far it is."""

    def start(self, text: str = "") -> None:
        """An update is under way; what there is to say of it."""

    def progress(self, fraction: float, secondsLeft: float | None = None) -> None:
        """So much of it is done, 0..1, and it takes so much longer."""

    def finished(self, text: str = "") -> None:
        """It ended well; what there is to say of it."""

    def failed(self, text: str) -> None:
        """It ended without other masks, and why."""
