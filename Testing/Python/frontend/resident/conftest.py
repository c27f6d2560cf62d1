"""A client whose worker is a process that answers as it is told to."""

from __future__ import annotations

import sys

import pytest
from flows.resident_log import BOX, FAKE

from WeakMedSAMLib.frontend.running import resident_worker
from WeakMedSAMLib.frontend.running.resident_client import ResidentClient
from WeakMedSAMLib.frontend.running.worker_command import Command, residentCommand


@pytest.fixture
def log(tmp_path):
    return tmp_path / "requests.txt"


@pytest.fixture
def client(monkeypatch, log, scene):
    """A client whose worker behaves as `client.behaviour` says; `client.got` has what was answered."""

    def command(folder, *arguments):
        real = residentCommand(folder, *arguments)
        words = real.arguments[real.arguments.index("resident") :]
        return Command(sys.executable, (str(FAKE), made.behaviour, str(log), *words), {"PYTHONUTF8": "1"})

    monkeypatch.setattr(resident_worker, "residentCommand", command)
    made = ResidentClient(lambda: "cpu")
    made.behaviour, made.got = "good", []
    yield made
    made.cleanup()


@pytest.fixture
def ask(client, wait_until):
    """ask(volume, ...): the mask and the error that come back."""

    def ask(volume, axis="k", index=3, boxes=(BOX,), points=()):
        client.ask(volume, axis, index, boxes, points, lambda mask, error: client.got.append((mask, error)))
        wait_until(lambda: client.got)
        return client.got.pop()

    return ask
