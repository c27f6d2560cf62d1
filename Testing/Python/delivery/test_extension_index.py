"""What Slicer's Extensions Index asks of a repository and of WeakMedSAM.json; see docs/EXTENSION_INDEX.md."""

from __future__ import annotations

import json
import re
import struct
from urllib.parse import urlsplit

import jsonschema
import pytest

OWNER = "SLICERWEAKMEDSAM_OWNER"
REPOSITORY = "SlicerWeakMedSAM"
SCHEMA = (
    "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.2.json#"
)
TEXT, LIST, YES_OR_NO = {"type": "string"}, {"type": "array", "items": {"type": "string"}}, {"type": "boolean"}
# What the schema of that address asks, in our words: it is under Slicer's licence and is not copied here.
RULES = {
    "type": "object",
    "required": ["$schema", "category", "scm_url"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": SCHEMA},
        "category": TEXT,
        "scm_url": TEXT,
        "scm_revision": TEXT,
        "scm_type": {"enum": ["git", "local"]},
        "build_dependencies": LIST,
        "dicom_support_rule": TEXT,
        "build_subdirectory": TEXT,
        "enabled": YES_OR_NO,
        "tier": {"type": "integer", "minimum": 1, "maximum": 5},
    },
}
LONGEST_DESCRIPTION = 250
MOST_MEGABYTES = 100


@pytest.fixture(scope="module")
def entry(root):
    """The entry of the catalogue."""
    return json.loads((root / "WeakMedSAM.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cmake(root):
    """The EXTENSION_... variables of the CMake file at the root, read as the Extensions Index reads them."""
    text = (root / "CMakeLists.txt").read_text(encoding="utf-8")
    return dict(re.findall(r'set\(EXTENSION_(\w+) "([^"]+)"\)', text)) | {
        "PROJECT": re.search(r"project\((\w+)", text)[1]
    }


@pytest.fixture(scope="module")
def described(root):
    """The fields of WeakMedSAM.s4ext."""
    lines = (root / "WeakMedSAM.s4ext").read_text(encoding="utf-8").splitlines()
    return dict(line.partition(" ")[::2] for line in lines if line and not line.startswith("#"))


def test_entry_is_valid_by_schema_1_0_2(root, entry):
    jsonschema.validate(entry, RULES)
    assert b"\r" not in (root / "WeakMedSAM.json").read_bytes()


@pytest.mark.parametrize(
    "change", [{"tier": 6}, {"tier": "1"}, {"owner": "me"}, {"category": None}, {"scm_type": "svn"}, {"enabled": 1}]
)
def test_the_rules_refuse_what_the_schema_refuses(entry, change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(entry | change, RULES)


def test_entry_description_and_cmake_agree(entry, cmake, described):
    assert cmake["PROJECT"] == "WeakMedSAM"
    assert cmake["DEPENDS"].split() == described["depends"].split() == entry["build_dependencies"]
    assert cmake["CATEGORY"] == described["category"] == entry["category"]
    assert cmake["HOMEPAGE"] == described["scmurl"] == entry["scm_url"]
    assert described["scmrevision"] == entry["scm_revision"]
    for name in ("CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "STATUS", "KEYWORDS"):
        assert cmake[name] == described[name.lower()]
    assert int(described["tier"]) == entry["tier"]


def test_name_of_the_repository_and_one_placeholder_for_its_owner(root, entry, cmake):
    assert urlsplit(entry["scm_url"]).path == f"/{OWNER}/{REPOSITORY}"
    for text in (json.dumps(entry), *cmake.values()):
        for host, owner, repository in re.findall(r"https://(github\.com|raw\.\w+\.com)/([^/\"]+)/(\w+)", text):
            if repository != "Slicer":
                assert (owner, repository) == (OWNER, REPOSITORY), f"made up: {host}"
    assert "github.com/SLICERWEAKMEDSAM_OWNER" not in (root / "README.md").read_text(encoding="utf-8")


def test_pictures_are_there_and_the_icons_are_128_by_128(root, cmake):
    before = f"https://raw.githubusercontent.com/{OWNER}/{REPOSITORY}/main/"
    screenshots = cmake["SCREENSHOTURLS"].split()
    assert len(screenshots) >= 3
    for address in (cmake["ICONURL"], *screenshots):
        assert (root / address.removeprefix(before)).is_file(), address
    for icon in (cmake["ICONURL"].removeprefix(before), "WeakMedSAM/Resources/Icons/WeakMedSAM.png"):
        assert struct.unpack(">2I", (root / icon).read_bytes()[16:24]) == (128, 128)


def test_description_is_a_sentence_or_two(cmake):
    assert len(cmake["DESCRIPTION"]) <= LONGEST_DESCRIPTION
    assert cmake["DESCRIPTION"].endswith(".")
    assert len(cmake["KEYWORDS"].split()) >= 5


def test_homepage_says_what_the_index_asks_for(root):
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# WeakMedSAM\n")
    for words in (
        "The module **WeakMedSAM**",
        "Apache License",
        "arxiv.org/abs/2503.04106",
        "## How to cite",
        "Tutorial",
    ):
        assert words in readme, words
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", readme)
    assert len(pictures) >= 3
    for picture in pictures:
        assert (root / picture).is_file(), picture
    assert (root / "LICENSE").read_text(encoding="utf-8").strip().startswith("Apache License")


def test_repository_is_small(root):
    folders = ("Resources", "Testing", "WeakMedSAM", "WeakMedSAMLib", "docs", "Utilities")
    size = sum(path.stat().st_size for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    assert size < MOST_MEGABYTES * 2**20


def test_every_place_that_the_list_names_is_there(root):
    text = (root / "docs" / "EXTENSION_INDEX.md").read_text(encoding="utf-8")
    named = re.findall(r"`([A-Za-z.][\w./-]*(?:/|\.(?:py|md|txt|json|yml|png|ini|toml|lock)))`", text)
    assert len(named) > 15
    for name in named:
        assert (root / name).exists(), name
    rows = [line for line in text.splitlines() if re.match(r"\| \d", line)]
    assert [row.split("|")[1].strip() for row in rows] == [f"1.{n}" for n in range(1, 20)] + [
        f"3.{n}" for n in range(1, 8)
    ]
    assert all(re.search(r"\| (met|not yet|when published) \|", row) for row in rows)
