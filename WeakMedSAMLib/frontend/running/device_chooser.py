"""The choice of the device: what the worker finds on this computer, by name and memory."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.panel_parts import setEnabled
from WeakMedSAMLib.frontend.running.probe_client import ProbeClient, deviceInWords, placeInWords
from WeakMedSAMLib.frontend.running.run_control import RunControl
from WeakMedSAMLib.frontend.scene.module_state import ModuleState

AUTO = "auto"


class DeviceChooser:
    """Fills the box of devices from what a `ProbeClient` was told.

    Parameters
    ----------
    ui : object
        Widgets of Generate.ui by name.
    probe : ProbeClient
    runs : RunControl
        Nothing can be chosen while one is under way.
    state : ModuleState
        Keeps the choice.

    Attributes
    ----------
    changed : Callbacks
        Called without arguments when something else is known of the devices.
    """

    def __init__(self, ui: Any, probe: ProbeClient, runs: RunControl, state: ModuleState) -> None:
        self.changed = Callbacks()
        self._ui = ui
        self._probe, self._runs, self._state = probe, runs, state
        self._isUpdating = False
        ui.deviceComboBox.connect("currentIndexChanged(int)", guarded(self._onChosen))
        ui.probeButton.connect("clicked(bool)", guarded(self.askAgain))
        probe.changed.connect(self._onProbe)

    def cleanup(self) -> None:
        """Stop listening."""
        self._probe.changed.disconnect(self._onProbe)

    @property
    def expected(self) -> str:
        """The device that a run will use, as far as that is known."""
        device = self._state.device
        return self._probe.bestDevice if device == AUTO else device

    def inWords(self, device: str) -> str:
        """Return what a run is computed on: "the CPU", or a GPU by its name."""
        return placeInWords(device, self._probe.devices)

    def ask(self) -> None:
        """Ask which devices there are, unless that is known; returns at once."""
        if not self._probe.isAnswered:
            self._probe.ask()

    def askAgain(self) -> None:
        """Ask once more, even if that is known."""
        self._probe.forget()
        self._probe.ask()

    def refresh(self) -> None:
        """Show what is known now."""
        combo, probe, chosen = self._ui.deviceComboBox, self._probe, self._state.device
        entries = [(self._autoText(), AUTO), *((deviceInWords(one), one.device) for one in probe.devices)]
        if chosen not in [name for _text, name in entries]:
            text = _("{name} (not found on this computer)") if probe.devices else "{name}"
            entries.append((text.format(name=chosen), chosen))
        self._isUpdating = True
        if [(combo.itemText(place), combo.itemData(place)) for place in range(combo.count)] != entries:
            combo.clear()
            for text, name in entries:
                combo.addItem(text, name)
        combo.currentIndex = [name for _text, name in entries].index(chosen)
        self._isUpdating = False
        wait = _("Wait until the run has ended.") if self._runs.isRunning else ""
        setEnabled(combo, wait, str(probe.problem or combo.currentText))
        asking = _("Devices are being looked for.") if probe.isRunning else ""
        setEnabled(self._ui.probeButton, wait or asking, _("Look for devices again"))

    def _autoText(self) -> str:
        probe = self._probe
        if probe.isRunning:
            return _("Automatic (looking for devices...)")
        if probe.devices:
            return _("Automatic ({device})").format(device=deviceInWords(probe.devices[0]))
        return _("Automatic (the devices are not known)") if probe.problem else _("Automatic")

    def _onChosen(self, place: int) -> None:
        if place >= 0 and not self._isUpdating:
            self._state.device = str(self._ui.deviceComboBox.itemData(place))

    def _onProbe(self) -> None:
        self.refresh()
        self.changed()
