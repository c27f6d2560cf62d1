"""A new kind of label is one file in the contract and one function in supervision: nothing that is there is edited."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from faults.tiny_bench import one_thread
from faults.tiny_run import different, make_scans, make_tiny_run, outputs

from WeakMedSAMLib.contract import labels as kinds_folder
from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.events import Warning_
from WeakMedSAMLib.contract.labels.checks import check
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.contradictions import Contradiction, contradictions
from WeakMedSAMLib.contract.labels.label_files import read_label_file, write_label_file
from WeakMedSAMLib.contract.labels.label_json import labels_from_json, labels_to_json
from WeakMedSAMLib.contract.labels.presence import ABSENT, PRESENT, UNTAGGED
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels, label_kinds
from WeakMedSAMLib.contract.runs import load_run
from WeakMedSAMLib.engine import supervision as supervision_folder
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.engine.supervision.supervision import supervise

KIND = "toy_points"
# One click: this slice shows the class, whatever its tag.
CONTRACT = '''
"""Points: slices on which somebody clicked at a class."""

import numpy as np

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.contract.labels.problems import Problem
from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED


class ToyPoints:
    name = "toy_points"
    trust = 400

    def _points(self, labels):
        return labels.further.get(self.name, ())

    def _put(self, labels, points):
        points = tuple(sorted(set(points)))
        labels.further = {**labels.further, self.name: points} if points else labels.further

    def class_names(self, labels):
        return [name for name, _ in self._points(labels)]

    def said(self, labels):
        points = self._points(labels)
        return {name: [index for one, index in points if one == name] for name, _ in points}

    def states(self, labels):
        rows = {}
        for name, slices in self.said(labels).items():
            rows[name] = np.full(max(slices) + 1, UNTAGGED, np.int8)
            rows[name][slices] = PRESENT
        return rows

    def to_json(self, labels):
        return [{"class": name, "slice": index} for name, index in self._points(labels)]

    def from_json(self, data, labels):
        if not isinstance(data, list):
            raise UserError("bad_field", "The points are no list.", "Correct the file.")
        self._put(labels, [(one["class"], one["slice"]) for one in data])

    def check(self, classes, volumes):
        for volume in volumes:
            for name in self.said(volume):
                if len(self.said(volume)[name]) == 1:
                    yield Problem("warning", "one_point", f"Class {name!r} has one point.", "Click at it once more.")

    def settle(self, labels):
        for _, index in self._points(labels):
            labels.require_slice(index)

    def turn(self, labels):
        self._put(labels, [(name, labels.n_slices - 1 - index) for name, index in self._points(labels)])

    def rename(self, labels, names):
        kept = [(names[name], index) for name, index in self._points(labels) if name in names]
        labels.further = {kind: said for kind, said in labels.further.items() if kind != self.name}
        self._put(labels, kept)

    def lay_over(self, labels, below):
        self._put(labels, [*self._points(labels), *self._points(below)])
        return 0


KIND = ToyPoints()
'''
ENGINE = '''
"""What points mean: the slice shows the class."""

import numpy as np

from WeakMedSAMLib.contract.labels.presence import PRESENT, UNTAGGED
from WeakMedSAMLib.engine.supervision.supervision import Supervision


def supervise(labels, classes):
    presence = np.full((labels.n_slices, len(classes)), UNTAGGED, np.int8)
    for name, index in labels.further.get("toy_points", ()):
        presence[index, classes.index(name)] = PRESENT
    return Supervision(presence)
'''
TABLE = ClassTable.from_names(["ball", "rod"])


def new_file(monkeypatch, folder, package, source):
    """Put a file beside those of a package, as a patch of the program would."""
    folder.mkdir()
    (folder / f"{KIND}.py").write_text(source, encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.delitem(sys.modules, f"{package.__name__}.{KIND}", raising=False)


def forget():
    label_kinds.cache_clear()
    for name in [name for name in sys.modules if name.endswith(f".{KIND}")]:
        del sys.modules[name]


@pytest.fixture
def kind(monkeypatch, tmp_path):
    """The program with the new kind: two new files."""
    new_file(monkeypatch, tmp_path / "contract", kinds_folder, CONTRACT)
    new_file(monkeypatch, tmp_path / "engine", supervision_folder, ENGINE)
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.fixture(scope="module")
def tagged(tmp_path_factory):
    """The tiny run, by slice tags alone."""
    folder = tmp_path_factory.mktemp("tagged")
    scans = make_scans(folder)
    places = make_tiny_run(folder / "out", scans)
    ran(places, folder)
    return SimpleNamespace(places=places, scans=scans, outputs=outputs(places))


def ran(places, folder):
    events = []
    with one_thread():
        run_folder(places.path, report=events.append, cache_root=folder / "cache")
    return [event for event in events if isinstance(event, Warning_)]


def labels(**values) -> VolumeLabels:
    volume = VolumeLabels("one", "ab" * 32, n_slices=7, **values)
    volume.tag_range("ball", 2, 4)
    return volume


def with_points(*points, **values) -> VolumeLabels:
    return labels(further={KIND: tuple(points)}, **values)


@pytest.mark.usefixtures("kind")
def test_it_survives_a_file(tmp_path):
    cohort = CohortLabels(TABLE, [with_points(("rod", 5), ("ball", 6)), VolumeLabels("two")])
    write_label_file(tmp_path / "tags.json", cohort)
    assert read_label_file(tmp_path / "tags.json") == cohort
    record = labels_to_json(cohort)["volumes"]
    assert record[0]["labels"] == {KIND: [{"class": "rod", "slice": 5}, {"class": "ball", "slice": 6}]}
    assert "labels" not in record[1]
    assert read_label_file(tmp_path / "tags.json") != CohortLabels(TABLE, [labels(), VolumeLabels("two")])


@pytest.mark.usefixtures("kind")
def test_a_file_of_it_is_checked(tmp_path):
    data = labels_to_json(CohortLabels(TABLE, [with_points(("rod", 5))]))
    assert [one.code for one in check(labels_from_json(data)) if "point" in one.code] == ["one_point"]
    for points, code in (
        (7, "bad_field"),
        ([{"class": "rod", "slice": 7}], "slice_out_of_range"),
        ([{"class": "cone", "slice": 1}], "unknown_class"),
    ):
        data["volumes"][0]["labels"][KIND] = points
        with pytest.raises(UserError) as caught:
            labels_from_json(data)
        assert caught.value.code == code


@pytest.mark.usefixtures("kind")
def test_it_goes_where_slices_and_classes_go():
    volume = with_points(("rod", 5), ("ball", 6))
    assert volume.turned().further[KIND] == (("ball", 0), ("rod", 1))
    assert volume.with_classes({"rod": "bar"}).further[KIND] == (("bar", 5),)
    assert replace(volume, name="other").further[KIND] == volume.further[KIND]
    merged, replaced = labels().with_below(volume)
    assert (merged.further[KIND], replaced) == ((("ball", 6), ("rod", 5)), 0)
    assert volume.is_said("rod")
    assert not labels().is_said("rod")


@pytest.mark.usefixtures("kind")
def test_a_class_that_only_it_shows_is_shown():
    volume = with_points(("rod", 5), ("rod", 6))
    codes = [one.code for one in check(CohortLabels(TABLE, [volume])) if one.severity == "error"]
    assert codes == ["class_never_absent"]  # of the rod; without points it would never be present
    assert volume.presence("rod").tolist() == [UNTAGGED] * 5 + [PRESENT] * 2


@pytest.mark.usefixtures("kind")
def test_the_more_trusted_kind_counts_and_the_contradiction_is_told():
    volume = with_points(("ball", 3), ("ball", 5), ("ball", 6))
    assert supervise(volume, TABLE).presence[:, 0].tolist() == [ABSENT, ABSENT, *[PRESENT] * 5]
    assert contradictions(volume) == []  # absent only as the rest
    volume.set_range("ball", 5, 6, ABSENT)
    assert supervise(volume, TABLE).presence[:, 0].tolist() == [ABSENT, ABSENT, *[PRESENT] * 5]
    assert contradictions(volume) == [Contradiction("ball", KIND, "slice_tags", (5, 6))]


@pytest.mark.usefixtures("kind")
def test_it_changes_the_masks_of_a_run(tagged, tmp_path):
    given = read_label_file(tagged.places.tags)
    pointed = replace(given.volumes[0], sha256=None, further={KIND: (("ball", 6), ("rod", 1))})
    pointed.set("ball", 6, ABSENT)  # said of the slice itself, unlike those where the rod is not
    cohort = CohortLabels(given.classes, [pointed, given.volumes[1]])
    places = make_run(tmp_path / "out", tagged.scans, cohort, load_run(tagged.places.path).settings)
    assert KIND in read_label_file(places.tags).volumes[0].further
    warnings = ran(places, tmp_path)
    changed = different(outputs(places), tagged.outputs)
    assert any(name.endswith("labels.nrrd") for name in changed)
    assert [one.message.count(KIND) for one in warnings if one.code == "labels_contradict"] == [1]


def test_without_it_the_run_is_the_same(tagged, tmp_path):
    """By a program that does not know the kind: its labels are kept, said to be unused, and change nothing."""
    given = read_label_file(tagged.places.tags)
    points = [{"class": "ball", "slice": 6}]
    cohort = CohortLabels(given.classes, [replace(given.volumes[0], further={KIND: points}), given.volumes[1]])
    places = make_run(tmp_path / "out", tagged.scans, cohort, load_run(tagged.places.path).settings)
    warnings = ran(places, tmp_path)
    assert [one.code for one in warnings].count("label_kind_unknown") == 1
    assert read_label_file(places.tags).volumes[0].further == {KIND: points}
    changed = different(outputs(places), tagged.outputs)
    assert [name for name in changed if name.endswith("labels.nrrd")] == []


def test_an_unknown_kind_is_not_moved_to_other_slices():
    volume = labels(further={KIND: [{"class": "ball", "slice": 6}]})
    with pytest.raises(UserError) as caught:
        volume.turned()
    assert caught.value.code == "label_kind_not_turned"
    assert volume.is_said()
    assert volume != labels()


def test_csv_says_what_it_leaves_out(tmp_path):
    source = tmp_path / "tags.json"
    write_label_file(source, CohortLabels(TABLE, [labels(further={KIND: [1.5]})]))
    assert read_label_file(source).volumes[0].further == {KIND: [1.5]}
    for name, told in (("other.json", 0), ("other.csv", 1)):
        result = CliRunner().invoke(cli, ["tags", "convert", str(source), str(tmp_path / name)])
        assert result.exit_code == 0
        assert result.output.count("CSV holds slice tags alone") == told


def test_kinds_are_found_by_their_folders_and_named_nowhere():
    root = Path(kinds_folder.__file__).parents[2]
    assert [path for path in root.rglob("*.py") if KIND in path.read_text(encoding="utf-8")] == []
    known = {path.stem for path in Path(supervision_folder.__file__).parent.glob("*.py")}
    assert "slice_tags" in label_kinds()
    assert {*label_kinds()} <= known
