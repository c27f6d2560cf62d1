"""Import and export of tags, by file dialogs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qt
import slicer.util
from slicer.i18n import tr as _

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.files import read_text
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels, comparable_name
from WeakMedSAMLib.contract.labels.label_files import (
    check_left_out,
    read_label_file,
    volumes_left_out,
    write_label_file,
)
from WeakMedSAMLib.contract.labels.labelled_volume import AXES, Numbering
from WeakMedSAMLib.contract.labels.mrk_json import is_markups_file
from WeakMedSAMLib.contract.labels.report_list import report_columns, scan_tags_from_csv
from WeakMedSAMLib.contract.labels.slice_tags_csv import is_tags_csv
from WeakMedSAMLib.contract.likely_names import list_names
from WeakMedSAMLib.frontend.base.callbacks import guarded, showError
from WeakMedSAMLib.frontend.labels.drawn_files import SUFFIXES, isDrawnFile, paintedOf, readDrawn, unreadInWords
from WeakMedSAMLib.frontend.labels.painted_words import countsInWords
from WeakMedSAMLib.frontend.labels.report_list_dialog import ReportListDialog
from WeakMedSAMLib.frontend.labels.scene_labels import SceneLabels
from WeakMedSAMLib.frontend.labels.tag_words import problemsInWords, readingsInWords
from WeakMedSAMLib.frontend.scene.scene_volumes import sliceCount

_FOLDER_SETTING = "WeakMedSAM/TagsFolder"
_SHOWN = 3


class TagFileDialogs:
    """Asks for a file, and reads or writes the tags of the scene.

    Parameters
    ----------
    labels : SceneLabels
    parent : QWidget
        For the windows.
    """

    def __init__(self, labels: SceneLabels, parent: Any) -> None:
        self._labels = labels
        self._parent = parent
        self.importTags = guarded(self._import, showError)
        self.exportTags = guarded(self._export, showError)

    def _import(self) -> None:
        title = _("Import labels")
        drawn = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        kinds = _("Labels ({endings})").format(endings=f"*.json *.csv *.mrk.json {drawn}")
        path = qt.QFileDialog.getOpenFileName(self._parent, title, _lastFolder(), kinds)
        if not path:
            return
        _keepFolder(path)
        table = read_text(Path(path), utf16=True) if Path(path).suffix.lower() == ".csv" else None
        if is_markups_file(path):
            messages: list[str] | None = self._takeMarkups(path)
        elif isDrawnFile(path):
            messages = self._takeDrawn(path, title)
        elif table is not None and not is_tags_csv(table):
            messages = self._takeReports(table, title)
        else:
            messages = self._takeTags(path, title)
        if messages is None:
            return
        text = "\n".join(messages) or _("There are no tags of volumes in this file; its classes were imported.")
        slicer.util.infoDisplay(text, windowTitle=title, parent=self._parent)

    def _takeTags(self, path: str, title: str) -> list[str] | None:
        """Take over a file that names its volumes; returns what there is to say, None if the user left it."""
        cohort, volumes = read_label_file(path), self._volumes()
        unsaid = self._labels.session.unsaidNumberings(cohort, volumes)
        numbering = self._askNumbering(title, unsaid) if unsaid else None
        if unsaid and numbering is None:
            return None
        return self._labels.session.importTags(cohort, volumes, numbering)

    def _takeReports(self, table: str, title: str) -> list[str] | None:
        """Take over what a list of reports says of the volumes in the scene; returns as `_takeTags`.

        Such a list may hold a hospital's: of scans that are not here nothing stays in the scene.
        """
        session, volumes = self._labels.session, self._volumes()
        here = {comparable_name(name) for name, _key, _counts in volumes}
        columns, scans = report_columns(table, here)
        asked = ReportListDialog(self._parent, title, columns, scans, session.classes.names).ask()
        if asked is None:
            return None
        cohort = scan_tags_from_csv(table, asked.scans, asked.classes, asked.yes, asked.no)
        known = [each for each in cohort.volumes if comparable_name(each.name) in here]
        others = len(cohort.volumes) - len(known)
        if not known:
            text = _("None of the {count} scans in {column!r} is called as a volume here: {names}.")
            raise UserError(
                "bad_tags",
                text.format(count=others, column=asked.scans, names=list_names([name for name, *_rest in volumes])),
                _("Choose another column, or rename the volumes in the module Data."),
            )
        messages = session.importTags(CohortLabels(session.classes, known), volumes)
        if others:
            messages.append(_("Scans of the list that are not in the scene: {count}.").format(count=others))
        return messages

    def _takeMarkups(self, path: str) -> list[str]:
        """Take over a file of Markups, which lie in the patient, as labels of the current volume."""
        placed = self._labels.placedCurrent()
        cohort = read_label_file(path, placed, tuple(self._labels.session.classes))
        return self._labels.takeForCurrent(cohort)

    def _takeDrawn(self, path: str, title: str) -> list[str] | None:
        """Take over what was drawn elsewhere as painted labels of the current volume; returns as `_takeTags`."""
        labels, classes = self._labels.placedCurrent().labels, self._labels.session.classes
        drawn = readDrawn(path, self._labels.state.currentVolume)
        every, shown = _("Every slice"), _("Those that show a class")
        lines = [
            _("Which slices of {file} count as drawn?").format(file=drawn.name),
            _("On a slice that counts, and has nothing of a class, the class is absent."),
        ]
        answer = self._ask(title, lines, [every, shown])
        if answer not in (every, shown):
            return None
        cohort = paintedOf(drawn, labels, classes, shownAlone=answer == shown)
        (painted,) = cohort.volumes
        told = [countsInWords(painted, name) for name in cohort.classes.names]
        unread = unreadInWords(drawn, classes)
        return [*self._labels.takeForCurrent(cohort), *told, *filter(None, [unread])]

    def _askNumbering(self, title: str, unsaid: Sequence[UserError]) -> Numbering | None:
        """Ask how the slices of a file are counted that does not say it; None if the user does not know."""
        lines = [
            _("These tags do not say from which end slices are counted, and Slicer shows them in reversed order."),
            *[f"{error.values['name']}: {readingsInWords(error)}" for error in unsaid[:_SHOWN]],
            _("How were the slices counted?"),
        ]
        answers: dict[str, Numbering] = {_("As Slicer shows them"): "slicer", _("In the order of the file"): "file"}
        return answers.get(self._ask(title, lines, list(answers)))

    def _ask(self, title: str, lines: Sequence[str], answers: Sequence[str]) -> str:
        """Ask a question with a button an answer and one to leave; returns what the button says."""
        box = qt.QMessageBox(self._parent)
        box.setWindowTitle(title)
        box.setText("\n\n".join(lines))
        for text in answers:
            box.addButton(text, qt.QMessageBox.AcceptRole)
        box.addButton(qt.QMessageBox.Cancel)
        box.exec_()
        clicked = box.clickedButton()
        # Some desktops mark a letter of each button by themselves.
        return clicked.text.replace("&", "") if clicked is not None else ""

    def _export(self) -> None:
        title = _("Export labels")
        kinds = ";;".join(
            [
                _("JSON, keeps everything (*.json)"),
                _("CSV, slice tags for spreadsheets (*.csv)"),
                _("Markups, boxes and points of this volume (*.mrk.json)"),
            ]
        )
        proposed = str(Path(_lastFolder()) / self._proposedName())
        path = qt.QFileDialog.getSaveFileName(self._parent, title, proposed, kinds)
        if not path:
            return
        if not Path(path).suffix:
            path += ".json"
        session, placed = self._labels.session, None
        cohort = session.cohortForFile()
        if is_markups_file(path):
            placed = self._labels.placedCurrent()
            cohort = CohortLabels(session.classes, [placed.labels])
        write_label_file(path, cohort, placed)
        _keepFolder(path)
        left = volumes_left_out(path, session.cohort, placed.labels) if placed is not None else None
        if problems := [each for each in (left, check_left_out(path, cohort)) if each is not None]:
            slicer.util.infoDisplay(problemsInWords(problems), windowTitle=title, parent=self._parent)
        slicer.util.showStatusMessage(_("The tags were written to {path}").format(path=path), 4000)

    def _volumes(self) -> list[tuple[str, str, dict[str, int]]]:
        """Return the volumes that are ready for tags; the tags of others wait until they are."""
        return [
            (node.GetName() or "volume", key, {axis: sliceCount(node, axis) for axis in AXES})
            for key, node in self._labels.readyVolumes().items()
        ]

    def _proposedName(self) -> str:
        node = self._labels.state.currentVolume
        name = re.sub(r"[^\w .-]+", "_", node.GetName() or "").strip(" .") if node is not None else ""
        return f"{name} tags.json".strip()


def _lastFolder() -> str:
    return str(slicer.app.userSettings().value(_FOLDER_SETTING) or "")


def _keepFolder(path: str) -> None:
    slicer.app.userSettings().setValue(_FOLDER_SETTING, str(Path(path).parent))
