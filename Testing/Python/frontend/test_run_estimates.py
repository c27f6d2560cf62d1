"""What to expect of a run: how long it takes, how far it is, how good it will be."""

from __future__ import annotations

import json

import numpy as np
import pytest
import slicer

from WeakMedSAMLib.contract import stages
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.labels.boxes import KIND as BOXES
from WeakMedSAMLib.contract.labels.boxes import Box
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.painted import KIND as PAINTED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.frontend.running import estimates
from WeakMedSAMLib.frontend.running.estimates import RunSize
from WeakMedSAMLib.frontend.running.run_progress import RunProgress, stageInWords
from WeakMedSAMLib.frontend.running.worker_output import TOO_LONG, LineReader

pytestmark = pytest.mark.usefixtures("fresh_settings")


def cohort(*ranges, n_slices=30):
    volumes = []
    for number, (first, last) in enumerate(ranges):
        volume = VolumeLabels(f"scan {number}", f"{number:064x}", n_slices=n_slices)
        volume.tag_range("tumour", first, last)
        volumes.append(volume)
    return CohortLabels(ClassTable.from_names(["tumour"]), volumes)


def test_the_size_of_a_run_counts_slices_tags_and_what_is_cached():
    tags = cohort((3, 7), (10, 19))
    assert estimates.runSize(tags.volumes, [f"{1:064x}"]) == RunSize(2, 60, 15, 30)


def test_boxes_are_handed_on_to_every_slice_of_their_class():
    tags = cohort((3, 7), (10, 19))
    BOXES.put(tags.volumes[1], [Box("tumour", (1, 1, 12), (5, 5, 12))])
    size = estimates.runSize(tags.volumes)
    assert size.handedMasks == 10
    marked, tagged = estimates.expectedStages(size), estimates.expectedStages(RunSize(2, 60, 15))
    longer = [stage for stage in marked if marked[stage] > tagged[stage]]
    assert longer == [stages.HANDING, stages.segmenter_round(2), stages.MASKS]


def test_of_an_update_drawn_masks_are_handed_on_and_training_takes_its_steps():
    tags = cohort((3, 12))
    before = estimates.runSize(tags.volumes)
    tags.volumes[0].size = (8, 8, 30)
    PAINTED.put(tags.volumes[0], "tumour", 3, "drawn", np.ones((8, 8), np.uint8))
    size = estimates.runSize(tags.volumes)
    assert (before.handedMasks, size.handedMasks) == (0, 10)
    expected = estimates.expectedStages(size, update=True)
    assert list(expected)[2:] == ["embed", "handing-on", "update", "masks"]
    assert expected["handing-on"] > 0
    assert expected["update"] == estimates.expectedStages(before, update=True)["update"]


def test_boxes_take_as_much_longer_as_they_were_measured_to():
    """Of chaos_t2spir (`weakmedsam benchmark labels FOLDER --rows tags,box`), on two cores."""
    marked, tagged = (estimates.expectedStages(RunSize(5, 179, 125, 179, handed)) for handed in (309, 0))
    for stage, seconds in {stages.HANDING: 13.7, stages.segmenter_round(2): 11.6, stages.MASKS: 12.1}.items():
        assert marked[stage] - tagged[stage] == pytest.approx(seconds, rel=0.25), stage


def test_more_work_takes_longer_and_cached_features_take_none():
    small, large = RunSize(1, 30, 10), RunSize(10, 300, 100)
    assert estimates.expectedSeconds(small) < estimates.expectedSeconds(large)
    cached = RunSize(10, 300, 100, 300)
    assert estimates.expectedStages(cached)["embed"] == 0
    brains = RunSize(40, 1544, 900, 1544)
    known = estimates.expectedSeconds(brains) - estimates.expectedStages(brains)[stages.OBJECTS]
    assert known == pytest.approx(238, rel=0.35), "as in the README, measured before objects were followed"


def test_what_a_run_took_here_counts_for_the_next_one():
    size = RunSize(1, 100, 10)
    assert not estimates.isMeasured("cuda:0")
    assert "guess" in estimates.expectedTimeInWords(size, "cuda:0")
    estimates.learn(size, "cuda:0", {"embed": 2.0, "unknown": 5.0, "masks": 0.0})
    assert estimates.expectedStages(size, "cuda:1")["embed"] == pytest.approx(2.0)
    assert "on this computer" in estimates.sureOfTimeInWords(size, "cuda")
    assert estimates.expectedTimeInWords(size, "cuda", place="Big GPU").endswith(" on Big GPU.")
    slicer.app.userSettings().setValue("WeakMedSAM/secondsOfStages/fast/cuda", "spoilt {")
    assert not estimates.isMeasured("cuda")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2, "a few seconds"), (33, "about 30 seconds"), (58, "about a minute"), (245, "about 4 minutes"),
     (1320, "about 20 minutes"), (3650, "about 1 h"), (8000, "about 2 h 10 min")],
)  # fmt: skip
def test_time_is_said_as_a_person_would(seconds, words):
    assert estimates.timeInWords(seconds) == words


def test_the_word_on_quality_is_honest():
    assert "0.75" in estimates.expectedQuality(cohort((3, 7)))
    assert "Few slices show tumour: 2." in estimates.expectedQuality(cohort((3, 4)))
    assert "Few slices are tagged as not showing tumour: 3." in estimates.expectedQuality(cohort((0, 26)))
    many = estimates.expectedQuality(cohort(*[(3, 7)] * 12))
    assert "12 tagged volumes" in many
    assert "Few" not in many
    assert "look by a person" in many
    assert "nothing to learn from" in estimates.expectedQuality(CohortLabels(ClassTable.from_names(["tumour"])))


# Progress


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_time_left_follows_what_is_measured_and_progress_never_goes_back():
    clock = Clock()
    size = RunSize(4, 100, 40)
    expected = estimates.expectedStages(size)
    progress = RunProgress(expected, clock)
    fractions, lefts = [], []
    for stage in estimates.STAGES:
        progress.begin(stage)
        for step in range(10):
            clock.now += 3 * expected[stage] / 10
            progress.step(stage.partition("-")[0] if "segm" in stage else stage, step + 1, 10, None)
            fractions.append(progress.info().fraction)
            lefts.append(progress.info().secondsLeft)
        progress.finish(stage)
    assert fractions == sorted(fractions)
    # A computer three times slower than expected: known when half of the first heavy stage is over.
    for place in (25, 30, 60):
        elapsed = 3 * sum(
            expected[stage] * min(1, max(0, (place + 1) / 10 - n)) for n, stage in enumerate(estimates.STAGES)
        )
        assert lefts[place] == pytest.approx(3 * sum(expected.values()) - elapsed, rel=0.25), place
    assert lefts[-1] < 5


def test_reused_stages_and_stages_of_another_version_do_no_harm():
    progress = RunProgress(estimates.expectedStages(RunSize(1, 30, 10)), Clock())
    progress.begin("embed")
    progress.reuse("classifier")
    progress.step("classifier", 1, 0, float("nan"))
    progress.begin("dreaming")
    progress.step("segmenter", 3, 4, 1.0)
    info = progress.info()
    assert (info.stage, info.text, info.total) == ("dreaming", "dreaming", len(estimates.STAGES) + 1)
    assert info.secondsLeft > 0
    assert len({stageInWords(stage) for stage in estimates.STAGES}) == len(estimates.STAGES)


def test_a_slow_start_is_not_taken_for_the_whole_of_a_run_whose_estimate_is_wrong():
    clock = Clock()
    progress = RunProgress(dict.fromkeys(estimates.STAGES, 0.1), clock)
    fractions = []
    for stage in estimates.STAGES:
        progress.begin(stage)
        for _second in range(9):
            clock.now += 1
            fractions.append(progress.info().fraction)
        progress.finish(stage)
        fractions.append(progress.info().fraction)
    assert fractions == sorted(fractions)
    assert fractions[8] < 0.25, "while the worker starts"
    halfway = fractions[len(fractions) // 2]
    assert 0.3 < halfway < 0.7
    assert progress.info().isLate
    assert progress.info().secondsLeft is None


def test_once_an_estimate_is_exceeded_the_bar_shows_steps_and_goes_on_with_each():
    clock = Clock()
    progress = RunProgress(dict.fromkeys(estimates.STAGES, 10.0), clock)
    for stage in estimates.STAGES[:6]:
        progress.begin(stage)
        clock.now += 10
        progress.finish(stage)
    progress.begin(estimates.STAGES[6])
    clock.now += 30
    assert not progress.info().isLate, "a quarter of the whole is not exceeded"
    assert progress.info().secondsLeft > 0
    clock.now += 60
    late = progress.info()
    assert late.isLate
    assert 0.5 < late.fraction <= 0.6, "a stage never counts as more than was expected of it"
    shown = []
    for stage in estimates.STAGES[7:]:
        progress.begin(stage)
        shown.append(progress.info().fraction)
    steps = np.diff([late.fraction, *shown])
    assert steps == pytest.approx(np.full(len(steps), steps[0]))
    assert steps[0] > 0.05


def test_a_last_step_that_does_not_end_is_late_too():
    clock = Clock()
    progress = RunProgress(dict.fromkeys(estimates.STAGES, 1.0), clock)
    progress.begin("masks")
    progress.step("masks", 5, 5, None)
    clock.now += 100
    assert progress.info().isLate
    assert progress.info().fraction == 0.99


def test_stages_of_another_number_of_rounds_are_expected():
    expected = estimates.expectedStages(RunSize(1, 30, 10), overrides={"rounds": 3})
    assert list(expected)[-3:] == ["segmenter-2", "segmenter-3", "masks"]
    assert expected["segmenter-3"] == expected["segmenter-2"] > 0


def test_stages_that_found_their_output_made_teach_nothing():
    size = RunSize(1, 2000, 10)
    estimates.learn(size, "cpu", {"embed": 3.0, "masks": 0.2})
    assert not estimates.isMeasured("cpu")
    estimates.learn(size, "cpu", {"embed": 300.0})
    assert estimates.expectedStages(size)["embed"] == pytest.approx(300.0)


def test_what_version_0_1_measured_may_be_of_a_stand_in_and_does_not_count():
    slicer.app.userSettings().setValue("WeakMedSAM/secondsByStage/cpu", json.dumps({"embed": 0.001}))
    assert not estimates.isMeasured("cpu")


def test_lines_are_bounded_and_never_raise():
    reader = LineReader(limit=10)
    assert reader.feed(b"ab") == []
    assert reader.feed(b"c\r\nd\n") == ["abc", "d"]
    assert reader.feed(b"x" * 50) == []
    assert reader.feed(b"y\nok\n\xff\n") == [TOO_LONG, "ok", "�"]
    assert reader.feed(b"rest") == []
    assert reader.end() == ["rest"]
    assert reader.end() == []


def test_stored_rates_are_plain_json():
    estimates.learn(RunSize(1, 10, 5), "mps", {"masks": 1.0})
    assert json.loads(str(slicer.app.userSettings().value("WeakMedSAM/secondsOfStages/fast/mps"))) == {"masks": 0.1}
