"""The resident worker: what it answers to boxes and points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from faults.resident_bench import BALL, CountingBackbone, ball, dice
from faults.tiny_run import NAME, TinyBackbone

from WeakMedSAMLib.contract.resident import (
    Bye,
    Mask,
    Open,
    Opened,
    Predict,
    Ready,
)
from WeakMedSAMLib.engine.backbones.base import PromptKind
from WeakMedSAMLib.engine.data.geometry import Geometry
from WeakMedSAMLib.engine.data.volumes import open_stored, write_volume
from WeakMedSAMLib.engine.features.cache import FeatureCache
from WeakMedSAMLib.engine.runs.resident_slices import SliceAnswers


def test_a_volume_is_opened_and_a_box_answered(serve_all, opening, backbone):
    ready, opened, mask, bye = serve_all(opening, Predict(2, "a", 3, (BALL,)))
    assert ready == Ready(NAME, "cpu", ["box"])
    assert opened == Opened(1, "a", 7, 40, 36)
    assert isinstance(mask, Mask)
    assert (mask.id, mask.rows, mask.columns, mask.encoded, backbone.encoded) == (2, 40, 36, True, 1)
    assert dice(mask.array(), ball()) > 0.85
    assert bye == Bye("input_closed")


def test_nothing_is_drawn_far_outside_of_a_box(answers, backbone, monkeypatch):
    def everything(features, boxes, rows=None):
        return torch.ones(len(boxes), 64, 64), torch.full((len(boxes),), 0.5)

    monkeypatch.setattr(backbone, "decode", everything)
    mask = answers.predict(Predict(2, "a", 3, (BALL,))).array()
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 19, 6, 17)


def test_several_boxes_are_one_mask_with_the_lowest_quality(answers, backbone, monkeypatch):
    decode = backbone.decode

    def varied(features, boxes, rows=None):
        logits, quality = decode(features, boxes, rows)
        quality[-1] = 0.25
        return logits, quality

    monkeypatch.setattr(backbone, "decode", varied)
    rod = ((24, 30), (12, 28))
    both = answers.predict(Predict(2, "a", 3, (BALL, rod)))
    one, other = (answers.predict(Predict(2, "a", 3, (box,))).array() for box in (BALL, rod))
    assert np.array_equal(both.array(), one | other)
    assert both.quality == 0.25


ROD = ((25, 29), (13, 27))


@pytest.fixture
def resembled(monkeypatch):
    """What resembles a point is the ball or the rod; collects rows and columns of it and of what is to be avoided."""
    asked = []

    def box_around(features, row, column, avoid=()):
        assert features.shape == (6, 64, 64)
        asked.append([side * 40 for point in [(row, column), *avoid] for side in point])
        (top, bottom), (left, right) = BALL if row < 0.5 else ROD
        return left / 40, top / 40, (right + 1) / 40, (bottom + 1) / 40

    monkeypatch.setattr("WeakMedSAMLib.engine.parts.resemblance.box_around_point", box_around)
    return asked


def test_a_point_becomes_a_box_around_what_resembles_it(answers, resembled):
    mask = answers.predict(Predict(2, "a", 3, points=((14, 12, True), (27, 20, False)))).array()
    assert dice(mask, ball()) > 0.8
    expected = [14.5, 12.5, 27.5, 20.5], [27.5, 20.5, 14.5, 12.5]
    assert resembled == [pytest.approx(one, abs=0.2) for one in expected], "each avoids those of the other kind"


def test_what_resembles_a_point_hangs_together_with_it_and_resembles_no_other_point_more():
    from WeakMedSAMLib.engine.parts.resemblance import box_around_point

    features = np.zeros((3, 16, 16), np.float32)
    features[0] = 1
    features[1, 2:6, 4:12] = 2  # a bar, whose right half is a little other; and one like it elsewhere
    features[2, 2:6, 8:12] = 1.5
    features[1, 10:14, 4:12] = 2
    bar = box_around_point(features, 4 / 16, 6 / 16)
    assert bar == (4 / 16, 2 / 16, 12 / 16, 6 / 16)
    assert box_around_point(features, 4 / 16, 5 / 16, [(4 / 16, 10 / 16)]) == (4 / 16, 2 / 16, 8 / 16, 6 / 16)
    alone = box_around_point(np.zeros((3, 16, 16), np.float32), 1.0, 1.0)
    assert 0 <= alone[0] < alone[2] <= 1, "a point on the last edge, where all is alike"


def test_points_of_one_piece_become_one_box():
    from WeakMedSAMLib.engine.parts.resemblance import box_around_point, boxes_around_points

    features = np.zeros((3, 16, 16), np.float32)
    features[0] = 1
    features[1, 2:6, 2:14] = 2  # a bar, and one like it elsewhere
    features[1, 10:14, 4:12] = 2
    stroke, elsewhere = [(4 / 16, column / 16) for column in (4, 8, 12)], (12 / 16, 8 / 16)
    found = boxes_around_points(features, [*stroke, elsewhere])
    assert sorted(found) == sorted([(2 / 16, 2 / 16, 14 / 16, 6 / 16), box_around_point(features, *elsewhere)])
    # One that resembles more, or less, is outvoted; all points are in it.
    features[1, 2:6, 12:14], features[2, 2:6, 12:14] = 0.5, 3
    (box,) = [each for each in boxes_around_points(features, stroke[:2]) if each[3] <= 0.5]
    assert box == (2 / 16, 2 / 16, 12 / 16, 6 / 16)
    assert boxes_around_points(features, []) == []


def test_points_are_in_the_answer_as_they_are(answers, resembled):
    points = ((14, 12, True), (0, 0, True), (13, 13, False))
    mask = answers.predict(Predict(2, "a", 3, (BALL,), points)).array()
    assert [mask[row, column] for row, column, _shows in points] == [True, True, False]
    assert dice(mask, ball()) > 0.75, "a point elsewhere takes no more than a part of it"


def test_a_point_in_a_box_is_no_question_of_its_own(answers, resembled):
    answers.predict(Predict(2, "a", 3, (BALL,), ((14, 12, True),)))
    assert resembled == []


def test_a_point_elsewhere_takes_out_what_resembles_it(answers, resembled):
    both = ((5, 35), (4, 30))
    whole = answers.predict(Predict(2, "a", 3, (both,))).array()
    less = answers.predict(Predict(3, "a", 3, (both,), ((27, 20, False),))).array()
    rod = np.zeros_like(whole)
    rod[ROD[0][0] : ROD[0][1] + 1, ROD[1][0] : ROD[1][1] + 1] = True
    assert np.count_nonzero(whole & rod) > 50
    assert np.count_nonzero(less & rod) < 0.3 * np.count_nonzero(whole & rod)
    assert np.count_nonzero(less & ball()) > 0.9 * np.count_nonzero(whole & ball())


class PointBackbone(CountingBackbone):
    """Answers points alone: a disc around each."""

    info = replace(TinyBackbone.info, prompts=frozenset({PromptKind.POINT}))

    def decode_points(self, features, points, rows=None):
        y, x = torch.meshgrid(torch.arange(64.0) + 0.5, torch.arange(64.0) + 0.5, indexing="ij")
        distance = [torch.hypot(y - row, x - column) for column, row in points]
        return 8.0 - torch.stack(distance), torch.full((len(points),), 0.7)


def test_points_and_middles_of_boxes_go_to_a_backbone_that_answers_points(folder, tmp_path, opening):
    with FeatureCache(tmp_path / "cache") as cache:
        answers = SliceAnswers(PointBackbone(), cache, folder)
        answers.open(opening)
        point = answers.predict(Predict(2, "a", 3, points=((26, 20, True), (0, 0, False))))
        box = answers.predict(Predict(3, "a", 3, (((22, 30), (17, 23)),)))
    j, i = np.mgrid[:40, :36]
    disc = np.hypot(j - 26, i - 20) < 5
    assert point.quality == pytest.approx(0.7, abs=1e-4)
    assert dice(point.array(), disc) > 0.9
    assert dice(box.array(), disc & (abs(i - 20) <= 4)) > 0.9


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_rows_and_columns_are_those_of_the_volume_whatever_the_axis_and_the_spacing(tmp_path, folder, backbone, axis):
    """A bright block off the middle, in voxels of other length in each direction."""
    array = np.random.default_rng(0).normal(100, 10, (20, 48, 32))
    array[6:14, 8:30, 15:25] += 900
    axes = (0.0, -1.0, 0, 1.0, 0.0, 0, 0, 0, -1.0)
    write_volume(
        folder / "b.nrrd", array.astype(np.int16), Geometry((3.0, 4.0, 5.0), (0.7, 1.3, 2.9), axes, (32, 48, 20))
    )
    spans = {"k": (6, 14), "j": (8, 30), "i": (15, 25)}
    rows, columns = (spans[one] for one in {"k": "ji", "j": "ki", "i": "kj"}[axis])
    with FeatureCache(tmp_path / "cache") as cache:
        answers = SliceAnswers(backbone, cache, folder)
        opened = answers.open(Open(1, "b", "b.nrrd", open_stored(folder / "b.nrrd").sha256, axis))
        box = ((rows[0], rows[1] - 1), (columns[0], columns[1] - 1))
        mask = answers.predict(Predict(2, "b", sum(spans[axis]) // 2, (box,))).array()
    assert mask.shape == (opened.rows, opened.columns)
    expected = np.zeros_like(mask)
    expected[slice(*rows), slice(*columns)] = True
    assert dice(mask, expected) > 0.75
