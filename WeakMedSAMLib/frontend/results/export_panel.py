"""Section 6 of the panel: masks and a report as files."""

from __future__ import annotations

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
from WeakMedSAMLib.frontend.base.panel_parts import breakable, elided, setEnabled, setText
from WeakMedSAMLib.frontend.base.steps import StepRunner
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.results.export_formats import ExportSubject, ExportWork, exportFormats
from WeakMedSAMLib.frontend.results.export_work import checkPaths, nameProblem, worksOfRun, writeAllSteps
from WeakMedSAMLib.frontend.results.exports import Exported, safeName
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject, ReviewSubjects
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.scene.watched_node import WatchedNode

_FOLDER_SETTING = "WeakMedSAM/exportFolder"
_NAMES_SHOWN, _LONGEST_NAME = 6, 44


class ExportPanel(Panel):
    """What to export, where to, under which name; and what became of it.

    Its masks are those under review: of the current volume, or of all volumes of that run.

    Parameters
    ----------
    labels : SceneLabels
    runs : RunControl
    history : SegmentHistory
        Is told when masks turn out to have changed since they were reviewed.
    """

    def __init__(self, labels: SceneLabels, runs: RunControl, history: SegmentHistory) -> None:
        super().__init__("Export.ui")
        self._state, self._history = labels.state, history
        self._scene: Any = None
        self._subjects = ReviewSubjects(labels.state)
        self._choices: list[ReviewSubject] = []
        # Id and name of the volume that a name was proposed for.
        self._named = ("", "")
        self._runner: StepRunner | None = None
        known = exportFormats()
        self._formats = {kind: known[kind] for kind in known if hasattr(self.ui, f"{kind}Check")}
        self._tips = {kind: self._check(kind).toolTip for kind in self._formats}
        self._refreshSoon = self.soon(self.refresh, 100)
        self._watched = WatchedNode(self._refreshSoon)
        self.ui.folderEdit.currentPath = slicer.app.userSettings().value(_FOLDER_SETTING) or _documents()
        self.ui.folderEdit.filters = ctk.ctkPathLineEdit.Dirs
        self.ui.exportProgress.visible = False
        self.ui.resultLabel.openExternalLinks = False
        self.ui.detailsSection.collapsed = True
        self._connectWidgets()
        self.follow(
            (labels.state.changed, self._refreshSoon),
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
        self._watched.watch(None)
        self._stop()
        self._choices = []

    def refresh(self) -> None:
        """Show everything as it is."""
        self._refreshSoon.cancel()
        self._watch(self._state.currentVolume)
        with self.filling():
            self._choices = self._subjectsUnderReview()
            self._showAll()
            self._proposeName()
        self._showReason()

    def _watch(self, volumeNode: Any) -> None:
        """Hear of another name of the current volume; what was written of another one is said no longer."""
        if self._watched.watch(volumeNode) and self._runner is None:
            self._setText("")

    def _connectWidgets(self) -> None:
        ui = self.ui
        self.connect(ui.allCheck, "toggled(bool)", self._onChanged)
        self.connect(ui.folderEdit, "currentPathChanged(QString)", self._onChanged)
        self.connect(ui.nameEdit, "textChanged(QString)", self._onChanged)
        self.connect(ui.exportButton, "clicked()", self._onExport)
        self.connect(ui.resultLabel, "linkActivated(QString)", _openFolder)
        for kind in self._formats:
            self.connect(self._check(kind), "toggled(bool)", self._onChanged)

    def _check(self, kind: str) -> Any:
        return getattr(self.ui, f"{kind}Check")

    # What is there

    def _subjectsUnderReview(self) -> list[ReviewSubject]:
        """Return the masks of the run under review that are in the scene with their volumes."""
        record = self._subjects.underReview(self._state.currentVolume)
        ids = self._subjects.volumeIds(record) if record is not None else []
        subjects = [self._subjects.subject(self._scene, record, each) for each in ids if record is not None]
        return [each for each in subjects if each.segmentIds and each.volumeNode is not None]

    def _chosen(self) -> list[ReviewSubject]:
        """Return the masks to write."""
        volume = self._state.currentVolume
        return self._choices if self._isOfAll() else [each for each in self._choices if each.volumeNode is volume]

    def _isOfAll(self) -> bool:
        return len(self._choices) > 1 and bool(self.ui.allCheck.checked)

    # What is shown

    def _showAll(self) -> None:
        check, count = self.ui.allCheck, len(self._choices)
        check.visible = count > 1
        check.text = _("All {count} volumes of the run").format(count=count)

    def _proposeName(self) -> None:
        """Propose the name of the current volume. What was typed for it stays, but is not taken for another one."""
        volume = self._state.currentVolume
        named = (volume.GetID(), safeName(volume.GetName())) if volume is not None else ("", "")
        isAnother = named[0] != self._named[0]
        if isAnother or self.ui.nameEdit.text == self._named[1]:
            self.ui.nameEdit.text = named[1]
        self._named = named

    def _showReason(self) -> None:
        ui, isOfAll = self.ui, self._isOfAll()
        for kind in self._formats:
            setEnabled(self._check(kind), self._kindProblem(kind), self._tips[kind])
        reason = _("Files of several volumes are called by the names of the volumes.") if isOfAll else ""
        setEnabled(ui.nameEdit, reason, _("What the names of the files begin with"))
        report = "" if self._wants("report") else _("No report is written.")
        tip = _("Names of volumes may be names of patients; without them volumes are numbered")
        setEnabled(ui.namesCheck, report, tip)
        setEnabled(ui.exportButton, self._problem(), _("Write these files"))
        self._showFiles()

    def _showFiles(self) -> None:
        """Show how the files will be called."""
        names = [path.name for path in self._paths()] if self._chosen() and not self._nameProblem() else []
        setText(self.ui.filesLabel, "\n".join(_inShort([elided(name, _LONGEST_NAME) for name in names])))
        self.ui.filesLabel.toolTip = "\n".join(names)

    def _kindProblem(self, kind: str) -> str:
        chosen = self._chosen()
        if not chosen:
            return self._noMasks()
        if self._formats[kind].source == "run" and not any(each.result for each in chosen):
            return _("The run folder is gone, and the report needs it.")
        return ""

    def _noMasks(self) -> str:
        volume = self._state.currentVolume
        if not self._choices and any(record.status == "finished" for record in self._subjects.runs()):
            return _("The masks of the run under review are not in the scene; load them in section 5.")
        if not self._choices:
            return _("There are no masks yet; generate some in section 4.")
        if volume is None:
            return _("Choose a volume above.")
        return _("'{volume}' has no masks in the run under review.").format(volume=volume.GetName())

    def _problem(self) -> str:
        if self._runner is not None:
            return _("Files are being written.")
        if not self._chosen():
            return self._noMasks()
        if not any(self._wants(kind) for kind in self._formats):
            return _("Nothing to write is checked.")
        if self._nameProblem():
            return self._nameProblem()
        return "" if self.ui.folderEdit.currentPath.strip() else _("Choose a folder.")

    def _nameProblem(self) -> str:
        return "" if self._isOfAll() else nameProblem(self.ui.nameEdit.text)

    def _wants(self, kind: str) -> bool:
        return self._check(kind).checked and not self._kindProblem(kind)

    # What happens

    def _onChanged(self) -> None:
        if not self._isFilling:
            self._showReason()

    def _onRunsChanged(self, _runId: str = "") -> None:
        self._subjects.forget()
        self._refreshSoon()

    def _onExport(self) -> None:
        if self._problem():
            return
        folder = Path(self.ui.folderEdit.currentPath)
        paths = list(checkPaths(folder, {path.name: path.name for path in self._paths()}).values())
        if not _mayOverwrite([path for path in paths if path.exists()]):
            return
        slicer.app.userSettings().setValue(_FOLDER_SETTING, str(folder))
        self._start(self._works(folder))

    def _paths(self) -> list[Path]:
        """Return the files that are written."""
        works = self._works(Path(self.ui.folderEdit.currentPath))
        return [path for work in works for path in work.paths.values()]

    def _works(self, folder: Path) -> list[ExportWork]:
        chosen, kinds = self._chosen(), [kind for kind in self._formats if self._wants(kind)]
        record, includeNames = chosen[0].record, bool(self.ui.namesCheck.checked)
        isOfRun = any(self._formats[kind].source == "run" for kind in kinds)
        run = self._subjects.runResult(record) if isOfRun else None
        classes = ClassTable.from_json(record.classes)
        subjects = {each.volumeId: _exported(each) for each in chosen}
        if self._isOfAll():
            return worksOfRun(folder, subjects, classes, run, kinds, includeNames)
        name = self.ui.nameEdit.text.strip()
        paths = {kind: folder / (name + self._formats[kind].ending) for kind in kinds}
        return [ExportWork(paths, tuple(subjects.values()), classes, run, includeNames=includeNames)]

    def _start(self, works: list[ExportWork]) -> None:
        self._setText(_("Writing ..."))
        self.ui.exportProgress.value = 0
        self.ui.exportProgress.visible = True
        self._runner = StepRunner(writeAllSteps(works), self._onDone, self._onError, onProgress=self._onProgress)
        self._runner.start()
        self._showReason()

    def _onProgress(self, fraction: float) -> None:
        self.ui.exportProgress.value = round(fraction * 100)

    def _onDone(self, written: list[Exported]) -> None:
        self._ended()
        folder = written[0].path.parent
        link = qt.QUrl.fromLocalFile(str(folder)).toString()
        count = len(written)
        text = (
            _("✓ 1 file written to {link}{folder}{end}")
            if count == 1
            else _("✓ {count} files written to {link}{folder}{end}")
        )
        head = text.format(count=count, link=f'<a href="{link}">', folder=_escaped(str(folder)), end="</a>")
        # How the files are called stands above; here those of which there is something to say.
        noted = "".join(f"<li>{_escaped(entry.path.name)}{_notes(entry)}</li>" for entry in written if entry.notes)
        self._setText(f"{head}<ul>{noted}</ul>" if noted else head)

    def _onError(self, error: Exception) -> None:
        self._ended()
        self._setText("✗ " + _escaped(errorInWords(error) if isinstance(error, UserError) else str(error)))
        if not isinstance(error, UserError):
            # Not the user's doing: the log gets the traceback.
            raise error

    def _ended(self) -> None:
        self._runner = None
        self.ui.exportProgress.visible = False
        # Masks are compared with what was reviewed before they are written.
        self._history.changed()
        self._showReason()

    def _stop(self) -> None:
        if self._runner is not None:
            self._runner.cancel()
            self._ended()

    def _setText(self, text: str) -> None:
        setText(self.ui.resultLabel, text)


def _exported(subject: ReviewSubject) -> ExportSubject:
    return ExportSubject(subject.volumeNode, subject.segmentationNode, subject.segmentIds, subject.result)


def _inShort(names: list[str]) -> list[str]:
    """Return a list of names with the end of a long one left out."""
    if len(names) <= _NAMES_SHOWN:
        return names
    left = len(names) - _NAMES_SHOWN + 1
    return [*names[: _NAMES_SHOWN - 1], _("and {count} more").format(count=left)]


def _mayOverwrite(existing: list[Path]) -> bool:
    if not existing:
        return True
    names = "\n".join(_inShort([path.name for path in existing]))
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
