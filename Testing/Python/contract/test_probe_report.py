"""What a probe says is read as it was written, and an odd answer says nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from WeakMedSAMLib.contract.probe_report import TORCH_BROKEN, DeviceReport, ProbeReport

GPU = DeviceReport("cuda:0", "GPU", 2**34, 2**33, "float16")
WHOLE = ProbeReport(
    True, ["a"], "No.", "Do.", {"version": "3"}, {"torch": "2"}, [GPU], ["litemedsam"], [{"backbone": "x"}],
    {"folder": "/c"}, TORCH_BROKEN, {"reason": "r"}, {"device": "cpu"},
)  # fmt: skip


@pytest.mark.parametrize("report", [WHOLE, ProbeReport(ready=False)])
def test_round_trip(report):
    assert ProbeReport.from_json(json.loads(json.dumps(report.to_json()))) == report


@pytest.mark.parametrize("name", [*ProbeReport(True).to_json(), "speed"])
@pytest.mark.parametrize(
    "value", [None, 5, "x", {"a": 1}, [5, {"device": 1, "memory_bytes": "many"}], [{"free_bytes": float("inf")}]]
)
def test_an_odd_answer_does_no_harm(name, value):
    report = ProbeReport.from_json({name: value})
    assert report.ready is False
    assert all(isinstance(device.device, str) for device in report.devices)
    assert report == ProbeReport.from_json(report.to_json())


def test_a_speed_that_was_not_measured_is_left_out():
    assert "speed" not in ProbeReport(True).to_json()


def test_a_python_without_any_package_can_say_so():
    code = "import sys; sys.modules['numpy'] = None; import WeakMedSAMLib.contract.probe_report"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
