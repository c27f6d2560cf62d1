"""Each branch in a process of its own, beside a torchvision that behaves as the branch needs."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

COUNT = "import sys; sys.imports = getattr(sys, 'imports', 0) + 1\n"
# What torchvision does when it is imported, and what then fails beside a torch without its operators.
NEEDS_OPERATORS = """
import torchvision.half_way
import torch
torch.library.register_fake("torchvision::nms")(lambda dets, scores, iou_threshold: dets)
torch.library.register_fake("torchvision::qnms")(lambda dets, scores, iou_threshold: dets)
"""


@pytest.fixture
def outcome(tmp_path):
    """Import a made-up torchvision through the shim in a new process; gives what it printed."""

    def run(torchvision, code):
        (tmp_path / "torchvision").mkdir()
        (tmp_path / "torchvision" / "__init__.py").write_text(COUNT + textwrap.dedent(torchvision))
        (tmp_path / "torchvision" / "half_way.py").write_text("import sys; sys.half = getattr(sys, 'half', 0) + 1\n")
        begin = "import sys\nfrom WeakMedSAMLib.engine.base import torchvision_shim as shim\n"
        result = subprocess.run(
            [sys.executable, "-c", begin + textwrap.dedent(code)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    return run


TRY = """
try:
    shim.import_torchvision()
except (RuntimeError, ImportError) as error:
    print(type(error).__name__, str(error).replace(" ", "_"))
print(sys.imports, shim._library is None, "torchvision" in sys.modules)
"""


def test_a_working_torchvision_is_left_alone(outcome):
    assert outcome("", TRY + "print('torch' in sys.modules)") == ["1", "True", "True", "False"]


def test_missing_operators_are_defined_and_the_import_starts_afresh(outcome):
    assert outcome(NEEDS_OPERATORS, TRY + "print(sys.half)") == ["2", "False", "True", "2"]


def test_the_repair_is_done_once_in_a_process(outcome):
    again = TRY + "first = shim._library; shim._forget_torchvision(); shim.import_torchvision()\n"
    assert outcome(NEEDS_OPERATORS, again + "print(first is shim._library)")[-1] == "True"


def test_another_runtime_error_is_passed_on(outcome):
    printed = outcome("raise RuntimeError('operator torchvision::roi_align does not exist')", TRY)
    assert printed == ["RuntimeError", "operator_torchvision::roi_align_does_not_exist", "1", "True", "False"]


def test_a_missing_torchvision_is_passed_on(outcome):
    assert outcome("import no_such_module", TRY)[:2] == ["ModuleNotFoundError", "No_module_named_'no_such_module'"]


def test_an_error_that_the_repair_does_not_cure_is_passed_on(outcome):
    printed = outcome("raise RuntimeError('operator torchvision::nms does not exist')", TRY)
    assert printed == ["RuntimeError", "operator_torchvision::nms_does_not_exist", "2", "False", "False"]
