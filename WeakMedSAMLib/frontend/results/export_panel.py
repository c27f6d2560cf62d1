"""Section 6 of the panel: masks, tags and a report as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.base.panel_parts import breakable, fillSelector, setEnabled, setText
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.results.export_formats import ExportSubject, ExportWork, exportFormats
from WeakMedSAMLib.frontend.results.export_work import checkPaths, proposeNames, writeFilesSteps
from WeakMedSAMLib.frontend.results.exports import Exported
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject, ReviewSubjects, runInFull, whenInWords
from WeakMedSAMLib.frontend.running.run_control import RunControl

_FOLDER_SETTING = "WeakMedSAM/exportFolder"


class ExportPanel(Panel):
    """What to export, where to, under which names; and what became of it.

    Parameters
    ----------
    labels : SceneLabels
    runs : RunControl
    """

    def __init__(self, labels: SceneLabels, runs: RunControl) -> None:
        super().__init__("Export.ui")
        self._labels, self._state = labels, labels.state
        self._scene: Any = None
        self._subjects = ReviewSubjects(labels.state)
        self._choices: list[ReviewSubject] = []
        self._proposed: dict[str, str] = {}
        self._runner: StepRunner | None = None
        known = exportFormats()
        self._formats = {kind: known[kind] for kind in known if hasattr(self.ui, f"{kind}Check")}
        self._refreshSoon = self.soon(self.refresh, 100)
        self.ui.folderEdit.currentPath = slicer.app.userSettings().value(_FOLDER_SETTING) or _documents()
        self.ui.folderEdit.filters = ctk.ctkPathLineEdit.Dirs
        self.ui.exportProgress.visible = False
        self.ui.resultLabel.openExternalLinks = False
        self._connectWidgets()
        self.follow(
            (labels.state.changed, self._refreshSoon),
            (labels.session.changed, self._refreshSoon),
            (runs.changed, self._onRunsChanged),
            (runs.resultsReady, self._onRunsChanged),
        )
        self.setScene(slicer.mrmlScene)

    def setScene(self, scene: Any) -> None:
        """See `Panel`."""
        self._stop()
        self._scene = scene
        self._subjects.forget()
        super().setScene(scene)
        self._setText("")
        self.refresh()

    def cleanup(self) -> None:
        """See `Panel`; an export that is under way is stopped."""
        super().cleanup()
        self._stop()
        self._choices = []

    def refresh(self) -> None:
        """Show everything as it is."""
        self._refreshSoon.cancel()
        with self.filling():
            self._fillMasks()
            self._fillNames()
        self._showReason()

    def _connectWidgets(self) -> None:
        ui = self.ui
        self.connect(ui.segmentationSelector, "currentIndexChanged(int)", self._onMasksChosen)
        self.connect(ui.folderEdit, "currentPathChanged(QString)", self._onChanged)
        self.connect(ui.exportButton, "clicked()", self._onExport)
        self.connect(ui.resultLabel, "linkActivated(QString)", _openFolder)
        for kind in self._formats:
            self.connect(self._check(kind), "toggled(bool)", self._onChanged)
            self.connect(self._name(kind), "textChanged(QString)", self._onChanged)

    def _check(self, kind: str) -> Any:
        return getattr(self.ui, f"{kind}Check")

    def _name(self, kind: str) -> Any:
        return getattr(self.ui, f"{kind}Name")

    # What is shown

    def _fillMasks(self) -> None:
        """List the masks of all runs; those under review are chosen until the user chooses others."""
        before = self._chosen()
        self._choices = list(self._subjectsWithMasks())
        texts = [self._inWords(subject) for subject in self._choices]
        selector = self.ui.segmentationSelector
        fillSelector(selector, texts)
        keys = [(subject.record.runId, subject.volumeId) for subject in self._choices]
        wanted = (before.record.runId, before.volumeId) if before is not None else None
        if wanted not in keys:
            ofReview = [key for key in keys if key[0] == self._state.reviewRunId]
            wanted = next(iter(ofReview or keys), None)
        selector.currentIndex = keys.index(wanted) if wanted is not None else -1
        chosen = self._chosen()
        tip = _("The masks to export, of the run {run}").format(run=runInFull(chosen.record)) if chosen else ""
        setEnabled(selector, "" if keys else _("There are no masks yet; generate some in section 4."), tip)

    def _subjectsWithMasks(self) -> Iterator[ReviewSubject]:
        for record in self._subjects.runs():
            for volumeId in self._subjects.volumeIds(record):
                subject = self._subjects.subject(self._scene, record, volumeId)
                if subject.segmentIds and subject.volumeNode is not None:
                    yield subject

    def _inWords(self, subject: ReviewSubject) -> str:
        return f"{subject.segmentationNode.GetName()}, {whenInWords(subject.record)}"

    def _fillNames(self) -> None:
        """Propose names for the chosen volume; names that the user typed stay."""
        subject = self._chosen()
        proposed = proposeNames(subject.volumeNode if subject else self._state.currentVolume)
        for kind, name in proposed.items():
            if kind in self._formats and self._name(kind).text in ("", self._proposed.get(kind)):
                self._name(kind).text = name
        self._proposed = proposed

    def _showReason(self) -> None:
        subject = self._chosen()
        for kind in self._formats:
            reason = self._kindProblem(kind, subject)
            setEnabled(self._check(kind), reason, _("Write this file"))
            setEnabled(
                self._name(kind), reason or ("" if self._check(kind).checked else _("Not checked.")), _("File name")
            )
        report = "" if self._wants("report") else _("No report is written.")
        tip = _("Names of volumes may be names of patients; without them volumes are numbered")
        setEnabled(self.ui.namesCheck, report, tip)
        setEnabled(self.ui.exportButton, self._problem(), _("Write the checked files"))

    def _kindProblem(self, kind: str, subject: ReviewSubject | None) -> str:
        isOfMasks = self._formats[kind].source != "tags"
        if isOfMasks and subject is None:
            return _("There are no masks yet; generate some in section 4.")
        if self._formats[kind].source == "run" and (subject is None or subject.result is None):
            return _("The run folder is gone, and the report needs it.")
        if not isOfMasks and not self._labels.session.cohort.volumes:
            return _("There are no tags yet.")
        return ""

    def _problem(self) -> str:
        if self._runner is not None:
            return _("Files are being written.")
        if not any(self._wants(kind) for kind in self._formats):
            return _("Nothing to write is checked.")
        names = [self._name(kind).text.strip().lower() for kind in self._formats if self._wants(kind)]
        if "" in names or len(set(names)) < len(names):
            return _("Give every file a name of its own.")
        if not self.ui.folderEdit.currentPath.strip():
            return _("Choose a folder.")
        return ""

    def _wants(self, kind: str) -> bool:
        return self._check(kind).checked and not self._kindProblem(kind, self._chosen())

    def _chosen(self) -> ReviewSubject | None:
        index = self.ui.segmentationSelector.currentIndex
        return self._choices[index] if 0 <= index < len(self._choices) else None

    # What happens

    def _onChanged(self) -> None:
        if not self._isFilling:
            self._showReason()

    def _onMasksChosen(self) -> None:
        if not self._isFilling:
            self.refresh()

    def _onRunsChanged(self, _runId: str = "") -> None:
        self._subjects.forget()
        self._refreshSoon()

    def _onExport(self) -> None:
        if self._problem():
            return
        folder = Path(self.ui.folderEdit.currentPath)
        paths = checkPaths(folder, {kind: self._name(kind).text for kind in self._formats if self._wants(kind)})
        if not _mayOverwrite([path for path in paths.values() if path.exists()]):
            return
        slicer.app.userSettings().setValue(_FOLDER_SETTING, str(folder))
        self._start(self._work(paths))

    def _work(self, paths: dict[str, Path]) -> ExportWork:
        subject = self._chosen()
        sources = {self._formats[kind].source for kind in paths}
        return ExportWork(
            paths=paths,
            subjects=(_masksOf(subject),) if subject and sources & {"masks", "run"} else (),
            classes=ClassTable.from_json(subject.record.classes) if subject else self._labels.session.classes,
            run=self._subjects.runResult(subject.record) if subject and "run" in sources else None,
            cohort=self._labels.session.cohortForFile(),
            includeNames=self.ui.namesCheck.checked,
        )

    def _start(self, work: ExportWork) -> None:
        self._setText(_("Writing ..."))
        self.ui.exportProgress.value = 0
        self.ui.exportProgress.visible = True
        self._runner = StepRunner(writeFilesSteps(work), self._onDone, self._onError, onProgress=self._onProgress)
        self._runner.start()
        self._showReason()

    def _onProgress(self, fraction: float) -> None:
        self.ui.exportProgress.value = round(fraction * 100)

    def _onDone(self, written: list[Exported]) -> None:
        self._ended()
        folder = written[0].path.parent
        link = qt.QUrl.fromLocalFile(str(folder)).toString()
        names = "".join(f"<li>{_escaped(entry.path.name)}{_notes(entry)}</li>" for entry in written)
        head = _("✓ Written to {link}{folder}{end}:")
        head = head.format(link=f'<a href="{link}">', folder=_escaped(str(folder)), end="</a>")
        self._setText(f"{head}<ul>{names}</ul>")

    def _onError(self, error: Exception) -> None:
        self._ended()
        self._setText("✗ " + _escaped(errorInWords(error) if isinstance(error, UserError) else str(error)))
        if not isinstance(error, UserError):
            # Not the user's doing: the log gets the traceback.
            raise error

    def _ended(self) -> None:
        self._runner = None
        self.ui.exportProgress.visible = False
        self._showReason()

    def _stop(self) -> None:
        if self._runner is not None:
            self._runner.cancel()
            self._ended()

    def _setText(self, text: str) -> None:
        setText(self.ui.resultLabel, text)


def _masksOf(subject: ReviewSubject) -> ExportSubject:
    return ExportSubject(subject.volumeNode, subject.segmentationNode, subject.segmentIds, subject.result)


def _mayOverwrite(existing: list[Path]) -> bool:
    if not existing:
        return True
    names = "\n".join(path.name for path in existing)
    text = _("These files exist already:\n{names}\n\nOverwrite them?").format(names=names)
    return slicer.util.confirmYesNoDisplay(text, windowTitle=_("Overwrite files"))


def _openFolder(link: str) -> None:
    qt.QDesktopServices.openUrl(qt.QUrl(link))


def _documents() -> str:
    documents = qt.QStandardPaths.writableLocation(qt.QStandardPaths.DocumentsLocation)
    return documents if Path(documents).is_dir() else str(Path.home())


def _notes(entry: Exported) -> str:
    return "".join(f"<br>⚠ {_escaped(note)}" for note in entry.notes)


def _escaped(text: str) -> str:
    return breakable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
