from __future__ import annotations

import io
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

from WeakMedSAMLib.contract.classes import ClassTable, SegmentClass
from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.data.orientation import view_of
from WeakMedSAMLib.engine.data.volumes import AXES, Geometry, slice_stack
from WeakMedSAMLib.engine.features.preprocess import Intensity
from WeakMedSAMLib.engine.pictures.overview import Findings, chosen_slices, overview_picture
from WeakMedSAMLib.engine.pictures.preview import preview_png

RED = (255, 0, 0)
CLASSES = ClassTable([SegmentClass("Läsion $x_1$", RED, 3)])
GREY = Intensity("given", 0.0, 1.0)


def geometry(direction=np.eye(3), size=(40, 30, 20), spacing=(1.0, 1.0, 2.0)):  # noqa: B008
    return Geometry((0.0, 0.0, 0.0), spacing, tuple(np.ravel(direction).tolist()), size)


def findings(place=None, classes=CLASSES, axis="k", **more):
    place = place or geometry()
    array = np.full(place.shape, 0.5, np.float32)
    labels = np.zeros(place.shape, np.uint8)
    labels[8:13, 10:20, 5:15] = classes.label_values[0]
    volume = SimpleNamespace(name="case", array=array, geometry=place)
    return Findings(volume, labels[None], classes, axis, GREY, **more)


def pixels(path):
    return np.rint(imread(path)[..., :3] * 255).astype(int)


def count(picture, colour, tolerance=25):
    return int((np.abs(picture - np.array(colour)).max(axis=2) <= tolerance).sum())


# ---- orientation: a landmark in the patient lands where a radiologist looks for it


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("mirror", [(1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, 1, 1)], ids=str)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (1, 0, 2), (2, 1, 0)], ids=str)
@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_landmarks_are_shown_on_the_right_side(axis, mirror, order, tilt):
    c, s = np.cos(tilt), np.sin(tilt)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    place = geometry(turn @ (np.eye(3) * mirror)[:, order], (9, 9, 9), (1.0, 1.0, 1.0))
    view = view_of(place, axis)
    index = np.stack(np.mgrid[:9, :9, :9][::-1], axis=-1) - 4.0
    anatomy = index @ place.axes.T
    plane = [view.shown(slice_stack(anatomy[..., n], axis)[4]) for n in range(3)]
    left, back, up = (p - p.mean() for p in plane)
    rows, columns = np.mgrid[-4:5, -4:5]
    down, right = {"axial": (back, left), "coronal": (-up, left), "sagittal": (-up, back)}[view.name]
    assert (down * rows).sum() > abs((down * columns).sum())
    assert (right * columns).sum() > abs((right * rows).sum())
    assert (
        view.edges
        == {
            "axial": ("R", "L", "A", "P"),
            "coronal": ("R", "L", "S", "I"),
            "sagittal": ("A", "P", "S", "I"),
        }[view.name]
    )


def test_pixels_keep_their_size_when_turned():
    view = view_of(geometry(np.eye(3)[:, [1, 0, 2]]), "k")
    assert view.transposed
    assert view.pixel_mm(2.0, 3.0) == (3.0, 2.0)


# ---- choice of slices


def test_slices_cover_what_matters_and_a_little_more():
    tags = np.zeros((20, 1), np.int8)
    tags[6] = 1
    shown = chosen_slices(findings(tags=tags), 6)
    assert len(shown) == 6
    assert shown[0] < 6
    assert {6, 12} <= set(shown)
    assert shown[-1] > 12


@pytest.mark.parametrize("wanted", [1, 2, 5, 12, 100])
def test_at_most_as_many_slices_as_asked(wanted):
    shown = chosen_slices(findings(), wanted)
    assert 1 <= len(shown) <= min(wanted, 20)
    assert shown == sorted(set(shown))
    assert 0 <= shown[0] <= shown[-1] < 20


def test_without_any_label_slices_are_spread_over_the_volume():
    empty = replace(findings(), layers=np.zeros((1, 20, 30, 40), np.uint8))
    shown = chosen_slices(empty, 4)
    assert (shown[0], shown[-1], len(shown)) == (0, 19, 4)


# ---- the picture


def test_outline_is_drawn_in_the_colour_of_its_class(tmp_path):
    overview_picture(tmp_path / "a.png", findings(), slices=[10])
    drawn = pixels(tmp_path / "a.png")
    overview_picture(tmp_path / "b.png", findings(), slices=[2])
    without = pixels(tmp_path / "b.png")
    assert count(drawn, RED) > count(without, RED) + 200


@pytest.mark.parametrize("axis", AXES)
def test_outline_lies_where_the_mask_lies(tmp_path, axis):
    """The centre of the red pixels of one panel is the centre of the mask, for true proportions and no crop."""
    shown = findings(axis=axis)
    index = {"k": 10, "j": 15, "i": 10}[axis]
    overview_picture(tmp_path / "a.png", shown, slices=[index])
    picture = pixels(tmp_path / "a.png")
    grey = np.abs(picture - 127).max(axis=2) < 4
    rows, columns = (np.flatnonzero(grey.mean(axis=along) > 0.3) for along in (1, 0))
    top, left = rows[0], columns[0]
    height, width = rows[-1] + 1 - top, columns[-1] + 1 - left
    red = np.argwhere((np.abs(picture - RED).max(axis=2) < 60)[top : top + height, left : left + width])
    view = view_of(shown.volume.geometry, axis)
    mask = view.shown(shown.stacks[0, index] > 0)
    row_mm, column_mm = {"k": (1, 1), "j": (2, 1), "i": (2, 1)}[axis]
    assert height / width == pytest.approx(mask.shape[0] * row_mm / (mask.shape[1] * column_mm), rel=0.03)
    wanted = (np.argwhere(mask).mean(axis=0) + 0.5) / mask.shape
    extent = (red.min(axis=0) + red.max(axis=0)) / 2 / (height, width)
    np.testing.assert_allclose(extent, wanted, atol=0.015)


@pytest.mark.parametrize(("axis", "n_classes"), [("k", 1), ("j", 3), ("i", 12)])
def test_any_number_of_classes_tags_and_gaps_in_confidence(tmp_path, axis, n_classes):
    classes = ClassTable.from_names([f"_Klasse ä{n} $" for n in range(n_classes)])
    slices = {"k": 20, "j": 30, "i": 40}[axis]
    tags = np.resize(np.array([-1, 0, 1], np.int8), (slices, n_classes))
    confidence = [None, float("nan"), 0.5] * slices
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        overview_picture(
            tmp_path / "a.png",
            findings(classes=classes, axis=axis, tags=tags, confidence=confidence[:slices]),
            "$title_",
            max_slices=6,
        )
    assert pixels(tmp_path / "a.png").shape[0] > 300
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_every_class_is_in_the_legend(tmp_path):
    classes = ClassTable(
        [SegmentClass("a", RED, 3), SegmentClass("b", (0, 255, 0), 4), SegmentClass("c", (0, 0, 255), 5)]
    )
    overview_picture(tmp_path / "a.png", findings(classes=classes), slices=[0])
    picture = pixels(tmp_path / "a.png")
    assert min(count(picture, entry.color) for entry in classes) > 20


@pytest.mark.parametrize("size", [(40, 30, 1), (3, 200, 4), (1, 1, 2)])
def test_odd_shapes(tmp_path, size):
    place = geometry(size=size)
    array = np.linspace(0, 1, np.prod(size), dtype=np.float32).reshape(place.shape)
    shown = Findings(
        SimpleNamespace(name="x", array=array, geometry=place),
        np.zeros((1, *place.shape), np.uint8),
        CLASSES,
        "k",
        GREY,
    )
    overview_picture(tmp_path / "a.png", shown, max_slices=3)
    assert max(pixels(tmp_path / "a.png").shape) < 4000


def test_unwritable_place_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere") as refused:
        overview_picture(tmp_path / "nowhere" / "a.png", findings(), slices=[1])
    assert refused.value.code == "cannot_write"


# ---- previews


def test_preview_shows_outline_and_image():
    image = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))
    mask = np.zeros((48, 64), np.uint8)
    mask[10:30, 20:40] = 7
    mask[35:40, 5:10] = 9
    data = preview_png(image, mask, {7: RED})
    assert len(data) < 20_000
    picture = np.rint(imread(io.BytesIO(data))[..., :3] * 255).astype(int)
    assert picture.shape == (192, 256, 3)
    red = np.argwhere((picture == RED).all(axis=2))
    assert (red.min(axis=0).tolist(), red.max(axis=0).tolist()) == ([40, 80], [119, 159])
    assert len(red) == 4 * 80 - 4
    assert picture[0, 0].tolist() == [0, 0, 0]
    assert picture[0, -1].tolist() == [255, 255, 255]


def test_preview_takes_a_bool_mask_and_bad_numbers():
    image = np.full((300, 20), np.nan)
    image[0, 0] = 7
    picture = imread(io.BytesIO(preview_png(image, np.ones((300, 20), bool), {1: (0, 255, 0)})))
    assert picture.shape[:2] == (300, 20)
    assert count(np.rint(picture[..., :3] * 255).astype(int), (0, 255, 0), 0) == 2 * 300 + 2 * 20 - 4


def test_a_slice_on_which_a_class_is_missing_is_framed(tmp_path):
    tags = np.full((20, 1), 0, np.int8)
    tags[8:13] = 1
    overview_picture(tmp_path / "right.png", findings(tags=tags), slices=[9, 10])
    tags[14] = 1
    overview_picture(tmp_path / "missing.png", findings(tags=tags), slices=[9, 14])
    frames = [count(pixels(tmp_path / name), (255, 107, 94), 8) for name in ("right.png", "missing.png")]
    assert frames[1] > frames[0] + 500


@pytest.mark.parametrize(("value", "framed"), [(0.2, True), (0.8, False), (None, False), (np.nan, False)])
def test_a_slice_that_is_probably_wrong_is_framed(tmp_path, value, framed):
    tags, confidence = np.full((20, 1), 0, np.int8), [None] * 20
    tags[8:13] = 1
    overview_picture(tmp_path / "unknown.png", findings(tags=tags), slices=[9])
    confidence[9] = value
    overview_picture(tmp_path / "known.png", findings(tags=tags, confidence=confidence), slices=[9])
    frames = [count(pixels(tmp_path / name), (255, 107, 94), 8) for name in ("unknown.png", "known.png")]
    assert (frames[1] > frames[0] + 500) == framed
