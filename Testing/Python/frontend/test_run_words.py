"""How a run is spoken of: by the clock of this computer, by the name of its device, of one thing and of several."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from WeakMedSAMLib.contract.events import Warning_
from WeakMedSAMLib.contract.probe_report import DeviceReport
from WeakMedSAMLib.frontend.base.local_time import clockTime, localTime
from WeakMedSAMLib.frontend.base.panel_parts import elided
from WeakMedSAMLib.frontend.running import run_words
from WeakMedSAMLib.frontend.running.probe_client import placeInWords
from WeakMedSAMLib.frontend.running.run_trace import Outcome
from WeakMedSAMLib.frontend.scene.run_records import RunRecord

NOON = "2026-03-01T12:00:00+00:00"


@pytest.fixture
def kolkata(monkeypatch):
    """The clock of this computer is five and a half hours ahead of UTC."""
    if not hasattr(time, "tzset"):
        pytest.skip("the zone of a process cannot be changed on this system")
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("moment", [NOON, "2026-03-01T12:00:00", "2026-03-01T13:00:00+01:00"])
def test_a_moment_is_said_by_the_clock_of_this_computer(kolkata, moment):
    assert localTime(moment) == "2026-03-01 17:30"
    assert clockTime(moment, 90) == "2026-03-01 17:31"


def test_a_moment_of_today_is_said_by_its_time_alone(kolkata):
    now = datetime.now(timezone.utc)
    assert clockTime(now.isoformat()) == f"{now + timedelta(hours=5.5):%H:%M}"


@pytest.mark.parametrize("moment", ["", "some day", "9999-12-31T23:59:59+00:00"])
def test_what_is_no_moment_stays_as_it_is(kolkata, moment):
    assert localTime(moment) == clockTime(moment) == moment


@pytest.mark.parametrize(
    ("name", "short"),
    [("MR", "MR"), ("BRATS_Case_0001", "BRATS_Case_0001"), ("BRATS_Case_of_clinic_0001", "BRATS_Ca…ic_0001")],
)
def test_the_middle_of_a_long_name_is_left_out(name, short):
    assert elided(name, 16) == short
    assert len(short) <= 16


def test_a_device_is_the_cpu_or_a_gpu_by_its_name():
    known = [DeviceReport("cuda:0", "Small GPU"), DeviceReport("cuda:1", "GPU of an exceedingly long name 9000")]
    places = [placeInWords(device, known) for device in ("cpu", "cuda:0", "cuda:1", "cuda:7", "mps")]
    assert places == ["the CPU", "Small GPU", "GPU of an exce…ong name 9000", "the GPU", "the GPU"]


def outcome(status="finished", volumes=3, warnings=0):
    ids = tuple(f"{number:03d}" for number in range(volumes))
    said = tuple(Warning_(code=f"odd_{number}", message=f"Odd {number}.") for number in range(warnings))
    return Outcome("r", status, "Why.", "Way out.", "odd", None, ids, said, "cuda:0", seconds=240, ended=NOON)


@pytest.mark.parametrize(
    ("found", "classes", "words"),
    [(outcome(), 4, "✓ Finished 2026-03-01 17:30: 12 masks in 3 volumes"),
     (outcome(volumes=1), 1, "✓ Finished 2026-03-01 17:30: 1 mask in 1 volume"),
     (outcome(volumes=0), 4, "✗ The run has ended, but there are no masks"),
     (outcome("failed"), 4, "✗ The run failed at 2026-03-01 17:30"),
     (outcome("cancelled"), 4, "Cancelled at 2026-03-01 17:30")],
)  # fmt: skip
def test_the_end_of_a_run_is_said_in_a_line(kolkata, found, classes, words):
    assert run_words.outcomeTitle(found, classes) == words


def test_what_a_run_warned_of_is_counted_in_a_line_and_said_in_full_below():
    assert run_words.notesInShort(outcome()) == run_words.notesInWords(outcome()) == ""
    assert run_words.notesInShort(outcome(warnings=1)).startswith("⚠ 1 note on")
    assert run_words.notesInShort(outcome(warnings=8)).startswith("⚠ 8 notes on")
    lines = run_words.notesInWords(outcome(warnings=8)).split("\n")
    assert lines[0] == "Worth knowing:"
    assert lines[-2:] == ["• Odd 5.", "• and 2 more; see the log"]
    text = run_words.outcomeText(outcome(warnings=1), "Big GPU")
    assert text.startswith("It took about 4 minutes on Big GPU.")
    assert text.endswith("• Odd 0.")
    assert run_words.outcomeText(outcome("failed")) == "Why.\nWay out.\n(code: odd)"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ""), (20, "about 1 min left"), (61, "2 min left"), (3541, "1 h 0 min left"), (4500, "1 h 15 min left")],
)
def test_the_time_that_is_left_has_few_words(seconds, words):
    assert run_words.timeLeftInWords(seconds) == words


def test_the_header_says_how_the_last_run_ended(kolkata):
    runs = [
        RunRecord("a", status="failed", created=NOON),
        RunRecord("b", status="finished", created=NOON, settings={"seconds": 120.0}),
        RunRecord("c", status="running", created=NOON),
    ]
    assert run_words.lastRunInWords(runs) == "finished 2026-03-01 17:32"
    assert run_words.lastRunInWords(runs[:1]) == "failed 2026-03-01 17:30"
    assert run_words.lastRunInWords(runs[2:]) == ""
    assert run_words.lastRunInWords([RunRecord("d", status="finished")]) == "finished"
