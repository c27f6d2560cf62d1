"""Spoiled inputs of every kind: each works or is refused with a reason, in the harness of ``make fuzz``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[2] / "fuzz"
# Models cost most to read; all together they are more than a thousand.
INPUTS = {"nrrd": 120, "nhdr": 80, "meta": 100, "nifti": 120, "dicom": 60, "tags-json": 160, "tags-csv": 120}
INPUTS |= {
    "painted": 160,
    "mrk-json": 120,
    "enhanced": 60,
    "run": 100,
    "events": 100,
    "state": 60,
    "cache": 60,
    "model": 40,
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by Linux's means")


@pytest.fixture(scope="module")
def harness():
    spec = importlib.util.spec_from_file_location("weakmedsam_fuzz", FUZZ / "fuzz.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_kind_of_input_is_fuzzed_and_they_are_more_than_a_thousand(harness):
    assert set(INPUTS) == set(harness.KINDS)
    assert sum(INPUTS.values()) >= 1000


@pytest.mark.parametrize("kind", list(INPUTS))
def test_spoiled_inputs_work_or_are_refused(harness, tmp_path, kind):
    tally = harness.fuzz(kind, "1", 0, INPUTS[kind], tmp_path / "place")
    assert tally.findings == []
    assert tally.inputs == INPUTS[kind]
    # A harness that spoils nothing, or everything beyond recognition, would find nothing.
    assert kind in ("events", "state", "cache") or tally.outcomes["refused"] > 0
    assert tally.outcomes["good"] > 0


def test_the_harness_finds_what_it_is_there_for(harness, tmp_path, monkeypatch):
    """A child that dies, one that raises, and the input after it."""
    script = tmp_path / "child.py"
    script.write_text(
        "import os, sys\n"
        "for n in range(int(sys.argv[3]), int(sys.argv[3]) + int(sys.argv[4])):\n"
        "    print('begin', n, flush=True)\n"
        "    if n == 1: os.abort()\n"
        "    print('end', n, 'FINDING it raised' if n == 2 else 'good', flush=True)\n"
    )
    monkeypatch.setattr(harness, "HERE", tmp_path)
    tally = harness.fuzz("nrrd", "1", 0, 4, tmp_path / "place")
    assert [number for number, _ in tally.findings] == [1, 2]
    assert "died" in tally.findings[0][1]
    assert tally.inputs == 4
