"""Start the stand-in: `from host.host import start; host = start()`, before anything imports qt, ctk or slicer.

There is then, in one process without a screen:
- `qt`, `ctk`: PySide6 in PythonQt's manner (pythonqt.py, pythonqt_signals.py, qt_module.py, ctk_module.py).
- `slicer`: the real slicer-core package (MRML, logics, slicer.util), and what it lacks: slicer.app, slicer.mrmlScene,
  slicer.modules, slicer.ScriptedLoadableModule, slicer.packaging, slicer.i18n, the qMRML and qSlicer widget classes.
- slicer.app.layoutManager().sliceWidget("Red" | "Yellow" | "Green"): real slice nodes and logics; a picture is rendered
  off-screen whenever the widget is painted or `forceRender()` is called.

What `start` returns (class Host):
- host.dialogs: modal windows (message boxes, file dialogs, menus, input, colours): `.shown` what was asked, `.texts`,
  `.answer(...)` the answers to come; a question without an answer raises.
- host.packaging: what slicer.packaging was asked (`.asked`), `.missing`, `.declined`, `.fails`.
- host.errors: exceptions that callbacks raised (PythonQt prints and forgets them); fixtures fail a test by them.
- host.loadModule(path), host.unloadModule(name): a scripted module as Slicer loads it.
- host.closeScene(), host.settle(), host.grab(widget, path), host.sliceImage("Red"): see below.
- host.mrml: the logics. host.standIns(): the list of everything that is stood in.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

_started: Host | None = None

# How often what is waited for is looked at where Qt has nothing to do: it may be a file or a process.
_POLL_SECONDS = 0.002
_ORIENTATIONS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}


class Host:
    """The running stand-in."""

    def __init__(self) -> None:
        _chooseRenderer()
        import slicer

        from . import (
            ctk_module,
            dialogs,
            i18n,
            modules,
            mrml_scene,
            packaging,
            pythonqt,
            pythonqt_signals,
            qt_module,
            scripted_module,
            slicer_app,
        )

        pythonqt.install()
        pythonqt.QtCore.qInstallMessageHandler(_tell)
        self.pythonqt = pythonqt
        self.folder = tempfile.mkdtemp(prefix="slicer-host-")
        self.slicer = slicer
        self.dialogs = dialogs.RECORD
        self.packaging = packaging.RECORD
        self.errors = pythonqt_signals.CALLBACK_ERRORS
        sys.modules["qt"], sys.modules["ctk"] = qt_module.make(), ctk_module.make()
        for name, module in (("i18n", i18n.make()), ("packaging", packaging.make())):
            self._add(name, module)
        self.app = slicer.app = slicer_app.qSlicerApplication(self.folder)
        self._alarm = pythonqt.QtCore.QTimer()
        pythonqt.QtCore.QTimer.setSingleShot(self._alarm, True)
        self.mrml = mrml_scene.Mrml(self.folder)
        for name, module in zip(("modules", "moduleNames"), modules.makeNamespaces(), strict=True):
            self._add(name, module)
        self._exportWidgets()
        self._add("ScriptedLoadableModule", scripted_module.make())
        self.app._complete(self.mrml)

    def _add(self, name: str, module: Any) -> None:
        sys.modules[f"slicer.{name}"] = module
        setattr(self.slicer, name, module)

    def _exportWidgets(self) -> None:
        from . import io_manager, layout_manager, modules, qmrml_widgets, segment_editor, slice_widgets, slicer_app

        sources = (qmrml_widgets, slice_widgets, layout_manager, io_manager, modules, segment_editor, slicer_app)
        for source in sources:
            for cls in source.EXPORTED:
                setattr(self.slicer, cls.__name__, cls)

    def standIns(self) -> list[str]:
        """Return the names of everything that is stood in, sorted."""
        from . import inventory

        return inventory.names()

    def settle(self, seconds: float = 0.0) -> None:
        """Let Qt do what is waiting, and then what comes for at least so long."""
        self._turn()
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._rest(left)
            self._turn()

    def _turn(self) -> None:
        """Let Qt's loop go round once, which deletes what was to be deleted later: `processEvents` alone does not."""
        self.app.processEvents()
        _deleteWaiting()

    def _rest(self, seconds: float) -> None:
        """Sleep until Qt has something to do, at most so long: other tests run meanwhile."""
        QtCore = self.pythonqt.QtCore
        QtCore.QTimer.start(self._alarm, max(1, int(seconds * 1000)))
        QtCore.QAbstractEventDispatcher.instance().processEvents(QtCore.QEventLoop.WaitForMoreEvents)
        QtCore.QTimer.stop(self._alarm)

    def waitUntil(self, condition: Callable[[], Any], timeout: float = 10.0) -> Any:
        """Let Qt work until the condition holds, and return it; AssertionError after `timeout` seconds."""
        end = time.monotonic() + timeout
        while True:
            self._turn()
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"not within {timeout} s: {condition}")
            self._rest(_POLL_SECONDS)

    def closeScene(self) -> None:
        """Close the scene as File / Close Scene does."""
        self.slicer.mrmlScene.Clear(0)
        self.settle()

    def loadModule(self, path: str) -> Any:
        """Load a scripted module from its .py file and return its module object."""
        from . import modules

        return modules.loadScriptedModule(str(path))

    def unloadModule(self, name: str) -> None:
        """Unload a scripted module, as at the end of Slicer."""
        from . import modules

        modules.unloadScriptedModule(name)
        self.settle()

    def sliceImage(self, view: str = "Red") -> Any:
        """Render a slice view and return its pixels as an array of (rows, columns, 3) uint8."""
        from .pictures import arrayOf

        return arrayOf(self.app.layoutManager().sliceWidget(view).sliceView()._render())

    def grab(self, widget: Any, path: str | None = None) -> Any:
        """Return a picture of a widget as an array of (rows, columns, 3), and save it as PNG if a path is given."""
        from .pictures import arrayOf

        image = widget.grab().toImage()
        if path is not None and not image.save(str(path)):
            raise OSError(f"cannot write {path}")
        return arrayOf(image)

    def reset(self) -> None:
        """Forget what the last test left: scene, answers, packages, errors."""
        if hasattr(self.slicer.modules, "SegmentEditorWidget"):
            # Its keys are those of the whole window: a test that ends in this module would leave them to the next.
            self.slicer.util.mainWindow().moduleSelector()._leave("SegmentEditor")
            self.slicer.modules.SegmentEditorWidget.cleanup()
        self.slicer.util.mainWindow().hide()
        self.closeScene()
        # Parameter nodes outlive their scene, and with them their names: another test's "One" would be "One_1".
        for node in self.slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode"):
            self.slicer.mrmlScene.RemoveNode(node)
        self.slicer.app.layoutManager().setLayout(self.slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
        for name, orientation in _ORIENTATIONS.items():
            self.slicer.app.layoutManager().sliceWidget(name).mrmlSliceNode().SetOrientation(orientation)
        self._deleteLeft()
        self.dialogs.clear()
        self.packaging.clear()
        self.errors.clear()

    def _deleteLeft(self) -> None:
        """Delete the windows that the last test left: with each, all later tests would take longer."""
        QtWidgets = self.pythonqt.QtWidgets
        modules = self.app.moduleManager()._modules.values()
        kept = {id(self.slicer.util.mainWindow()), *(id(one._widget) for one in modules)}
        for widget in QtWidgets.QApplication.topLevelWidgets():
            if id(widget) not in kept:
                QtWidgets.QWidget.deleteLater(widget)
        _deleteWaiting()

    def stop(self) -> None:
        """Remove the temporary files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _deleteWaiting() -> None:
    from .pythonqt import QtCore

    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.DeferredDelete)


def _tell(kind: Any, _context: Any, text: str) -> None:
    """Print Qt's messages, without those that the platform without a screen makes of each window."""
    if "propagateSizeHints" not in text and "raise()" not in text:
        print(f"{getattr(kind, 'name', kind)}: {text}", file=sys.stderr)


def _chooseRenderer() -> None:
    """Let VTK draw without a screen: it would try the X server first, and complain."""
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")


def start() -> Host:
    """Return the stand-in; it is started at the first call."""
    global _started
    if _started is None:
        _started = Host()
        atexit.register(_started.stop)
    return _started
