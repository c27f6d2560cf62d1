"""Keys of tagging, heard in slice views (and in the tags panel, which has no text to type) and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any

import qt
import slicer

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.labels.tag_keys import KeyEntry, classKeys, fixedKeys

Host = tuple[Any, str]


class SliceKeys:
    """Shortcuts on slice views. They act only while the view has the keyboard, so that no typing is taken away.

    Parameters
    ----------
    run : callable
        Gets the action of a `tag_keys.KeyEntry` and the name of the view, empty for the panel.
    onError : callable, optional
        Gets a `UserError` of `run`.
    """

    def __init__(self, run: Callable[[str, str], Any], onError: Callable[[UserError], Any] | None = None) -> None:
        self._run = run
        self._onError = onError
        self._shortcuts: list[tuple[str, Any]] = []
        self._disabled: set[str] = set()
        self._only: Collection[str] | None = None
        self._installed: tuple[list[KeyEntry], list[Host]] = ([], [])

    def install(self, classes: ClassTable, hosts: Iterable[Host]) -> None:
        """Listen in these widgets, and no longer in others.

        Parameters
        ----------
        classes : ClassTable
            Whose keys count; again after they changed.
        hosts : iterable of (QWidget, str)
            Widgets and the names of their views.
        """
        wanted = self._entries(classes), list(hosts)
        if wanted == self._installed:
            return
        self.uninstall()
        for widget, viewName in wanted[1]:
            for entry in wanted[0]:
                self._shortcuts += [(entry.action, self._shortcut(entry, key, widget, viewName)) for key in entry.keys]
        self._installed = wanted
        self._enableAll()

    def _entries(self, classes: ClassTable) -> list[KeyEntry]:
        """Return what is listened to."""
        return [*fixedKeys(), *classKeys(classes)]

    def uninstall(self) -> None:
        """Listen nowhere any more."""
        for _action, shortcut in self._shortcuts:
            try:
                shortcut.setParent(None)
                shortcut.deleteLater()
            except ValueError:
                # Its view is gone, and it went along.
                continue
        self._shortcuts = []
        self._installed = ([], [])

    def setEnabled(self, action: str, isEnabled: bool) -> None:
        """Let the keys of an action pass by, or hear them again."""
        changed = (action in self._disabled) == isEnabled
        (self._disabled.discard if isEnabled else self._disabled.add)(action)
        if changed:
            self._enableAll()

    def hearOnly(self, actions: Collection[str] | None) -> None:
        """Let all keys pass by but those of some actions; None to hear all again."""
        if self._only != actions:
            self._only = actions
            self._enableAll()

    def _enableAll(self) -> None:
        for action, shortcut in self._shortcuts:
            isHeard = action not in self._disabled and (self._only is None or action in self._only)
            if shortcut.enabled != isHeard:
                shortcut.enabled = isHeard

    def _shortcut(self, entry: KeyEntry, key: str, widget: Any, viewName: str) -> Any:
        shortcut = qt.QShortcut(qt.QKeySequence(key), widget)
        shortcut.context = qt.Qt.WidgetWithChildrenShortcut
        shortcut.autoRepeat = entry.repeats
        call = guarded(partial(self._run, entry.action, viewName), self._onError)
        shortcut.connect("activated()", call)
        # When something else in the window claims the key too, Qt gives it to each of them in turn.
        shortcut.connect("activatedAmbiguously()", call)
        return shortcut


def keyName(key: str) -> str:
    """Return a key in Qt's portable notation as the keyboard and the language of the window have it."""
    return qt.QKeySequence(key).toString(qt.QKeySequence.NativeText)


def sliceViewHosts() -> list[Host]:
    """Return the slice views of the layout (without their controllers, which have text fields) and their names."""
    manager = slicer.app.layoutManager()
    if manager is None:
        return []
    return [(manager.sliceWidget(name).sliceView(), name) for name in manager.sliceViewNames()]
