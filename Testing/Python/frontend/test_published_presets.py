"""The presets paper and reference in the panel: they can be chosen, and nothing is claimed of them."""

from __future__ import annotations

import pytest
import slicer

from WeakMedSAMLib.contract.probe_report import DeviceReport, ProbeReport
from WeakMedSAMLib.contract.stages import PAPER
from WeakMedSAMLib.frontend.logic import WeakMedSAMLogic
from WeakMedSAMLib.frontend.running import estimates
from WeakMedSAMLib.frontend.running.estimates import RunSize, stagesOf
from WeakMedSAMLib.frontend.running.generate_panel import GeneratePanel
from WeakMedSAMLib.frontend.running.run_progress import RunProgress, stageInWords

PUBLISHED_STAGES = stagesOf(PAPER)

SIZE = RunSize(2, 60, 20)


@pytest.fixture
def panel(own_places, make_volume, monkeypatch):
    logic = WeakMedSAMLogic()
    monkeypatch.setattr(logic.probe, "ask", lambda: None)
    cpu = DeviceReport("cpu", "CPU", 2**34, 2**33)
    logic.probe.report = ProbeReport(ready=True, devices=[cpu])
    node = make_volume("MR head", (12, 20, 20))
    logic.state.currentVolume = node
    logic.tagRange(node, logic.session.classes.names[0], 3, 7)
    made = GeneratePanel(logic)
    made.widget.show()
    yield made
    made.cleanup()
    made.widget.hide()
    logic.cleanup()


@pytest.mark.parametrize("preset", ["paper", "reference"])
def test_a_preset_can_be_chosen_and_no_time_or_quality_is_made_up_for_it(panel, host, preset):
    host.settle(0.1)
    assert "0.75" in panel.ui.estimateLabel.toolTip
    panel.ui.presetComboBox.currentIndex = panel.ui.presetComboBox.findData(preset)
    host.settle(0.1)
    assert panel.logic.state.preset == preset
    assert "not measured" in panel.ui.estimateLabel.text
    assert "GPU" in panel.ui.estimateLabel.text
    assert "0.75" not in panel.ui.estimateLabel.toolTip
    assert panel.ui.detailsSection.text == f"Details: {preset.capitalize()}"
    assert panel.ui.generateButton.enabled


def test_progress_shows_the_stages_of_the_method_and_no_time_that_nobody_knows():
    progress, fractions = RunProgress(estimates.expectedStages(SIZE), lambda: 0.0), []
    for stage in PUBLISHED_STAGES[:5]:
        progress.begin(stage)
        fractions.append(progress.info().fraction)
    info = progress.info()
    assert (info.number, info.total, info.secondsLeft) == (5, len(PUBLISHED_STAGES), None)
    assert fractions == sorted(fractions)
    progress.step("adapters", 1, 2, None)
    assert progress.info().fraction > fractions[-1]
    progress.begin("tuning")
    assert progress.info().secondsLeft is None
    words = {stageInWords(stage) for stage in (*PUBLISHED_STAGES, "tuning")}
    assert len(words) == len(PUBLISHED_STAGES) + 1
    assert not words & set(PUBLISHED_STAGES)


@pytest.mark.parametrize("preset", ["paper", "reference"])
def test_a_run_begins_with_the_stages_of_its_preset(preset):
    expected = estimates.expectedStages(SIZE, "cpu", preset)
    assert tuple(expected) == PUBLISHED_STAGES
    info = RunProgress(expected, lambda: 0.0).info()
    assert (info.total, info.secondsLeft) == (len(PUBLISHED_STAGES), None)
    assert "tuning" in estimates.expectedStages(SIZE, "cpu", preset, {"tuning": True})


def test_a_measured_run_of_a_preset_says_what_to_expect_of_the_next_and_of_no_other(scene):
    slicer.app.userSettings().clear()
    took = {"embed": 60.0, "sub-classes": 2.0, "adapters": 600.0, "pseudo-masks": 40.0, "network": 900.0, "masks": 60.0}
    estimates.learn(SIZE, "cpu", took, "paper")
    expected = estimates.expectedStages(SIZE, "cpu", "paper")
    assert {stage: expected[stage] for stage in took} == pytest.approx(took)
    assert "from earlier runs" in estimates.sureOfTimeInWords(SIZE, "cpu", "paper")
    assert estimates.expectedTimeInWords(SIZE, "cpu", "paper", "the CPU") == "Takes about 30 minutes on the CPU."
    assert "not measured" in estimates.expectedTimeInWords(SIZE, "cpu", "reference")
    assert not estimates.isMeasured("cpu")
    twice = RunSize(4, 120, 40)
    assert estimates.expectedStages(twice, "cpu", "paper")["network"] == pytest.approx(1800.0)


def test_times_of_a_published_run_do_not_change_what_is_expected_of_fast(scene):
    slicer.app.userSettings().clear()
    before = estimates.expectedSeconds(SIZE)
    estimates.learn(SIZE, "cpu", {"embed": 900.0, "pseudo-masks": 900.0, "network": 900.0, "masks": 900.0})
    assert estimates.expectedSeconds(SIZE) == before
    assert not estimates.isMeasured("cpu")
