"""The stand-in prints what real PythonQt 5.15 printed for the same probes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROBES = ROOT.parent / "shared" / "pythonqt"


@pytest.mark.skipif(not (PROBES / "probe.py").exists(), reason=f"no recorded probes in {PROBES}")
@pytest.mark.skipif(os.name == "nt", reason="the probes start /bin/sh")
def test_recorded_probes_print_the_same_lines():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "Testing")}
    command = [sys.executable, "-W", "ignore", "-m", "host", str(PROBES / "probe.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    expected = (PROBES / "expected_pythonqt_5.15.txt").read_text(encoding="utf-8").splitlines()
    assert done.stdout.splitlines() == expected, done.stderr
    assert len(expected) == 34
