"""Correcting in the review: the embedded editor, scribbles, what is said of slices, and Update, as one part of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, Connections, guarded
from WeakMedSAMLib.frontend.base.panel import History
from WeakMedSAMLib.frontend.base.panel_parts import markPressed, setEnabled, setTip
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.labels.slice_tags.slice_keys import keyName, sliceViewHosts
from WeakMedSAMLib.frontend.results.correcting.before_after import BeforeAfter
from WeakMedSAMLib.frontend.results.correcting.correct_keys import REDO, UNDO, CorrectKeys
from WeakMedSAMLib.frontend.results.correcting.drawn_on import nodesOf, overwrites, problemOf, scribbleTip, startOf
from WeakMedSAMLib.frontend.results.correcting.embedded_editor import EmbeddedEditor
from WeakMedSAMLib.frontend.results.correcting.give_back import GiveBackMenu
from WeakMedSAMLib.frontend.results.correcting.given import ClassOf, Corrections, UpdateCalls
from WeakMedSAMLib.frontend.results.correcting.scribble_answers import ScribbleAnswers
from WeakMedSAMLib.frontend.results.correcting.scribbling import Scribbling
from WeakMedSAMLib.frontend.results.correcting.sight import Sight
from WeakMedSAMLib.frontend.results.correcting.slice_states import SliceStates
from WeakMedSAMLib.frontend.results.correcting.update_box import UpdateBox
from WeakMedSAMLib.frontend.results.review_slices import SliceReview
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.unmasked import Unmasked
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.slice_views import SliceViews

_SOON_MS = 10
_STATUS_MS = 4000
_WITHOUT_MASKS = frozenset({"right", "giveBack", UNDO, REDO})


class CorrectPart:
    """What of the review is there to put masks right.

    Parameters
    ----------
    panel : Panel
        Of the review, with the widgets of ``Review.ui``.
    state : ModuleState
    views : SliceViews
    slices : SliceReview
    runs : RunControl
        Drawing ends when one begins.

    Attributes
    ----------
    began : Callbacks
        Called without arguments before one begins to draw.
    history : History or None
        What keys of undo take back while one draws.
    editor : EmbeddedEditor
    scribbling : Scribbling
    answers : ScribbleAnswers
    states : SliceStates
    update : UpdateBox
    """

    def __init__(
        self, panel: Any, state: ModuleState, views: SliceViews, slices: SliceReview, runs: RunControl
    ) -> None:
        self._panel, self._ui = panel, panel.ui
        self._state, self._views, self._slices, self._runs = state, views, slices, runs
        self._subject: ReviewSubject | None = None
        self._segmentId = ""
        self._of: tuple[Any, ...] = ()
        self._kept: Corrections | None = None
        self._corrections: Corrections | None = None
        self._start: Unmasked | None = None
        self._isEntered = self._wasRunning = False
        self.began = Callbacks()
        self.editor = EmbeddedEditor(self._ui.editorFrame)
        self.scribbling = Scribbling(self.editor)
        self.update = UpdateBox(self._ui)
        self.states = SliceStates(self._ui, slices)
        self.answers = ScribbleAnswers(panel, self.states)
        self._before = BeforeAfter(lambda subject: self.update.calls.before(subject) if self.update.calls else None)
        self._giveBack = GiveBackMenu(self._ui.giveBackButton, self.states.shown, panel.showError)
        self._keys = CorrectKeys(self._onKey, panel.showError)
        self._keys.hearUndo(False)
        self.history: History | None = None
        self._syncSoon = Coalesced(self._sync, _SOON_MS)
        self._showSoon = Coalesced(self.show, _SOON_MS)
        self._statesSoon = Coalesced(self.states.show, _SOON_MS)
        self._sight = Sight(self._syncSoon, self._restyle)
        self._ui.correctFrame.installEventFilter(self._sight)
        self._connectAll()
        self._onLayoutChanged = guarded(self._installKeys)

    # What the review calls

    def useCorrections(self, corrections: Corrections, classOf: ClassOf) -> None:
        """Keep by this what is corrected of masks under review, of those that have a class by `given.ClassOf`."""
        if self._kept is not None:
            self._kept.changed.disconnect(self._onCorrected)
        self._kept, self.states.classOf, self._of = corrections, classOf, ()
        corrections.changed.connect(self._onCorrected)
        self.choose(self._subject, self._segmentId)

    def useUpdates(self, calls: UpdateCalls) -> UpdateBox:
        """Let these learn from corrections; returns where they say how far they are, a `given.UpdateProgress`."""
        self.update.calls = calls
        self.show()
        return self.update

    def choose(self, subject: ReviewSubject | None, segmentId: str) -> None:
        """Correct a mask of a volume; None and empty for none."""
        self._subject, self._segmentId = subject, segmentId
        self._start = self.states.unmasked = startOf(self._kept, self._subject)[0]
        of = nodesOf(subject) if self._start is None else (self._start.volumeNode,)
        self._before.choose(subject)
        self.states.choose(subject, segmentId)
        self.scribbling.classNames = self.states.classNames
        if of != self._of:
            self._of = of
            self._corrections = self.states.corrections = self._correctionsOfNow()
            self.scribbling.choose(self._start or subject, self._corrections)
        self._sync()
        self.show()

    def stateInWords(self) -> str:
        """Return how many slices wait for an update, for the folded section; empty if none do."""
        corrections = self._corrections if self._start is None else None
        pending = corrections.pending if corrections is not None else 0
        return _("{count} to update").format(count=pending) if pending else ""

    def stop(self) -> None:
        """Correct no longer, until the button is pressed again."""
        self._ui.correctButton.checked = False
        self._sync()

    def enter(self) -> None:
        """The module is shown."""
        self._isEntered = True
        notes = self._views.use.notes
        notes += [note for note in (self.states.note, self.answers.note) if note not in notes]
        manager = slicer.app.layoutManager()
        if manager is not None:
            manager.connect("layoutChanged(int)", self._onLayoutChanged)
        self._installKeys()
        self._restyle()
        self._sync()

    def leave(self) -> None:
        """Another module is shown: leave views, keys and segmentation to it."""
        self._isEntered = False
        self._syncSoon.cancel()
        self._before.release()
        self._keys.uninstall()
        manager = slicer.app.layoutManager()
        if manager is not None:
            manager.disconnect("layoutChanged(int)", self._onLayoutChanged)
        for note in {self.states.note, self.answers.note} & {*self._views.use.notes}:
            self._views.use.notes.remove(note)
        self._sync()

    def cleanup(self) -> None:
        """Hold nothing of the scene any more, and observe nothing."""
        self.leave()
        for turn in (self._showSoon, self._statesSoon):
            turn.cancel()
        self._connections.disconnect()
        if self._kept is not None:
            self._kept.changed.disconnect(self._onCorrected)
        self._kept = self._corrections = self.states.corrections = None
        for part in (self.answers, self.scribbling, self.editor, self._before, self.update):
            part.cleanup()
        self._ui.correctFrame.removeEventFilter(self._sight)
        self._subject, self._of = None, ()
        self.states.choose(None, "")
        self.began.clear()

    # Connections

    def _connectAll(self) -> None:
        ui, connect = self._ui, self._panel.connect
        connect(ui.correctButton, "toggled(bool)", self._onCorrect)
        connect(ui.scribbleButton, "clicked()", lambda: self._scribble(True))
        connect(ui.notScribbleButton, "clicked()", lambda: self._scribble(False))
        connect(ui.rightButton, "clicked()", self.states.callRight)
        connect(ui.outlineButton, "clicked()", self.answers.take)
        connect(ui.beforeButton, "pressed()", self._before.hold)
        connect(ui.beforeButton, "released()", self._before.release)
        self._connections = Connections(
            (self.editor.changed, self._onEditorChanged),
            (self._state.leavingVolume, self.scribbling.read),
            (self._state.changed, self._onStateChanged),
            (self.scribbling.changed, self._onEditorChanged),
            (self.scribbling.scribbled, self.answers.about),
            (self.answers.changed, self._showSoon),
            (self.answers.changed, self._views.use.changed),
            (self.update.changed, self._showSoon),
            (self._slices.moved, self._statesSoon),
            (self._slices.moved, self.answers.draw),
            (self._runs.changed, self._onRunsChanged),
        )

    def _correctionsOfNow(self) -> Corrections | None:
        return self._kept if self.states.classNames else None

    def _installKeys(self) -> None:
        if self._isEntered:
            self._keys.install(ClassTable(), [*sliceViewHosts(), (self._panel.widget, "")])

    def _restyle(self) -> None:
        """Let buttons that are down be seen, in light and in dark styles."""
        ui = self._ui
        markPressed(self._panel.widget.palette, ui.scribbleButton, ui.notScribbleButton, ui.correctButton)

    # The editor

    def _sync(self) -> None:
        """Have the editor on what is to be corrected now, or off."""
        self._syncSoon.cancel()
        subject, segmentId = self._subject, self._segmentId
        isWanted = self._isEntered and self._ui.correctButton.checked and not self._problem()
        self._ui.masksFrame.visible = not isWanted
        self._ui.correctFrame.visible = isWanted
        self._slices.makeRoom(isWanted)
        # A section that is folded gives views and keys to whatever is open.
        if not isWanted or (subject is None and self._start is None) or not self._ui.correctFrame.visible:
            self.scribbling.end()
            self.scribbling.show(False)
            self.editor.end()
        elif subject is None or self._start is not None:
            self._scribbleAlone(self.scribbling.shows is not False)
        elif self.scribbling.shows is not None:
            self._scribbleOn(segmentId, self.scribbling.shows)
        else:
            if not self.editor.isOn:
                self.began()
            self.scribbling.show(True)
            node = subject.segmentationNode
            if self.editor.segmentationNode is not node or self.editor.segmentId != segmentId:
                self.editor.begin(node, segmentId, subject.volumeNode, overwrites=overwrites(subject, segmentId))
        self._tellViews()

    def _problem(self) -> str:
        """Say why nothing can be drawn; empty if it can."""
        return "" if self._start is not None else problemOf(self._subject, self._segmentId, self._kept)

    def _onCorrect(self, _isOn: bool) -> None:
        self._sync()
        self.show()

    def _onStateChanged(self) -> None:
        if startOf(self._kept, self._subject)[0] != self._start:
            self.choose(self._subject, self._segmentId)

    def _onEditorChanged(self) -> None:
        subject, segmentId = self._subject, self.editor.segmentId
        if self.scribbling.shows is not None and not self.editor.isOn:
            # The scribbles were removed: back to the masks, if they are there.
            self.scribbling.end()
            self._syncSoon()
        elif self.scribbling.shows is None and subject is not None and self._isOfMasks(segmentId):
            # By a key of the editor; the bar and the list follow.
            self._state.currentClass = subject.className(segmentId)
        if self.scribbling.shows is None or not self.editor.effect:
            # By Esc, too, which is a key of the editor.
            self.answers.leave()
        self._tellViews()
        self._showSoon()

    def _isOfMasks(self, segmentId: str) -> bool:
        """Say whether the editor draws on another mask than the chosen one."""
        subject = self._subject
        isOther = subject is not None and segmentId in subject.segmentIds and segmentId != self._segmentId
        return isOther and subject is not None and self.editor.segmentationNode is subject.segmentationNode

    def _onRunsChanged(self, _runId: str = "") -> None:
        isRunning = self._runs.isRunning
        if isRunning and not self._wasRunning:
            self.scribbling.end()
            self.editor.choose("")
        self._wasRunning = isRunning
        self._showSoon()

    def _tellViews(self) -> None:
        words = ""
        if self.editor.isOn:
            words = _("scribbling") if self.scribbling.shows is not None else _("correcting")
        self._views.use.take(words)
        self._keys.hearUndo(self.editor.isOn and self.history is not None)

    # Scribbles

    def _scribble(self, shows: bool) -> None:
        if self._start is not None:
            self._scribbleAlone(shows)
        elif self.scribbling.shows is shows:
            self.scribbling.end(self._segmentId)
        elif self.editor.isOn:
            self._scribbleOn(self._segmentId, shows)
        self.show()

    def _scribbleOn(self, segmentId: str, shows: bool) -> None:
        subject = self._subject
        segment = subject.segment(segmentId) if subject is not None else None
        if segment is not None and self.states.className:
            self.scribbling.begin(self.states.className, shows, segment.GetColor())

    def _scribbleAlone(self, shows: bool) -> None:
        """Scribble on a volume without masks, with the tool that is chosen unless it is another class or kind."""
        start, now = self._start, (self.scribbling.className, self.scribbling.shows)
        if start is None or (self.editor.isOn and now == (start.className, shows)):
            return
        if not self.editor.isOn:
            self.began()
        self.scribbling.begin(start.className, shows, start.color)

    # What is said of slices

    def _onCorrected(self) -> None:
        if self._correctionsOfNow() is not self._corrections or startOf(self._kept, self._subject)[0] != self._start:
            # Whether masks teach is known a moment after they come.
            self._of = ()
            self.choose(self._subject, self._segmentId)
        self.scribbling.update(self._state.currentVolume)
        self.answers.follow()
        self._views.use.changed()
        self._showSoon()

    def _onKey(self, action: str, _viewName: str) -> None:
        functions: dict[str, Callable[[], Any]] = {
            "fineAndNext": self._slices.fineAndNext,
            "nextToLook": self._slices.goToNext,
            "before": lambda: self._before.hold(byKey=True),
            "right": self.states.callRight,
            "giveBack": self._giveBack.giveSlice,
            "update": self.update.update,
            UNDO: self._undo,
            REDO: self._redo,
        }
        hasMasks = self._subject is not None and self._subject.segmentIds
        if hasMasks or (self._start is not None and action in _WITHOUT_MASKS):
            functions[action]()

    def _undo(self) -> None:
        done = self.history.undo() if self.history is not None else ""
        _tell(_("Undone: {text}").format(text=done) if done else _("There is nothing to undo."))

    def _redo(self) -> None:
        done = self.history.redo() if self.history is not None else ""
        _tell(_("Redone: {text}").format(text=done) if done else _("There is nothing to redo."))

    # Showing

    def show(self) -> None:
        """Show everything as it is."""
        self._showSoon.cancel()
        ui, subject = self._ui, self._subject
        hasMasks = bool(subject is not None and subject.segmentIds)
        for widget in (ui.fineButton, ui.nextButton, ui.beforeButton, ui.updateFrame):
            widget.visible = hasMasks
        tip = _("Draw on the masks here, with the tools of the Segment Editor; press it again to leave")
        if self._start is not None:
            tip = _("Draw on slices before there are masks: Generate learns from it; press it again to leave")
        setEnabled(ui.correctButton, self._problem(), tip)
        shows = self.scribbling.shows
        for button, isOf in ((ui.scribbleButton, True), (ui.notScribbleButton, False)):
            button.checked = shows is isOf
            reason = "" if self.states.className else _("Scribbles are not kept for these masks.")
            setEnabled(button, reason, scribbleTip(isOf, hasMasks))
        noSlice = "" if self._corrections is not None else _("Nothing is kept of corrections for these masks.")
        tip = _("Give slices back to the machine ({key}: this one): its masks are put in place of yours")
        if self._start is not None:
            tip = _("Take back what you drew on slices ({key}: on this one)")
        setEnabled(ui.giveBackButton, noSlice, tip.format(key=keyName("Ctrl+G")))
        self.states.show()
        self.answers.show(ui.outlineLabel, ui.outlineButton)
        self._showBefore()
        setTip(ui.nextButton, _("Go to the next slice that is not fine ({key})").format(key=keyName("Ctrl+N")))
        pending = self._corrections.pending if self._corrections is not None else 0
        self.update.show(pending, self._updateProblem())

    def _updateProblem(self) -> str:
        if self._runs.isRunning:
            return _("A run is under way.")
        return "" if self._corrections is not None else _("Nothing is kept of corrections for these masks.")

    def _showBefore(self) -> None:
        calls, subject = self.update.calls, self._subject
        isUpdated = calls is not None and subject is not None and calls.before(subject) is not None
        when = _("before the last update") if isUpdated else _("generated")
        tip = _("The masks as {when}, for as long as this or {key} is held").format(when=when, key=keyName("Ctrl+E"))
        reason = _("The masks as generated are gone with their run folder.") if self._before.problem() else ""
        setEnabled(self._ui.beforeButton, reason, tip)


def _tell(text: str) -> None:
    slicer.util.showStatusMessage(text, _STATUS_MS)
