"""Section 4, Generate masks: what is needed, what to expect, the run, and what came out."""

from __future__ import annotations

from typing import Any, Protocol

import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.stages import FAST, PAPER, REFERENCE
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.engine_words import wordsOf
from WeakMedSAMLib.frontend.base.panel import Panel
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged
from WeakMedSAMLib.frontend.running.device_chooser import DeviceChooser
from WeakMedSAMLib.frontend.running.estimates import RunSize, expectedQuality, expectedTimeInWords, runSize
from WeakMedSAMLib.frontend.running.install_box import InstallBox
from WeakMedSAMLib.frontend.running.installer import Installer
from WeakMedSAMLib.frontend.running.job_runner import CANCELLING, JobRunner
from WeakMedSAMLib.frontend.running.probe_client import ProbeClient
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.running.run_view import RunView
from WeakMedSAMLib.frontend.running.run_words import codeInWords
from WeakMedSAMLib.frontend.running.storage_box import StorageBox
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode


def presets() -> dict[str, str]:
    """Presets of the engine with their names for people; another one is shown by its own name."""
    return {
        FAST: _("Fast: learns in minutes, on CPU or GPU"),
        PAPER: _("Paper: published method, defects fixed"),
        REFERENCE: _("Reference: as published, to compare"),
    }


class RunLogic(Protocol):
    """What the panel needs of the module's logic."""

    state: ModuleState
    session: TagSession
    job: JobRunner
    probe: ProbeClient
    runs: RunControl
    volumeChanged: Callbacks
    runChanged: Callbacks

    @property
    def isRunning(self) -> bool:
        """Whether a run is under way, or its masks are on their way into the scene."""

    def keyOf(self, volumeNode: VolumeNode | None) -> str | None:
        """Return the key of a volume that is ready for tags; None before."""

    def volumesOfRun(self) -> list[VolumeNode]:
        """Return the volumes that a run would take."""

    def cachedKeys(self) -> set[str]:
        """Return the keys of volumes whose features are there."""

    def readyProblem(self) -> str:
        """Say why no masks can be generated now; empty if they can."""

    def startRun(self, *, segmentation: Any = None) -> str:
        """Begin to generate masks, into a segmentation if one is given; returns the run id."""

    def cancelRun(self) -> None:
        """Ask the run to stop."""


class GeneratePanel(Panel):
    """The panel of section 4.

    Parameters
    ----------
    logic : RunLogic
    installer : Installer, optional
        Tests put in another one.
    """

    def __init__(self, logic: RunLogic, installer: Installer | None = None) -> None:
        super().__init__("Generate.ui")
        self.logic, ui = logic, self.ui
        self._error: UserError | None = None
        self.installBox = InstallBox(ui, installer or Installer())
        self.devices = DeviceChooser(ui, logic.probe, logic.runs, logic.state)
        self.runView = RunView(ui, logic.runs)
        self.storageBox = StorageBox(ui, logic.runs)
        self._later = self.soon(self.refresh)
        for name, text in presets().items():
            ui.presetComboBox.addItem(text, name)
        self.setScene(slicer.mrmlScene)
        self.connect(ui.presetComboBox, "currentIndexChanged(int)", self._onPreset)
        self.connect(ui.generateButton, "clicked(bool)", self.generate)
        self.connect(ui.cancelButton, "clicked(bool)", self.cancel)
        self.follow(
            (logic.state.changed, self._later),
            (logic.session.changed, self._onTags),
            (logic.volumeChanged, self._later),
            (logic.runChanged, self._onRunChanged),
            (self.devices.changed, self._later),
            (self.installBox.installed, self._onInstalled),
        )
        self.refresh()

    def cleanup(self) -> None:
        """See `Panel`; what runs is the business of the logic."""
        super().cleanup()
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
        message, hint = wordsOf(error)
        self.ui.outcomeText.text = "\n".join(filter(None, (message, hint, codeInWords(error.code))))

    def showError(self, error: UserError) -> None:
        """Show an error where the outcome of a run stands."""
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
