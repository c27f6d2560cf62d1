"""Section 4, Generate masks: what is needed, what to expect, the run, and what came out."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.stages import FAST, PAPER, REFERENCE
from WeakMedSAMLib.frontend.base.callbacks import Connections, guarded
from WeakMedSAMLib.frontend.base.engine_words import translated
from WeakMedSAMLib.frontend.base.resources import resource
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged
from WeakMedSAMLib.frontend.running.device_chooser import DeviceChooser
from WeakMedSAMLib.frontend.running.estimates import RunSize, expectedQuality, expectedTimeInWords, runSize
from WeakMedSAMLib.frontend.running.install_box import InstallBox
from WeakMedSAMLib.frontend.running.installer import Installer
from WeakMedSAMLib.frontend.running.job_runner import CANCELLING
from WeakMedSAMLib.frontend.running.run_view import RunView
from WeakMedSAMLib.frontend.running.run_words import codeInWords
from WeakMedSAMLib.frontend.running.storage_box import StorageBox


def presets() -> dict[str, str]:
    """Presets of the engine with their names for people; another one is shown by its own name."""
    return {
        FAST: _("Fast: learns in minutes, on CPU or GPU"),
        PAPER: _("Paper: published method, defects fixed"),
        REFERENCE: _("Reference: as published, to compare"),
    }


class GeneratePanel:
    """The panel of section 4.

    Parameters
    ----------
    logic : WeakMedSAMLogic
    installer : Installer, optional
        Tests put in another one.

    Attributes
    ----------
    widget : qMRMLWidget
        To be placed into the section.
    ui : object
        Its widgets by name.
    """

    def __init__(self, logic: Any, installer: Installer | None = None) -> None:
        self.logic = logic
        self.widget = slicer.util.loadUI(resource("UI", "Generate.ui"))
        self.ui = ui = slicer.util.childWidgetVariables(self.widget)
        self._error: UserError | None = None
        self.installBox = InstallBox(ui, installer or Installer())
        self.devices = DeviceChooser(ui, logic)
        self.runView = RunView(ui, logic)
        self.storageBox = StorageBox(ui, logic)
        self._later = Coalesced(self.refresh)
        for name, text in presets().items():
            ui.presetComboBox.addItem(text, name)
        self.setScene(slicer.mrmlScene)
        ui.presetComboBox.connect("currentIndexChanged(int)", guarded(self._onPreset))
        ui.generateButton.connect("clicked(bool)", guarded(self.generate, self._onError))
        ui.cancelButton.connect("clicked(bool)", guarded(self.cancel))
        self._connections = Connections(
            (logic.state.changed, self._later),
            (logic.session.changed, self._onTags),
            (logic.volumeChanged, self._later),
            (logic.runChanged, self._onRunChanged),
            (self.devices.changed, self._later),
            (self.installBox.installed, self._onInstalled),
        )
        self.refresh()

    def setScene(self, scene: Any) -> None:
        """Show another scene."""
        self.widget.setMRMLScene(scene)

    def cleanup(self) -> None:
        """Observe nothing any more; what runs is the business of the logic."""
        self._later.cancel()
        self._connections.disconnect()
        for part in (self.installBox, self.devices, self.runView, self.storageBox):
            part.cleanup()

    def enter(self) -> None:
        """The module is shown: ask for devices, if that was not done."""
        self.installBox.look()
        if not self.installBox.missing:
            self.devices.ask()
        self.refresh()

    def generate(self) -> None:
        """Begin a run with what is chosen."""
        if self.readyProblem():
            return
        self._error = None
        self.logic.startRun(segmentation=self.ui.segmentationSelector.currentNode())

    def cancel(self) -> None:
        """Stop the run."""
        self.logic.cancelRun()
        self.refresh()

    def readyProblem(self) -> str:
        """Say why nothing can be generated now; empty if it can."""
        return self.logic.readyProblem() or self.installBox.readyProblem()

    def refresh(self) -> None:
        """Show what is the case now."""
        self._showPreset()
        self.installBox.refresh()
        self.devices.refresh()
        self._showExpectations()
        self._showButtons()
        self.runView.refresh()
        self.storageBox.showButtons()
        self._showError()

    def _showPreset(self) -> None:
        combo, preset = self.ui.presetComboBox, self.logic.state.preset
        if combo.findData(preset) < 0:
            combo.addItem(preset, preset)
        combo.currentIndex = combo.findData(preset)
        combo.enabled = not self.logic.isRunning

    def _showButtons(self) -> None:
        ui, problem, isRunning = self.ui, self.readyProblem(), self.logic.isRunning
        ui.generateButton.enabled = not problem
        ui.generateButton.toolTip = problem or _("Learn from the tags and draw masks; Slicer can be used meanwhile.")
        ui.reasonLabel.text = "" if isRunning else problem
        ui.reasonLabel.visible = bool(problem) and not isRunning
        isCancelling = self.logic.job.state == CANCELLING
        ui.cancelButton.enabled = isRunning and not isCancelling
        ui.cancelButton.toolTip = self._cancelTip(isRunning, isCancelling)
        ui.segmentationSelector.enabled = not isRunning

    def _cancelTip(self, isRunning: bool, isCancelling: bool) -> str:
        if isCancelling:
            return _("It is being cancelled; this takes 5 seconds at most.")
        return _("Stop within 5 seconds; what was computed is kept.") if isRunning else _("Nothing is running.")

    def _showExpectations(self) -> None:
        ui, keys = self.ui, [self.logic.keyOf(node) for node in self.logic.volumesOfRun()]
        entries = [self.logic.session.volume(key) for key in keys if key is not None]
        cohort = CohortLabels(self.logic.session.classes, [entry for entry in entries if entry is not None])
        # Before the first tag nothing can be expected, and the reason below says that tags are missing.
        isShown = any(map(isTagged, cohort.volumes)) and not self.logic.isRunning
        ui.estimateLabel.visible = ui.qualityLabel.visible = isShown
        if not isShown:
            return
        preset = self.logic.state.preset
        ui.estimateLabel.text = expectedTimeInWords(self._size(cohort), self.devices.expected, preset)
        if preset == FAST:
            ui.qualityLabel.text = expectedQuality(cohort)
        else:
            ui.qualityLabel.text = _(
                "It is meant for research: how good its masks get with so many volumes was not measured either."
            )

    def _size(self, cohort: CohortLabels) -> RunSize:
        return runSize(cohort.volumes, self.logic.cachedKeys())

    def _showError(self) -> None:
        """An error before a run could begin, or when its results were to be loaded."""
        error = self._error
        if error is None or self.logic.isRunning:
            return
        self.ui.outcomeFrame.visible = True
        self.ui.outcomeTitle.text = _("✗ It did not work")
        message, hint = translated(error.code, error.message, error.hint)
        self.ui.outcomeText.text = "\n".join(filter(None, (message, hint, codeInWords(error.code))))

    def _onError(self, error: UserError) -> None:
        self._error = error
        self.refresh()

    def _onPreset(self, place: int) -> None:
        if place >= 0:
            self.logic.state.preset = str(self.ui.presetComboBox.itemData(place))

    def _onTags(self, kind: str) -> None:
        self._later()

    def _onRunChanged(self) -> None:
        # Only a run that ended well and cannot be loaded: why a run failed is said by its outcome.
        outcome = self.logic.job.outcome
        hasMasks = outcome is not None and outcome.status == "finished" and not self.logic.isRunning
        self._error = self.logic.runs.error if hasMasks else None
        self._later()
        if not self.logic.isRunning:
            self.storageBox.refresh()

    def _onInstalled(self) -> None:
        self.logic.probe.forget()
        self.devices.ask()
        self._later()
