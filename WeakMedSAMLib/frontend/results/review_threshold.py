"""The threshold slider of the review, for whichever class is chosen."""

from __future__ import annotations

from functools import partial
from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded, showError
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.panel_parts import breakable, setText
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.results.corrections import Corrections
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.segment_tags import thresholdOf
from WeakMedSAMLib.frontend.results.thresholds import ThresholdEditor

_SETTLE_MS = 600
_FIRST_PERCENT = 50


class ReviewThreshold:
    """Slider and reset button: loads probabilities when a class is chosen, and applies what the slider says.

    Parameters
    ----------
    ui : object
        With `thresholdSlider`, `resetButton` and `thresholdState`.
    history : SegmentHistory
        Gets each drag as one step to undo.

    Attributes
    ----------
    applied : Callbacks
        Called with segment id and volume in ml after each change of a mask.
    """

    def __init__(self, ui: Any, history: SegmentHistory) -> None:
        self.ui = ui
        self._history = history
        self._corrections: Corrections | None = None
        self._subject: ReviewSubject | None = None
        self._segmentId = ""
        self._editor: ThresholdEditor | None = None
        self._loading: StepRunner | None = None
        self._error = ""
        self._isShowing = False
        self._settle = Coalesced(self.finish, _SETTLE_MS)
        self.applied = Callbacks()
        ui.thresholdSlider.connect("valueIsChanging(double)", guarded(self._onMoved))
        history.settling.connect(self.finish)
        # Without tracking this comes at the end of a drag, and for keys and typed numbers.
        ui.thresholdSlider.connect("valueChanged(double)", guarded(self._onMoved))
        ui.resetButton.connect("clicked()", guarded(self._onReset))

    def useCorrections(self, corrections: Corrections) -> None:
        """Leave what a reader drew or found fine as it is from now on."""
        self._corrections = corrections

    def cleanup(self) -> None:
        """End a drag and load nothing any more."""
        self.choose(None, "")
        self._history.settling.disconnect(self.finish)
        self._settle.cancel()
        self.applied.clear()

    def choose(self, subject: ReviewSubject | None, segmentId: str) -> None:
        """Work on a segment; the empty id for none."""
        isSame = (
            self._subject is not None
            and subject is not None
            and segmentId == self._segmentId
            and subject.segmentationNode is self._subject.segmentationNode
            and subject.volumeNode is self._subject.volumeNode
            # Those of an update lie in a folder of its own.
            and subject.probabilityPath(segmentId) == self._subject.probabilityPath(segmentId)
        )
        self._subject = subject
        if not isSame:
            self.finish()
            self._stopLoading()
            self._editor, self._segmentId, self._error = None, segmentId, ""
            self._load()
        self.show()

    def show(self) -> None:
        """Show the threshold of the chosen segment, and why it cannot be changed if so."""
        if self._editor is not None and self._editor.isChanging:
            # In the middle of a drag the slider itself says where it is.
            return
        percent = self._readPercent()
        self._isShowing = True
        try:
            self.ui.thresholdSlider.value = _FIRST_PERCENT if percent is None else percent
        finally:
            self._isShowing = False
        reason = self._problem() or (_("Probabilities are being read ...") if self._loading else "")
        tip = _("The mask becomes all voxels at least this probable, except where you corrected it; lower: larger")
        self._enable(self.ui.thresholdSlider, reason, tip)
        self._enable(self.ui.resetButton, reason, _("Make the mask as it was generated"))
        setText(self.ui.thresholdState, breakable(self._error) or self._inWords(percent))

    def _enable(self, widget: Any, reason: str, tip: str) -> None:
        widget.enabled = not reason and self._editor is not None
        widget.toolTip = reason or tip

    def _problem(self) -> str:
        subject = self._subject
        if subject is None or not self._segmentId:
            return _("Choose a mask to change its threshold.")
        if subject.volumeNode is None:
            return _("The volume of this mask is not in the scene.")
        if subject.probabilityPath(self._segmentId) is None:
            return _("There are no probabilities for this mask: its run folder is gone.")
        return self._error

    def _inWords(self, percent: float | None) -> str:
        if percent is None:
            return ""
        return _("Drawn at a probability of {percent} %.").format(percent=round(percent))

    def _load(self) -> None:
        subject = self._subject
        path = subject.probabilityPath(self._segmentId) if subject is not None else None
        if subject is None or path is None or subject.volumeNode is None:
            return
        nodes = (subject.volumeNode, subject.segmentationNode)
        segmentId, corrections = self._segmentId, self._corrections
        editor = ThresholdEditor(*nodes, segmentId, path, self._history)
        if corrections is not None:
            editor.painted = partial(corrections.paintedOf, segmentId)
        self._loading = StepRunner(editor.loadSteps(), self._onLoaded, self._onLoadError).start()

    def _onLoaded(self, editor: ThresholdEditor) -> None:
        self._loading, self._editor = None, editor
        self.show()

    def _onLoadError(self, error: Exception) -> None:
        self._loading = None
        self._error = errorInWords(error) if isinstance(error, UserError) else str(error)
        self.show()
        if not isinstance(error, UserError):
            raise error

    def _stopLoading(self) -> None:
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None

    def _onMoved(self, percent: float) -> None:
        if self._isShowing or self._editor is None:
            return
        try:
            ml = self._editor.apply(percent / 100)
        except UserError as error:
            showError(error)
            return
        setText(self.ui.thresholdState, self._inWords(percent) + self._sayIfFollowed())
        # One step of undo for all that follows quickly: a drag, or a key that is held.
        self._settle.cancel()
        self._settle()
        self.applied(self._segmentId, ml)

    def _onReset(self) -> None:
        if self._editor is not None:
            self.finish()
            ml = self._editor.reset()
            self.show()
            setText(self.ui.thresholdState, (self.ui.thresholdState.text + self._sayIfFollowed()).strip())
            self.applied(self._segmentId, ml)

    def _sayIfFollowed(self) -> str:
        if self._editor is None or not self._editor.hasFollowed:
            return ""
        return " " + _("All masks were moved along with their volume.")

    def finish(self) -> None:
        """End a drag now: what was changed is one step to undo."""
        self._settle.cancel()
        if self._editor is not None:
            self._editor.finish()

    def _readPercent(self) -> float | None:
        """Return the threshold of the chosen segment in percent; None if the mask is as generated."""
        segment = self._subject.segment(self._segmentId) if self._subject is not None else None
        value = thresholdOf(segment) if segment is not None else None
        return value * 100 if value is not None else None
