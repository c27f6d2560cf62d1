"""WeakMedSAM in 3D Slicer: segmentation masks from slice tags alone.

What Slicer looks for by name is here; what it does is in ``WeakMedSAMLib.frontend``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleWidget

# The library lies in this folder in a built extension, beside it in a checkout. That goes first: elsewhere on the path
# may be the engine's wheel, which has no frontend, or another copy of the extension.
if Path(__file__).with_name("WeakMedSAMLib").is_dir():
    sys.path[:] = dict.fromkeys([str(Path(__file__).resolve().parent), *sys.path])
else:
    sys.path[:] = dict.fromkeys([str(Path(__file__).resolve().parents[1]), *sys.path])

from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.reloading import forgetFrontend
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.trial.sample_data import registerSampleData
from WeakMedSAMLib.frontend.trial.self_test import WeakMedSAMTest
from WeakMedSAMLib.frontend.widget import ModulePanel

__all__ = ["WeakMedSAM", "WeakMedSAMLogic", "WeakMedSAMTest", "WeakMedSAMWidget"]


class WeakMedSAM(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("WeakMedSAM")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = []
        parent.contributors = ["WeakMedSAM contributors"]
        parent.helpText = _helpText()
        parent.acknowledgementText = _acknowledgementText()
        slicer.app.connect("startupCompleted()", guarded(registerSampleData))


class WeakMedSAMWidget(ScriptedLoadableModuleWidget):
    """The module's panel; Slicer makes it when the module is opened for the first time."""

    def __init__(self, parent: Any = None) -> None:
        self.panel: ModulePanel | None = None
        self.logic: WeakMedSAMLogic | None = None
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self) -> None:
        """Build the panel and connect it with the scene."""
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = WeakMedSAMLogic()
        self.panel = ModulePanel(self.logic, self.resourcePath("UI/WeakMedSAM.ui"))
        self.layout.addWidget(self.panel.widget)

    def enter(self) -> None:
        """Show tags and take keys in the slice views again."""
        if self.panel is not None:
            self.panel.enter()

    def exit(self) -> None:
        """Leave slice views and keys to the module that is opened next; a run goes on."""
        if self.panel is not None:
            self.panel.exit()

    def cleanup(self) -> None:
        """Stop the worker, save the tags into the scene and let go of everything; may be called twice."""
        if self.panel is not None:
            self.panel.cleanup()
        if self.logic is not None:
            self.logic.cleanup()
        self.panel, self.logic = None, None

    def onReload(self) -> None:
        """Reload the module with the files that it is made of (developer mode)."""
        self.cleanup()
        forgetFrontend()
        ScriptedLoadableModuleWidget.onReload(self)
        # The module is shown already, so that Slicer has no reason to tell the new widget that it is.
        widget = getattr(slicer.modules, f"{self.moduleName}Widget", None)
        if widget not in (None, self) and slicer.util.selectedModule() == self.moduleName:
            widget.enter()


def _helpText() -> str:
    return _(
        "<p>Segmentation masks from slice tags alone: say for the slices of a scan whether they show a class, and a "
        "model that learns from those tags <b>on this computer</b> draws the class on every slice, for you to review "
        "and correct. Nobody draws outlines, and nothing leaves the machine. For research, not a medical device.</p>"
        "<p><b>Try it:</b> open the Sample Data module and load <i>MRBrainTumor1</i>. Back here, scroll the red view "
        "to the first slice that shows the tumour and press <b>S</b>, scroll to the last one and press <b>E</b>, then "
        "press <b>Generate masks</b>. Load <i>MRBrainTumor2</i>, choose it under Volumes and tag it too: each further "
        "volume makes the masks of all better.</p>"
    )


def _acknowledgementText() -> str:
    return _(
        "The method follows WeakMedSAM: Weakly-Supervised Medical Image Segmentation via SAM with Sub-Class "
        "Exploration and Prompt Affinity Mining (IEEE Transactions on Medical Imaging, 2025; "
        '<a href="https://arxiv.org/abs/2503.04106">arXiv:2503.04106</a>). Image features come from LiteMedSAM, the '
        "distilled version of MedSAM (Segment anything in medical images, Nature Communications, 2024). Please cite "
        "both if you use masks made with this module."
    )
