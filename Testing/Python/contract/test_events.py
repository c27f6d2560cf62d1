"""Event lines: what is written is read back, and nothing that is read raises or gets lost."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from WeakMedSAMLib.contract import events
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import encode, parse_line

text = st.text(max_size=12)
number = st.floats(allow_nan=False, allow_infinity=False)
count = st.integers(0, 10**6)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | number | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
EVENT_TYPES = (
    events.Hello,
    events.Stage,
    events.Progress,
    events.Metric,
    events.Warning_,
    events.Artifact,
    events.Error,
    events.Done,
)


def one_of(words):
    return st.sampled_from(get_args(words))


_OWN = {"event"} | {entry.name for kind in EVENT_TYPES for entry in fields(kind)}
extras = st.dictionaries(text.filter(lambda key: key not in _OWN), plain, max_size=3)
common = {"message": text, "extra": extras}
known_events = st.one_of(
    st.builds(events.Hello, versions=st.dictionaries(text, text, max_size=3), device=text, **common),
    st.builds(
        events.Stage,
        stage=text,
        state=one_of(events.StageState),
        number=st.none() | count,
        seconds=st.none() | number,
        **common,
    ),
    st.builds(events.Progress, stage=text, done=count, total=count, eta_s=st.none() | number, **common),
    st.builds(events.Metric, name=text, value=st.none() | number, stage=text, step=st.none() | count, **common),
    st.builds(events.Warning_, code=text, hint=text, values=extras, volume=text, **common),
    st.builds(events.Artifact, kind=one_of(events.ArtifactKind), path=text, volume=text, stage=text, **common),
    st.builds(events.Error, code=text, hint=text, values=extras, volume=text, **common),
    st.builds(events.Done, status=one_of(events.Ending), seconds=st.none() | number, **common),
)


@given(event=known_events)
def test_round_trip(event):
    line = encode(event)
    assert line.isascii()
    assert "\n" not in line
    assert parse_line(line) == event
    assert parse_line(line.encode() + b"\r\n") == event


@given(name=text.filter(lambda name: name not in {kind.event for kind in EVENT_TYPES}), extra=extras)
def test_unknown_events_keep_everything(name, extra):
    line = json.dumps({"event": name, **extra})
    event = parse_line(line)
    assert isinstance(event, events.UnknownEvent)
    assert (event.name, event.extra) == (name, extra)
    assert json.loads(encode(event)) == json.loads(line)


@given(event=known_events, extra=extras)
def test_unknown_fields_are_written_back(event, extra):
    record = {**extra, **json.loads(encode(event))}
    assert json.loads(encode(parse_line(json.dumps(record)))) == record


@pytest.mark.parametrize(
    "line",
    [
        '{"event":"progress","stage":"embed","done":"3","total":4}',
        '{"event":"progress","stage":"embed","done":true,"total":4}',
        '{"event":"progress","done":3,"total":4}',
        '{"event":"hello","versions":"1","device":"cpu"}',
        '{"event":"warning","code":"x","message":5}',
        '{"event":"metric","name":"loss","value":{"mean":1}}',
        '{"event":"stage","stage":"embed","state":"of tomorrow"}',
        '{"event":"artifact","kind":"of tomorrow","path":"a"}',
        '{"event":"done","status":"of tomorrow"}',
    ],
)
def test_known_event_of_another_shape_is_kept_as_unknown(line):
    event = parse_line(line)
    assert isinstance(event, events.UnknownEvent)
    assert json.loads(encode(event)) == json.loads(line)


@given(line=st.text() | st.binary() | st.from_regex(r"\{.*\}", fullmatch=True))
def test_rubbish_never_raises(line):
    event = parse_line(line)
    assert event is None or isinstance(event, events.Event)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        "Traceback (most recent call last):",
        "[1, 2]",
        '"event"',
        "null",
        "{}",
        '{"level": "info"}',
        '{"event": 5}',
        '{"event": null}',
        '{"event": "done"',
        '{"event": "done"} trailing',
        'x {"event": "done"}',
        b"\xff\xfe{}",
        '{"event": "done", "a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"event": "done", "a": ' + "[" * 60 + "]" * 60 + "}",
        '{"event": "done", "a": ' + "1" * 10_000 + "}",
        '{"event": "done", "a": "' + "x" * events.MAX_LINE_CHARACTERS + '"}',
    ],
)
def test_log_text_is_no_event(line):
    assert parse_line(line) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_what_is_no_number_becomes_null(value):
    line = encode(events.Metric("loss", value, extra={"more": [value, {"deep": value}]}))
    record = json.loads(line, parse_constant=pytest.fail)
    assert record["value"] is None
    assert record["more"] == [None, {"deep": None}]
    assert parse_line(line).value is None


def test_numpy_and_paths_are_written(tmp_path):
    event = events.Metric("dice", np.float32(0.5), step=np.int64(3), extra={"all": np.arange(2), "file": tmp_path})
    record = json.loads(encode(event))
    assert (record["value"], record["step"], record["all"], record["file"]) == (0.5, 3, [0, 1], str(tmp_path))


def test_infinity_in_a_line_is_kept_without_harm():
    event = parse_line('{"event":"progress","stage":"a","done":1,"total":2,"eta_s":1e999}')
    assert json.loads(encode(event))["eta_s"] is None


def test_extra_never_hides_a_field():
    record = json.loads(encode(events.Done(status="ok", extra={"event": "error", "status": "failed", "run": "7"})))
    assert record == {"event": "done", "status": "ok", "run": "7"}


def test_non_ascii_text_is_escaped():
    line = encode(events.Error("x", "Wähle einen Ordner", message="Größe 肝臓 \u2028"))
    assert line.isascii()
    assert parse_line(line).message == "Größe 肝臓 \u2028"


def test_each_event_has_its_own_name():
    assert [kind.event for kind in EVENT_TYPES] == [
        "hello",
        "stage",
        "progress",
        "metric",
        "warning",
        "artifact",
        "error",
        "done",
    ]


def test_a_warning_of_before_it_had_values_is_read():
    event = parse_line('{"event":"warning","code":"few_volumes","message":"Few."}')
    assert (event.values, event.volume) == ({}, "")
    assert encode(event) == '{"event":"warning","message":"Few.","code":"few_volumes"}'


@pytest.mark.parametrize("sentence", ["volume 001 is odd.", "'volume 001' is odd.", "Volume 001 is odd."])
def test_a_volume_gets_its_name_where_it_is_shown(sentence):
    said = UserError("odd", sentence, "Look at volume 0012 and volume 001.", {"degrees": 3})
    event = events.with_name(events.Error.of(said, "001"), {"000": "Ann", "001": "Bob"})
    assert event.message == "'Bob' is odd."
    assert event.hint == "Look at volume 0012 and 'Bob'."
    assert event.values == {"degrees": 3, "volume": "Bob"}


@pytest.mark.parametrize(("file", "shown"), [("001.nrrd", "'Bob'"), ("/x (1)/001.nrrd", "'Bob'"), ("a.png", "a.png")])
def test_its_own_file_is_called_by_its_name_too(file, shown):
    said = UserError("odd", f"{file} is odd.", "", {"file": file})
    event = events.with_name(events.Warning_.of(said, "001"), {"001": "Bob"})
    assert event.message == f"{shown} is odd."
    assert event.values["file"] == ("Bob" if shown == "'Bob'" else file)


def test_what_is_about_no_volume_is_left_as_it_is():
    event = events.Warning_.of(UserError("odd", "volume 001 is odd."))
    assert events.with_name(event, {"001": "Bob"}) is event
