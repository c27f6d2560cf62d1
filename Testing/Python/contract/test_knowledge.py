"""What is known of a class, in tables and files."""

from __future__ import annotations

import json
from importlib import resources

import jsonschema
import pytest

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.knowledge import Knowledge

SCHEMA = json.loads(resources.files("WeakMedSAMLib.contract").joinpath("schemas/tags.schema.json").read_text("utf-8"))


def table(**known):
    return ClassTable.from_json([{"name": "spleen", "known": known}])


def test_what_is_known_comes_back_and_nothing_is_written_where_nothing_is():
    said = {"side": "left", "brightness": "brighter", "pieces": "one", "smallest_ml": 50, "largest_ml": 900.5}
    made = table(**said, inside_of="body", sharing="free")
    assert made[0].known == Knowledge("left", "brighter", "one", 50, 900.5, "body", "free")
    assert ClassTable.from_json(made.to_json()) == made
    file = {"schema": "weakmedsam-tags", "version": 3, "classes": made.to_json(), "volumes": []}
    jsonschema.validate(file, SCHEMA)
    assert "known" not in table().to_json()[0]


@pytest.mark.parametrize(
    "known",
    [
        {"side": "port"},
        {"brightness": 1},
        {"smallest_ml": 0},
        {"largest_ml": -1.0},
        {"smallest_ml": 5, "largest_ml": 4},
        {"sides": "left"},
        {"sharing": None},
    ],
)
def test_bad_knowledge_is_refused(known):
    with pytest.raises(UserError) as caught:
        table(**known)
    assert caught.value.code == "bad_field"
