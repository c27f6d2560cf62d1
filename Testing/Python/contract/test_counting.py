"""One thing and several, in sentences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from WeakMedSAMLib.contract.counting import counted

LIB = Path(__file__).resolve().parents[3] / "WeakMedSAMLib"


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 slices"), (1, "1 slice"), (2, "2 slices"), (12345, "12,345 slices")]
)
def test_a_number_has_its_noun(number, words):
    assert counted(number, "slice") == words


def test_no_sentence_leaves_the_plural_to_the_reader():
    lazy = re.compile(r"\b(volume|slice|scan|file|mask|class|voxel|device|patient|reference)\((s|es)\)")
    files = [path for room in ("contract", "engine", "frontend") for path in (LIB / room).rglob("*.py")]
    assert [path.name for path in files if lazy.search(path.read_text("utf-8"))] == []
