"""Requests to the resident worker and its answers as lines: one JSON object each, ASCII, on its input and its output.

A request has the key ``ask``, an answer the key ``answer``; both say their version. A line of output without it is log
text.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from .errors import UserError
from .events import MAX_LINE_CHARACTERS
from .fields import build
from .resident import ANSWERS, REQUESTS, Answer, Request, bad_answer

RESIDENT_VERSION = 1
_ASK, _ANSWER, _VERSION = "ask", "answer", "version"


def encode_request(request: Request) -> str:
    """Write a request as one ASCII line, without the line end."""
    return _line({_ASK: request.ask, **_fields(request)})


def encode_answer(answer: Answer) -> str:
    """Write an answer as one ASCII line, without the line end."""
    return _line({_ANSWER: answer.answer, **_fields(answer)})


def parse_request(line: str) -> Request:
    """Read a request; `UserError` ``bad_request`` whatever else the line holds."""
    try:
        record = _record(line)
        kind = REQUESTS[_word(record, _ASK)]
        return build(kind, record, f"The request {kind.ask!r}")
    except KeyError as error:
        raise _bad_request(f"it asks for {error.args[0]!r}, not {' or '.join(map(repr, REQUESTS))}.") from None
    except (ValueError, RecursionError) as error:
        raise _bad_request(str(error)) from None
    except UserError as error:
        raise _bad_request(error.message) from None


def id_in(line: str) -> int | None:
    """Return the id of a request that cannot be used, if the line has one."""
    try:
        record = json.loads(line) if len(line) <= MAX_LINE_CHARACTERS else None
    except (ValueError, RecursionError):
        return None
    found = record.get("id") if isinstance(record, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def parse_answer(line: str) -> Answer | None:
    """Read a line of output.

    Returns
    -------
    Answer or None
        None if the line is log text.

    Raises
    ------
    UserError
        ``bad_answer`` for an answer that this version cannot read.
    """
    if not line.startswith(f'{{"{_ANSWER}":'):
        return None
    try:
        record = _record(line)
        kind = ANSWERS[_word(record, _ANSWER)]
        found: Answer = build(kind, record, f"The answer {kind.answer!r}")
    except KeyError as error:
        raise bad_answer(f"it is called {error.args[0]!r}.") from None
    except (ValueError, RecursionError) as error:
        raise bad_answer(str(error)) from None
    except UserError as error:
        raise bad_answer(error.message) from None
    return found


def _record(line: str) -> dict[str, Any]:
    """The JSON object of a line without its version, which is ours; ValueError says what is wrong with it."""
    if len(line) > MAX_LINE_CHARACTERS:
        raise ValueError(f"a line has more than {MAX_LINE_CHARACTERS} letters.")
    try:
        record = json.loads(line, parse_constant=_refuse_constant)
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error}).") from None
    if not isinstance(record, dict):
        raise ValueError("it is no JSON object.")
    if record.pop(_VERSION, None) != RESIDENT_VERSION:
        raise ValueError(f"its version is not {RESIDENT_VERSION}.")
    return record


def _word(record: dict[str, Any], key: str) -> str:
    word = record.pop(key, None)
    if not isinstance(word, str):
        raise ValueError(f"it has no {key!r}.")
    return word


def _fields(item: Any) -> dict[str, Any]:
    """All fields but the optional ones that are None."""
    names = {entry.name for entry in fields(item)}
    return {name: value for name, value in asdict(item).items() if name in names and value is not None}


def _line(record: dict[str, Any]) -> str:
    first, *others = record.items()
    whole = dict([first, (_VERSION, RESIDENT_VERSION), *others])
    return json.dumps(whole, ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=str)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _bad_request(reason: str) -> UserError:
    return UserError("bad_request", f"A request cannot be used: {reason}", "Use one version of WeakMedSAM.")
