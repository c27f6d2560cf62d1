"""What quality.json says is read as it was written, of before too, and whatever is odd in it does no harm."""

from __future__ import annotations

import json

import pytest

from WeakMedSAMLib.contract.class_doubts import class_doubts
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.quality import (
    CHECK_SLICES,
    PLACE_DOUBTED,
    TAG_MORE_VOLUMES,
    Advice,
    ClassQuality,
    Quality,
    read_quality,
)

CLASS = ClassQuality(
    0.4, 2, [0], 1.5, [0.25, 0.5, 1.0], [0.5, 0.5, 0.0], [0, 1], {}, [0, 7, 9], True, PLACE_DOUBTED, [0, 1]
)
ADVICE = Advice(TAG_MORE_VOLUMES, "Tag more volumes.", {"patients": 1})
WHOLE = Quality(0.4, True, ADVICE, [0.25, 0.5, 1.0], {"liver": CLASS}, 1, {"low": 0.0}, "j", "slicer")


def written(folder, data):
    (folder / "quality.json").write_text(json.dumps(data), "utf-8")
    return folder / "quality.json"


@pytest.mark.parametrize("quality", [WHOLE, Quality()])
def test_round_trip(tmp_path, quality):
    assert read_quality(written(tmp_path, quality.to_json())) == quality


def test_advice_stays_a_sentence_for_those_who_read_files_of_before():
    data = WHOLE.to_json()
    assert (data["advice"], data["advice_code"]) == ("Tag more volumes.", TAG_MORE_VOLUMES)
    assert Quality().to_json()["advice"] == ""
    assert "advice_code" not in Quality().to_json()


def test_a_file_of_0_1_is_read(tmp_path):
    data = {"confidence": 0.4, "low_confidence": True, "advice": "Check the slices.", "axis": "k", "classes": {}}
    found = read_quality(written(tmp_path, data))
    assert found == Quality(0.4, True, Advice("", "Check the slices."))
    assert read_quality(written(tmp_path, {**data, "advice": ""})).advice is None


@pytest.mark.parametrize("data", [[], None, "k", {}, {"axis": "x"}, {"axis": None}, {"axis": ["k"]}])
def test_what_does_not_say_its_axis_is_refused(tmp_path, data):
    with pytest.raises(UserError) as caught:
        read_quality(written(tmp_path, data))
    assert caught.value.code == "bad_result"
    assert caught.value.values["file"].endswith("quality.json")


def test_odd_values_are_left_at_nothing():
    odd = {"axis": "k", "confidence": True, "classes": [1], "intensity": 3, "patients": "many", "slice_confidence": "x"}
    assert Quality.from_json(odd) == Quality()
    one = {"confidence": "0.5", "slices": None, "present_without_mask": "0", "slice_confidence": [None, 1, "a"]}
    found = Quality.from_json({"axis": "k", "classes": {"liver": one, "spleen": 5}}).classes
    assert found == {"liver": ClassQuality(slice_confidence=[0.0, 1.0, 0.0]), "spleen": ClassQuality()}


def test_numbers_that_no_float_holds_are_left_at_nothing(tmp_path):
    path = tmp_path / "quality.json"
    # JSON allows both.
    path.write_text(
        '{"axis": "k", "patients": 1e999, "classes": {"liver": {"slices": -1e999, "volume_ml": 1%s}}}' % ("0" * 400)
    )
    assert read_quality(path) == Quality(classes={"liver": ClassQuality()})


def test_slices_counted_from_the_other_end():
    turned = CLASS.turned()
    assert (turned.present_without_mask, turned.slice_confidence) == ([2], [1.0, 0.5, 0.25])
    assert turned.slice_probability == [0.0, 0.5, 0.5]
    assert turned.tagged == [1, 2]
    assert (turned.pixels, turned.place_unsure) == ([9, 7, 0], True)
    assert (turned.unsure_of, turned.unsure_on) == (PLACE_DOUBTED, [1, 2])
    assert class_doubts({"liver": turned})[0].values["slice"] == 0
    assert turned.turned() == CLASS


def test_advice_travels_with_a_warning():
    advice = Advice(CHECK_SLICES, "Check.", {"a": 1})
    assert Advice.from_json(advice.to_json()) == advice
    assert Advice.from_json({"code": None, "values": 3}) == Advice("", "")


def test_files_of_before_and_odd_ones_say_nothing_of_what_is_doubted():
    before = ClassQuality.from_json({"confidence": 0.2, "place_unsure": True, "slice_confidence": [0.1]})
    odd = ClassQuality.from_json({"unsure_of": ["x"], "unsure_on": [-3, "a"]})
    lone = ClassQuality.from_json({"unsure_of": PLACE_DOUBTED, "unsure_on": [-3]})
    assert class_doubts({"liver": before, "spleen": odd, "heart": lone}) == []


def test_many_scattered_slices_are_cut_short():
    quality = ClassQuality(confidence=0.2, unsure_of=PLACE_DOUBTED, unsure_on=[*range(0, 20, 2)])
    (doubt,) = class_doubts({"liver": quality})
    assert dict(doubt.values) == {"class": "liver", "slices": "0, 2, 4, 6, 8, 10, ...", "slice": 10}
