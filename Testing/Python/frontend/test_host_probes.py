"""The stand-in prints what real PythonQt 5.15 printed for the same probes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROBES = ROOT.parent / "shared" / "pythonqt"
TIMED = ("QTimer", "QProcess")  # these probes wait a tenth of a second, or two seconds: not enough on a busy machine
ATTEMPTS = 5


def _printed():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "Testing")}
    command = [sys.executable, "-W", "ignore", "-m", "host", str(PROBES / "probe.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout.splitlines(), done.stderr


@pytest.mark.skipif(not (PROBES / "probe.py").exists(), reason=f"no recorded probes in {PROBES}")
@pytest.mark.skipif(os.name == "nt", reason="the probes start /bin/sh")
def test_recorded_probes_print_the_same_lines():
    expected = (PROBES / "expected_pythonqt_5.15.txt").read_text(encoding="utf-8").splitlines()
    assert len(expected) == 34
    for _ in range(ATTEMPTS):
        lines, errors = _printed()
        wrong = [line for line in expected if line not in lines]
        if not wrong or not all(any(name in line for name in TIMED) for line in wrong):
            break
    assert lines == expected, errors
