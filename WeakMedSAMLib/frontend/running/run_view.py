"""The part of the panel that shows a run: stage, progress, time left, picture, log, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import Connections, guarded
from WeakMedSAMLib.frontend.base.panel_parts import setEnabled, setText
from WeakMedSAMLib.frontend.running.estimates import timeInWords
from WeakMedSAMLib.frontend.running.job_runner import CANCELLING, ENDED, PREPARING
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.running.run_progress import RunInfo
from WeakMedSAMLib.frontend.running.run_trace import Outcome
from WeakMedSAMLib.frontend.running.run_words import (
    notesInShort,
    notesInWords,
    outcomeText,
    outcomeTitle,
    tookInWords,
)

_QUIET_S = 45.0
_PREVIEW_LINES = 12
_FLUSH_MS = 250
_MOST_AT_ONCE = 100


class RunView:
    """Shows the run that is under way, or how the last one ended.

    Parameters
    ----------
    ui : object
        Widgets of Generate.ui by name.
    runs : RunControl
    placeInWords : callable
        Says what a run is computed on, from the name of a device.
    """

    def __init__(self, ui: Any, runs: RunControl, placeInWords: Callable[[str], str]) -> None:
        self._ui = ui
        self._runs = runs
        self._placeInWords = placeInWords
        self._job = runs.job
        self._lines: list[str] = []
        self._shownPreview: tuple[Path, float] | None = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(_FLUSH_MS)
        self._timer.connect("timeout()", guarded(self._flushLog))
        ui.logSection.collapsed = True
        for button in (ui.openFolderButton, ui.openFinishedFolderButton):
            button.connect("clicked(bool)", guarded(self.openFolder))
        for button in (ui.copyLogButton, ui.copyFinishedLogButton):
            button.connect("clicked(bool)", guarded(self.copyLog))
        ui.logSection.connect("contentsCollapsed(bool)", guarded(self._onLogCollapsed))
        self._connections = Connections(
            (self._job.progress, self._onProgress),
            (self._job.preview, self._onPreview),
            (self._job.log, self._onLog),
        )

    def cleanup(self) -> None:
        """Stop listening to the job."""
        self._timer.stop()
        self._connections.disconnect()

    def refresh(self) -> None:
        """Show what is the case now."""
        job, ui = self._job, self._ui
        ui.runFrame.visible = self._runs.isRunning
        self._onProgress(job.info)
        if self._runs.isRunning and job.previewPath is not None:
            self._onPreview(job.previewPath)
        elif job.previewPath is None:
            self._showNoPreview()
        self._showOutcome(self._outcomeOfScene())
        hasLog = bool(job.logText)
        ui.logSection.visible = hasLog or self._runs.isRunning
        if not hasLog:
            self._onLogCollapsed(bool(ui.logSection.collapsed))

    def openFolder(self) -> None:
        """Show the run folder in the system's file manager."""
        folder = self._job.runFolder
        if folder is not None and folder.is_dir():
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(folder)))

    def copyLog(self) -> None:
        """Copy the outcome and the log, for a report."""
        outcome, head = self._job.outcome, ""
        if outcome is not None:
            text = outcomeText(outcome, self._placeInWords(outcome.device))
            head = f"{self._titleOf(outcome)}\n{text}\n{outcome.versions}\n\n"
        slicer.app.clipboard().setText(head + self._job.logText)

    def _outcomeOfScene(self) -> Outcome | None:
        """The outcome of the last run, if that is over and was one of the scene that is open."""
        job = self._job
        if job.state != ENDED or self._runs.isRunning or job.outcome is None:
            return None
        return job.outcome if self._runs.record(job.outcome.runId) is not None else None

    def _onProgress(self, info: RunInfo) -> None:
        ui, job = self._ui, self._job
        ui.stageLabel.text = self._stageText(info)
        ui.progressBar.value = 1000 if self._isLoading() else round(1000 * info.fraction)
        ui.timeLabel.text = self._timeText(info) if job.isRunning else ""

    def _stageText(self, info: RunInfo) -> str:
        if self._isLoading():
            return _("Loading the masks into the scene")
        if self._job.state == CANCELLING:
            return _("Cancelling; this takes 5 seconds at most")
        text = _("{stage} (step {number} of {total})")
        return text.format(stage=info.text, number=info.number, total=info.total) if info.text else ""

    def _timeText(self, info: RunInfo) -> str:
        if self._job.state == CANCELLING:
            return ""
        if info.isLate:
            return _("It takes longer than expected; the bar shows steps.")
        if info.secondsLeft is None:
            return _("Time left: not known yet")
        text = _("Time left: {time}.").format(time=timeInWords(info.secondsLeft))
        if info.quietSeconds > _QUIET_S and self._job.state != PREPARING:
            quiet = timeInWords(info.quietSeconds)
            text += " " + _("The worker has said nothing for {time}; cancel if that goes on.").format(time=quiet)
        return text

    def _isLoading(self) -> bool:
        return self._runs.isRunning and not self._job.isRunning

    def _onPreview(self, path: Path) -> None:
        try:
            found = (path, path.stat().st_mtime)
        except OSError:
            return
        if found == self._shownPreview:
            return
        picture = qt.QPixmap(str(path))
        if picture.isNull():
            return
        self._shownPreview = found
        label = self._ui.previewLabel
        side = _PREVIEW_LINES * label.fontMetrics().height()
        scaled = picture.scaled(side, side, qt.Qt.KeepAspectRatio, qt.Qt.SmoothTransformation)
        label.setPixmap(scaled)
        # A label that may wrap its text asks for no height for a picture.
        label.minimumHeight = scaled.height()

    def _showNoPreview(self) -> None:
        self._shownPreview = None
        self._ui.previewLabel.minimumHeight = 0
        self._ui.previewLabel.setText(_("A picture appears here as soon as there are masks."))

    def _showOutcome(self, outcome: Outcome | None) -> None:
        ui = self._ui
        ui.outcomeFrame.visible = outcome is not None
        # Of a run that went well they are rarely needed.
        ui.detailsButtons.visible = outcome is not None and outcome.status == "finished"
        setText(ui.notesLabel, notesInWords(outcome) if outcome is not None and outcome.status == "finished" else "")
        if outcome is None:
            return
        isFinished, place = outcome.status == "finished", self._placeInWords(outcome.device)
        ui.outcomeTitle.text = self._titleOf(outcome)
        ui.outcomeTitle.toolTip = tookInWords(outcome, place) if isFinished else ""
        short = "\n".join(filter(None, (self._runs.notLoaded(outcome.runId), notesInShort(outcome))))
        setText(ui.outcomeText, short if isFinished else outcomeText(outcome))
        ui.outcomeText.toolTip = ui.notesLabel.text
        ui.outcomeButtons.visible = not isFinished
        hasFolder = outcome.folder is not None and outcome.folder.is_dir()
        reason = "" if hasFolder else _("No run folder was written, or it was deleted.")
        for button in (ui.openFolderButton, ui.openFinishedFolderButton):
            setEnabled(button, reason, _("Show the files of this run"))

    def _titleOf(self, outcome: Outcome) -> str:
        record = self._runs.record(outcome.runId)
        return outcomeTitle(outcome, len(record.classes) if record is not None else 1)

    def _onLog(self, text: str) -> None:
        if not self._ui.logSection.collapsed:
            self._lines.append(text)
            if len(self._lines) == 1:
                self._timer.start()

    def _flushLog(self) -> None:
        """Some lines at a time: a worker may write thousands a second."""
        lines, self._lines = self._lines, []
        if len(lines) > _MOST_AT_ONCE:
            self._ui.logText.setPlainText(self._job.logText)
        elif lines:
            self._ui.logText.appendPlainText("\n".join(lines))

    def _onLogCollapsed(self, isCollapsed: bool) -> None:
        self._lines = []
        self._ui.logText.setPlainText("" if isCollapsed else self._job.logText)
