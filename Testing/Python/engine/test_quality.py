"""Confidence: what the rules say for every kind of slice, and when a result is called unsure."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from WeakMedSAMLib.contract.class_doubts import class_doubts
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.events import with_name
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.quality import (
    CHECK_SLICES,
    EXTENT_DOUBTED,
    PLACE_DOUBTED,
    PLACE_UNSAID,
    TOO_LARGE,
    TOO_SMALL,
    Advice,
    Quality,
)
from WeakMedSAMLib.engine.parts.assembly import tell_results
from WeakMedSAMLib.engine.parts.quality import LOW_CONFIDENCE, ClassEvidence, quality_report, slice_confidence

NAN = np.nan


def evidence(agreement, probability, pixels):
    return ClassEvidence(np.array(agreement, np.float32), np.array(probability, np.float32), np.array(pixels))


def report(tags, *found, patients=10):
    names = ["lungs", "heart"][: len(found)]
    tags = np.array(tags, np.int8).reshape(-1, len(found))
    return quality_report(
        ClassTable.from_names(names), tags, dict(zip(names, found, strict=True)), patients, {"kind": "given"}, 0.5
    )


@pytest.mark.parametrize(
    ("tag", "agreement", "probability", "pixels", "expected"),
    [
        (PRESENT, 0.8, 0.1, 50, 0.8),
        (PRESENT, 0.8, 0.9, 0, 0.0),
        (PRESENT, NAN, 0.9, 50, 0.0),
        (PRESENT, NAN, 0.9, 0, 0.0),
        (UNTAGGED, 0.8, 0.5, 50, 0.4),
        (UNTAGGED, NAN, 0.3, 0, 0.7),
        (UNTAGGED, NAN, 0.9, 50, 0.0),
        (ABSENT, NAN, 0.9, 0, 1.0),
        (ABSENT, 0.2, 0.9, 0, 1.0),
    ],
)
def test_confidence_of_a_slice(tag, agreement, probability, pixels, expected):
    one = slice_confidence(np.array([tag], np.int8), evidence([agreement], [probability], [pixels]))
    assert one[0] == pytest.approx(expected, abs=1e-6)


def test_a_volume_is_as_sure_as_its_least_sure_class():
    sure = evidence([0.9, NAN], [1, 0], [10, 0])
    unsure = evidence([0.3, NAN], [1, 0], [10, 0])
    both = report([[PRESENT, PRESENT], [ABSENT, ABSENT]], sure, unsure)
    assert both.confidence == pytest.approx(0.3)
    assert both.classes["lungs"].confidence == pytest.approx(0.9)
    assert both.slice_confidence == [0.3, 1.0]


@pytest.mark.parametrize(
    ("known", "code", "limit"),
    [
        ({"smallest_ml": 6}, TOO_SMALL, 6),
        ({"largest_ml": 4.5}, TOO_LARGE, 4.5),
        ({"smallest_ml": 5, "largest_ml": 5}, None, None),
        ({}, None, None),
    ],
)
def test_a_mask_of_a_size_that_the_class_does_not_have_is_told(known, code, limit):
    classes = ClassTable.from_json([{"name": "spleen", "label_value": 1, "color": [1, 2, 3], "known": known}])
    found = evidence([0.95], [1], [10])
    told = quality_report(classes, np.array([[PRESENT]], np.int8), {"spleen": found}, 10, {}, 0.5)
    assert told.low_confidence == (code is not None)
    assert (told.advice and told.advice.code) == code
    if code:
        assert dict(told.advice.values) == {"class": "spleen", "ml": 5.0, "limit": limit}
        assert f"{limit:g} ml" in told.advice.message


def test_a_class_without_a_mask_is_not_too_small():
    classes = ClassTable.from_json([{"name": "a", "label_value": 1, "color": [1, 2, 3], "known": {"smallest_ml": 6}}])
    told = quality_report(classes, np.array([[ABSENT]], np.int8), {"a": evidence([NAN], [0], [0])}, 10, {}, 0.5)
    assert told.advice is None or told.advice.code != TOO_SMALL


@pytest.mark.parametrize(("agreement", "low"), [(LOW_CONFIDENCE - 0.01, True), (LOW_CONFIDENCE + 0.01, False)])
def test_below_a_limit_the_result_is_called_unsure(agreement, low):
    result = report([PRESENT, ABSENT], evidence([agreement, NAN], [1, 0], [10, 0]))
    assert result.low_confidence is low
    assert bool(class_doubts(result.classes)) is low


def test_one_volume_must_agree_more_to_be_called_sure():
    between = evidence([LOW_CONFIDENCE * 1.05, NAN], [1, 0], [10, 0])
    assert report([PRESENT, ABSENT], between, patients=1).low_confidence is True
    assert report([PRESENT, ABSENT], between, patients=8).low_confidence is False


def test_absent_slices_do_not_make_a_result_surer():
    one = evidence([0.5] + [NAN] * 9, [1] + [0] * 9, [10] + [0] * 9)
    assert report([PRESENT] + [ABSENT] * 9, one).confidence == pytest.approx(0.5)


def test_tags_that_were_not_met_lower_it_and_are_listed():
    result = report([PRESENT] * 4, evidence([0.9, NAN, 0.9, NAN], [1] * 4, [10, 0, 10, 0]))
    assert result.classes["lungs"].present_without_mask == [1, 3]
    assert result.confidence == pytest.approx(0.45)


def test_no_mask_and_no_tag_is_no_figure_and_not_sure():
    result = report([UNTAGGED] * 3, evidence([NAN] * 3, [0.01] * 3, [0] * 3))
    assert result.confidence is None
    assert result.low_confidence is True
    assert result.slice_confidence == pytest.approx([0.99] * 3)


@pytest.mark.parametrize(
    ("tags", "patients", "words"),
    [
        ([PRESENT, ABSENT], 1, ["1 volume", "more volumes"]),
        ([PRESENT, ABSENT], 7, ["7 volume", "more volumes"]),
        ([PRESENT, UNTAGGED], 20, ["absent"]),
    ],
)
def test_it_says_what_would_help_beside_the_classes(tags, patients, words):
    found = report(tags, evidence([0.1, NAN], [1, 0], [10, 0]), patients=patients)
    assert all(word in found.advice.message for word in words)
    assert [one.code for one in class_doubts(found.classes)] == [EXTENT_DOUBTED]


def test_where_enough_is_tagged_nothing_would_help_but_what_is_said_of_classes():
    found = report([PRESENT, ABSENT], evidence([0.1, NAN], [1, 0], [10, 0]), patients=20)
    assert found.low_confidence
    assert found.advice is None


@pytest.mark.parametrize("patients", [1, 20])
def test_it_says_of_each_unsure_class_whether_place_or_extent_is_doubted_and_where(patients):
    tags = [[PRESENT, PRESENT]] * 3 + [[ABSENT, ABSENT]]
    sure = evidence([0.9, 0.9, 0.9, NAN], [1, 1, 1, 0], [10, 10, 10, 0])
    elsewhere, rough = (
        replace(evidence([0.3, 0.85, seen, NAN], [1, 1, 1, 0], [10, 30, 20, 0]), concord=np.array([*concord, NAN]))
        for seen, concord in ((0.3, [0.4, 0.9, 0.4]), (0.35, [0.9, 0.9, 0.9]))
    )
    place, extent = (class_doubts(report(tags, rough, one, patients=patients).classes) for one in (elsewhere, sure))
    assert [one.code for one in place] == [PLACE_DOUBTED, EXTENT_DOUBTED]  # the least sure first
    assert [one.code for one in extent] == [EXTENT_DOUBTED]
    assert dict(place[0].values) == {"class": "heart", "slices": "0, 2", "slice": 1}
    assert dict(extent[0].values) == {"class": "lungs", "slices": "0, 2", "slice": 1}
    assert "put a box around it on slice 1" in place[0].message
    assert "slices: 0, 2" in extent[0].message
    classes = [report(tags, sure, one).classes for one in (elsewhere, rough)]
    assert [found["heart"].place_unsure for found in classes] == [True, False]
    assert classes[0]["lungs"].place_unsure is None  # boxes do not help there
    assert classes[0]["heart"].pixels == [10, 30, 20, 0]


def test_slices_without_a_pseudo_mask_do_not_say_that_the_place_is_doubted():
    tags = [PRESENT] * 4 + [ABSENT]
    few = replace(evidence([0.3] * 4 + [NAN], [1] * 4 + [0], [10] * 4 + [0]), concord=np.array([0.4] + [NAN] * 4))
    none = replace(few, concord=np.full(5, NAN))
    assert report(tags, few).classes["lungs"].unsure_of == PLACE_DOUBTED
    assert report(tags, none).classes["lungs"].unsure_of == EXTENT_DOUBTED


def test_where_no_tag_says_that_a_class_is_there_its_place_is_unsaid():
    found = replace(evidence([NAN, 0.5, 0.5, NAN], [0.2, 0.6, 0.6, 0.2], [0, 10, 30, 0]), concord=np.full(4, NAN))
    for tags in ([UNTAGGED] * 4, [ABSENT] + [UNTAGGED] * 3):
        (doubt,) = class_doubts(report(tags, found, patients=4).classes)
        assert (doubt.code, dict(doubt.values)) == (PLACE_UNSAID, {"class": "lungs", "slices": "1-2", "slice": 2})


def test_slices_just_below_the_limit_of_few_patients_are_among_them():
    between = replace(evidence([LOW_CONFIDENCE * 1.005, NAN], [1, 0], [10, 0]), concord=np.ones(2))
    assert report([PRESENT, ABSENT], between, patients=10).classes["lungs"].unsure_on == [0]


def test_of_sure_classes_nothing_is_doubted():
    sure = report([PRESENT, ABSENT], evidence([0.95, NAN], [1, 0], [10, 0]))
    assert class_doubts(sure.classes) == []
    assert sure.classes["lungs"].unsure_on == []


def test_a_class_of_which_nothing_was_drawn_needs_a_box():
    nothing = replace(evidence([NAN] * 4, [1, 1, 1, 0], [0] * 4), concord=np.full(4, NAN))
    found = report([PRESENT] * 3 + [ABSENT], nothing).classes
    (doubt,) = class_doubts(found)
    assert (doubt.code, dict(doubt.values)) == (PLACE_DOUBTED, {"class": "lungs", "slices": "0-2", "slice": 1})
    assert found["lungs"].place_unsure is True
    unsaid = report([UNTAGGED] * 3 + [ABSENT], nothing).classes["lungs"]
    assert (unsaid.place_unsure, unsaid.unsure_of) == (False, "")  # nobody says that it is there


def test_where_no_class_has_a_mask_or_a_tag_slices_are_to_be_checked():
    nothing = replace(evidence([NAN, NAN], [0.1, 0], [0, 0]), concord=np.ones(2))
    assert report([UNTAGGED, ABSENT], nothing, patients=20).advice.code == CHECK_SLICES


def seen(agreement, size, pixels, probability=1.0):
    """Evidence of a method that says how well masks fit what its network sees."""
    found = evidence(agreement, np.broadcast_to(probability, len(agreement)), pixels)
    return replace(found, size=np.array(size, np.float32))


def test_agreement_with_the_network_is_told_as_the_dice_that_it_means():
    known = np.array([0.6, 0.8, 0.9, 0.95])
    on_slices = [
        slice_confidence(np.array([PRESENT], np.int8), seen([value], [100], [50]))[0].round(2) for value in known
    ]
    of_volumes = [report([PRESENT], seen([value], [100], [50])).confidence for value in known]
    assert on_slices == pytest.approx([0.08, 0.34, 0.68, 0.89], abs=0.01)
    assert of_volumes == pytest.approx(on_slices, abs=0.01)


def test_large_slices_count_more_and_a_missing_one_as_much_as_the_others():
    good, bad = seen([0.95, 0.7], [1000, 10], [500, 5]), seen([0.95, 0.7], [10, 1000], [5, 500])
    missing = seen([0.95, NAN], [1000, NAN], [500, 0])
    both = [PRESENT, PRESENT]
    assert report(both, good).confidence > 0.85
    assert report(both, bad).confidence < 0.2
    assert report(both, missing).confidence == pytest.approx(0.89 / 2, abs=0.01)
    assert report([PRESENT, ABSENT], missing).confidence > 0.85


def test_untagged_slices_are_as_sure_as_it_is_that_they_show_the_class():
    found = seen([0.95, 0.95], [100, 100], [50, 50], probability=0.5)
    assert report([UNTAGGED] * 2, found).confidence < report([PRESENT] * 2, found).confidence


def test_guesses_alone_are_not_sure():
    assert report([PRESENT], seen([0], [0], [50])).confidence == 0
    assert report([PRESENT], seen([NAN], [NAN], [0])).confidence == 0


def test_volume_and_slices_of_a_class_are_counted():
    result = report([PRESENT, PRESENT, ABSENT], evidence([0.9, 0.9, NAN], [1, 1, 0], [10, 30, 0]))
    assert result.classes["lungs"].volume_ml == pytest.approx(20)
    assert result.classes["lungs"].slices == 2
    assert result.patients == 10


def test_the_report_is_plain_json():
    result = report([[PRESENT, UNTAGGED]], evidence([NAN], [0.5], [0]), evidence([0.7], [0.5], [3]))
    text = json.dumps(result.to_json(), allow_nan=False)
    assert Quality.from_json(json.loads(text)) == result


def warned(found):
    """The warnings at the end of results with these qualities."""
    told, sources = [], [SimpleNamespace(id=f"{number:03}") for number in range(len(found))]
    for _ in tell_results(sources, sources, told.append, lambda _source, _volume, n: SimpleNamespace(quality=found[n])):
        pass
    return [event for event in told if event.event == "warning"]


def test_a_warning_of_several_volumes_has_the_advice_of_one_that_is_unsure():
    advice = Advice(CHECK_SLICES, "Check them.")
    (warning,) = warned([Quality(), Quality(low_confidence=True, advice=advice), Quality()])
    assert (warning.hint, warning.values) == ("Check them.", {"unsure": 1, "total": 3, "advice": advice.to_json()})


def test_each_marked_volume_has_a_warning_that_says_what_is_doubted_where():
    unsure = report([[PRESENT, PRESENT], [ABSENT, ABSENT]], *[evidence([0.3, NAN], [1, 0], [10, 0])] * 2)
    first, second = warned([Quality(), unsure])
    assert first.code == "low_confidence"
    assert (second.code, second.volume, second.message) == ("volume_unsure", "001", "Confidence in volume 001: 30 %.")
    assert second.hint.count("extent unsure (slices: 0)") == 2
    assert [each["values"]["class"] for each in second.values["advice"]] == ["lungs", "heart"]
    named = with_name(second, {"001": "scan3"})
    assert (named.message, named.values["volume"]) == ("Confidence in 'scan3': 30 %.", "scan3")
