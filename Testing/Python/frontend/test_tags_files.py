"""Tags that go out to files and come back by the section of slice tags."""

from __future__ import annotations

import json

import pytest
import qt
from flows.bench import N_SLICES, volume_node


@pytest.mark.parametrize("suffix", [".json", ".csv", ""])
def test_tags_go_out_to_a_file_and_come_back(ready, host, tmp_path, suffix):
    path = tmp_path / f"tags ü{suffix}"
    ready.actions.tagRange("Lesion", 3, 12)
    host.dialogs.answer(str(path))
    ready.choose_entry("export")
    ready.choose_entry("clearClass")
    host.dialogs.answer(str(path) if suffix else f"{path}.json", qt.QMessageBox.Ok)
    ready.choose_entry("import")
    assert ready.counts() == (10, N_SLICES - 10, 0)
    assert any("'MR ü': tags imported." in text for text in host.dialogs.texts)


def test_a_bad_file_is_told_and_changes_nothing(ready, host, tmp_path):
    path = tmp_path / "tags.json"
    path.write_text(json.dumps({"schema": "other"}), "utf-8")
    before = ready.logic.session.toJson()
    host.dialogs.answer(str(path), qt.QMessageBox.Ok)
    ready.choose_entry("import")
    assert "not a slice tag file" in host.dialogs.texts[-1]
    host.dialogs.answer("")
    ready.choose_entry("import")
    assert ready.logic.session.toJson() == before


def test_tags_of_a_scan_that_is_not_loaded_wait_for_it(ready, host, tmp_path):
    other = volume_node(host, "second", 12, seed=5)
    key = ready.logic.identifyNow(other)
    ready.logic.session.tagRange(key, "Lesion", 2, 4)
    path = tmp_path / "tags.csv"
    host.dialogs.answer(str(path))
    ready.choose_entry("export")
    host.closeScene()
    host.dialogs.answer(str(path), qt.QMessageBox.Ok)
    ready.choose_entry("import")
    assert "its tags are kept for when it is loaded" in host.dialogs.texts[-1]
    again = volume_node(host, "second under another name", 12, seed=5)
    ready.choose(again)
    assert ready.counts() == (3, 9, 0)
    assert ready.logic.session.volume(key).name == "second under another name"
