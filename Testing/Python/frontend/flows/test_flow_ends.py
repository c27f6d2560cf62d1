"""Runs that do not end well: cancelled at each stage, killed, babbling, without what they need."""

from __future__ import annotations

import os
import signal
import time

import pytest
import slicer
from flows.driver import FakeProbeProcess, fake_worker


@pytest.fixture
def tagged(driver):
    """Returns a function that opens the module with a worker of some options, on a volume that is tagged."""

    def make(*options):
        volume, first, last = driver.phantom()
        driver.open(fake_worker(*options))
        driver.tag(volume, first, last)
        return volume

    return make


def test_cancel_while_volumes_are_written(driver, tagged):
    tagged()
    # Without a turn of Qt in between, in which so small a volume would be written.
    driver.ui("generate", "generateButton").click()
    assert driver.logic.job.state == "preparing"
    driver.panel("generate").cancel()
    record = driver.wait_for_end(5)
    assert record.status == "cancelled"
    assert not driver.logic.segmentationsOf(record.runId)


@pytest.mark.parametrize("stage", ["embed", "classifier", "segmenter-1", "masks"])
def test_cancel_in_a_stage(driver, tagged, stage):
    tagged("--seconds", "10", "--stage", stage)
    driver.generate()
    driver.wait(lambda: driver.logic.job.info.stage == stage and driver.ui("generate", "cancelButton").visible)
    begun = time.monotonic()
    driver.click("generate", "cancelButton")
    record = driver.wait_for_end(6)
    assert record.status == "cancelled"
    assert time.monotonic() - begun < 5
    # It can be started again at once.
    assert driver.ui("generate", "generateButton").enabled


def test_a_deaf_worker_is_ended_within_five_seconds(driver, tagged):
    tagged("--seconds", "60", "--deaf")
    driver.generate()
    driver.wait(lambda: driver.logic.job.info.stage == "embed" and driver.ui("generate", "cancelButton").visible)
    begun = time.monotonic()
    driver.click("generate", "cancelButton")
    record = driver.wait_for_end(8)
    assert record.status == "cancelled"
    assert time.monotonic() - begun < 5


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of Linux and macOS")
def test_worker_killed_from_outside(driver, tagged):
    volume = tagged("--seconds", "60")
    driver.generate()
    driver.wait(lambda: driver.logic.job.info.stage == "embed")
    os.kill(driver.logic.job._process._process.processId(), signal.SIGKILL)
    record = driver.wait_for_end(10)
    assert record.status == "failed"
    assert "SIGKILL" in record.message
    assert "memory" in record.message
    assert "SIGKILL" in driver.ui("generate", "outcomeText").text
    # Tags and volume are as they were.
    assert driver.logic.session.volume(driver.logic.keyOf(volume)).counts("Lesion").untagged == 0


def test_worker_that_babbles(driver, tagged):
    tagged("--seconds", "0.5", "--noise")
    driver.generate()
    record = driver.wait_for_end()
    assert record.status == "finished", record.message
    assert "not json" in driver.logic.job.logText


def test_missing_packages_are_named_and_offered(driver):
    driver.host.packaging.missing.update(("torch", "monai"))
    volume, first, last = driver.phantom()
    driver.open(fake_worker())
    driver.tag(volume, first, last)
    driver.host.settle(0.1)
    assert "install" in driver.ui("bar", "nextLabel").text.lower()
    driver.click("bar", "goButton")
    button = driver.ui("generate", "generateButton")
    assert not button.enabled
    assert "missing" in button.toolTip
    assert driver.ui("generate", "installFrame").visible
    assert "monai" in driver.ui("generate", "installText").text
    # Nothing was installed or asked for by itself.
    assert driver.host.packaging.asked == []


def test_no_device_answer_does_not_stand_in_the_way(driver, monkeypatch):
    monkeypatch.setattr(FakeProbeProcess, "answer", {"nonsense": 1})
    volume, first, last = driver.phantom()
    driver.open(fake_worker("--seconds", "0.2"))
    driver.tag(volume, first, last)
    driver.generate()
    assert driver.wait_for_end().status == "finished"


def test_generate_says_why_it_cannot(driver):
    driver.open(fake_worker())
    button = driver.ui("generate", "generateButton")
    assert not button.enabled
    assert "volume" in button.toolTip.lower()
    volume, first, _last = driver.phantom()
    driver.choose(volume)
    driver.host.settle(0.3)
    assert not button.enabled
    assert "tagged" in button.toolTip
    driver.go_to(first)
    driver.press("P")
    driver.host.settle(0.3)
    assert not button.enabled
    assert "absent" in button.toolTip


def test_volume_removed_during_a_run(driver, tagged):
    volume = tagged("--seconds", "60")
    driver.generate()
    driver.wait(lambda: driver.logic.job.state == "running")
    slicer.mrmlScene.RemoveNode(volume)
    assert driver.wait_for_end(6).status == "cancelled"


def test_one_of_two_volumes_removed_during_a_run(driver):
    one, first, last = driver.phantom("One", 1)
    two, first2, last2 = driver.phantom("Two", 2)
    driver.open(fake_worker("--seconds", "1"))
    driver.tag(one, first, last)
    driver.tag(two, first2, last2)
    driver.generate()
    driver.wait(lambda: driver.logic.job.state == "running")
    slicer.mrmlScene.RemoveNode(one)
    record = driver.wait_for_end()
    assert record.status == "finished"
    assert "One" in record.message
    text = driver.ui("generate", "outcomeText").text
    assert text.startswith("Not loaded, since no longer in the scene: One.")
    assert len(driver.logic.segmentationsOf(record.runId)) == 1
