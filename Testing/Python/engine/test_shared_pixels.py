"""Classes that share pixels: a mask each, exact where pixels are known, in what a run leaves and in its readers."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from click.testing import CliRunner
from faults.tiny_bench import one_thread
from faults.tiny_run import NAME, QUICK, make_scans

from WeakMedSAMLib.contract.classes import ClassTable
from WeakMedSAMLib.contract.label_maps import read_label_maps_steps
from WeakMedSAMLib.contract.labels.cohort_labels import CohortLabels
from WeakMedSAMLib.contract.labels.label_files import write_label_file
from WeakMedSAMLib.contract.labels.painted import KIND
from WeakMedSAMLib.contract.labels.presence import PRESENT
from WeakMedSAMLib.contract.labels.volume_labels import VolumeLabels
from WeakMedSAMLib.contract.nrrd import read_fields, read_image
from WeakMedSAMLib.contract.results import LABELS, QUALITY, SEGMENTATION, probability_name
from WeakMedSAMLib.contract.runs import RunFolder, RunSettings
from WeakMedSAMLib.engine.cli.main import cli
from WeakMedSAMLib.engine.data.geometry import Geometry, slice_stack
from WeakMedSAMLib.engine.data.mask_tags import MaskClass
from WeakMedSAMLib.engine.data.segmentations import read_mask
from WeakMedSAMLib.engine.data.volumes import read_labels, write_volume
from WeakMedSAMLib.engine.features.preprocess import Frame, Intensity
from WeakMedSAMLib.engine.features.slices import VolumeSlices
from WeakMedSAMLib.engine.parts.assembly import DrawnClass, VolumeResult, assemble_result
from WeakMedSAMLib.engine.parts.label_layers import LabelLayers, compete
from WeakMedSAMLib.engine.runs.maker import make_run
from WeakMedSAMLib.engine.runs.result_overview import write_result_overview
from WeakMedSAMLib.engine.runs.results import write_result
from WeakMedSAMLib.engine.runs.worker import run_folder
from WeakMedSAMLib.engine.supervision.known_pixels import NOT_SHOWN, SHOWN, UNKNOWN, KnownPixels
from WeakMedSAMLib.engine.supervision.supervision import Supervision
from WeakMedSAMLib.studies.cases import Case

ROOT = Path(__file__).parents[3]
# A cyst is inside of the ball, the rod excludes both, the net may be anywhere.
TABLE = ClassTable.from_json(
    [
        {"name": "ball", "label_value": 1},
        {"name": "rod", "label_value": 2},
        {"name": "cyst", "label_value": 5, "known": {"inside_of": "ball"}},
        {"name": "net", "label_value": 300, "known": {"sharing": "free"}},
    ]
)
BALL, ROD, CYST, NET = range(4)
SHARES = np.array([[TABLE.may_share(one, other) for other in TABLE.names] for one in TABLE.names])
ALONE = ClassTable.from_names(["ball", "rod"])


def end(steps):
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            return ended.value


def asked(entry):
    return MaskClass(entry.name, (entry.label_value,))


# Who gets a pixel


@pytest.mark.parametrize(
    ("values", "wins"),
    [
        ([200, 0, 0, 0], [BALL]),
        ([200, 201, 0, 0], [ROD]),
        ([200, 200, 0, 0], [BALL]),
        ([200, 0, 130, 0], [BALL, CYST]),
        ([130, 0, 200, 128], [BALL, CYST, NET]),
        # The cyst beats the rod, which so takes nothing from the ball.
        ([150, 180, 200, 0], [BALL, CYST]),
        ([150, 220, 200, 130], [ROD, NET]),
        ([127, 0, 0, 255], [NET]),
        ([127, 127, 127, 127], []),
    ],
)
def test_classes_that_exclude_each_other_compete_and_others_share(values, wins):
    won = compete(np.array(values, np.uint8).reshape(4, 1, 1), SHARES, 127)
    assert np.flatnonzero(won).tolist() == wins
    soft = compete(np.array(values, np.float32).reshape(4, 1, 1) / 255, SHARES, 0.5)
    assert np.flatnonzero(soft).tolist() == wins


@pytest.mark.parametrize(
    ("known", "layers"),
    [
        ([{}, {}, {}], [0, 0, 0]),
        ([{}, {"inside_of": "a"}, {}], [0, 1, 0]),
        ([{}, {"inside_of": "a"}, {"inside_of": "b"}], [0, 1, 2]),
        ([{}, {"inside_of": "a"}, {"inside_of": "a"}], [0, 1, 1]),
        ([{"sharing": "free"}, {}, {}], [0, 1, 1]),
        ([{"inside_of": "nothing here"}, {}, {}], [0, 0, 0]),
    ],
)
def test_on_one_layer_are_only_classes_that_exclude_each_other(known, layers):
    table = ClassTable.from_json([{"name": name, "known": one} for name, one in zip("abc", known, strict=True)])
    assert table.layers == layers
    assert ClassTable().layers == []


def test_what_one_class_gets_is_taken_from_those_that_exclude_it_alone():
    layers, whole = LabelLayers(TABLE, (1, 2, 2)), np.ones((2, 2), bool)
    for column in (BALL, CYST, NET):
        layers.put(column, 0, whole)
    assert not layers.is_free(ROD, 0).any()
    corner = np.array([[True, False], [False, False]])
    layers.put(ROD, 0, corner)
    assert (layers.mask(ROD)[0] == corner).all()
    for column, wanted in ((BALL, ~corner), (CYST, ~corner), (NET, whole)):
        assert (layers.mask(column)[0] == wanted).all()
    assert layers.is_free(ROD, 0).sum() == 0


# One volume


def assembled(supervision, masks, size=(30, 24, 3), axis="k"):
    """The result of a volume, of masks by class: a number, or rows x columns in [0, 1]."""
    geometry = Geometry((0, 0, 0), (1.0, 1.0, 1.0), tuple(np.eye(3).ravel()), size)
    rows, columns = slice_stack(np.zeros(size[::-1]), axis).shape[1:]
    count = size["ijk".index(axis)]
    volume = VolumeSlices(
        "000", "p", supervision, SimpleNamespace(), Frame(rows, columns, 1.0, 1.0, 64), Intensity("given", 0, 1)
    )
    drawn = [
        DrawnClass(
            np.broadcast_to(np.float32(mask), (count, 64, 64)).copy(), np.arange(count), np.ones(count), np.ones(count)
        )
        for mask in masks
    ]
    source = SimpleNamespace(axis=axis, scan=SimpleNamespace(geometry=geometry))
    return geometry, assemble_result(source, volume, TABLE, drawn, 3)


def masks_of(result):
    return [(result.layers == entry.label_value).any(0) for entry in TABLE]


@pytest.mark.parametrize("axis", ["i", "j", "k"])
def test_known_pixels_of_classes_that_share_are_exact_to_the_voxel(axis):
    size = (30, 24, 18)
    rows, columns = slice_stack(np.zeros(size[::-1]), axis).shape[1:]
    pixels = np.random.default_rng(0).choice([SHOWN, NOT_SHOWN, UNKNOWN], (4, rows, columns)).astype(np.uint8)
    for column in (BALL, CYST):
        pixels[column][pixels[ROD] == SHOWN] = NOT_SHOWN
        pixels[ROD][pixels[column] == SHOWN] = NOT_SHOWN
    presence = np.full((size["ijk".index(axis)], 4), PRESENT, np.int8)
    supervision = Supervision(presence, KnownPixels([2], lambda _: pixels))
    _, result = assembled(supervision, (0.9, 0.8, 0.7, 0.6), size, axis)
    for column, mask in enumerate(masks_of(result)):
        found = slice_stack(mask, axis)[2]
        assert found[pixels[column] == SHOWN].all(), TABLE[column].name
        assert not found[pixels[column] == NOT_SHOWN].any(), TABLE[column].name
    assert all(each.any() for each in masks_of(result))
    assert not (masks_of(result)[ROD] & (masks_of(result)[BALL] | masks_of(result)[CYST])).any()


def test_volumes_and_confidence_count_shared_voxels_for_each_class():
    presence = np.full((3, 4), PRESENT, np.int8)
    _, result = assembled(Supervision(presence), (0.9, 0.0, 0.8, 0.7))
    ml = {name: one.volume_ml for name, one in result.quality.classes.items()}
    assert (ml["ball"], ml["cyst"], ml["net"], ml["rod"]) == (2.16, 2.16, 2.16, 0.0)


def test_a_guess_of_a_part_leaves_the_whole_as_it_is():
    presence = np.full((3, 4), PRESENT, np.int8)
    cyst = np.full((64, 64), 0.1)
    cyst[10:20, 10:20] = 0.4
    _, result = assembled(Supervision(presence), (0.9, 0.0, cyst, 0.0))
    ball, _rod, part, _net = masks_of(result)
    assert ball.all()
    assert 10 < part[1].sum() < 100


# Files


def written(folder, direction=(1, 1, 1)):
    geometry = Geometry((1.0, 2.0, 3.0), (1.0, 1.5, 2.0), tuple(np.diag(direction).astype(float).ravel()), (30, 24, 3))
    rng = np.random.default_rng(1)
    layers = np.zeros((1 + max(TABLE.layers), *geometry.shape), np.uint16)
    layers[0] = rng.choice([0, 1, 2], geometry.shape)
    layers[1] = rng.choice([0, 5], geometry.shape)
    layers[2] = rng.choice([0, 300], geometry.shape)
    assert TABLE.layers == [0, 0, 1, 2]
    probabilities = {value: rng.integers(0, 256, geometry.shape, np.uint8) for value in TABLE.label_values}
    result = VolumeResult(layers, probabilities)
    write_result(folder, result, geometry, TABLE, "k", {"run_id": "r"})
    return geometry, result


@pytest.mark.parametrize("direction", [(1, 1, 1), (1, 1, -1)], ids=["right-handed", "left-handed"])
@pytest.mark.parametrize("name", [LABELS, SEGMENTATION])
def test_files_keep_every_mask_whole(tmp_path, name, direction):
    geometry, result = written(tmp_path, direction)
    read, kept = read_mask(tmp_path / name), end(read_label_maps_steps(tmp_path / name))
    assert kept.shape == geometry.shape
    np.testing.assert_allclose(kept.ijk_to_ras, geometry.ijk_to_ras)
    turned = kept.turned()
    for entry, mask in zip(TABLE, masks_of(result), strict=True):
        assert np.array_equal(read.on(geometry, tmp_path).mask(asked(entry)), mask)
        assert np.array_equal(kept.layer(entry.label_value) == entry.label_value, mask)
        assert np.array_equal(turned.layer(entry.label_value) == entry.label_value, mask[::-1])
    assert read_fields(tmp_path / LABELS)["WeakMedSAM_run_id"] == "r"


def test_a_script_finds_masks_in_layers_as_in_a_label_map(tmp_path):
    """The line of docs/scripting.md."""
    _, result = written(tmp_path)
    write_volume(tmp_path / "flat.nrrd", result.layers[0], written(tmp_path)[0])
    line = "mask = (labels == value).reshape(*labels.shape[:3], -1).any(-1)"
    assert f"    {line}\n" in (ROOT / "docs" / "scripting.md").read_text("utf-8")
    for name, wanted in ((LABELS, masks_of(result)), ("flat.nrrd", masks_of(result)[:2])):
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / name)))
        for entry, mask in zip(TABLE, wanted, strict=False):
            found = {"labels": labels, "value": entry.label_value}
            exec(line, found)
            assert np.array_equal(found["mask"], mask)


def test_slicer_opens_the_segmentation_with_every_mask_whole(tmp_path, slicer_nodes):
    _, result = written(tmp_path)
    opened = slicer_nodes.segmentation(tmp_path / SEGMENTATION)
    assert [segment.name for segment in opened.segments] == TABLE.names
    for segment, mask in zip(opened.segments, masks_of(result), strict=True):
        assert np.array_equal(segment.mask, mask)


def test_where_classes_exclude_each_other_there_is_a_label_map_as_ever(tmp_path):
    geometry = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), tuple(np.eye(3).ravel()), (5, 4, 3))
    layers = np.random.default_rng(2).integers(0, 3, (1, *geometry.shape)).astype(np.uint8)
    write_result(tmp_path, VolumeResult(layers), geometry, ALONE, "k")
    image = read_image(tmp_path / LABELS)
    assert np.array_equal(image.array, layers[0])
    assert sorted(image.fields) == ["WeakMedSAM_SliceAxis"]
    kept = end(read_label_maps_steps(tmp_path / LABELS))
    assert np.array_equal(kept.layer(2), layers[0])
    assert kept.layer_of == {}


def test_masks_of_before_of_classes_that_may_share_are_read_as_they_are(tmp_path):
    """A run of an older version left one label map, whatever was said of its classes."""
    geometry = Geometry((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), tuple(np.eye(3).ravel()), (5, 4, 3))
    labels = np.random.default_rng(2).choice([0, 1, 5], geometry.shape).astype(np.uint16)
    write_volume(tmp_path / LABELS, labels, geometry)
    kept, read = end(read_label_maps_steps(tmp_path / LABELS)), read_mask(tmp_path / LABELS)
    for entry in TABLE:
        assert np.array_equal(kept.layer(entry.label_value) == entry.label_value, labels == entry.label_value)
        assert np.array_equal(read.mask(asked(entry)), labels == entry.label_value)


def test_masks_on_layers_that_do_not_hold_them_are_refused(tmp_path):
    geometry, result = written(tmp_path)
    wrong = result.layers.copy()
    wrong[0, 0, 0, 0] = 5
    for layers in (wrong, result.layers[:1]):
        with pytest.raises(ValueError, match=r"layer 0|not unsigned"):
            write_result(tmp_path, VolumeResult(layers), geometry, TABLE, "k")


# Whole runs

SHORT = {
    **QUICK,
    **{"classifier_steps": 5, "segmenter_steps": 2, "rounds": 1, "pam": False},
    **dict.fromkeys(("random_walker", "grey_edges", "surest_slice", "handing_anew"), False),
}


def said_of(number, drawn):
    volume = VolumeLabels(f"scan {number}", n_slices=7, size=(36, 40, 7), numbering="slicer")
    for name in TABLE.names:
        volume.tag_range(name, 2, 4)
    for name, mask in drawn.items():
        KIND.put(volume, name, 3, "drawn", mask)
    return volume


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run of two scans, a cyst drawn in a drawn ball, a net over these and the rod; what was drawn, by class."""
    out = tmp_path_factory.mktemp("shared")
    scans = make_scans(out)
    drawn = {name: np.zeros((40, 36), np.uint8) for name in TABLE.names}
    drawn["ball"][8:20, 6:19] = 1
    drawn["cyst"][10:14, 8:12] = 1
    drawn["net"][12:28, 10:22] = 1
    drawn["rod"][25:30, 13:28] = 1
    volumes = [said_of(0, drawn), said_of(1, {})]
    settings = RunSettings(
        device="cpu", backbone=NAME, overrides={**QUICK, "classifier_steps": 5, "segmenter_steps": 2}
    )
    places = make_run(out / "run", scans, CohortLabels(TABLE, volumes), settings)
    with one_thread():
        run_folder(places.path, cache_root=out / "cache")
    return SimpleNamespace(places=places, drawn=drawn, scans=scans, out=out)


def drawn_on(folder, name=LABELS):
    """What a result has of each class on the slice that was drawn."""
    read = read_mask(folder / name)
    return {entry.name: read.mask(asked(entry))[3] for entry in TABLE}


def assert_exact(folder, drawn):
    for name in (LABELS, SEGMENTATION):
        for class_name, mask in drawn_on(folder, name).items():
            assert np.array_equal(mask, drawn[class_name] == 1), (name, class_name)
    for entry in TABLE:
        probability = read_labels(folder / probability_name(entry.label_value))[0][3]
        assert np.array_equal(probability == 255, drawn[entry.name] == 1), entry.name


def test_of_what_is_drawn_in_a_run_no_pixel_is_lost(ran):
    folder = ran.places.results("000")
    assert_exact(folder, ran.drawn)
    quality = json.loads((folder / QUALITY).read_text("utf-8"))
    for entry in TABLE:
        pixels = quality["classes"][entry.name]["pixels"]
        assert pixels[3] == ran.drawn[entry.name].sum()
        mask = read_mask(folder / LABELS).mask(asked(entry))
        assert pixels == np.count_nonzero(mask, axis=(1, 2)).tolist()


def test_an_update_keeps_what_is_shared(ran):
    again = {name: mask.copy() for name, mask in ran.drawn.items()}
    again["cyst"][10:14, 8:17] = 1
    write_label_file(ran.out / "corrected.json", CohortLabels(TABLE, [said_of(0, again)]))
    words = ("update", ran.places.path, "--tags", ran.out / "corrected.json", "--out", ran.out / "updated")
    with one_thread():
        ended = CliRunner().invoke(cli, [*map(str, words), "--cache", str(ran.out / "cache"), "--steps", "2"])
    assert ended.exit_code == 0, ended.output
    (run,) = (ran.out / "updated").glob("run-*")
    assert_exact(RunFolder(run).results("000"), again)


def test_evaluate_scores_each_mask_whole(ran):
    folder = ran.places.results("000")
    words = ("evaluate", "--prediction", folder / LABELS, "--reference", folder / SEGMENTATION)
    labels = ",".join(f"{entry.name}={entry.label_value}" for entry in TABLE)
    ended = CliRunner().invoke(cli, [*map(str, words), "--labels", labels])
    assert ended.exit_code == 0, ended.output
    found = json.loads(ended.stdout)
    assert {name: found[name]["patient_dice"] for name in TABLE.names} == dict.fromkeys(TABLE.names, 1.0)
    case = Case("scan 0", ran.scans[0], folder / LABELS, "p")
    for entry in TABLE:
        mask = case.masks_in(folder / LABELS, TABLE)[entry.name]
        assert np.array_equal(mask, read_mask(folder / LABELS).mask(asked(entry)))


def test_pictures_show_a_class_that_lies_in_another(ran):
    write_result_overview(ran.out / "overview.png", ran.places, "000")
    from matplotlib.image import imread

    pictures = [ran.out / "overview.png", ran.places.results("000") / "preview.png"]
    for path in pictures:
        picture = np.rint(imread(path)[..., :3] * 255).astype(int)
        for entry in TABLE:
            near = np.abs(picture - entry.color).max(-1) < 30
            assert near.sum() > 5, (path.name, entry.name)
