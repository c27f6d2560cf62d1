"""Asks which columns of a list of reports say which scans show a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import qt
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.labels.report_list import NO, YES
from WeakMedSAMLib.frontend.base.callbacks import guarded
from WeakMedSAMLib.frontend.base.panel_parts import setEnabled


@dataclass(frozen=True)
class ReportColumns:
    """What is read of a list of reports, as of `report_list.scan_tags_from_csv`.

    Attributes
    ----------
    scans : str
        Column with the names of the scans.
    classes : dict
        Class -> column that says whether the scan shows it.
    yes, no : tuple of str
        What such a cell holds.
    """

    scans: str
    classes: dict[str, str]
    yes: tuple[str, ...]
    no: tuple[str, ...]


class ReportListDialog:
    """A window with a box for the scans and one a class.

    Parameters
    ----------
    parent : QWidget
    title : str
    columns : sequence of str
        Of the list.
    scans : str
        The column in which volumes of the scene are named; empty if in none.
    classNames : sequence of str
    """

    def __init__(self, parent: Any, title: str, columns: Sequence[str], scans: str, classNames: Sequence[str]) -> None:
        self._columns = list(columns)
        self._dialog = qt.QDialog(parent)
        self._dialog.setWindowTitle(title)
        self._form = qt.QFormLayout(self._dialog)
        told = qt.QLabel(
            _(
                "A list of reports with one row a scan? Say which columns are read; of the others nothing is read or "
                "kept. A blank cell says nothing."
            )
        )
        told.setWordWrap(True)
        self._form.addRow(told)
        self.scansBox = self._addBox(_("Scans, as the volumes are called"), scans)
        self.classBoxes = {name: self._addBox(_("Shows {name}").format(name=name), name) for name in classNames}
        self.yesEdit = self._addWords(_("Words for yes"), YES)
        self.noEdit = self._addWords(_("Words for no"), NO)
        buttons = qt.QDialogButtonBox(qt.QDialogButtonBox.Ok | qt.QDialogButtonBox.Cancel)
        self._form.addRow(buttons)
        buttons.connect("accepted()", self._dialog.accept)
        buttons.connect("rejected()", self._dialog.reject)
        self.okButton = buttons.button(qt.QDialogButtonBox.Ok)
        for box in (self.scansBox, *self.classBoxes.values()):
            box.connect("currentIndexChanged(int)", guarded(self._onChosen))
        self._onChosen()

    def ask(self) -> ReportColumns | None:
        """Return what the user chose; None if the user left it."""
        isAccepted = self._dialog.exec_()
        self._dialog.deleteLater()
        if not isAccepted:
            return None
        classes = {name: self._columnIn(box) for name, box in self.classBoxes.items()}
        return ReportColumns(
            self._columnIn(self.scansBox),
            {name: column for name, column in classes.items() if column},
            *(
                tuple(word.strip() for word in edit.text.split(",") if word.strip())
                for edit in (self.yesEdit, self.noEdit)
            ),
        )

    def _addBox(self, text: str, proposed: str) -> Any:
        box = qt.QComboBox()
        box.addItems([_("(no column)"), *self._columns])
        same = [place for place, name in enumerate(self._columns, 1) if name.casefold() == proposed.strip().casefold()]
        box.currentIndex = same[0] if same else 0
        self._form.addRow(text, box)
        return box

    def _addWords(self, text: str, words: frozenset[str]) -> Any:
        edit = qt.QLineEdit(", ".join(sorted(words, reverse=True)))
        edit.toolTip = _("Between commas, in any case of letters")
        self._form.addRow(text, edit)
        return edit

    def _columnIn(self, box: Any) -> str:
        return self._columns[box.currentIndex - 1] if box.currentIndex > 0 else ""

    def _onChosen(self, _place: int = 0) -> None:
        problem = ""
        if not self._columnIn(self.scansBox):
            problem = _("Choose the column with the names of the scans.")
        elif not any(self._columnIn(box) for box in self.classBoxes.values()):
            problem = _("Choose a column for a class at least.")
        setEnabled(self.okButton, problem, _("Read these columns"))
