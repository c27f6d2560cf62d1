"""The label files that documents show are ones, and all that can be said is in them."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from importlib import resources
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from WeakMedSAMLib.contract.knowledge import Knowledge
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.label_files import read_label_file
from WeakMedSAMLib.contract.labels.label_json import LABELS_VERSION
from WeakMedSAMLib.contract.labels.volume_labels import label_kinds
from WeakMedSAMLib.contract.nrrd import write_image

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads(resources.files("WeakMedSAMLib.contract").joinpath("schemas/tags.schema.json").read_text("utf-8"))
SHOWN = {
    document: [
        json.loads(block)
        for block in re.findall(r"```json\n(.*?)```", (ROOT / document).read_text("utf-8"), re.DOTALL)
        if "weakmedsam-tags" in block
    ]
    for document in ("README.md", "docs/scripting.md", "docs/labels.md")
}


def with_pixels(data, folder):
    """The example as a file, with files of pixels that fit beside it."""
    (folder / "labels").mkdir()
    for volume in data["volumes"]:
        painted = volume.get("labels", {}).get("painted")
        if painted is not None:
            voxels = np.zeros((len(painted["slices"]), *volume["size"][::-1]), np.uint8)
            voxels[:, :, :9] = 1
            write_image(folder / painted["file"], voxels, np.eye(4), encoding="gzip")
    path = folder / "tags.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


@pytest.mark.parametrize("document", list(SHOWN))
def test_examples_are_label_files_of_this_version(document, tmp_path):
    (data,) = SHOWN[document]
    assert data["version"] == LABELS_VERSION
    jsonschema.validate(data, SCHEMA)
    cohort = read_label_file(with_pixels(data, tmp_path))
    assert {one.code for one in check(cohort) if one.severity == "error"} == set()


def test_the_page_on_label_files_shows_everything():
    (data,) = SHOWN["docs/labels.md"]
    assert {*data["volumes"][0]["labels"], "slice_tags"} == {*label_kinds()}
    shown = {name for entry in data["classes"] for name in entry["known"]}
    assert shown == {one.name for one in fields(Knowledge)}
