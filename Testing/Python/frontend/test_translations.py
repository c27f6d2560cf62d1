"""Texts of the module can be collected, the language file is complete, and Qt reads it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Utilities"))

import translations  # noqa: E402

GERMAN = translations.FOLDER / "WeakMedSAM_de-DE.ts"
PLACEHOLDER = re.compile(r"(?<!\{)\{([^{}]+)\}(?!\})")


def test_the_language_file_has_every_text_and_all_are_translated(tmp_path):
    fresh = tmp_path / GERMAN.name
    fresh.write_bytes(GERMAN.read_bytes())
    assert translations.update(tmp_path) == [fresh]
    collected = translations.texts(fresh)
    assert [text for _, text, translation in collected if not translation] == []
    assert collected == translations.texts(GERMAN), "run `make translations`"
    assert len(collected) > 400


def test_placeholders_survive_translation():
    wrong = [
        (text, translation)
        for _, text, translation in translations.texts(GERMAN)
        if set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(translation))
    ]
    assert wrong == []


def test_qt_finds_a_translation_under_the_context_that_slicer_asks_for(tmp_path):
    from PySide6.QtCore import QTranslator

    compiled = tmp_path / "german.qm"
    lrelease = translations.LUPDATE.with_name(translations.LUPDATE.name.replace("lupdate", "lrelease"))
    subprocess.run([lrelease, "-silent", GERMAN, "-qm", compiled], check=True)
    translator = QTranslator()
    assert translator.load(str(compiled))
    context = translations.context_of(ROOT / "WeakMedSAMLib" / "frontend" / "running" / "generate_panel.py")
    text = "Fast: learns in minutes, on CPU or GPU"
    assert translator.translate(context, text) not in ("", text)


@pytest.mark.parametrize(
    "source",
    ["label.text = _(text)", '_("a" if x else "b")', '_(f"{x} volumes")', "f\"<b>{_('a')}</b>\"", '_("a", "b")'],
)
def test_a_text_that_no_tool_can_collect_is_refused(source):
    with pytest.raises(ValueError, match="line 1"):
        translations.with_contexts(source, "x")


def test_strings_in_pieces_are_collected_whole():
    source = 'é = 1; button.text = _(\n    "Tag {count} "\n    "slices"\n)\nnext_line = 2\n'
    expected = 'é = 1; button.text = translate("x", "Tag {count} slices")\nnext_line = 2\n'
    assert translations.with_contexts(source, "x") == expected
