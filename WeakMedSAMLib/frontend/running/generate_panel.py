"""Section 4, Generate: what is needed, what to expect, the run, and what came out."""

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
from WeakMedSAMLib.frontend.base.panel_parts import elided, setEnabled, setText
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.labels.tag_volumes import isTagged
from WeakMedSAMLib.frontend.running.device_chooser import AUTO, DeviceChooser
from WeakMedSAMLib.frontend.running.estimates import (
    expectedQuality,
    expectedTimeInWords,
    runSize,
    sureOfTimeInWords,
)
from WeakMedSAMLib.frontend.running.install_box import InstallBox
from WeakMedSAMLib.frontend.running.installer import Installer
from WeakMedSAMLib.frontend.running.job_runner import CANCELLING, JobRunner
from WeakMedSAMLib.frontend.running.probe_client import ProbeClient
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.running.run_view import RunView
from WeakMedSAMLib.frontend.running.run_words import codeInWords, lastRunInWords, timeLeftInWords
from WeakMedSAMLib.frontend.running.slice_preparation import SlicePreparation
from WeakMedSAMLib.frontend.running.storage_box import StorageBox
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode

# A second press of the mouse within this time is that of a double click, and must not cancel what the first has begun.
_DOUBLE_CLICK_MS = 500


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
    preparation: SlicePreparation
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
        self._isBeginning = False
        self._prepared: set[str] = set()
        self.installBox = InstallBox(ui, installer or Installer())
        self.devices = DeviceChooser(ui, logic.probe, logic.runs, logic.state)
        self.runView = RunView(ui, logic.runs, self.devices.inWords)
        self.storageBox = StorageBox(ui, logic.runs)
        self._later = self.soon(self.refresh)
        self._begun = self.soon(self._onBegun, _DOUBLE_CLICK_MS)
        ui.detailsSection.collapsed = True
        for name, text in presets().items():
            ui.presetComboBox.addItem(text, name)
        self.setScene(slicer.mrmlScene)
        self.connect(ui.presetComboBox, "currentIndexChanged(int)", self._onPreset)
        self.connect(ui.generateButton, "clicked(bool)", self.generate)
        self.connect(ui.cancelButton, "clicked(bool)", self.cancel)
        self.connect(ui.prepareCheck, "toggled(bool)", self._onPrepare)
        self.connect(ui.segmentationSelector, "currentNodeChanged(vtkMRMLNode*)", self._onSegmentation)
        self.follow(
            (logic.state.changed, self._later),
            (logic.session.changed, self._onTags),
            (logic.volumeChanged, self._later),
            (logic.runChanged, self._onRunChanged),
            (self.devices.changed, self._later),
            (logic.preparation.changed, self._onPreparation),
            (self.storageBox.cleared, logic.preparation.again),
            (self.installBox.installed, self._onInstalled),
        )
        logic.preparation.follow()
        self.refresh()

    def cleanup(self) -> None:
        """See `Panel`; what runs is the business of the logic."""
        super().cleanup()
        self.logic.preparation.cleanup()
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
        self._isBeginning = True
        self._begun()
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
        self._showButtons()
        self._showExpectations()
        self._showPreparation()
        self._showDetails()
        self.runView.refresh()
        self.storageBox.showButtons()
        self._showError()

    def _showPreset(self) -> None:
        combo, preset = self.ui.presetComboBox, self.logic.state.preset
        if combo.findData(preset) < 0:
            combo.addItem(preset, preset)
        combo.currentIndex = combo.findData(preset)
        setEnabled(combo, self._waitReason(), _("How masks are learned"))

    def _showButtons(self) -> None:
        ui, problem, isRunning = self.ui, self.readyProblem(), self.logic.isRunning
        ui.generateButton.enabled = not problem
        ui.generateButton.toolTip = problem or _("Learn from the tags and draw masks; Slicer can be used meanwhile.")
        shown, hidden = ui.generateButton, ui.cancelButton
        if isRunning and not self._isBeginning:
            shown, hidden = hidden, shown
        # In this order the keyboard goes from one to the other.
        shown.visible = True
        hidden.visible = False
        isCancelling = self.logic.job.state == CANCELLING
        ui.cancelButton.enabled = isRunning and not isCancelling
        ui.cancelButton.toolTip = self._cancelTip(isRunning, isCancelling)
        tip = _("A new segmentation, or one that exists, which keeps its segments and gets the masks of its own volume")
        setEnabled(ui.segmentationSelector, self._waitReason(), tip)

    def _waitReason(self) -> str:
        return _("Wait until the run has ended.") if self.logic.isRunning else ""

    def _cancelTip(self, isRunning: bool, isCancelling: bool) -> str:
        if isCancelling:
            return _("It is being cancelled; this takes 5 seconds at most.")
        return _("Stop within 5 seconds; what was computed is kept.") if isRunning else _("Nothing is running.")

    def _showExpectations(self) -> None:
        """How long it takes in one line; how sure that is, and how good the masks will be, in its tip."""
        label, preset = self.ui.estimateLabel, self.logic.state.preset
        # Two copies of a scan are one.
        keys = dict.fromkeys(self.logic.keyOf(node) for node in self.logic.volumesOfRun())
        entries = [self.logic.session.volume(key) for key in keys if key is not None]
        cohort = CohortLabels(self.logic.session.classes, [entry for entry in entries if entry is not None])
        # Before the first tag nothing can be expected.
        isShown = any(map(isTagged, cohort.volumes)) and not self.logic.isRunning
        label.visible = isShown
        # Not by `visible`, which is False as well while the section is folded.
        if isShown:
            size, device = runSize(cohort.volumes, self.logic.cachedKeys()), self.devices.expected
            label.text = expectedTimeInWords(size, device, preset, self.devices.inWords(device))
            quality = expectedQuality(cohort) if preset == FAST else _unknownQuality()
            label.toolTip = f"{sureOfTimeInWords(size, device, preset)}\n\n{quality}"

    def _showPreparation(self) -> None:
        """Say in one line that slices are prepared, or why not; nothing while a run does it."""
        preparation, label = self.logic.preparation, self.ui.prepareLabel
        words = "" if self.logic.isRunning else preparation.words
        label.text = words
        label.visible = bool(words)
        with self.filling():
            self.ui.prepareCheck.checked = preparation.isOn

    def _showDetails(self) -> None:
        """Say in the header of the folded part what is not chosen as it is at first."""
        ui, state = self.ui, self.logic.state
        target = ui.segmentationSelector.currentNode()
        chosen = [
            "" if state.preset == FAST else ui.presetComboBox.currentText.partition(":")[0],
            "" if state.device == AUTO else _("on {device}").format(device=self.devices.inWords(state.device)),
            "" if target is None else _("into {segmentation}").format(segmentation=elided(target.GetName(), 24)),
        ]
        words = ", ".join(filter(None, chosen))
        ui.detailsSection.text = _("Details: {chosen}").format(chosen=words) if words else _("Details")

    def _showError(self) -> None:
        """An error before a run could begin, or when its results were to be loaded."""
        error = self._error
        if error is None or self.logic.isRunning:
            return
        self.ui.outcomeFrame.visible = True
        self.ui.outcomeTitle.text = _("✗ It did not work")
        self.ui.outcomeTitle.toolTip = self.ui.outcomeText.toolTip = ""
        message, hint = wordsOf(error)
        setText(self.ui.outcomeText, "\n".join(filter(None, (message, hint, codeInWords(error.code)))))
        # Without a run there is neither folder nor log.
        self.ui.outcomeButtons.visible = self.logic.job.outcome is not None

    def stateInWords(self) -> str:
        """Return how the run is, or the last one ended, in a few words for the header of the folded section."""
        job, isRunning = self.logic.job, self.logic.isRunning
        if isRunning:
            left = timeLeftInWords(job.info.secondsLeft) if job.isRunning else ""
            return _("running, {left}").format(left=left) if left else _("running")
        said = self.logic.preparation.fewWords or lastRunInWords(self.logic.state.runs())
        return said or ("" if self.readyProblem() else _("ready"))

    def showError(self, error: UserError) -> None:
        """Show an error where the outcome of a run stands."""
        self._error = error
        self.refresh()

    def _onPreset(self, place: int) -> None:
        if place >= 0:
            self.logic.state.preset = str(self.ui.presetComboBox.itemData(place))

    def _onPrepare(self, isOn: bool) -> None:
        if not self._isFilling:
            self.logic.preparation.isOn = isOn

    def _onPreparation(self) -> None:
        self._showPreparation()
        if self._prepared != self.logic.preparation.keys:
            self._prepared = set(self.logic.preparation.keys)
            self._later()

    def _onTags(self, kind: str) -> None:
        self._later()

    def _onSegmentation(self, _node: Any) -> None:
        self._showDetails()

    def _onBegun(self) -> None:
        self._isBeginning = False
        self.refresh()

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
        self.logic.preparation.again()
        self.devices.ask()
        self._later()


def _unknownQuality() -> str:
    return _("It is meant for research: how good its masks get with so many volumes was not measured either.")
