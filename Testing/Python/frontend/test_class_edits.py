"""What is known of classes follows when classes are renamed and removed."""

from __future__ import annotations

import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.frontend.labels.class_edits import withChanged, without


@pytest.fixture
def table():
    return ClassTable.from_json([{"name": "liver"}, {"name": "cyst", "known": {"inside_of": "liver", "pieces": "one"}}])


def test_a_part_stays_inside_of_what_is_called_otherwise(table):
    changed = withChanged(table, "liver", name="hepar", color=(1, 2, 3))
    assert (changed.names, changed[0].color, changed[1].known.inside_of) == (["hepar", "cyst"], (1, 2, 3), "hepar")
    assert withChanged(table, "liver", color=(1, 2, 3))[1] == table[1]
    with pytest.raises(UserError) as caught:
        withChanged(table, "liver", name="cyst")
    assert caught.value.code == "duplicate_class"


def test_a_part_of_what_is_removed_is_a_part_of_nothing(table):
    (cyst,) = without(table, "liver")
    assert (cyst.known.inside_of, cyst.known.pieces) == (None, "one")
    with pytest.raises(UserError, match="no class"):
        without(table, "spleen")
