"""slicer.modules, the module manager and selector: core modules have their real logics, scripted ones are loaded.

A scripted module goes through what qSlicerScriptedLoadableModule does: its class is made with the module object, the
widget class with a widget representation when the module is first looked at, then setup, enter and exit.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from typing import Any

import slicer

from . import segment_editor
from .mrml_scene import MODULE_NAMES
from .pythonqt import QtCore, QtGui, QtWidgets
from .qmrml_widgets import qMRMLWidget
from .stand_in import qtProperty, stored, widgetClass


@widgetClass()
class qSlicerAbstractModuleWidget(qMRMLWidget):
    """The panel of a module that is not scripted: empty."""

    def enter(self) -> None:
        """Nothing happens."""

    def exit(self) -> None:
        """Nothing happens."""


@widgetClass()
class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The panel of a scripted module, which makes the Python widget."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source
        self._self: Any = None
        QtWidgets.QVBoxLayout(self)

    def _load(self) -> None:
        name = os.path.splitext(os.path.basename(self._source))[0]
        cls = getattr(sys.modules[name], name + "Widget")
        self._self = cls(self)
        setattr(slicer.modules, name + "Widget", self._self)

    def reload(self) -> None:
        self._load()
        self._self.setup()

    def self(self) -> Any:
        return self._self

    def enter(self) -> None:
        if hasattr(self._self, "enter"):
            self._self.enter()

    def exit(self) -> None:
        if hasattr(self._self, "exit"):
            self._self.exit()


@widgetClass()
class qSlicerAbstractCoreModule(QtCore.QObject):
    """A module of Slicer's own: name, logic and an empty panel."""

    def __init__(self, name: str, logic: Any) -> None:
        super().__init__()
        self._moduleName = name
        self._logic = logic
        self._widget: Any = None

    def logic(self) -> Any:
        return self._logic

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene

    def widgetRepresentation(self) -> Any:
        if self._widget is None:
            self._widget = qSlicerAbstractModuleWidget()
        return self._widget

    name = qtProperty(str, lambda self: self._moduleName)
    title = qtProperty(str, lambda self: self._moduleName)


@widgetClass()
class qSlicerScriptedLoadableModule(QtCore.QObject):
    """A scripted module, as its Python class fills it."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self._source = source
        self._widget: Any = None
        self._logic = slicer.vtkSlicerScriptedLoadableModuleLogic()

    def logic(self) -> Any:
        return self._logic

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene

    def widgetRepresentation(self) -> Any:
        if self._widget is None:
            self._widget = qSlicerScriptedLoadableModuleWidget(self._source)
            self._widget._load()
            self._widget.setMRMLScene(slicer.mrmlScene)
            self._widget.self().setup()
        return self._widget

    name = qtProperty(str, lambda self: os.path.splitext(os.path.basename(self._source))[0])
    path = qtProperty(str, lambda self: self._source)
    title = stored(str, "")
    categories = stored("QStringList", [])
    contributors = stored("QStringList", [])
    associatedNodeTypes = stored("QStringList", [])
    dependencies = stored("QStringList", [])
    helpText = stored(str, "")
    acknowledgementText = stored(str, "")
    icon = stored(QtGui.QIcon, QtGui.QIcon())
    hidden = stored(bool, False)
    index = stored(int, -1)


@widgetClass()
class qSlicerModuleFactoryManager(QtCore.QObject):
    """Knows which modules are loaded."""

    def __init__(self, manager: Any) -> None:
        super().__init__(manager)
        self._manager = manager

    def loadedModuleNames(self) -> tuple[str, ...]:
        return tuple(self._manager._modules)

    def isLoaded(self, name: str) -> bool:
        return name in self._manager._modules


@widgetClass(moduleLoaded="moduleLoaded(QString)", moduleAboutToBeUnloaded="moduleAboutToBeUnloaded(QString)")
class qSlicerModuleManager(QtCore.QObject):
    """Holds the modules."""

    moduleLoaded = QtCore.Signal(str)
    moduleAboutToBeUnloaded = QtCore.Signal(str)

    def __init__(self, mrml: Any) -> None:
        super().__init__()
        self._modules: dict[str, Any] = {}
        self._factory = qSlicerModuleFactoryManager(self)
        for name, logic in mrml.moduleLogics.items():
            self._add(qSlicerAbstractCoreModule(MODULE_NAMES.get(name, name.capitalize()), logic))
        for name in ("Data", "WelcomeToSlicer"):
            self._add(qSlicerAbstractCoreModule(name, None))
        sys.modules["SegmentEditor"] = segment_editor.source()
        self._add(qSlicerScriptedLoadableModule("SegmentEditor.py"))

    def _add(self, module: Any) -> None:
        self._modules[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)
        setattr(slicer.moduleNames, module.name, module.name)

    def module(self, name: str) -> Any:
        return self._modules.get(name)

    def modulesNames(self) -> tuple[str, ...]:
        return tuple(self._modules)

    def factoryManager(self) -> Any:
        return self._factory


@widgetClass(moduleSelected="moduleSelected(QString)")
class qSlicerModuleSelectorToolBar(QtWidgets.QToolBar):
    """Switches between modules: exit, then enter."""

    moduleSelected = QtCore.Signal(str)

    def __init__(self, manager: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self._manager = manager
        self._selected = ""

    def selectModule(self, name: str) -> None:
        if name == self._selected:
            return
        module = self._manager.module(name)
        if module is None:
            raise RuntimeError(f"No module named {name}")
        if self._selected:
            self._manager.module(self._selected).widgetRepresentation().exit()
        self._selected = name
        panel = module.widgetRepresentation()
        self.parent()._showPanel(panel)
        panel.enter()
        self.moduleSelected.emit(name)

    def _leave(self, name: str) -> None:
        """Show no module where this one is shown; for the end of a test."""
        if self._selected == name:
            self._manager.module(name).widgetRepresentation().exit()
            self._selected = ""

    selectedModule = qtProperty(str, lambda self: self._selected, selectModule)


def loadScriptedModule(path: str) -> Any:
    """Load a scripted module from its file, as Slicer does at its start, and return its module object."""
    name = os.path.splitext(os.path.basename(path))[0]
    folder = os.path.dirname(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    source = importlib.util.module_from_spec(spec)
    sys.modules[name] = source
    spec.loader.exec_module(source)
    module = qSlicerScriptedLoadableModule(path)
    setattr(slicer.modules, name + "Instance", getattr(source, name)(module))
    slicer.app.moduleManager()._add(module)
    slicer.app.moduleManager().moduleLoaded.emit(name)
    return module


def unloadScriptedModule(name: str) -> None:
    """Unload a module as at the end of Slicer: its widget cleans up."""
    manager = slicer.app.moduleManager()
    selector = slicer.util.mainWindow().moduleSelector()
    if selector.selectedModule == name:
        selector.selectModule("WelcomeToSlicer")
    manager.moduleAboutToBeUnloaded.emit(name)
    module = manager._modules.pop(name)
    if module._widget is not None:
        module._widget.setParent(None)
        module._widget.deleteLater()
    for attribute in (name.lower(), name + "Widget", name + "Instance"):
        if hasattr(slicer.modules, attribute):
            delattr(slicer.modules, attribute)
    delattr(slicer.moduleNames, name)
    sys.modules.pop(name, None)


def makeNamespaces() -> tuple[types.ModuleType, types.ModuleType]:
    """Return slicer.modules and slicer.moduleNames."""
    return types.ModuleType("slicer.modules"), types.ModuleType("slicer.moduleNames")


EXPORTED = (
    qSlicerAbstractModuleWidget, qSlicerScriptedLoadableModuleWidget, qSlicerScriptedLoadableModule,
    qSlicerAbstractCoreModule, qSlicerModuleFactoryManager, qSlicerModuleManager, qSlicerModuleSelectorToolBar,
)  # fmt: skip
