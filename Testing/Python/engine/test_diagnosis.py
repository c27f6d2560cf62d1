"""Where masks are lost: each slice has one cause, and what is missing adds up to what is lost."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.mask_tags import MaskClass
from WeakMedSAMLib.engine.features.preprocess import Frame
from WeakMedSAMLib.engine.parts.stage_maps import EVIDENCE, MEAN, NETWORK, PSEUDO_MASK, StageMaps
from WeakMedSAMLib.studies.accuracy import AccuracyOptions, measure_accuracy
from WeakMedSAMLib.studies.cases import Case
from WeakMedSAMLib.studies.diagnosis import (
    ALONG_Z,
    CAUSES,
    EMPTY,
    EXTENT,
    FINAL,
    NETWORK_WORSE,
    PLACE,
    REDRAWN,
    THRESHOLD,
    Diagnosis,
    SliceTrace,
    cause_of,
    diagnosis_lines,
)

SIZE = 16
GEOMETRY = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 3.0), (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0), (SIZE, SIZE, 8))
SHOWN = slice(2, 6)
BALL = MaskClass("ball", (3,))


def trace(final, empty=False, best=None, **stages):
    names = {"mean": MEAN, "pseudo": PSEUDO_MASK}
    dice = {names[name]: value for name, value in stages.items()}
    return SliceTrace({**dice, FINAL: final}, best=final if best is None else best, empty=empty)


@pytest.mark.parametrize(
    ("own", "others", "cause"),
    [
        (trace(0.0, empty=True), {}, EMPTY),
        (trace(0.05, mean=0.9), {8: trace(0.6)}, ALONG_Z),
        (trace(0.05), {9: trace(0.9)}, PLACE),
        (trace(0.05), {8: trace(0.4)}, PLACE),
        (trace(0.5, mean=0.7, pseudo=0.95, best=0.9), {}, REDRAWN),
        (trace(0.5, mean=0.55, pseudo=0.7, best=0.9), {}, NETWORK_WORSE),
        (trace(0.5, mean=0.55, pseudo=0.6, best=0.65), {}, THRESHOLD),
        (trace(0.5, mean=0.55, pseudo=0.6, best=0.55), {}, EXTENT),
        (trace(0.5, best=0.55), {}, EXTENT),
    ],
)
def test_a_slice_has_the_first_cause_that_holds(own, others, cause):
    assert cause_of(5, {5: own, **others}) == cause


@pytest.fixture
def case(tmp_path):
    """A square of 8 x 8 pixels on four of eight slices."""
    truth = np.zeros((8, SIZE, SIZE), np.uint8)
    truth[SHOWN, 4:12, 4:12] = 3
    truth[0, 0, :5] = 3  # less than a tag is for
    image, mask = tmp_path / "a_image.nii.gz", tmp_path / "a_mask.nii.gz"
    sitk.WriteImage(GEOMETRY.image(truth.astype(np.int16)), str(image))
    sitk.WriteImage(GEOMETRY.image(truth), str(mask))
    return Case("a", image, mask, "a")


@pytest.fixture
def watched(case):
    """A diagnosis of a run of one volume that has begun, and what tells it of square maps by slice."""
    diagnosis = Diagnosis([case], [BALL])
    source = SimpleNamespace(id="000", name="a", axis="k", supervision=SimpleNamespace(is_said=True))
    diagnosis.begin([source])
    frame = Frame(SIZE, SIZE, 1.0, 1.0, SIZE)

    def tell(stage, by_slice):
        indices = np.array(list(by_slice))
        diagnosis.watch(StageMaps(stage, "000", 0, frame, indices, np.stack(list(by_slice.values()))))

    def finish(labels):
        soft = np.uint8(255) * (labels > 0)
        diagnosis.finish(source, SimpleNamespace(layers=labels[None], probabilities={3: soft}))

    return SimpleNamespace(diagnosis=diagnosis, tell=tell, finish=finish, begin=lambda: diagnosis.begin([source]))


def square(first, last, value=1.0):
    found = np.zeros((SIZE, SIZE), np.float32)
    found[first:last, first:last] = value
    return found


def test_stages_are_compared_with_the_truth_and_what_is_missing_adds_up(watched):
    watched.tell(EVIDENCE, {2: square(4, 12, 0.3) + square(6, 7, 0.7), 3: square(4, 12, 0.3) + square(0, 1)})
    watched.tell(NETWORK, {2: square(4, 12), 3: square(4, 12, 0.4), 7: square(4, 12)})
    labels = np.zeros((8, SIZE, SIZE), np.uint8)
    labels[2] = 3 * square(4, 12)
    labels[3] = 3 * square(0, 4)
    labels[4, 4:12, 4:8] = 3
    labels[7, 0, 0] = 3
    watched.finish(labels)
    found = watched.diagnosis.report()["tagged"]["ball"]
    assert found["slices"] == 4
    assert found["told"] == {"evidence": 2, "objects": 0, "pseudo-mask": 0, "network": 2, "mean": 0, "mask": 4}
    assert found["peak_inside"] == 0.5
    assert found["dice"]["evidence"] == pytest.approx((1 + 2 * 64 / 129) / 2, abs=1e-3)
    assert found["dice"]["network"] == 0.5
    assert found["dice"]["objects"] is None
    assert found["dice"]["mask"] == pytest.approx((1 + 0 + 2 / 3 + 0) / 4, abs=1e-3)
    assert found["lost"] == {**dict.fromkeys(CAUSES, 0.0), ALONG_Z: 0.25, EXTENT: 0.0833, EMPTY: 0.25}
    assert sum(found["lost"].values()) == pytest.approx(1 - found["dice"]["mask"], abs=1e-3)
    assert found["masks_on_absent_slices"] == pytest.approx(1 / 3, abs=1e-3)
    (volume,) = found["volumes"]
    assert volume["case"] == "a"
    assert [(one["index"], one["cause"]) for one in volume["slices"]] == [
        (2, EXTENT),
        (3, ALONG_Z),
        (4, EXTENT),
        (5, EMPTY),
    ]
    assert volume["slices"][0]["dice"] == {"evidence": 1.0, "network": 1.0, "mask": 1.0}


def test_the_terminal_shows_it(watched):
    labels = np.zeros((8, SIZE, SIZE), np.uint8)
    labels[SHOWN, 4:12, 4:12] = 3
    labels[5] = 0
    watched.finish(labels)
    told = "\n".join(diagnosis_lines(watched.diagnosis.report()))
    assert re.search(r"tagged, ball, 4 slices: .*mask 0\.750", told)
    assert "missing: left empty 0.250" in told
    assert "untagged" not in told


def test_of_several_runs_of_a_volume_the_first_counts(watched):
    labels = np.zeros((8, SIZE, SIZE), np.uint8)
    labels[SHOWN, 4:12, 4:12] = 3
    watched.finish(labels)
    before = watched.diagnosis.report()
    watched.begin()
    watched.finish(0 * labels)
    assert watched.diagnosis.report() == before


@pytest.mark.parametrize(
    ("choice", "words"), [({"preset": "paper"}, "other stages"), ({"cohort_sizes": (1, 2)}, "several sizes")]
)
def test_what_cannot_be_compared_is_refused(tmp_path, choice, words):
    options = replace(AccuracyOptions(tmp_path, "ball=3", diagnose=True), **choice)
    with pytest.raises(UserError, match=words) as told:
        measure_accuracy(options, tmp_path / "report.json")
    assert told.value.code == "bad_benchmark"
