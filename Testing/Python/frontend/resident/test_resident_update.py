"""Updates by the resident worker: its lines, its end, and that it is there for questions afterwards."""

from __future__ import annotations

import pytest
from flows.resident_log import said, started

from WeakMedSAMLib.frontend.running.resident_update import ResidentUpdateProcess
from WeakMedSAMLib.frontend.running.worker_command import Command

pytestmark = pytest.mark.usefixtures("own_places")
LINES = ['{"event":"hello"}', '{"event":"progress"}', '{"event":"done"}']


class Heard:
    def __init__(self, client):
        self.lines, self.errors, self.ends = [], [], []
        self.process = ResidentUpdateProcess(client)
        self.process.lineRead.connect(lambda line, isError: (self.errors if isError else self.lines).append(line))
        self.process.finished.connect(self.ends.append)
        self.process.start(Command("", (), folder="/run é"))


@pytest.fixture
def update(client, wait_until):
    """update(behaviour): what was heard of an update by a worker that behaves so, from its end on."""

    def update(behaviour="good", wait=True):
        client.behaviour = behaviour
        heard = Heard(client)
        wait_until(lambda: heard.ends if wait else len(heard.lines) == len(LINES))
        return heard

    return update


def test_lines_of_the_run_come_through_and_then_its_end(update, log):
    heard = update()
    assert (heard.lines, heard.errors) == (LINES, [])
    assert [(one.code, one.crashed) for one in heard.ends] == [(0, False)]
    assert [one["folder"] for one in said(log, "update")] == ["/run é"]


def test_the_worker_stays_for_questions_and_for_the_next_update(update, ask, make_volume, log):
    update()
    assert ask(make_volume())[0].any()
    update()
    assert len(started(log)) == 1


@pytest.mark.parametrize(("behaviour", "word"), [("refuses", "Nothing. Generate."), ("crash", "it has ended")])
def test_an_update_that_fails_says_why(update, behaviour, word):
    heard = update(behaviour)
    assert [one.code for one in heard.ends] == [1]
    assert any(word in line for line in heard.errors)


def test_a_worker_that_cannot_begin_ends_it(update):
    assert [one.code for one in update("fault").ends] == [1]


def test_it_is_ended_with_its_worker_and_the_next_one_has_another(update, log):
    heard = update("slow", wait=False)
    heard.process.kill()
    assert [one.crashed for one in heard.ends] == [True]
    heard.process.kill()
    assert len(heard.ends) == 1
    update("good")
    assert len(started(log)) == 2


def test_nobody_is_told_where_slicer_ends(update):
    heard = update("slow", wait=False)
    heard.process.killAndWait()
    assert heard.ends == []
