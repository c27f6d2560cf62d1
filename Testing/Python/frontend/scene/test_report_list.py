"""A list of reports is imported: asked for its columns, and nothing else of it stays."""

from __future__ import annotations

import pytest
import qt

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.scan_tags import KIND
from WeakMedSAMLib.frontend.labels.tag_file_dialogs import TagFileDialogs

REPORTS = """Patient;Accession;Bleed;Finding
Doe, Jane;scan a;yes;large
Roe, Richard;scan b;no;nothing
Poe, Edgar;another;yes;small
"""


@pytest.fixture
def reports(logic, make_volume, tmp_path, host):
    """The logic with two volumes, classes bleed and oedema, and a list of reports that is about to be imported."""
    logic.setClasses(["bleed", "oedema"])
    for name in ("scan a", "scan b"):
        node = make_volume(name, (6, 8, 9))
        array = node.GetImageData().GetPointData().GetScalars()
        array.SetTuple1(0, ord(name[-1]))
        logic.state.setInCohort(node, True)
        logic.state.currentVolume = node
        logic.identifyNow(node)
    path = tmp_path / "reports.csv"
    path.write_text(REPORTS, encoding="utf-8")
    host.dialogs.answer(str(path))
    return logic


def importNow(logic):
    TagFileDialogs(logic.labels, None)._import()


def boxes(dialog):
    return dialog.findChildren(qt.QComboBox)


def choose(dialog, place, text):
    box = boxes(dialog)[place]
    box.currentIndex = box.findText(text)


def accept(change=lambda _dialog: None):
    def answer(dialog):
        change(dialog)
        assert dialog.findChild(qt.QDialogButtonBox).button(qt.QDialogButtonBox.Ok).enabled
        return qt.QDialog.Accepted

    return answer


def said(logic):
    return {each.name: KIND.shows(each) for each in logic.session.cohort.volumes}


def test_columns_that_fit_are_proposed_and_only_what_they_say_stays(reports, host):
    proposed = []

    def note(dialog):
        proposed.extend(box.currentText for box in boxes(dialog))

    host.dialogs.answer(accept(note), qt.QMessageBox.Ok)
    importNow(reports)
    assert proposed == ["Accession", "Bleed", "(no column)"]
    assert said(reports) == {"scan a": {"bleed": True}, "scan b": {"bleed": False}}
    assert "not in the scene: 1" in host.dialogs.texts[-1]
    assert not any(name in repr(reports.session.cohort) for name in ("Doe", "Edgar", "another", "large"))
    reports.session.undo()
    assert not any(said(reports).values())


def test_ok_waits_for_the_columns_that_are_needed(reports, host):
    tips = []

    def look(dialog):
        button = dialog.findChild(qt.QDialogButtonBox).button(qt.QDialogButtonBox.Ok)
        for place in (0, 1):
            proposed = boxes(dialog)[place].currentText
            choose(dialog, place, "(no column)")
            tips.append((button.enabled, button.toolTip))
            choose(dialog, place, proposed)
        return qt.QDialog.Rejected

    host.dialogs.answer(look)
    importNow(reports)
    assert [enabled for enabled, _tip in tips] == [False, False]
    assert "names of the scans" in tips[0][1]
    assert "for a class" in tips[1][1]
    assert not any(said(reports).values())


def test_scans_that_nobody_is_called_like_are_said(reports, host):
    host.dialogs.answer(accept(lambda dialog: choose(dialog, 0, "Finding")))
    with pytest.raises(UserError, match="None of the 3 scans in 'Finding'") as caught:
        importNow(reports)
    assert "scan a" in str(caught.value)
    assert not any(said(reports).values())


def test_a_cell_that_is_no_answer_is_said_with_its_line(reports, host):
    host.dialogs.answer(accept(lambda dialog: choose(dialog, 1, "Finding")))
    with pytest.raises(UserError, match=r"[Ll]ine 2.*Finding"):
        importNow(reports)
    assert not any(said(reports).values())


def test_words_for_yes_and_no_can_be_given(reports, host):
    def change(dialog):
        choose(dialog, 1, "Finding")
        yes, no = (each for each in dialog.findChildren(qt.QLineEdit))
        yes.text, no.text = "Large, small", "nothing"

    host.dialogs.answer(accept(change), qt.QMessageBox.Ok)
    importNow(reports)
    assert said(reports) == {"scan a": {"bleed": True}, "scan b": {"bleed": False}}


def test_what_was_said_by_hand_of_a_whole_scan_is_kept_with_the_scene(reports, host, tmp_path):
    host.dialogs.answers.clear()  # no file is chosen
    key = reports.keyOf(reports.state.currentVolume)
    reports.session.setInVolume(key, "bleed", True)
    reports.session.setInVolume(key, "oedema", False)
    before = said(reports)
    assert before["scan b"] == {"bleed": True, "oedema": False}
    reports.labels.store.flush()
    assert host.slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    host.closeScene()
    host.slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    host.waitUntil(lambda: said(reports).get("scan b") == before["scan b"])
