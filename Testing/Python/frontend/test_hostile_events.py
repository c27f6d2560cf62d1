"""Whatever a worker prints, the module takes it, and follows no path out of the run folder."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from WeakMedSAMLib.contract.runs import RunFolder
from WeakMedSAMLib.frontend.running.estimates import RunSize
from WeakMedSAMLib.frontend.running.run_trace import RunTrace, insideOf

paths = (
    st.sampled_from(["../x.png", "/etc/passwd", "a\0b", "..", "", "previews/a.png", "x" * 5000, "\ud800"]) | st.text()
)
numbers = st.integers() | st.floats() | st.none()
plain = numbers | st.booleans() | paths | st.lists(numbers, max_size=2)
names = st.sampled_from(["hello", "stage", "progress", "metric", "warning", "artifact", "error", "done", "later"])
fields = st.dictionaries(
    st.sampled_from(["stage", "state", "done", "total", "eta_s", "path", "kind", "volume", "code", "message", "hint"]),
    plain | st.sampled_from(["embed", "started", "finished", "reused", "preview", "result"]),
)
lines = st.builds(lambda name, more: json.dumps({**more, "event": name}), names, fields) | st.text()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(lines, max_size=6), isError=st.booleans())
def test_no_line_of_a_worker_raises(tmp_path, said, isError):
    trace = RunTrace("f00", RunSize(), "cpu", iter(range(10**6)).__next__)
    trace.folder = RunFolder(tmp_path)
    for line in said:
        trace.take(line, isError)
    assert trace.previewPath is None or trace.previewPath.resolve().is_relative_to(tmp_path.resolve())
    assert trace.outcome("failed").folder == tmp_path


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=paths)
def test_no_path_of_an_event_leads_out_of_the_run_folder(tmp_path, path):
    found = insideOf(tmp_path, path)
    assert found is None or found.resolve().is_relative_to(tmp_path.resolve())


def test_a_circle_of_links_is_nowhere(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    insideOf(tmp_path, "a/x.png")
    assert insideOf(tmp_path, "a\0b") is None
    assert insideOf(tmp_path, "../x") is None


def test_volumes_get_their_names_back_in_messages():
    trace = RunTrace("f00", RunSize(), "cpu", iter(range(10**6)).__next__, {"001": "Knee {0} \\1"})
    line = {
        "event": "warning",
        "code": "x",
        "message": "Volume 001 and volume 002 are dark.",
        "hint": "See volume 001.",
        "volume": "001",
    }
    event, _log = trace.take(json.dumps(line), isError=False)
    assert event.message == "'Knee {0} \\1' and volume 002 are dark."
    assert trace.warnings[0].hint == "See 'Knee {0} \\1'."
