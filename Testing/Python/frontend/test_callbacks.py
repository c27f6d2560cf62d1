"""Callbacks that may fail."""

from __future__ import annotations

import logging
from functools import partial

import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.base import callbacks
from WeakMedSAMLib.frontend.base.callbacks import Callbacks, guarded


@pytest.fixture
def boxes(monkeypatch):
    shown = []
    monkeypatch.setattr(callbacks.slicer.util, "errorDisplay", lambda text, **_options: shown.append(text))
    monkeypatch.setattr(callbacks, "_shown", set())
    return shown


def fail(*_arguments):
    raise RuntimeError("broken")


def refuse():
    raise UserError("code", "It is too large.", "Make it smaller.")


def test_one_that_fails_does_not_stop_the_others(caplog):
    heard, calls = [], Callbacks()
    calls.connect(heard.append)
    calls.connect(fail)
    second = calls.connect(lambda value: heard.append(-value))
    calls(1)
    calls.disconnect(second)
    calls.disconnect(second)
    calls(2)
    assert heard == [1, -1, 2]
    assert "broken" in caplog.text


def test_one_that_was_disconnected_meanwhile_is_not_called():
    heard, calls = [], Callbacks()
    second = partial(heard.append, 2)
    calls.connect(lambda: calls.disconnect(second))
    calls.connect(second)
    calls()
    assert heard == []


def test_a_bound_method_is_connected_once_and_can_be_disconnected():
    class Listener:
        heard = 0

        def hear(self):
            self.heard += 1

    listener, calls = Listener(), Callbacks()
    calls.connect(listener.hear)
    calls.connect(listener.hear)
    calls()
    calls.disconnect(listener.hear)
    calls()
    assert listener.heard == 1


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: (), ()),
        (lambda first: (first,), (1,)),
        (lambda first, second=5: (first, second), (1, 2)),
        (lambda *every: every, (1, 2, 3)),
        (partial(lambda given, first: (given, first), 0), (0, 1)),
    ],
)
def test_a_guarded_function_gets_as_many_arguments_as_it_takes(function, expected):
    assert guarded(function)(1, 2, 3) == expected


def test_a_user_error_goes_to_its_handler_or_into_a_window(boxes):
    errors = []
    assert guarded(refuse, errors.append)() is None
    assert [error.code for error in errors] == ["code"]
    guarded(refuse)()
    assert boxes == ["It is too large. Make it smaller."]


def test_any_other_error_is_logged_each_time_and_shown_once(boxes, caplog):
    call = guarded(fail)
    with caplog.at_level(logging.ERROR):
        call(1)
        call(2)
    assert len(boxes) == 1
    assert "broken" in boxes[0]
    assert caplog.text.count("Traceback") == 2


def test_a_handler_that_fails_does_no_harm(caplog):
    guarded(refuse, fail)()
    assert "broken" in caplog.text
