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
from WeakMedSAMLib.contract.labels.label_files import check_left_out, read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.labelled_volume import AXES, Numbering
from WeakMedSAMLib.frontend.base.callbacks import guarded, showError
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
        title, kinds = _("Import tags"), _("Tags (*.json *.csv)")
        path = qt.QFileDialog.getOpenFileName(self._parent, title, _lastFolder(), kinds)
        if not path:
            return
        _keepFolder(path)
        cohort, volumes = read_label_file(path), self._volumes()
        unsaid = self._labels.session.unsaidNumberings(cohort, volumes)
        numbering = self._askNumbering(title, unsaid) if unsaid else None
        if unsaid and numbering is None:
            return
        messages = self._labels.session.importTags(cohort, volumes, numbering)
        text = "\n".join(messages) or _("There are no tags of volumes in this file; its classes were imported.")
        slicer.util.infoDisplay(text, windowTitle=title, parent=self._parent)

    def _askNumbering(self, title: str, unsaid: Sequence[UserError]) -> Numbering | None:
        """Ask how the slices of a file are counted that does not say it; None if the user does not know."""
        lines = [
            _("These tags do not say from which end slices are counted, and Slicer shows them in reversed order."),
            *[f"{error.values['name']}: {readingsInWords(error)}" for error in unsaid[:_SHOWN]],
            _("How were the slices counted?"),
        ]
        box = qt.QMessageBox(self._parent)
        box.setWindowTitle(title)
        box.setText("\n\n".join(lines))
        answers: dict[str, Numbering] = {_("As Slicer shows them"): "slicer", _("In the order of the file"): "file"}
        for text in answers:
            box.addButton(text, qt.QMessageBox.AcceptRole)
        box.addButton(qt.QMessageBox.Cancel)
        box.exec_()
        clicked = box.clickedButton()
        # Some desktops mark a letter of each button by themselves.
        return answers.get(clicked.text.replace("&", "")) if clicked is not None else None

    def _export(self) -> None:
        title, kinds = _("Export tags"), _("JSON, keeps everything (*.json);;CSV, for spreadsheets (*.csv)")
        proposed = str(Path(_lastFolder()) / self._proposedName())
        path = qt.QFileDialog.getSaveFileName(self._parent, title, proposed, kinds)
        if not path:
            return
        if not Path(path).suffix:
            path += ".json"
        cohort = self._labels.session.cohortForFile()
        write_label_file(path, cohort)
        _keepFolder(path)
        if leftOut := check_left_out(path, cohort):
            slicer.util.infoDisplay(problemsInWords([leftOut]), windowTitle=title, parent=self._parent)
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
