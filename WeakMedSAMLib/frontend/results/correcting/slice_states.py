"""The state of the mask on the slice that is shown: in the panel, and in the corner of the view."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.panel_parts import breakable, setText, setTip
from WeakMedSAMLib.frontend.labels.slice_tags.slice_keys import keyName
from WeakMedSAMLib.frontend.results.correcting.given import ClassOf, Corrections
from WeakMedSAMLib.frontend.results.correcting.state_words import stateInWords, stateSign, stateTip, stateWord
from WeakMedSAMLib.frontend.results.review_slices import SliceReview
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.unmasked import Unmasked
from WeakMedSAMLib.frontend.scene.view_use import ShownSlice


class SliceStates:
    """Says the state of the chosen mask, and takes as right what was touched.

    Parameters
    ----------
    ui : object
        With `stateFrame`, `stateLabel` and `rightButton`.
    slices : SliceReview
        Knows the slice that is shown.

    Attributes
    ----------
    subject : ReviewSubject or None
    segmentId : str
        The mask that is chosen; empty for none.
    corrections : Corrections or None
        Of the volume under review; None if none are kept.
    classOf : callable
        See `given.ClassOf`.
    unmasked : Unmasked or None
        The volume, where it has no masks yet.
    """

    def __init__(self, ui: Any, slices: SliceReview) -> None:
        self._ui, self._slices = ui, slices
        self.subject: ReviewSubject | None = None
        self.segmentId = ""
        self.corrections: Corrections | None = None
        self.classOf: ClassOf = lambda _node, _segmentId: ""
        self.unmasked: Unmasked | None = None

    @property
    def className(self) -> str:
        """The class of the mask, as corrections of it are kept; empty if they are not."""
        if self.unmasked is not None:
            return self.unmasked.className
        return self._className(self.segmentId) if self.segmentId else ""

    @property
    def classNames(self) -> frozenset[str]:
        """The classes of all masks of which corrections are kept; without masks all classes."""
        if self.unmasked is not None:
            return frozenset(self.unmasked.colors)
        ids = self.subject.segmentIds if self.subject is not None else []
        return frozenset(map(self._className, ids)) - {""}

    def choose(self, subject: ReviewSubject | None, segmentId: str) -> None:
        """Speak of a mask; None and empty for none."""
        self.subject, self.segmentId = subject, segmentId

    def shown(self) -> tuple[Corrections | None, str, int | None]:
        """Return the corrections, the class that is chosen and the slice that is shown, as far as there are any."""
        start = self.unmasked
        index = self._slices.shownSlice() if start is None else self._slices.shownOf(start.volumeNode, start.axis)
        return self.corrections, self.className, index

    def callRight(self) -> None:
        """Call the masks right on the slice that is shown, if they were touched."""
        corrections, _name, index = self.shown()
        if corrections is not None and index is not None and self._touched(index):
            corrections.callRight(index)

    def note(self, shown: ShownSlice) -> str:
        """Return the line for the note in a view: see `ViewUse`."""
        subject, corrections, name = self.subject, self.corrections, self.className
        if self.unmasked is not None:
            return self._noteUnmasked(self.unmasked, shown)
        if subject is None or corrections is None or subject.result is None or not name:
            return ""
        if shown.volumeNode is not subject.volumeNode or shown.axis != subject.result.axis:
            return ""
        state = corrections.stateOf(name, shown.index)
        return _("{sign} mask: {state}").format(sign=stateSign(state), state=stateWord(state))

    def _noteUnmasked(self, start: Unmasked, shown: ShownSlice) -> str:
        if self.corrections is None or shown.volumeNode is not start.volumeNode or shown.axis != start.axis:
            return ""
        state = self.corrections.stateOf(start.className, shown.index)
        return "" if state == "machine" else stateInWords(state)

    def show(self) -> None:
        """Say how things stand on the slice that is shown."""
        corrections, className, index = self.shown()
        text = tip = ""
        touched: list[str] = []
        if corrections is not None and className and index is not None:
            state = corrections.stateOf(className, index)
            isBlank = self.unmasked is not None and state == "machine"
            words = _("nothing drawn") if isBlank else stateInWords(state)
            text = _("Slice {index}, {name}: {state}").format(index=index, name=className, state=words)
            tip, touched = "" if isBlank else stateTip(state), self._touched(index)
        setText(self._ui.stateLabel, breakable(text))
        setTip(self._ui.stateLabel, tip)
        rightTip = _("The masks of this slice are right as they are ({key}): {names}")
        if self.unmasked is not None:
            rightTip = _("What you painted is all that this slice shows ({key}): {names}")
        self._ui.rightButton.text = _("They are right") if self.unmasked is None else _("That is all of it")
        setTip(self._ui.rightButton, rightTip.format(key=keyName("Ctrl+R"), names=", ".join(touched)))
        self._ui.rightButton.visible = bool(touched)
        self._ui.stateFrame.visible = bool(text)

    def _touched(self, index: int) -> list[str]:
        """Return the classes of which a slice was touched."""
        corrections = self.corrections
        if corrections is None:
            return []
        return [name for name in sorted(self.classNames) if corrections.stateOf(name, index) == "touched"]

    def _className(self, segmentId: str) -> str:
        subject = self.subject
        return self.classOf(subject.segmentationNode, segmentId) if subject is not None else ""
