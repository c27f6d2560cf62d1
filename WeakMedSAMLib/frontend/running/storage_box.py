"""The section Storage: where patient images lie on this computer, how much there is, and how it is deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.run_names import short_id
from WeakMedSAMLib.frontend.base import folders
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded, showError
from WeakMedSAMLib.frontend.base.folders import RunOnDisk, sizeInWords
from WeakMedSAMLib.frontend.base.local_time import localTime
from WeakMedSAMLib.frontend.base.panel_parts import setEnabled
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps
from WeakMedSAMLib.frontend.running.run_control import RunControl

_NAMES_SHOWN = 3


class StorageBox:
    """Counts only while the section is open, and never blocks the window.

    Parameters
    ----------
    ui : object
        Widgets of Generate.ui by name.
    runs : RunControl

    Attributes
    ----------
    cleared : Callbacks
        Called without arguments once the feature cache was cleared.
    """

    def __init__(self, ui: Any, runs: RunControl) -> None:
        self.cleared = Callbacks()
        self._ui = ui
        self._runs = runs
        self._onDisk: list[RunOnDisk] = []
        self._work: dict[str, StepRunner] = {}
        self._isUpdating = False
        for edit in (ui.runsFolderEdit, ui.cacheFolderEdit):
            edit.filters = ctk.ctkPathLineEdit.Dirs
        ui.storageSection.collapsed = True
        ui.storageSection.connect("contentsCollapsed(bool)", guarded(self._onCollapsed))
        ui.runsFolderEdit.connect("currentPathChanged(QString)", guarded(self._onRunsFolder))
        ui.cacheFolderEdit.connect("currentPathChanged(QString)", guarded(self._onCacheFolder))
        ui.runComboBox.connect("currentIndexChanged(int)", guarded(self._onChosen))
        ui.openRunButton.connect("clicked(bool)", guarded(self.openRun))
        ui.deleteRunButton.connect("clicked(bool)", guarded(self.deleteRun))
        ui.clearCacheButton.connect("clicked(bool)", guarded(self.clearCache))
        self._showFolders()

    def cleanup(self) -> None:
        """Stop counting and deleting."""
        for runner in self._work.values():
            runner.cancel()
        self._work = {}

    def refresh(self) -> None:
        """Show what is the case now; count again if the section is open and nothing is running."""
        self.showButtons()
        if not self._ui.storageSection.collapsed and not self._runs.isRunning:
            self.count()

    def count(self) -> None:
        """List the runs and begin to count the bytes."""
        self._listRuns()
        for name, steps, label in (
            ("runs", folders.runSizeSteps(folders.runsFolder()), self._ui.runsSizeLabel),
            ("cache", folders.cacheSizeSteps(folders.cacheFolder()), self._ui.cacheSizeLabel),
        ):
            label.text = _("Counting...")
            self._start(name, steps, self._showSizeAs(name, label))

    def openRun(self) -> None:
        """Show the folder of the run that is chosen in the system's file manager."""
        run = self._chosen()
        if run is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(run.folder)))

    def deleteRun(self) -> None:
        """Ask, then delete the run that is chosen."""
        run = self._chosen()
        if run is None or self._isBusy(run):
            return
        question = _(
            "Delete the run of {run}?\n\nIts copies of the images, its masks and its model are deleted. Masks that are "
            "in the scene stay, but their threshold can no longer be changed."
        ).format(run=_describe(run))
        others = sum(other.goesOnFrom(run) for other in self._onDisk)
        if others:
            question += "\n\n" + _(
                "Other runs that were made by this model: {count}. Corrections can move their masks afterwards only "
                "where the scene that they are in has kept it."
            ).format(count=others)
        if slicer.util.confirmOkCancelDisplay(question, _("Delete run")):
            self._start("delete", folders.deleteRunSteps(run.folder), lambda freed: self._onDeleted(run, freed))

    def clearCache(self) -> None:
        """Ask, then delete the feature cache."""
        question = _(
            "Clear the feature cache in {folder}?\n\nThe next run on each volume takes longer, since its features must "
            "be computed again. Nothing else is lost."
        ).format(folder=folders.cacheFolder())
        if not self._runs.isRunning and slicer.util.confirmOkCancelDisplay(question, _("Clear cache")):
            self._start("clear", folders.clearCacheSteps(folders.cacheFolder()), self._onCleared)

    def _onDeleted(self, run: RunOnDisk, freed: int) -> None:
        # The folder is called after the short id, which the scene knows the run by.
        self._runs.forget(short_id(run.folder.name))
        slicer.util.showStatusMessage(_("Deleted: {size}").format(size=sizeInWords(freed)), 5000)
        self.count()
        if run.folder.is_dir():
            text = _("The run was deleted, but {folder} stays: it holds files that are not of WeakMedSAM ({files}).")
            files = _shorten(folders.leftIn(run.folder))
            slicer.util.infoDisplay(text.format(folder=run.folder, files=files), windowTitle=_("Delete run"))

    def _onCleared(self, freed: int) -> None:
        self.cleared()
        slicer.util.showStatusMessage(_("Deleted: {size}").format(size=sizeInWords(freed)), 5000)
        self.count()

    def _start(self, name: str, steps: Steps[int], onDone: Callable[[int], Any]) -> None:
        if name in self._work:
            self._work.pop(name).cancel()

        def end(function: Callable[[Any], Any], value: Any) -> None:
            self._work.pop(name, None)
            self.showButtons()
            function(value)

        runner = StepRunner(steps, lambda size: end(onDone, size), lambda error: end(self._onError, error))
        self._work[name] = runner
        runner.start()
        self.showButtons()

    def _onError(self, error: Exception) -> None:
        if isinstance(error, UserError):
            showError(error)
            self._listRuns()
        else:
            raise error

    def _showSizeAs(self, name: str, label: Any) -> Callable[[int], None]:
        def show(size: int) -> None:
            text = _("{size} (runs: {count})") if name == "runs" else _("{size}")
            label.text = text.format(size=sizeInWords(size), count=len(self._onDisk))

        return show

    def _listRuns(self) -> None:
        chosen = self._ui.runComboBox.currentText
        self._onDisk = folders.runsOnDisk(folders.runsFolder())
        self._ui.runComboBox.clear()
        self._ui.runComboBox.addItems([_describe(run) for run in self._onDisk])
        self._ui.runComboBox.currentIndex = max(0, self._ui.runComboBox.findText(chosen)) if self._onDisk else -1
        self.showButtons()

    def showButtons(self) -> None:
        """Let be clicked what can be done now, and say of the rest why not."""
        ui, isRunning = self._ui, self._runs.isRunning
        isWorking = any(name in self._work for name in ("delete", "clear"))
        wait = (
            _("Wait until the run has ended.") if isRunning else _("Something is being deleted.") if isWorking else ""
        )
        none = "" if self._onDisk else _("There is no run.")
        setEnabled(ui.openRunButton, none, _("Show the files of this run"))
        setEnabled(ui.deleteRunButton, wait or none, _("Delete a run's files"))
        setEnabled(ui.clearCacheButton, wait, _("Delete the features that are kept to make repeated runs quick"))
        for edit, tip in (
            (ui.runsFolderEdit, _("Folder of new run folders; empty for the usual place")),
            (ui.cacheFolderEdit, _("Folder of the feature cache; empty for the usual place")),
        ):
            setEnabled(edit, _("Wait until the run has ended.") if isRunning else "", tip)

    def _onChosen(self, _place: int) -> None:
        # It is longer than the panel is wide.
        self._ui.runComboBox.toolTip = self._ui.runComboBox.currentText or _("Runs in this folder, the newest first")

    def _chosen(self) -> RunOnDisk | None:
        index = self._ui.runComboBox.currentIndex
        return self._onDisk[index] if 0 <= index < len(self._onDisk) else None

    def _isBusy(self, run: RunOnDisk) -> bool:
        return self._runs.isRunning and run.folder == self._runs.job.runFolder

    def _onCollapsed(self, isCollapsed: bool) -> None:
        if not isCollapsed:
            self._showFolders()
            self.refresh()

    def _showFolders(self) -> None:
        self._isUpdating = True
        self._ui.runsFolderEdit.currentPath = str(folders.runsFolder())
        self._ui.cacheFolderEdit.currentPath = str(folders.cacheFolder())
        self._isUpdating = False

    def _onRunsFolder(self, path: str) -> None:
        if not self._isUpdating and _isFolder(path):
            folders.setRunsFolder(path)
            self.refresh()

    def _onCacheFolder(self, path: str) -> None:
        if not self._isUpdating and _isFolder(path):
            folders.setCacheFolder(path)
            self.refresh()


def _isFolder(path: str) -> bool:
    """Empty for the usual place, or a folder that is there; while somebody is typing, it is mostly neither."""
    return not path.strip() or (Path(path).is_absolute() and Path(path).is_dir())


def _shorten(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        shown = _("{names} and {count} more").format(names=shown, count=len(names) - _NAMES_SHOWN)
    return shown


def _describe(run: RunOnDisk) -> str:
    names = _shorten(run.volumeNames)
    created = localTime(run.created) or _("unknown date")
    return f"{created} {names}".strip() + f" [{short_id(run.folder.name)[:6]}]"
