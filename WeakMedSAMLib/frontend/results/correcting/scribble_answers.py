"""What the model makes of scribbles on a slice: an outline there that Enter takes as drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.painted_slice import SHOWN
from WeakMedSAMLib.contract.resident import PointAt
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.panel_parts import breakable, setText
from WeakMedSAMLib.frontend.labels.marks.model_answers import Asks, linesOf
from WeakMedSAMLib.frontend.labels.slice_tags.slice_keys import SliceKeys, sliceViewHosts
from WeakMedSAMLib.frontend.labels.tag_keys import KeyEntry, fixedKeys
from WeakMedSAMLib.frontend.results.correcting.drawn_on import overwrites
from WeakMedSAMLib.frontend.results.correcting.given import Corrections
from WeakMedSAMLib.frontend.results.correcting.hints import Scribbles
from WeakMedSAMLib.frontend.results.correcting.slice_states import SliceStates
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.slice_outlines import Outline, SliceOutlines
from WeakMedSAMLib.frontend.scene.view_use import ShownSlice

_NAME, _TAKE = "scribbled", "take"
_MOST_POINTS = 4
_APART = 2.0  # pixels: points that are nearer to each other say the same


@dataclass(frozen=True, eq=False)
class _Asked:
    """What was scribbled of a class on a slice of a volume, and from which classes it is taken once it is drawn."""

    volumeNode: VolumeNode
    corrections: Corrections
    axis: str
    className: str
    color: tuple[float, float, float]
    index: int
    scribbles: Scribbles
    overwritten: Collection[str]

    def isGone(self) -> bool:
        """Say whether labels hold these scribbles no more, as after an undo, or know all of the slice."""
        try:
            painted = PAINTED.slices(self.corrections.labels(), self.className).get(self.index)
        except UserError:
            return True  # another volume is current
        shows = self.scribbles.shows
        isSame = painted is not None and not painted.is_whole and painted.shape == shows.shape
        return painted is None or not isSame or bool((painted.pixels[shows] != SHOWN).any())


class TakeKeys(SliceKeys):
    """Enter, in slice views alone, while there is an outline to be taken."""

    def _entries(self, _classes: ClassTable) -> list[KeyEntry]:
        return [entry for entry in fixedKeys() if entry.action == _TAKE]


class ScribbleAnswers:
    """Asks the model about the slice that was scribbled on last, and shows its outline until it is taken or left.

    Parameters
    ----------
    panel : Panel
        Of the review; says what cannot be taken.
    states : SliceStates
        Knows the mask that is chosen, and the slice that is shown.

    Attributes
    ----------
    ask : Asks or None
        Without it nothing is asked.
    words : str
        That an answer is waited for, why there is none, or what to do with it; empty otherwise.
    changed : Callbacks
        Called without arguments when there are other words.
    """

    def __init__(self, panel: Any, states: SliceStates) -> None:
        self._states = states
        self.ask: Asks | None = None
        self.words = ""
        self.changed = Callbacks()
        self._outlines = SliceOutlines()
        self._keys = TakeKeys(lambda _action, _view: self.take(), panel.showError)
        self._asked: _Asked | None = None
        self._mask: np.ndarray | None = None

    @property
    def canTake(self) -> bool:
        """Whether there is an outline."""
        return self._mask is not None

    def about(self, className: str, scribbles: Mapping[int, Scribbles]) -> None:
        """Ask what is meant by scribbles on the slice in view; nothing without any of what shows the class."""
        self.leave()
        corrections, name, shown = self._states.shown()
        subject, segmentId = self._states.subject, self._states.segmentId
        segment = subject.segment(segmentId) if subject is not None else None
        if self.ask is None or corrections is None or subject is None or segment is None or name != className:
            return
        if shown is None or shown not in scribbles or not scribbles[shown].shows.any():
            return
        others = self._states.classNames - {name} if overwrites(subject, segmentId) else frozenset()
        place = subject.volumeNode, corrections, corrections.axis, name, segment.GetColor(), shown
        asked = _Asked(*place, scribbles[shown], others)
        if asked.isGone():
            return
        self._asked = asked
        self._say(_("The model is asked about these scribbles ..."))
        answered = partial(self._answer, asked)
        self.ask(asked.volumeNode, asked.axis, shown, (), pointsOf(asked.scribbles), answered)

    def take(self) -> None:
        """Take the outline as drawn: one step to undo."""
        asked, mask = self._asked, self._mask
        self.leave()
        if asked is not None and mask is not None:
            asked.corrections.draw(asked.className, asked.index, mask, asked.overwritten)

    def leave(self) -> None:
        """Show no outline, and wait for none; scribbles stay."""
        self._asked = self._mask = None
        self._outlines.show(_NAME, None)
        self._keys.uninstall()
        self._say("")

    def follow(self) -> None:
        """Leave an outline of scribbles that are taken back, or of a slice that was drawn since."""
        if self._asked is not None and self._asked.isGone():
            self.leave()

    def draw(self) -> None:
        """Draw the outline where views moved."""
        self._outlines.draw()

    def note(self, shown: ShownSlice) -> str:
        """Return the line for the note in a view: see `ViewUse`."""
        asked = self._asked
        place = (asked.volumeNode, asked.axis, asked.index) if asked is not None else ()
        return self.words if place == (shown.volumeNode, shown.axis, shown.index) else ""

    def outline(self) -> Outline | None:
        """Return what is shown, or None."""
        return self._outlines.shown(_NAME)

    def cleanup(self) -> None:
        """Hold nothing of the scene any more."""
        self.changed.clear()
        self.leave()

    def _answer(self, asked: _Asked, mask: np.ndarray | None, error: UserError | None) -> None:
        if asked is not self._asked or asked.volumeNode.GetScene() is None:
            return
        if mask is None:
            reason = errorInWords(error) if error is not None else ""
            self._say(_("No outline: {reason}").format(reason=reason))
            return
        # What was scribbled is known.
        self._mask = (np.asarray(mask, bool) | asked.scribbles.shows) & ~asked.scribbles.not_
        lines = linesOf(self._mask, asked.axis, asked.index)
        self._outlines.show(_NAME, Outline(asked.volumeNode, asked.axis, asked.index, lines, asked.color))
        self._keys.install(ClassTable(), sliceViewHosts())
        text = _("The model's outline on slice {index}: Enter takes it as drawn, Esc leaves it.")
        self._say(text.format(index=asked.index))

    def show(self, label: Any, button: Any) -> None:
        """Show the words, and the button that takes the outline where there is one."""
        setText(label, breakable(self.words))
        button.visible = self.canTake

    def _say(self, words: str) -> None:
        if words != self.words:
            self.words = words
            self.changed()


def pointsOf(scribbles: Scribbles) -> tuple[PointAt, ...]:
    """Return a few points that stand for scribbles, as far from each other as can be."""
    both = (scribbles.shows, True), (scribbles.not_, False)
    return tuple((int(row), int(column), shows) for pixels, shows in both for row, column in _spread(pixels))


def _spread(pixels: np.ndarray) -> list[np.ndarray]:
    places = np.argwhere(pixels)
    if not len(places):
        return []
    # From the middle outwards, each as far as can be from those before.
    chosen = [places[np.hypot(*(places - places.mean(0)).T).argmin()]]
    distance = np.hypot(*(places - chosen[0]).T)
    while len(chosen) < _MOST_POINTS and distance.max() > _APART:
        chosen.append(places[distance.argmax()])
        distance = np.minimum(distance, np.hypot(*(places - chosen[-1]).T))
    return chosen
