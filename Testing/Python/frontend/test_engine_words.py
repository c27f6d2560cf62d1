"""What the contract and the engine say is shown in the language of the window, and in their own words without one."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import replace
from pathlib import Path
from string import Formatter

import pytest
from inventory.listing import coded

from WeakMedSAMLib.contract.class_doubts import class_doubts
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Error, Warning_, with_name
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.quality import (
    CHECK_SLICES,
    CLASS_DOUBTS,
    EDGE_UNSURE,
    EXTENT_DOUBTED,
    PLACE_DOUBTED,
    PLACE_UNSURE,
    TAG_ABSENT_SLICES,
    TAG_MORE_VOLUMES,
    TOO_LARGE,
    TOO_SMALL,
    Advice,
    ClassQuality,
)
from WeakMedSAMLib.frontend.base import engine_words, label_texts
from WeakMedSAMLib.frontend.labels.tag_session import TagSession
from WeakMedSAMLib.frontend.labels.tag_words import problemsInWords
from WeakMedSAMLib.frontend.running.run_ending import FAILED, endOf
from WeakMedSAMLib.frontend.running.run_trace import Outcome
from WeakMedSAMLib.frontend.running.run_words import outcomeText
from WeakMedSAMLib.frontend.running.worker_process import WorkerExit

ROOT = Path(__file__).resolve().parents[3]
LIB = ROOT / "WeakMedSAMLib"
# What the module starts. Volumes in its run folders are NRRD files, and masks are never read there.
_STARTED = ("cli/run.py", "cli/probe.py", "cli/resident.py", "runs/worker.py", "runs/probe.py", "runs/resident.py")
_OTHER_FORMATS = re.compile(r"/data/(dicom/|nifti|meta_header|segmentations|labels)")
# Of codes that are put together: "duplicate_class" and the like, which are in the table.
_OF_TWO_PARTS = {"class", "name"}
# By `labels.tag_words`, with a question to the reader; and of masks, which no run folder gives to a run.
_SAID_ELSEWHERE = {"numbering_unsaid", "segmentation_has_layers"}
sys.path.insert(0, str(ROOT / "Utilities"))

import translations  # noqa: E402


@pytest.fixture
def german(monkeypatch):
    """The German texts, found as Slicer finds them."""
    texts = translations.texts(translations.FOLDER / "WeakMedSAM_de-DE.ts")
    context = translations.context_of(Path(engine_words.__file__))
    found = {source: text for name, source, text in texts if name == context}
    monkeypatch.setattr(engine_words, "tr", lambda source: found.get(source, source))


@pytest.fixture
def shouted(monkeypatch):
    """A language that has every text."""
    monkeypatch.setattr(engine_words, "tr", lambda source: f"~{source}")


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
    error = UserError("gpu_out_of_memory", "Full.", "Use the CPU.")
    assert engine_words.wordsOf(error) == ("Full.", "Use the CPU.")
    assert engine_words.adviceInWords(Advice(TAG_MORE_VOLUMES, "Learned from 1.")) == "Learned from 1."


def test_kinds_and_sides_are_named_in_german_too(german, monkeypatch):
    context = translations.context_of(Path(label_texts.__file__))
    texts = translations.texts(translations.FOLDER / "WeakMedSAM_de-DE.ts")
    found = {source: text for name, source, text in texts if name == context}
    monkeypatch.setattr(label_texts, "tr", lambda source: found.get(source, source))
    values = {"class": "Leber", "slices": "4", "trusted": "boxes", "other": "slice_tags"}
    message, _hint = engine_words.wordsOf(Problem("warning", "labels_contradict", "x", "", values))
    assert "Boxen zählen, nicht Markierungen von Schichten" in message
    values = {"name": "scan", "class": "Niere", "slice": "4", "side": "left", "kind": "point"}
    message, _hint = engine_words.wordsOf(Problem("warning", "mark_on_other_side", "x", "", values))
    assert not {"left", "point"} & {*message.split()}
    # Another kind is called as files call it.
    assert label_texts.namesIn({"kind": "contours", "slice": "left"}) == {}


def test_what_has_no_text_stays_as_it_is(german):
    assert engine_words.wordsOf(UserError("unheard_of", "What?", "Why?")) == ("What?", "Why?")
    assert engine_words.wordsOf(UserError("few_present_slices", "No values.", "Why?")) == ("No values.", "Why?")
    assert engine_words.adviceInWords(Advice("", "Something of before.")) == "Something of before."
    assert engine_words.adviceInWords(None) == ""


def test_values_are_filled_into_the_words(shouted):
    warning = Warning_(code="volume_sheared", message="Odd.", hint="", values={"file": "000.nrrd", "degrees": 3.14159})
    message, hint = engine_words.wordsOf(with_name(replace(warning, volume="000"), {"000": "Ann"}))
    assert message.startswith("~Ann: its axes are 3.1 degrees off")
    assert hint.startswith("~Slicer cannot load")


@pytest.mark.parametrize(
    "values", [{}, {"file": "a"}, {"file": "a", "degrees": "many"}, {"file": "a", "degrees": None}]
)
def test_a_value_that_is_missing_or_odd_leaves_the_own_words(shouted, values):
    assert engine_words.wordsOf(UserError("volume_sheared", "Odd.", "Look.", values)) == ("Odd.", "Look.")


def test_errors_of_the_class_table_name_the_classes(german):
    with pytest.raises(UserError) as caught:
        ClassTable.from_json([{"name": "A", "label_value": 3}, {"name": "B", "label_value": 3}])
    said = engine_words.errorInWords(caught.value)
    assert said == "Zwei Klassen haben denselben Labelwert: A, B. Wählen Sie etwas anderes."


def test_a_run_that_failed_says_why_in_the_language_of_the_window(shouted):
    error = Error(
        code="cannot_write", message="Cannot write x: no.", hint="Choose.", values={"file": "x", "reason": "no"}
    )
    status, message, hint, code = endOf(False, None, error, WorkerExit(2), [])
    assert (status, code) == (FAILED, "cannot_write")
    assert message == "~x cannot be written (no)."
    assert hint.startswith("~Choose a folder")


def test_a_warning_of_low_confidence_brings_its_advice(german):
    advice = Advice(CHECK_SLICES, "Check the slices with the lowest confidence.")
    values = {"unsure": 1, "total": 2, "advice": advice.to_json()}
    warning = Warning_(code="low_confidence", message="Low.", hint=advice.message, values=values)
    said = outcomeText(Outcome("r", "finished", warnings=(warning,)))
    assert "• Die Sicherheit einiger Masken ist gering" in said
    assert said.endswith("korrigieren Sie sie im Segment Editor.")


def test_what_is_doubted_in_a_volume_is_german_in_a_german_window(german):
    quality = ClassQuality(confidence=0.2, unsure_on=[3, 4, 5], pixels=[0, 0, 0, 1, 5, 1])
    classes = {"Leber": replace(quality, unsure_of=PLACE_DOUBTED), "Milz": replace(quality, unsure_of=EXTENT_DOUBTED)}
    advice = [one.to_json() for one in class_doubts(classes)]
    warning = Warning_(code="volume_unsure", message="m", values={"percent": 20, "advice": advice}, volume="000")
    said = " ".join(engine_words.wordsOf(with_name(warning, {"000": "Scan 3"})))
    assert said == (
        "Die Sicherheit in „Scan 3“ ist 20 %. „Leber“: Ort unsicher (Schichten: 3-5); setzen Sie in Schicht 4 eine "
        "Box darum. „Milz“: Ausdehnung unsicher (Schichten: 3-5); korrigieren Sie diese Schichten."
    )


_ADVICE = {
    TAG_MORE_VOLUMES,
    TAG_ABSENT_SLICES,
    CHECK_SLICES,
    PLACE_UNSURE,
    EDGE_UNSURE,
    TOO_SMALL,
    TOO_LARGE,
    *CLASS_DOUBTS,
}


def test_every_code_that_can_reach_the_window_has_words():
    said = {code for _kind, code, _values in _said()} | _ADVICE
    assert sorted(said - set(engine_words.TEXTS) - _OF_TWO_PARTS - _SAID_ELSEWHERE) == []
    assert sorted(_SAID_ELSEWHERE - said) == []


def test_every_code_with_words_is_one_that_is_said():
    sources = [path.read_text("utf-8") for room in ("contract", "engine") for path in (LIB / room).rglob("*.py")]
    text = "\n".join(sources)
    # Codes of duplicates are put together from two parts there.
    codes = [code for code in engine_words.TEXTS if not code.startswith("duplicate_")]
    assert [code for code in codes if f'"{code}"' not in text] == []


def test_whoever_says_a_code_gives_the_values_that_its_words_need():
    lacking = [
        f"{kind} {code}: {', '.join(needed - given)}"
        for kind, code, given in _said()
        if code in engine_words.TEXTS and given is not None and (needed := _needed(code)) - given
    ]
    assert lacking == []


def _needed(code):
    fields = {name for text in engine_words.TEXTS[code] for _text, name, _spec, _conversion in Formatter().parse(text)}
    return fields - {None, "english"}


def _said():
    """What the contract and the worker say: kind, code, and names of its values (None where they are not spelt out)."""
    for path in _reachable():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield from ((kind, code, _values(node, kind)) for kind, code in coded(node))


def _values(call, kind):
    place = {"UserError": 3, "Note": 3, "Problem": 4}.get(kind, 99)
    given = [keyword.value for keyword in call.keywords if keyword.arg == "values"] + call.args[place : place + 1]
    if not given:
        return set()
    keys = given[0].keys if isinstance(given[0], ast.Dict) else [None]
    return None if None in keys else {key.value for key in keys}


def _reachable():
    """Files of the contract, and of what the worker imports; but not what reads files that a run folder has not."""
    found, waiting = set(), [*(LIB / "contract").rglob("*.py"), *(LIB / "engine" / name for name in _STARTED)]
    while waiting:
        path = waiting.pop()
        if path in found or _OTHER_FORMATS.search(path.as_posix()):
            continue
        found.add(path)
        tree = ast.parse(path.read_text("utf-8"))
        names = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
        for node in names:
            for module in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                file = ROOT / f"{module.replace('.', '/')}.py"
                waiting += [file] if file.is_file() and LIB in file.parents else []
    return sorted(found)


def test_why_a_volume_got_no_tags_is_said_in_the_language_of_the_window(shouted):
    session = TagSession()
    coming = CohortLabels(session.classes, [VolumeLabels("scan", "b" * 64, n_slices=12)])
    coming.volumes[0].set(session.classes.names[0], 3, PRESENT)
    refused, _kept = session.importTags(coming, [("scan", "a" * 64, {"k": 12})])
    assert "~The tags of 'scan' were made on other voxels." in refused
