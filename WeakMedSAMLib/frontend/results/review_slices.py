"""The slices under review: a list of them, the one that is shown, and what a reader called fine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded
from WeakMedSAMLib.frontend.base.panel_parts import fitHeight, setEnabled, setText
from WeakMedSAMLib.frontend.base.steps import StepRunner, Steps
from WeakMedSAMLib.frontend.base.turns import Coalesced
from WeakMedSAMLib.frontend.labels.slice_tags.slice_keys import keyName
from WeakMedSAMLib.frontend.results.corrections import Corrections
from WeakMedSAMLib.frontend.results.fine_slices import fineSlices, markSlice
from WeakMedSAMLib.frontend.results.review_subject import ReviewSubject
from WeakMedSAMLib.frontend.results.review_tables import TableFiller
from WeakMedSAMLib.frontend.results.segment_history import SegmentHistory
from WeakMedSAMLib.frontend.results.slice_rows import SliceRow, sliceRows
from WeakMedSAMLib.frontend.results.tag_answers import Answers, TagAnswers, answersOf, withAnswers
from WeakMedSAMLib.frontend.results.unseen_slices import GO, MARK, SeenSlices, askOfUnseen
from WeakMedSAMLib.frontend.scene import slice_views
from WeakMedSAMLib.frontend.scene.module_state import ModuleState
from WeakMedSAMLib.frontend.scene.nodes import VolumeNode
from WeakMedSAMLib.frontend.scene.slice_views import SliceViews

STATE, SLICE, CLASS, CONFIDENCE, REASON = range(5)
_ROWS_SEEN, _ROWS_BESIDE_EDITOR = 8, 4
_ROWS_AT_ONCE = 40


class SliceTable:
    """One row a slice, those that the last update changed first, then the least sure.

    Parameters
    ----------
    table : QTableWidget
    onChosen : callable
        Gets the `SliceRow` that a reader chose.
    """

    def __init__(self, table: Any, onChosen: Callable[[SliceRow], Any]) -> None:
        self._table = table
        self._onChosen = onChosen
        self._count = 0
        self._fine: Mapping[str, Collection[int]] = {}
        self._filling: StepRunner | None = None
        self._rowsSeen = _ROWS_SEEN
        self._cells = TableFiller(table, ["", _("Slice"), _("Least sure"), "", _("Why")], CLASS)
        self.rows: list[SliceRow] = []
        table.connect("currentCellChanged(int,int,int,int)", guarded(self._onCellChanged))
        # A click on the row that is chosen already goes back to that slice.
        table.connect("cellClicked(int,int)", guarded(self._onCell))

    def cleanup(self) -> None:
        """Fill in nothing any more."""
        if self._filling is not None:
            self._filling.cancel()
            self._filling = None

    def fill(self, rows: list[SliceRow], count: int, fine: Mapping[str, Collection[int]]) -> None:
        """Show rows, of a volume with so many slices; the first at once, the others while the window answers."""
        self.cleanup()
        self.rows, self._count, self._fine = rows, count, fine
        with self._cells.quiet():
            self._table.setRowCount(len(rows))
            self._table.setCurrentCell(-1, -1)
        for number in range(min(len(rows), _ROWS_AT_ONCE)):
            self._show(number)
        fitHeight(self._table, self._rowsSeen, isEven=True)
        self._table.scrollToTop()
        self._showRest(_ROWS_AT_ONCE)

    def showFine(self, fine: Mapping[str, Collection[int]], rows: list[SliceRow] | None = None) -> None:
        """Show what was called fine, and rows that say something else of the same slices, where that is new."""
        before, self._fine = self._fine, fine
        rowsBefore, self.rows = self.rows, self.rows if rows is None else rows
        for number, (row, rowBefore) in enumerate(zip(self.rows, rowsBefore, strict=True)):
            if row != rowBefore or row.isFine(before) != row.isFine(fine):
                self._show(number)

    def makeRoom(self, isNeeded: bool) -> None:
        """Show fewer rows at once, or as many as usual."""
        rows = _ROWS_BESIDE_EDITOR if isNeeded else _ROWS_SEEN
        if rows != self._rowsSeen:
            self._rowsSeen = rows
            fitHeight(self._table, rows, isEven=True)
            item = self._table.item(self._table.currentRow(), SLICE)
            if item is not None:
                self._table.scrollToItem(item, qt.QAbstractItemView.PositionAtCenter)

    def choose(self, index: int | None) -> None:
        """Choose the row of a slice; none if it has no row."""
        number = next((number for number, row in enumerate(self.rows) if row.index == index), -1)
        if number != self._table.currentRow():
            with self._cells.quiet():
                self._table.setCurrentCell(number, SLICE if number >= 0 else -1)

    def nextOpen(self, index: int | None) -> SliceRow | None:
        """Return the first row after that of a slice, then from the top, that is not called fine; None if all are."""
        begin = next((number + 1 for number, row in enumerate(self.rows) if row.index == index), 0)
        around = [*self.rows[begin:], *self.rows[:begin]]
        return next((row for row in around if not row.isFine(self._fine)), None)

    def _showRest(self, begin: int) -> None:
        if begin < len(self.rows):
            self._filling = StepRunner(self._restSteps(begin)).start()

    def _restSteps(self, begin: int) -> Steps[None]:
        for number in range(begin, len(self.rows)):
            self._show(number)
            yield None

    def _show(self, number: int) -> None:
        row = self.rows[number]
        state, worst = row.state(self._fine), row.worst
        where = _("Slice {index} of {count}: {state}").format(index=row.index, count=self._count, state=state.words)
        tip = "\n".join([where, *(doubt.inWords() for doubt in row.doubts)])
        texts = (state.sign, str(row.index), worst.className, worst.confidenceInWords(), worst.reason())
        with self._cells.quiet():
            for column, text in enumerate(texts):
                self._cells.setText(number, column, text, tip)

    def _onCellChanged(self, row: int, _column: int, previousRow: int) -> None:
        if not self._cells.isQuiet and row != previousRow:
            self._onCell(row)

    def _onCell(self, row: int) -> None:
        if 0 <= row < len(self.rows):
            self._onChosen(self.rows[row])


class SliceReview:
    """The list, the button "Fine and next", and the views, which follow each other.

    Parameters
    ----------
    ui : object
        With `sliceTable`, `slicesLabel`, `fineButton`, `nextButton`, and what `TagAnswers` needs.
    state : ModuleState
        With the view that one works in.
    views : SliceViews
    history : SegmentHistory
        Gets each mark as one step to undo.

    Attributes
    ----------
    answers : TagAnswers
        What is asked of the tag of the slice that is shown.
    chosen : Callbacks
        Called with the `SliceRow` that was gone to, and whether a view shows it.
    corrections : Corrections or None
        Keeps as labels what is called fine; None where nobody does.
    moved : Callbacks
        Called without arguments when another slice may be shown.
    """

    def __init__(self, ui: Any, state: ModuleState, views: SliceViews, history: SegmentHistory) -> None:
        self._ui, self._state, self._views, self._history = ui, state, views, history
        self._subject: ReviewSubject | None = None
        self._filledFor: tuple[Any, ...] = ()
        self._goneTo: int | None = None
        self._isFollowing = False
        self._answers: Answers = {}
        self._seen = SeenSlices()
        self.answers = TagAnswers(ui)
        self.chosen, self.moved = Callbacks(), Callbacks()
        self.corrections: Corrections | None = None
        self.table = SliceTable(ui.sliceTable, self._goTo)
        self._followSoon = Coalesced(self.showShown)
        self._observer = views.observer(self._followSoon)
        ui.fineButton.connect("clicked()", guarded(self.fineAndNext))
        ui.nextButton.connect("clicked()", guarded(self.goToNext))
        self._shortcuts = {
            key: self._shortcut(key, function)
            for key, function in (
                ("Return", self.fineAndNext),
                ("Enter", self.fineAndNext),
                ("Space", self.fineAndNext),
                ("Delete", self.notFine),
                ("Backspace", self.notFine),
                ("R", self.answers.confirm),
                ("C", self.answers.correct),
            )
        }

    def cleanup(self) -> None:
        """Observe nothing and hold nothing of the scene any more."""
        self.leave()
        self.table.cleanup()
        self.answers.cleanup()
        self._subject, self._filledFor = None, ()
        self.chosen.clear()
        self.moved.clear()

    def enter(self) -> None:
        """Follow the views from now on."""
        self._isFollowing = True
        self._observer.start()
        self.showShown()

    def leave(self) -> None:
        """Follow the views no longer, until `enter`."""
        self._isFollowing = False
        self._followSoon.cancel()
        self._observer.stop()

    def choose(self, subject: ReviewSubject | None) -> None:
        """Show the slices of a volume, and which of them a view shows; None for none."""
        self._subject, self.answers.corrections = subject, self.corrections
        result = subject.result if subject is not None and subject.segmentIds else None
        if self._isFollowing:
            # Layouts that were not shown before have views of their own.
            self._observer.start()
        # Slices that are found fine keep their rows: they are not told apart by what is left to look at.
        update, changed = self._update(), self._changed()
        if subject is not None:
            self._seen.noteUpdate(subject, update, {index for each in changed.values() for index in each})
        shown = (subject.segmentationNode, result, update) if subject is not None and result is not None else ()
        if shown != self._filledFor:
            self._filledFor, self._goneTo = shown, None
            counts = [len(quality.slice_confidence) for quality in result.classes.values()] if result else []
            self._answers = answersOf(subject, self.corrections)
            rows = withAnswers(sliceRows(result, changed), self._answers) if result else []
            self.table.fill(rows, max(counts, default=0), self._fine())
        self.showFine()
        self.showShown()

    def showFine(self) -> None:
        """Show what is called fine now, and what was said of doubted tags."""
        answers = answersOf(self._subject, self.corrections)
        isNew, self._answers = answers != self._answers, answers
        rows = withAnswers(self.table.rows, answers) if isNew else self.table.rows
        fine = self._fine()
        self.table.showFine(fine, rows)
        self._askOfTag()
        done, count = sum(row.isFine(fine) for row in rows), len(rows)
        text = _("Slices, the &least sure first: {done} of {count} fine")
        if any(doubt.isChanged for row in rows for doubt in row.doubts):
            text = _("Slices, changed and &least sure first: {done} of {count} fine")
        setText(self._ui.slicesLabel, text.format(done=done, count=count) if rows else "")
        for widget in (self._ui.sliceTable, self._ui.fineButton, self._ui.nextButton):
            widget.visible = bool(rows)
        reason = "" if done < count else _("All slices of the list are marked as fine.")
        tip = _("The slice that is shown is fine for all classes; go on to the next ({key}, or Return in the list)")
        setEnabled(self._ui.fineButton, reason, tip.format(key=keyName("Ctrl+D")))

    def showShown(self) -> None:
        """Choose the row of the slice that a view shows, which is seen by that."""
        index = self.shownSlice()
        if self._subject is not None and index is not None and self._isFollowing:
            self._seen.of(self._subject).add(index)
        self.table.choose(index)
        self._askOfTag()
        self.moved()

    def makeRoom(self, isNeeded: bool) -> None:
        """Leave room, and the key of its tools, to the editor; or take both again."""
        self.table.makeRoom(isNeeded)
        self._shortcuts["Space"].enabled = not isNeeded

    def goToNext(self) -> None:
        """Go to the next slice of the list that is not fine; see `fineAndNext`."""
        index = self.shownSlice()
        row = self.table.nextOpen(index if index == self._goneTo else None)
        if row is not None and row.index == index:
            row = self.table.nextOpen(index)
        if row is not None:
            self._goTo(row)

    def fineAndNext(self) -> None:
        """Call the slice that is shown fine, if it is one of the list, and go to the next one that is not.

        That is the next of the list for a reader who goes through it, and the least sure one for others.
        """
        index = self.shownSlice()
        if self._subject is not None and any(row.index == index for row in self.table.rows):
            self._mark(index, True)
        row = self.table.nextOpen(index if index == self._goneTo else None)
        if row is not None:
            self._goTo(row)

    def unseen(self, segmentId: str) -> list[int]:
        """Return the slices of a mask that are neither fine nor drawn, and were not shown as they are now."""
        subject = self._subject
        if subject is None or subject.result is None:
            return []
        name = subject.className(segmentId)
        known = self._fine().get(name, set()) | self._seen.of(subject)
        quality = subject.result.classes.get(name)
        return [index for index in range(len(quality.slice_confidence) if quality else 0) if index not in known]

    def mayBeReviewed(self, segmentId: str) -> bool:
        """Ask about slices of a mask that nobody looked at, if there are any; go to them if that is the answer."""
        unseen, subject = self.unseen(segmentId), self._subject
        if not unseen or subject is None or subject.result is None:
            return True
        name = subject.className(segmentId)
        count = len(subject.result.classes[name].slice_confidence)
        answer = askOfUnseen(self._ui.sliceTable, name, unseen, count)
        if answer == GO and subject.volumeNode is not None:
            # The least sure one; of slices that are in no doubt, the first. The mask that was asked about stays chosen.
            index = next((each.index for each in self.table.rows if each.index in unseen), unseen[0])
            self._views.showSlice(subject.volumeNode, subject.result.axis, index, self._state.sliceView)
            self._goneTo = index
        return answer == MARK

    def notFine(self) -> None:
        """Call the slice that is shown fine no longer."""
        index = self.shownSlice()
        if any(row.index == index and row.isFine(self._fine()) for row in self.table.rows):
            self._mark(index, False)

    def _askOfTag(self) -> None:
        index = self.shownSlice()
        self.answers.show(self._subject, next((row for row in self.table.rows if row.index == index), None))

    def _mark(self, index: int | None, isFine: bool) -> None:
        if self._subject is not None and index is not None:
            markSlice(self._subject, self.table.rows, index, isFine, self._history, self.corrections)

    def _goTo(self, row: SliceRow) -> None:
        subject = self._subject
        if subject is None or subject.volumeNode is None or subject.result is None:
            return
        view = self._state.sliceView
        isShown = self._views.showSlice(subject.volumeNode, subject.result.axis, row.index, view)
        self.table.choose(row.index)
        self._goneTo = row.index
        self.chosen(row, isShown)

    def shownSlice(self) -> int | None:
        """Return the slice that is shown in the view one works in, or in another one along the axis."""
        subject = self._subject
        volumeNode: VolumeNode | None = subject.volumeNode if subject is not None else None
        if subject is None or volumeNode is None or subject.result is None:
            return None
        return self.shownOf(volumeNode, subject.result.axis)

    def shownOf(self, volumeNode: VolumeNode, axis: str) -> int | None:
        """Return the slice of a volume along an axis that is shown in the view one works in, or in another one."""
        return slice_views.shownSlice(volumeNode, axis, self._state.sliceView)

    def _fine(self) -> dict[str, set[int]]:
        return fineSlices(self._subject, self.corrections) if self._subject is not None else {}

    def _update(self) -> int:
        """The number of the update whose changes are to be looked at; 0 if there is none."""
        if self.corrections is None or self._subject is None:
            return 0
        return self.corrections.updateNumber(self._subject.segmentationNode)

    def _changed(self) -> dict[str, Mapping[int, int]]:
        """Class name in the run -> slice -> pixels that it changed."""
        subject, corrections = self._subject, self.corrections
        if corrections is None or subject is None or subject.result is None or subject.result.axis != corrections.axis:
            return {}
        node = subject.segmentationNode
        return {subject.className(each): corrections.changedByUpdate(node, each) for each in subject.segmentIds}

    def _shortcut(self, key: str, function: Callable[[], Any]) -> Any:
        shortcut = qt.QShortcut(qt.QKeySequence(key), self._ui.sliceTable)
        shortcut.context = qt.Qt.WidgetShortcut
        shortcut.connect("activated()", guarded(function))
        return shortcut
