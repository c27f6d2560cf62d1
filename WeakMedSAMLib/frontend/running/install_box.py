"""The box that offers to install what is missing: what, how much, from where; nothing happens without a click."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.running import dependencies
from WeakMedSAMLib.frontend.running.installer import Installer


class InstallBox:
    """Shows its part of the panel while something is missing.

    Parameters
    ----------
    ui : object
        Widgets of Generate.ui by name.
    installer : Installer

    Attributes
    ----------
    installed : Callbacks
        Called without arguments once nothing is missing any more.
    """

    def __init__(self, ui: Any, installer: Installer) -> None:
        self.installed = Callbacks()
        self._ui = ui
        self._installer = installer
        self._missing: list[str] | None = None
        self._problem: UserError | None = None
        self._obstacle: UserError | None = None
        ui.installButton.connect("clicked(bool)", guarded(self.install, self._onProblem))
        ui.installOfflineButton.connect("clicked(bool)", guarded(self.installFromFolder, self._onProblem))
        installer.changed.connect(self.refresh)
        installer.log.connect(self._onLog)
        installer.ended.connect(self._onEnded)

    def cleanup(self) -> None:
        """Stop listening to the installer, which goes on by itself."""
        self._installer.changed.disconnect(self.refresh)
        self._installer.log.disconnect(self._onLog)
        self._installer.ended.disconnect(self._onEnded)

    @property
    def missing(self) -> list[str]:
        """Names of the packages that are missing; looked up once, and again after an installation."""
        if self._missing is None:
            try:
                self._missing = dependencies.findMissing()
            except UserError as error:
                # A Slicer that is too old to install anything: said in the box, while tagging works all the same.
                self._missing, self._obstacle = [], error
        return self._missing

    def readyProblem(self) -> str:
        """Say why nothing can be generated as long as something is missing or being installed; else empty."""
        if self._installer.isRunning:
            return _("Packages are being installed. Wait until that has finished.")
        if self.missing:
            return _("Some Python packages are missing. Install them with the button above.")
        return str(self._obstacle) if self._obstacle else ""

    def look(self) -> None:
        """Look again what is missing."""
        self._missing = self._obstacle = None
        self.refresh()

    def install(self) -> None:
        """Install what is missing from the network."""
        self._begin(None)

    def installFromFolder(self) -> None:
        """Let the user choose a folder of wheels and install from it."""
        title = _("Folder of downloaded wheels")
        folder = qt.QFileDialog.getExistingDirectory(self._ui.installFrame, title)
        if folder:
            self._begin(Path(folder))

    def refresh(self) -> None:
        """Show what is the case now."""
        ui, isRunning = self._ui, self._installer.isRunning
        extensionProblem = dependencies.torchExtensionProblem() if self.missing else ""
        ui.installFrame.visible = bool(self.missing) or isRunning or self._problem is not None
        ui.installTitle.text = self._title()
        ui.installText.text = "\n\n".join(part for part in (missingInWords(self.missing), extensionProblem) if part)
        ui.installText.visible = bool(self.missing)
        ui.installButton.enabled = not isRunning and not extensionProblem
        ui.installButton.toolTip = extensionProblem or self._buttonTip()
        ui.installOfflineButton.enabled = not isRunning
        ui.installProgress.visible = isRunning
        ui.installResult.text = str(self._problem) if self._problem else ""
        ui.installResult.visible = self._problem is not None
        ui.installLog.visible = isRunning or self._problem is not None

    def _title(self) -> str:
        if self._installer.isRunning:
            return _("Installing. Slicer can be used meanwhile; do not close it.")
        if self._problem is not None:
            return _("The installation did not succeed.")
        return _("Before the first run, some Python packages must be installed.")

    def _buttonTip(self) -> str:
        if self._installer.isRunning:
            return _("An installation is under way.")
        return _("Download and install what is missing into Slicer's Python.")

    def _begin(self, folder: Path | None) -> None:
        self._problem = None
        self._ui.installLog.setPlainText("")
        self._installer.install(folder)

    def _onLog(self, line: str) -> None:
        self._ui.installLog.appendPlainText(line)

    def _onProblem(self, error: UserError) -> None:
        self._problem = error
        self.refresh()

    def _onEnded(self, error: UserError | None) -> None:
        self._problem = error
        self.look()
        if not self.missing:
            self.installed()


def missingInWords(names: list[str]) -> str:
    """Say what is missing, how much there is to download, and from where."""
    if not names:
        return ""
    torch = [name for name in names if name in ("torch", "torchvision")]
    rest = [name for name in names if name not in torch]
    parts = []
    if torch:
        text = _(
            "• PyTorch ({names}): about 0.2 GB without an NVIDIA GPU, up to 3 GB with one, from download.pytorch.org."
        )
        parts.append(text.format(names=", ".join(torch)))
    if rest:
        parts.append(_("• {names}: about 0.1 GB at most, from pypi.org.").format(names=", ".join(rest)))
    if torch:
        parts.append(
            _("Of what Slicer ships, only pip may be replaced by an older version; no image leaves this computer.")
        )
    else:
        parts.append(_("Nothing that Slicer ships is replaced, and no image leaves this computer."))
    return "\n".join(parts)
