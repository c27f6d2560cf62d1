"""What keys and buttons of tagging do, in one place, so that both do the same."""

from __future__ import annotations

from collections.abc import Callable

from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED
from WeakMedSAMLib.frontend.base.callbacks import Callbacks
from WeakMedSAMLib.frontend.base.panel import History
from WeakMedSAMLib.frontend.labels.class_edits import chosenName
from WeakMedSAMLib.frontend.labels.slice_tags.slice_navigator import SliceNavigator
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.labels.tag_words import rangeInWords, tagWord
from WeakMedSAMLib.frontend.scene.module_state import ModuleState


class TagActions:
    """Acts on the current class and the slice that is being looked at.

    Parameters
    ----------
    session : TagSession
    navigator : SliceNavigator
    state : ModuleState
        With the class that is being tagged, and whether the rest of a range is absent.

    Attributes
    ----------
    history : History
        What takes back, and does again, whatever was done last: the session, until there is more than that.
    told : Callbacks
        Called with a short text after each action: what was done.
    startChanged : Callbacks
        Called without arguments when the first slice of a range was marked or forgotten.
    isToBeEmptied : callable
        Gets a question and says whether the answer is yes.
    empty : callable
        Gets class and slice, and empties what is drawn there, which makes it absent.
    """

    def __init__(self, session: TagSession, navigator: SliceNavigator, state: ModuleState) -> None:
        self._session = session
        self._navigator = navigator
        self._state = state
        self._start: tuple[str, int] | None = None
        self.history: History = session
        self.told = Callbacks()
        self.startChanged = Callbacks()
        self.isToBeEmptied: Callable[[str], bool] = lambda _text: False
        self.empty: Callable[[str, int], object] = lambda _name, _index: None

    def run(self, action: str, viewName: str | None = None) -> None:
        """Do what a key of `tag_keys` stands for.

        Parameters
        ----------
        action : str
            Of a `tag_keys.KeyEntry`.
        viewName : str, optional
            The slice view in which the key was pressed; without it the one that is worked in.

        Raises
        ------
        UserError
            If there is nothing to tag, or the view shows another direction.
        """
        name, _colon, className = action.partition(":")
        if viewName and name not in ("undo", "redo", "nextClass", "forgetStart"):
            self._navigator.workIn(viewName)
        if className:
            self.chooseClass(className)
        self._functions()[name]()

    # The class

    @property
    def currentClass(self) -> str:
        """Name of the class to tag; the first one if none was chosen, empty without classes."""
        return chosenName(self._session.classes, self._state.currentClass)

    def chooseClass(self, name: str) -> None:
        """Make a class the current one."""
        if name != self._state.currentClass:
            self._state.currentClass = name

    def nextClass(self) -> None:
        """Make the class after the current one the current one."""
        names = self._session.classes.names
        if names:
            self.chooseClass(names[(names.index(self.currentClass) + 1) % len(names)])
            self.told(_("Current class: {name}").format(name=self.currentClass))

    # The slice

    def present(self) -> None:
        """Make the slice present, or untagged if it is."""
        self._session.toggle(*self._place())
        self._tellTag()

    def absent(self) -> None:
        """Make the slice absent, or untagged if it is; what is drawn on it is emptied then, or stays as it is."""
        key, className, index = self._place()
        volume = self._session.volume(key)
        painted = PAINTED.slices(volume, className).get(index) if volume is not None else None
        if painted is None or not (painted.is_whole and painted.shows):
            self._session.setAbsent(key, className, index)
        else:
            text = _("Slice {index} of '{name}' is drawn. Empty it, so that it is absent? (No keeps it as it is.)")
            if not self.isToBeEmptied(text.format(index=index, name=className)):
                return
            self.empty(className, index)
        self._tellTag()

    def clear(self) -> None:
        """Make the slice untagged."""
        self._session.setTag(*self._place(), UNTAGGED)
        self._tellTag()

    # The range

    @property
    def start(self) -> int | None:
        """The first slice of a range that has been begun in the current volume."""
        if self._start is None or self._start[0] != self._navigator.volumeKey():
            return None
        return self._start[1] if self._start[1] < self._navigator.sliceCount() else None

    def markStart(self) -> None:
        """Mark the slice as one end of a range."""
        key, className, index = self._place()
        self._start = (key, index)
        self.startChanged()
        text = _("'{name}' begins on slice {index}. Go to the last slice and press 'End' or the key E.")
        self.told(text.format(name=className, index=index))

    def markEnd(self) -> None:
        """Tag the range from the marked slice to this one, both included."""
        _key, className, index = self._place()
        if self.start is None:
            text = _("Set the start of the range first.")
            raise UserError("no_start", text, _("Go to its first slice and press 'Start' or the key S."))
        first = self.start
        self.tagRange(className, first, index)

    def tagRange(self, className: str, first: int, last: int, tag: int = PRESENT) -> None:
        """Tag a range of the current volume; present ones go by "Rest is absent", absent ones take it by itself."""
        key = self._key()
        if tag == PRESENT:
            self._session.tagRange(key, className, first, last, self._state.restIsAbsent)
        else:
            self._session.setRange(key, className, first, last, tag)
        self._dropStart()
        self.told(f"{rangeInWords(className, tag, first, last)}.")

    def forgetStart(self) -> None:
        """Forget the marked slice, and say so: what was said of it holds no longer."""
        if self._start is not None:
            self._dropStart()
            self.told(_("The start of the range is forgotten."))

    def restAbsent(self) -> None:
        """Make every slice absent for the current class that is still untagged."""
        self._session.restAbsent(self._key(), self._class())
        self.told(_("'{name}': every other slice is absent.").format(name=self._class()))

    def notInVolume(self) -> None:
        """Say that the current class is on no slice of the volume; once more takes it back."""
        self._sayOfVolume(False, _("'{name}' is not in this volume; its segment stays empty."))

    def inVolume(self) -> None:
        """Say that the current class is on some slices of the volume, whichever; once more takes it back."""
        self._sayOfVolume(True, _("'{name}' is in this volume; on which slices, the method is to find."))

    def _sayOfVolume(self, shows: bool, text: str) -> None:
        key, name = self._key(), self._class()
        isSaid = self._session.isInVolume(key, name) is shows
        self._session.setInVolume(key, name, None if isSaid else shows)
        if isSaid:
            text = _("'{name}': nothing is said of the whole volume any more.")
        self.told(text.format(name=name))

    def clearClass(self) -> None:
        """Make every slice untagged for the current class."""
        self._session.clearTags(self._key(), self._class())
        self.told(_("'{name}': every slice is untagged.").format(name=self._class()))

    # Moving, and going back

    def toUntagged(self, step: int) -> None:
        """Go to the next (1) or previous (-1) slice that is untagged for the current class."""
        key, className = self._key(), self._class()
        index = self._session.nextUntagged(key, self._navigator.sliceIndex() or 0, className, step)
        if index is None:
            self.told(_("'{name}' is tagged on every slice.").format(name=className))
        else:
            self._navigator.jump(index)

    def undo(self) -> None:
        """Take back the last edit."""
        done = self.history.undo()
        if done:
            self.told(_("Undone: {text}").format(text=done))
        elif not self.history.undoText:  # else one thought better of it
            self.told(_("There is nothing to undo."))

    def redo(self) -> None:
        """Do again what was undone."""
        done = self.history.redo()
        self.told(_("Redone: {text}").format(text=done) if done else _("There is nothing to redo."))

    def _functions(self) -> dict[str, Callable[[], None]]:
        return {
            "present": self.present,
            "absent": self.absent,
            "notInVolume": self.notInVolume,
            "inVolume": self.inVolume,
            "markStart": self.markStart,
            "markEnd": self.markEnd,
            "forgetStart": self.forgetStart,
            "nextClass": self.nextClass,
            "nextUntagged": lambda: self.toUntagged(1),
            "previousUntagged": lambda: self.toUntagged(-1),
            "undo": self.undo,
            "redo": self.redo,
        }

    def _dropStart(self) -> None:
        if self._start is not None:
            self._start = None
            self.startChanged()

    def _key(self) -> str:
        key = self._navigator.volumeKey()
        if key is None:
            raise UserError("no_volume", _("There is no volume to tag."), _("Choose one in Volumes."))
        return key

    def _class(self) -> str:
        if not self.currentClass:
            raise UserError("no_classes", _("There is no class."), _("Add one in Classes."))
        return self.currentClass

    def _place(self) -> tuple[str, str, int]:
        key, className = self._key(), self._class()
        return key, className, self.requireShown()

    def requireShown(self) -> int:
        """Return the slice that is being looked at; `UserError` if no view shows one: what one tags must be seen."""
        problem, index = self._navigator.problem(), self._navigator.sliceIndex()
        if problem is not None:
            raise problem
        if index is None:
            raise ValueError("a navigator without a problem shows a slice")
        return index

    def _tellTag(self) -> None:
        key, className, index = self._place()
        text = _("Slice {index}: '{name}' {tag}.")
        tag = self._session.tag(key, className, index)
        self.told(text.format(index=index, name=className, tag=tagWord(tag)))
