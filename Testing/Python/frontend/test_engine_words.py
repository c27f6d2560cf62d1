"""What the contract and the engine say is shown in the language of the window, and in their own words without one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Error, Warning_
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.base import engine_words
from WeakMedSAMLib.frontend.labels.tag_words import problemsInWords
from WeakMedSAMLib.frontend.running.run_ending import FAILED, endOf
from WeakMedSAMLib.frontend.running.run_trace import Outcome
from WeakMedSAMLib.frontend.running.run_words import outcomeText
from WeakMedSAMLib.frontend.running.worker_process import WorkerExit

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Utilities"))

import translations  # noqa: E402


@pytest.fixture
def german(monkeypatch):
    """The German texts, found as Slicer finds them."""
    texts = translations.texts(translations.FOLDER / "WeakMedSAM_de-DE.ts")
    context = translations.context_of(Path(engine_words.__file__))
    found = {source: text for name, source, text in texts if name == context}
    monkeypatch.setattr(engine_words, "tr", lambda source: found[source])


@pytest.fixture
def cohort():
    volume = VolumeLabels("scan", "a" * 64, "k", 12)
    volume.tag_range("Liver's edge", 2, 3)
    return CohortLabels(ClassTable.from_names(["Liver's edge", "Spleen"]), [volume])


def test_notes_on_tags_are_german_in_a_german_window(german, cohort):
    said = problemsInWords(check(cohort)).split("\n")
    assert said[0].endswith(
        "In keiner Schicht vorhanden: Spleen. Markieren Sie eine Schicht, die sie zeigt, oder entfernen Sie die Klasse."
    )
    assert any("Nur in wenigen Schichten vorhanden: Liver's edge." in line for line in said)
    assert any("Es ist erst ein Volumen markiert." in line for line in said)
    assert not any("Tag " in line or "Class " in line for line in said)


def test_classes_written_in_two_ways_are_told_in_german(german):
    volume = VolumeLabels("scan", "a" * 64, "k", 12)
    volume.tag_range("Tumor", 2, 3)
    said = problemsInWords(check(CohortLabels(ClassTable.from_names(["Tumor", "tumor"]), [volume])))
    assert "fast demselben Namen, die getrennt gelernt werden: Tumor, tumor." in said


def test_without_a_translation_the_own_words_stay(cohort):
    said = problemsInWords(check(cohort))
    assert "is present on 2 slices only." in said
    assert engine_words.translated("gpu_out_of_memory", "Full.", "Use the CPU.") == ("Full.", "Use the CPU.")
    assert engine_words.adviceInWords("Learned from 1 volume.") == "Learned from 1 volume."


def test_what_has_no_text_stays_as_it_is(german):
    assert engine_words.translated("unheard_of", "What?", "Why?") == ("What?", "Why?")
    assert engine_words.translated("few_present_slices", "Nothing in quotes.", "Why?") == ("Nothing in quotes.", "Why?")
    assert engine_words.adviceInWords("Something new.") == "Something new."
    assert engine_words.adviceInWords("") == ""


def test_errors_of_the_class_table_name_the_classes(german):
    with pytest.raises(UserError) as caught:
        ClassTable.from_json([{"name": "A", "label_value": 3}, {"name": "B", "label_value": 3}])
    said = engine_words.errorInWords(caught.value)
    assert said == "Zwei Klassen haben denselben Labelwert: A, B. Wählen Sie etwas anderes."


def test_a_run_that_failed_says_why_in_german(german):
    error = Error(code="cannot_write", message="Cannot write x: no.", hint="Choose.")
    status, message, hint, code = endOf(False, None, error, WorkerExit(2), [])
    assert (status, code) == (FAILED, "cannot_write")
    assert message == "Eine Datei kann nicht geschrieben werden: Cannot write x: no."
    assert hint.startswith("Wählen Sie einen Ordner")
    warning = Warning_(code="low_confidence", message="Low.", hint="Check the slices with the lowest confidence.")
    said = outcomeText(Outcome("r", "finished", warnings=(warning,)))
    assert "• Die Sicherheit einiger Masken ist gering" in said
    assert said.endswith("korrigieren Sie sie im Segment Editor.")


def test_every_code_and_every_beginning_is_one_that_is_said():
    sources = [path.read_text("utf-8") for room in ("contract", "engine") for path in _files(room)]
    text = "\n".join(sources)
    codes = [code for code in engine_words.TEXTS if not code.startswith("duplicate_")]
    # Codes of duplicates are put together from two parts there.
    assert [code for code in codes if f'"{code}"' not in text] == []
    assert [start for start in engine_words.ADVICE if f'"{start}' not in text] == []


def _files(room):
    return (ROOT / "WeakMedSAMLib" / room).rglob("*.py")
