"""The time that is left, and the seconds of stages."""

from __future__ import annotations

import pytest

from WeakMedSAMLib.contract.events import Progress, Stage
from WeakMedSAMLib.engine.base.reporting import RemainingTime, StageClock, Work, as_part


def ticking(times):
    return iter(times).__next__


def test_the_time_left_follows_the_pace_and_is_not_fooled_by_steps_that_were_done_already():
    remaining = RemainingTime(ticking([0.0, 2.0, 4.0, 6.0]))
    assert remaining.update("embed", 50, 100) is None
    assert remaining.update("embed", 51, 100) == pytest.approx(2 * 49)
    assert remaining.update("embed", 52, 100) == pytest.approx(2 * 48)
    assert remaining.update("embed", 100, 100) == 0.0


def test_one_slow_step_moves_the_time_left_only_a_little():
    remaining = RemainingTime(ticking([0.0, 1.0, 2.0, 4.0, 5.0]), memory_s=20)
    for done in range(3):
        remaining.update("embed", done, 100)
    smoothed = remaining.update("embed", 3, 100) / 97
    assert 1.0 < smoothed < 1.2


def test_a_new_stage_starts_without_the_pace_of_the_one_before():
    remaining = RemainingTime(ticking([0.0, 1.0, 2.0]))
    remaining.update("embed", 0, 10)
    remaining.update("embed", 1, 10)
    assert remaining.update("train", 0, 10) is None


def test_seconds_of_a_stage_that_runs_twice_add_up():
    clock = StageClock(ticking([0.0, 2.0, 10.0, 13.0]))
    for state in ("started", "finished", "started", "finished"):
        clock.see(Stage(stage="walk", state=state))
    clock.see(Stage(stage="cam", state="reused"))
    assert clock.seconds == {"walk": 5.0, "cam": 0.0}


def test_parts_of_work_add_up_whatever_each_of_them_counts():
    told = []
    work = Work(4, lambda done, most: told.append((done, most)))
    first, second = work.part(), work.part(3)
    first(1, 2)
    first(2, 2)
    second(0, 0)
    second(5, 10)
    second(10, 10)
    assert told == [(50, 400), (100, 400), (100, 400), (250, 400), (400, 400)]


def test_work_within_a_part_of_other_work_is_a_part_of_that():
    told = []
    within = Work(2, Work(2, lambda done, most: told.append(done / most)).part())
    within.part()(1, 1)
    within.part()(1, 2)
    assert told == [0.25, 0.375]


def test_progress_of_a_part_is_told_as_that_of_the_whole_and_other_events_as_they_are():
    events = []
    work = Work.of_stage(events.append, "round", 2)
    work.part()
    report = as_part(events.append, work.part())
    report(Progress("steps", 3, 6))
    report(Stage(stage="other", state="started"))
    assert events == [Progress("round", 150, 200), Stage(stage="other", state="started")]
