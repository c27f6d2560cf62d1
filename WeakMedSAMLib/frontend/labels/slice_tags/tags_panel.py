"""Section 3 of the panel: tagging slice by slice, and range by range."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT
from WeakMedSAMLib.contract.labels.scan_tags import KIND as SCAN_TAGS
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.proposals import BOX
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.engine_words import errorInWords
from WeakMedSAMLib.frontend.base.panel import History, Panel
from WeakMedSAMLib.frontend.base.panel_parts import breakable, markPressed, setEnabled, setText
from WeakMedSAMLib.frontend.labels.marks.foreign_markups import ForeignMarkups
from WeakMedSAMLib.frontend.labels.marks.mark_contradictions import bySlice
from WeakMedSAMLib.frontend.labels.marks.mark_finding import BOX as BOX_MARK
from WeakMedSAMLib.frontend.labels.marks.mark_part import MarkPart
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.slice_tags.slice_keys import SliceKeys, keyName, sliceViewHosts
from WeakMedSAMLib.frontend.labels.slice_tags.slice_navigator import SceneSliceNavigator
from WeakMedSAMLib.frontend.labels.slice_tags.slice_notes import SliceNotes
from WeakMedSAMLib.frontend.labels.slice_tags.tag_actions import TagActions
from WeakMedSAMLib.frontend.labels.slice_tags.tag_menu import TagMenu
from WeakMedSAMLib.frontend.labels.slice_tags.tag_strip import TagStrip
from WeakMedSAMLib.frontend.labels.slice_tags.volume_offer import VolumeOffer
from WeakMedSAMLib.frontend.labels.tag_file_dialogs import TagFileDialogs
from WeakMedSAMLib.frontend.labels.tag_keys import PLACING_ACTIONS, keysAsHtml
from WeakMedSAMLib.frontend.labels.tag_words import readyInWords, tagOf
from WeakMedSAMLib.frontend.scene.slice_views import SliceViews

_STATUS_MS = 4000
# Buttons and entries of the menu that need a slice to act on.
_BUTTONS = ("startButton", "presentButton", "absentButton", "previousButton", "nextButton")
_ENTRIES = ("notHere", "here", "rest", "clear", "clearClass")
# Buttons with a sign before their text.
_SIGNS = {
    "startButton": "start",
    "endButton": "end",
    "presentButton": "plus",
    "absentButton": "minus",
    "boxButton": "box",
    "pointButton": "point",
    "notButton": "cross",
}


class TagsPanel(Panel):
    """Buttons and strip for the tags of the current volume, and the keys and notes in the slice views.

    Parameters
    ----------
    labels : SceneLabels
    views : SliceViews

    Attributes
    ----------
    strip : TagStrip
    actions : TagActions
        What keys and buttons do.
    menu : TagMenu
    marks : MarkPart
        Boxes and points.
    """

    def __init__(self, labels: SceneLabels, views: SliceViews) -> None:
        super().__init__("Tags.ui")
        self._labels, self._session, self._state = labels, labels.session, labels.state
        self._navigator = SceneSliceNavigator(labels, views)
        self.actions = TagActions(labels.session, self._navigator, labels.state)
        self.actions.isToBeEmptied = lambda text: slicer.util.confirmYesNoDisplay(text, windowTitle=_("Absent"))
        self.strip = TagStrip()
        self.ui.stripFrame.layout().addWidget(self.strip)
        qt.QWidget.setTabOrder(self.ui.moreButton, self.strip)
        qt.QWidget.setTabOrder(self.strip, self.ui.previousButton)
        self.menu = TagMenu(self.ui.moreButton)
        self.marks = MarkPart(self.ui, self.menu.actions, labels, self._navigator)
        self._offer = VolumeOffer(self.ui, labels, views, self._navigator)
        self._keys = SliceKeys(self._onKey, self.showError)
        self._use = views.use
        self._notes = SliceNotes(labels, self._navigator, self.actions, self.marks, self._use)
        self._files = TagFileDialogs(labels, self.widget)
        self._foreign = ForeignMarkups(self.menu.markups, labels, self._showMessage, self.showError)
        self._isShown = False
        self._isRefusalShown = False
        self._lastState: tuple[Any, ...] = ()
        self._shownReasons: dict[str, str] = {}
        self._connectWidgets()
        self._followAll()
        self.refresh()

    # What the module calls

    def setScene(self, scene: Any) -> None:
        """See `Panel`."""
        super().setScene(scene)
        self.marks.actions.stop()
        self.actions.forgetStart()
        if scene is not None:
            self._followViews()

    def enter(self) -> None:
        """The module is shown: keys and notes in the slice views."""
        self._isShown = True
        self._followViews()
        self.refresh()

    def exit(self) -> None:
        """Another module is shown: leave the slice views to it."""
        self._isShown = False
        self.marks.actions.stop()
        self._keys.uninstall()
        self._navigator.stop()
        self._notes.clear()

    def begin(self, gesture: str) -> None:
        """See `Panel`."""
        if gesture == BOX:
            self._act(partial(self.marks.actions.begin, BOX_MARK))

    def useHistory(self, history: History) -> None:
        """See `Panel`."""
        self.actions.history = history

    def useModel(self, ask: Callable[..., object]) -> None:
        """See `Panel`."""
        self.marks.useModel(ask)

    def useEmptying(self, empty: Callable[[str, int], object]) -> None:
        """See `Panel`."""
        self.actions.empty = empty

    def refresh(self) -> None:
        """Show everything as it is."""
        self.ui.restCheckBox.checked = self._state.restIsAbsent
        self._refreshStyle()
        self._refreshClasses()

    def stateInWords(self) -> str:
        """Return how far the tags of the current volume are, for the header of the folded section."""
        return readyInWords(self._volume(), self._session.classes)

    def cleanup(self) -> None:
        """See `Panel`."""
        self.exit()
        self.marks.cleanup()
        super().cleanup()
        manager = slicer.app.layoutManager()
        if manager is not None:
            manager.disconnect("layoutChanged(int)", self._onLayoutChanged)

    # Connections

    def _connectWidgets(self) -> None:
        actions = self.actions
        functions: dict[str, Callable[[], Any]] = {
            "startButton": actions.markStart,
            "endButton": actions.markEnd,
            "presentButton": actions.present,
            "absentButton": actions.absent,
            "previousButton": partial(actions.toUntagged, -1),
            "nextButton": partial(actions.toUntagged, 1),
            "alignButton": self._navigator.align,
            "showButton": self._offer.showIt,
            "useButton": self._offer.useIt,
            "layoutButton": self._offer.changeLayout,
            **self.marks.functions(),
        }
        for name, function in functions.items():
            self.connect(getattr(self.ui, name), "clicked()", partial(self._act, function))
        entries: dict[str, Callable[[], Any]] = {
            "notHere": actions.notInVolume,
            "here": actions.inVolume,
            "rest": actions.restAbsent,
            "clear": actions.clear,
            "clearClass": actions.clearClass,
            "import": self._files.importTags,
            "export": self._files.exportTags,
            **self.marks.entries(),
        }
        for name, function in entries.items():
            self.connect(self.menu.actions[name], "triggered()", partial(self._act, function))
        self.connect(self.menu.menu, "aboutToShow()", self._foreign.fill)
        self.connect(self.menu.actions["keys"], "toggled(bool)", self._onKeysToggled)
        self.connect(self.ui.restCheckBox, "toggled(bool)", self._onRestToggled)
        self.marks.connect(self.showError)
        self.strip.jumped.connect(guarded(self._navigator.jump, self.showError))
        self.strip.classChosen.connect(actions.chooseClass)
        self.strip.rangeTagged.connect(guarded(self._onRangeDragged, self.showError))

    def _followAll(self) -> None:
        self.follow(
            (self._session.changed, self._onTagsChanged),
            (self._state.changed, self._onStateChanged),
            (self._labels.volumeChanged, self._onVolumeChanged),
            (self._navigator.changed, self._refreshSlice),
            (self._labels.leaving, self.marks.actions.stop),
            (self._labels.markNodes.refused, self.showError),
            (self.marks.actions.changed, self._onGesture),
            (self.marks.actions.answers.changed, self._onGesture),
            (self.marks.actions.told, self._showMessage),
            (self.actions.startChanged, self._onStartChanged),
            (self.actions.told, self._showMessage),
            (self.strip.restyled, self._refreshStyle),
            (self._use.changed, self._onGesture),
        )
        # Kept, so that it can be disconnected.
        self._onLayoutChanged = guarded(self._followViews)
        manager = slicer.app.layoutManager()
        if manager is not None:
            manager.connect("layoutChanged(int)", self._onLayoutChanged)

    def _followViews(self) -> None:
        """Listen to the slice views that there are now."""
        if not self._isShown:
            return
        self._navigator.start()
        self._installKeys()
        self._refreshSlice()

    def _installKeys(self) -> None:
        if self._isShown:
            self._keys.install(self._session.classes, [*sliceViewHosts(), (self.widget, "")])
            self._hearKeys()

    def _hearKeys(self) -> None:
        """Hear the keys that mean something now: while something is placed, only those of placing."""
        marks = self.marks.actions
        self._keys.setEnabled("forgetStart", self.actions.start is not None or marks.canLeave)
        self._keys.setEnabled("take", marks.canTake)
        self._keys.setEnabled("join", marks.canJoin)
        # What else the views serve, such as drawing on masks, has keys of its own.
        self._keys.hearOnly(PLACING_ACTIONS if marks.kind else frozenset() if self._use.taken else None)

    # What happened

    def _act(self, function: Callable[[], Any]) -> None:
        try:
            function()
        finally:
            # A checkable button that was refused must not stay down.
            self._refreshSlice()

    def _onKey(self, action: str, viewName: str) -> None:
        try:
            if not self.marks.runKey(action, viewName):
                self.actions.run(action, viewName)
        except UserError as error:
            if error.code == "other_volume":
                self._offer.refuse(viewName)
            raise

    def _onRangeDragged(self, className: str, first: int, last: int, tag: int) -> None:
        # One looks at the views to see where a range ends: they must show the volume of the strip.
        self.actions.requireShown()
        self.actions.tagRange(className, first, last, tag)

    def _onGesture(self) -> None:
        self._hearKeys()
        self._refreshSlice()

    def _onTagsChanged(self, kind: str) -> None:
        self.marks.actions.follow()
        self._refreshTags() if kind in ("tags", "volumes") else self._refreshClasses()

    def _onStateChanged(self) -> None:
        self.marks.actions.follow()
        self.ui.restCheckBox.checked = self._state.restIsAbsent
        if self._shownState() != self._lastState:
            self._refreshTags()

    def _onVolumeChanged(self) -> None:
        self.marks.actions.follow()
        self.actions.forgetStart()
        self._refreshTags()

    def _onStartChanged(self) -> None:
        self._hearKeys()
        self._refreshSlice()

    def _onRestToggled(self, isChecked: bool) -> None:
        self._state.restIsAbsent = isChecked

    def _onKeysToggled(self, isChecked: bool) -> None:
        self.ui.keysLabel.visible = isChecked
        self.ui.keysLabel.text = keysAsHtml(self._session.classes, keyName) if isChecked else ""

    def _showMessage(self, text: str) -> None:
        self._isRefusalShown = False
        setText(self.ui.messageLabel, breakable(text))
        if text and not self.ui.messageLabel.visible:
            # Keys work in the views while the section is folded.
            slicer.util.showStatusMessage(text, _STATUS_MS)

    def showError(self, error: UserError) -> None:
        """Say in the panel why something was not done."""
        self._showMessage(_("Not done: {error}").format(error=errorInWords(error)))
        self._isRefusalShown = error.code == "other_volume"

    # Showing

    def _volume(self) -> VolumeLabels | None:
        return self._labels.ofCurrent()

    def _shownState(self) -> tuple[Any, ...]:
        ofRun = tuple(node.GetID() for node in self._state.cohort())
        return self.actions.currentClass, self._state.sliceView, self._state.currentVolume, ofRun

    def _refreshClasses(self) -> None:
        self._installKeys()
        self._onKeysToggled(self.menu.actions["keys"].checked)
        self._refreshTags()

    def _refreshTags(self) -> None:
        volume, classes = self._volume(), self._session.classes
        self._lastState = self._shownState()
        self.marks.show(self.actions.currentClass)
        self.strip.setTags(volume, classes, bySlice(self.marks.wrong))
        self.strip.setCurrentClass(self.actions.currentClass)
        self._refreshSlice()

    def _refreshSlice(self) -> None:
        volume, index, name = self._volume(), self._navigator.sliceIndex(), self.actions.currentClass
        problem = self._problem(volume, index)
        self.strip.setPosition(index)
        self.strip.setStart(self.actions.start)
        # What is to be chosen first stands above all sections.
        setText(self.ui.problemLabel, breakable(problem) if self._state.currentVolume and name else "")
        self.ui.alignButton.visible = index is not None and not self._navigator.isAligned()
        self._offer.show()
        if self._isRefusalShown and not self._offer.isRefused():
            # What it says of a view holds no longer.
            self._showMessage("")
        tag = tagOf(volume, name, index) if volume is not None and index is not None else None
        self.ui.presentButton.checked = tag == PRESENT
        self.ui.absentButton.checked = tag == ABSENT
        shows = SCAN_TAGS.shows(volume).get(name) if volume is not None else None
        self.menu.actions["notHere"].checked, self.menu.actions["here"].checked = shows is False, shows is True
        self._enable(problem)
        self.marks.showGesture(problem)
        if self._isShown:
            self.marks.draw()
            self._notes.show()

    def _problem(self, volume: VolumeLabels | None, index: int | None) -> str:
        """Say why nothing can be tagged; empty if it can."""
        if self._state.currentVolume is None:
            return _("Choose a volume first.")
        if volume is None:
            return _("The volume is being read; this takes a moment.")
        if not self._session.classes:
            return _("Add a class in section 2, Classes.")
        problem = self._navigator.problem() if index is None else None
        return errorInWords(problem) if problem is not None else ""

    def _enable(self, problem: str) -> None:
        noStart = problem or ("" if self.actions.start is not None else _("Set the start of the range first."))
        controls = {name: (getattr(self.ui, name), problem) for name in _BUTTONS}
        controls |= {name: (self.menu.actions[name], problem) for name in _ENTRIES}
        controls["endButton"] = self.ui.endButton, noStart
        for name, (control, reason) in controls.items():
            # Setting them takes time, and this comes at each step of scrolling.
            if self._shownReasons.get(name) != reason:
                self._shownReasons[name] = reason
                setEnabled(control, reason, control.property("usualToolTip"))

    def _refreshStyle(self) -> None:
        buttons = [getattr(self.ui, name) for name in _SIGNS]
        markPressed(self.widget.palette, *buttons, signs=tuple(_SIGNS.values()))
