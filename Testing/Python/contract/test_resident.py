"""Requests to the resident worker and its answers, as lines."""

from __future__ import annotations

import json

import numpy as np
import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import MAX_LINE_CHARACTERS
from WeakMedSAMLib.contract.resident import (
    Bye,
    Close,
    Closed,
    Encode,
    Encoded,
    Encoding,
    Failed,
    Mask,
    Open,
    Opened,
    Ping,
    Pong,
    Predict,
    Ready,
    Stop,
    Stopped,
    Superseded,
    from_runs,
    to_runs,
)
from WeakMedSAMLib.contract.resident_lines import encode_answer, encode_request, id_in, parse_answer, parse_request

REQUESTS = [
    Open(1, "a", "000.nrrd", "0" * 64, "j", (-160.0, 240.0)),
    Open(1, "a", "000.nrrd", "0" * 64),
    Predict(2, "a", 12, (((1, 5), (2, 9)),), ((3, 4, True), (0, 0, False))),
    Predict(2, "a", 12),
    Encode(3, "a", ((-160.0, 240.0),)),
    Encode(3, "a"),
    Stop(3),
    Close(3, "a"),
    Close(3),
    Ping(4),
]
ANSWERS = [
    Ready("litemedsam", "cuda:0", ["box"]),
    Opened(1, "a", 30, 256, 200),
    Mask(2, 2, 3, [1, 2, 3], 0.875, True, 0.25),
    Encoding(3, 34, 100),
    Encoded(3, [-1000.0, 400.0]),
    Encoded(3),
    Stopped(3),
    Superseded(2),
    Closed(3),
    Pong(4, 512.5),
    Failed("no_prompts", "Nothing.", "Give.", {"näme": "ä"}, 2),
    Failed("weights_missing", "None."),
    Bye("idle"),
]
PREDICT = {"ask": "predict", "version": 1, "id": 2, "volume": "a", "slice": 12}


def as_lists(item):
    return json.loads(json.dumps(vars(item)))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.ask)
def test_a_request_comes_back_as_it_was(request_):
    line = encode_request(request_)
    assert line.isascii()
    assert "\n" not in line
    assert (type(parse_request(line)), as_lists(parse_request(line))) == (type(request_), as_lists(request_))


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.answer)
def test_an_answer_comes_back_as_it_was(answer):
    line = encode_answer(answer)
    assert line.isascii()
    assert parse_answer(line) == answer


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no JSON"),
        ("predict", "no JSON"),
        ("[1, 2]", "no JSON object"),
        ("{}", "version"),
        ("[" * 100_000, ""),
        ('{"ask":"ping","version":1,"id":NaN}', "NaN"),
        (json.dumps({**PREDICT, "version": 2}), "version is not 1"),
        (json.dumps({**PREDICT, "ask": "guess"}), "asks for 'guess'"),
        (json.dumps({**PREDICT, "ask": ["predict"]}), "no 'ask'"),
        (json.dumps({**PREDICT, "slice": "12"}), "'slice'"),
        (json.dumps({**PREDICT, "slice": True}), "'slice'"),
        (json.dumps({**PREDICT, "boxes": [[[1, 2]]]}), "'boxes'"),
        (json.dumps({**PREDICT, "boxes": [[[1, 2], [1, 2.5]]]}), "'boxes'"),
        (json.dumps({**PREDICT, "points": [[1, 2, 1]]}), "'points'"),
        (json.dumps({**PREDICT, "colour": "red"}), "unknown key"),
        (json.dumps({name: value for name, value in PREDICT.items() if name != "volume"}), "no 'volume'"),
        (json.dumps({**PREDICT, "volume": "a" * MAX_LINE_CHARACTERS}), "letters"),
    ],
)
def test_what_is_no_request_is_refused_with_the_reason(line, said):
    with pytest.raises(UserError) as caught:
        parse_request(line)
    assert caught.value.code == "bad_request"
    assert said in caught.value.message


def test_the_id_of_a_wrong_request_is_found_where_there_is_one():
    assert id_in(json.dumps({**PREDICT, "slice": "12"})) == 2
    for line in ("", "{", "[2]", '{"id":true}', '{"id":"2"}', '{"id":2.5}', "[" * 100_000):
        assert id_in(line) is None


@pytest.mark.parametrize("line", ["", "a library says hello", '{"event":"progress"}', '{"ask":"ping"}', "{", "[1]"])
def test_log_text_is_no_answer(line):
    assert parse_answer(line) is None


@pytest.mark.parametrize(
    "line",
    [
        '{"answer":"mask","version":1}',
        '{"answer":"closed","version":2,"id":1}',
        '{"answer":"guess","version":1,"id":1}',
        '{"answer":7,"version":1,"id":1}',
        '{"answer":"closed","version":1,"id":1',
        '{"answer":"bye","version":1,"reason":"tired"}',
        '{"answer":"pong","version":1,"id":1,"memory_mb":Infinity}',
    ],
)
def test_an_answer_of_another_version_is_refused(line):
    with pytest.raises(UserError) as caught:
        parse_answer(line)
    assert caught.value.code == "bad_answer"


@pytest.mark.parametrize("seed", range(6))
def test_runs_hold_a_mask(seed):
    generator = np.random.default_rng(seed)
    rows, columns = generator.integers(1, 9, 2)
    mask = generator.random((rows, columns)) < seed / 5
    runs = to_runs(mask)
    assert all(type(run) is int for run in runs)
    assert np.array_equal(from_runs(runs, rows, columns), mask)


def test_the_first_run_is_of_pixels_that_are_off():
    assert to_runs(np.ones((2, 2), bool)) == [0, 4]
    assert to_runs(np.zeros((2, 2), bool)) == [4]


@pytest.mark.parametrize("runs", [[], [3], [5], [-1, 5], [2, 1, 2]])
def test_runs_that_do_not_fill_the_slice_are_refused(runs):
    with pytest.raises(UserError) as caught:
        Mask(1, 2, 2, runs, 1.0, False, 0.0).array()
    assert caught.value.code == "bad_answer"


def test_an_error_comes_back_with_its_values():
    error = UserError("slice_out_of_range", "No.", "Ask.", {"last": 3})
    failed = parse_answer(encode_answer(Failed.of(error, 5)))
    back = failed.error()
    assert (failed.id, back.code, back.message, back.hint, back.values) == (5, error.code, "No.", "Ask.", {"last": 3})
