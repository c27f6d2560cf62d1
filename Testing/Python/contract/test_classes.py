"""The class table."""

from __future__ import annotations

import json
import math
from itertools import combinations

import pytest

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass, default_color
from WeakMedSAMLib.contract.errors import UserError

LUNGS = SegmentClass("Lüngen", (1, 2, 3), 7, "SCT^39607008", "l")
LIVER = SegmentClass("肝臓", (255, 0, 0), 300)


def test_order_is_kept_and_label_values_do_not_depend_on_it():
    table, turned = ClassTable([LUNGS, LIVER]), ClassTable([LIVER, LUNGS])
    assert (table.names, table.label_values) == (["Lüngen", "肝臓"], [7, 300])
    assert (turned.names, turned.label_values) == (["肝臓", "Lüngen"], [300, 7])
    assert table.index("肝臓") == 1
    assert turned.index("肝臓") == 0
    assert table != turned


def test_is_a_sequence():
    table = ClassTable([LUNGS, LIVER])
    assert len(table) == 2
    assert list(table) == [LUNGS, LIVER]
    assert table[0] is LUNGS
    assert table[1:] == (LIVER,)
    assert LIVER in table
    assert not ClassTable()


def test_json_round_trip():
    table = ClassTable([LUNGS, LIVER])
    assert ClassTable.from_json(json.loads(json.dumps(table.to_json()))) == table


def test_names_alone_are_enough():
    table = ClassTable.from_names(["a", "b", "c"])
    assert table.label_values == [1, 2, 3]
    assert len({entry.color for entry in table}) == 3


def test_missing_label_values_take_the_smallest_free_ones():
    table = ClassTable.from_json([{"name": "a"}, {"name": "b", "label_value": 1}, {"name": "c"}])
    assert table.label_values == [2, 1, 3]


def test_unknown_class_names_the_known_ones():
    with pytest.raises(UserError, match=r"no class 'spleen'.*'Lüngen', '肝臓'") as caught:
        ClassTable([LUNGS, LIVER]).index("spleen")
    assert caught.value.code == "unknown_class"


@pytest.mark.parametrize(
    ("classes", "code", "words"),
    [
        ([{"name": "a", "label_value": 3}, {"name": "b", "label_value": 3}], "duplicate_label_value", "'a' and 'b'.*3"),
        ([{"name": "a"}, {"name": "a"}], "duplicate_class", "'a'"),
        ([{"name": "a", "shortcut": "q"}, {"name": "b", "shortcut": "q"}], "duplicate_shortcut", "'q'"),
        ([{"name": "a", "label_value": 0}], "bad_field", "1 to 65535"),
        ([{"name": "a", "label_value": 65536}], "bad_field", "65536"),
        ([{"name": "a", "label_value": -1}], "bad_field", "-1"),
        ([{"name": "a", "label_value": 1.0}], "bad_field", "whole number"),
        ([{"name": "a", "label_value": True}], "bad_field", "whole number"),
        ([{"name": "a", "label_value": "1"}], "bad_field", "whole number"),
        ([{"name": "a", "color": [0, 0, 256]}], "bad_field", "0 to 255"),
        ([{"name": "a", "color": [0, 0]}], "bad_field", "3 values"),
        ([{"name": "a", "color": "red"}], "bad_field", "'red'"),
        ([{"name": "a", "colour": [0, 0, 0]}], "bad_field", "unknown key 'colour'.*color"),
        ([{"label_value": 1}], "bad_field", "no 'name'"),
        ([{"name": ""}], "bad_name", "empty"),
        ([{"name": " \t"}], "bad_name", "empty"),
        ([{"name": " a"}], "bad_name", "space"),
        ([{"name": "a\nb"}], "bad_name", "control"),
        ([{"name": "a\x00"}], "bad_name", "control"),
        ([{"name": "\ud800"}], "bad_name", "control"),
        ([{"name": 5}], "bad_field", "text"),
        (["a"], "bad_field", "object"),
        ({"name": "a"}, "bad_field", "list"),
        (None, "bad_field", "list"),
    ],
)
def test_bad_tables_are_refused(classes, code, words):
    with pytest.raises(UserError) as caught:
        ClassTable.from_json(classes)
    assert caught.value.code == code
    assert caught.match(f"(?s){words}")
    assert caught.value.hint


def test_default_colors_can_be_told_apart():
    colors = [default_color(index) for index in range(21)]
    assert all(math.dist(first, second) > 25 for first, second in combinations(colors, 2))
    assert all(0 <= part <= 255 for index in range(100) for part in default_color(index))
