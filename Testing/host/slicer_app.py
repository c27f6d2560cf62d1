"""slicer.app and the main window."""

from __future__ import annotations

import os
import sys
from typing import Any

import slicer

from .io_manager import qSlicerCoreIOManager
from .layout_manager import qSlicerLayoutManager
from .modules import qSlicerModuleManager, qSlicerModuleSelectorToolBar
from .pythonqt import QtCore, QtGui, QtWidgets
from .stand_in import qtProperty, stored, widgetClass


@widgetClass(mrmlSceneChanged="mrmlSceneChanged(vtkMRMLScene*)", startupCompleted="startupCompleted()")
class qSlicerApplication(QtWidgets.QApplication):
    """The application: Qt's, with Slicer's managers."""

    mrmlSceneChanged = QtCore.Signal(object)
    startupCompleted = QtCore.Signal()

    def __init__(self, temporaryPath: str) -> None:
        super().__init__(sys.argv[:1])
        QtWidgets.QApplication.setApplicationName("Slicer")
        QtWidgets.QApplication.setApplicationVersion("5.13.0")
        QtWidgets.QApplication.setOrganizationName("slicer.org")
        QtWidgets.QApplication.setQuitOnLastWindowClosed(False)
        QtCore.QSettings.setDefaultFormat(QtCore.QSettings.IniFormat)
        QtCore.QSettings.setPath(QtCore.QSettings.IniFormat, QtCore.QSettings.UserScope, temporaryPath)
        self._temporaryPath = temporaryPath
        self._environment = QtCore.QProcessEnvironment.systemEnvironment()
        self._mrml: Any = None
        self._settings = QtCore.QSettings(os.path.join(temporaryPath, "Slicer.ini"), QtCore.QSettings.IniFormat)

    def _complete(self, mrml: Any) -> None:
        self._mrml = mrml
        self._ioManager = qSlicerCoreIOManager(mrml)
        self._mainWindow = qSlicerMainWindow()
        self._layoutManager = qSlicerLayoutManager(mrml, self._mainWindow._viewport)
        self._moduleManager = qSlicerModuleManager(mrml)
        self._mainWindow._addSelector(self._moduleManager)

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene

    def applicationLogic(self) -> Any:
        return self._mrml.applicationLogic

    def moduleLogic(self, name: str) -> Any:
        return self._moduleManager.module(name).logic()

    def layoutManager(self) -> Any:
        return self._layoutManager

    def moduleManager(self) -> Any:
        return self._moduleManager

    def coreIOManager(self) -> Any:
        return self._ioManager

    def ioManager(self) -> Any:
        return self._ioManager

    def userSettings(self) -> Any:
        return self._settings

    def settings(self) -> Any:
        return self._settings

    def revisionUserSettings(self) -> Any:
        return self._settings

    def startupEnvironment(self) -> Any:
        return self._environment

    def environment(self) -> Any:
        return self._environment

    def testingEnabled(self) -> bool:
        return self.__dict__.get("_testing", False)

    def pauseRender(self) -> None:
        """Nothing renders by itself here."""

    def resumeRender(self) -> None:
        """Nothing renders by itself here."""

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"https://slicer.readthedocs.io/en/latest/user_guide/modules/{name.lower()}.html"

    def openNodeModule(self, node: Any, role: str = "", context: str = "") -> None:
        del role, context
        name = {"vtkMRMLSegmentationNode": "Segmentations"}.get(node.GetClassName(), "Data")
        self._mainWindow.moduleSelector().selectModule(name)

    temporaryPath = qtProperty(str, lambda self: self._temporaryPath)
    slicerHome = qtProperty(str, lambda self: self._temporaryPath)
    majorVersion = qtProperty(int, lambda self: 5)
    minorVersion = qtProperty(int, lambda self: 13)
    revision = qtProperty(str, lambda self: "31053")
    isInstalled = qtProperty(bool, lambda self: True)
    documentationBaseUrl = qtProperty(str, lambda self: "https://slicer.readthedocs.io/en/latest/")
    os = qtProperty(str, lambda self: {"linux": "linux", "darwin": "macosx"}.get(sys.platform, "win"))
    arch = qtProperty(str, lambda self: "amd64")
    cachePath = stored(str, "")


@widgetClass()
class qSlicerMainWindow(QtWidgets.QMainWindow):
    """The main window: module panel at the left, views in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.objectName = "qSlicerMainWindow"
        self.resize(1280, 900)
        self._viewport = QtWidgets.QWidget()
        self.setCentralWidget(self._viewport)
        dock = QtWidgets.QDockWidget("Module Panel", self)
        dock.objectName = "PanelDockWidget"
        self._panelArea = QtWidgets.QScrollArea(dock)
        self._panelArea.widgetResizable = True
        dock.setWidget(self._panelArea)
        self.addDockWidget(QtCore.Qt.LeftDockWidgetArea, dock)

    def _addSelector(self, manager: Any) -> None:
        self._selector = qSlicerModuleSelectorToolBar(manager, self)
        self.addToolBar(self._selector)

    def _showPanel(self, panel: Any) -> None:
        old = self._panelArea.takeWidget()
        if old is not None:
            old.hide()
        self._panelArea.setWidget(panel)
        panel.show()

    def moduleSelector(self) -> Any:
        return self._selector


EXPORTED = (qSlicerApplication, qSlicerMainWindow)
QtGui.QPixmapCache.setCacheLimit(0)
