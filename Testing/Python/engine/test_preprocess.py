from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.engine.features.preprocess import (
    CHEST,
    SOFT_TISSUE,
    Frame,
    Intensity,
    as_learned,
    choose_intensity,
    in_common,
    learned_window,
    to_unit,
)

# ---- intensity


def ct(lung_share, rng):
    """Half air, half body; a share of the body is lung."""
    values = np.where(rng.random(40_000) < 0.5, -1000, 40)
    body = values > 0
    values[body & (rng.random(40_000) < lung_share)] = -800
    return (values + rng.normal(0, 20, values.shape)).astype(np.int16).reshape(40, 40, 25)


def mr(rng):
    values = np.where(rng.random((20, 40, 40)) < 0.6, 0, rng.normal(500, 100, (20, 40, 40)))
    return values.clip(0).astype(np.int16)


@pytest.mark.parametrize(("share", "window"), [(0.0, SOFT_TISSUE), (0.08, SOFT_TISSUE), (0.3, CHEST)])
def test_ct_gets_the_window_of_its_region(share, window):
    chosen = choose_intensity(ct(share, np.random.default_rng(0)))
    assert (chosen.kind, chosen.low, chosen.high) == ("ct_window", *window)
    assert "CT" in chosen.reason


@pytest.mark.parametrize("padding", [-3024, -2000, -32768])
def test_ct_padding_changes_nothing(padding):
    array = ct(0.0, np.random.default_rng(0))
    padded = np.pad(array, ((0, 0), (10, 10), (10, 10)), constant_values=padding)
    assert choose_intensity(padded) == choose_intensity(array)


def test_mr_gets_percentiles_of_its_foreground():
    array = mr(np.random.default_rng(0))
    chosen = choose_intensity(array)
    assert chosen.kind == "percentile"
    foreground = array[array > 0.01 * np.percentile(array, 99.5)]
    assert (chosen.low, chosen.high) == pytest.approx(tuple(np.percentile(foreground, [0.5, 99.5])))
    # Not those of the whole volume, most of which is air.
    assert chosen.low > 200


def test_percentile_can_be_asked_for_on_ct():
    assert choose_intensity(ct(0.3, np.random.default_rng(0)), "percentile").kind == "percentile"


def test_given_range_is_kept():
    assert choose_intensity(np.zeros((1, 2, 3)), [-100, 300]) == Intensity("given", -100.0, 300.0, "as asked for")


@pytest.mark.parametrize("bad", ["ct", [1], [3, 3], [5, 1], [0, float("nan")], ["a", "b"], 7, [1, 2, 3], None])
def test_other_settings_are_refused_with_the_value(bad):
    with pytest.raises(UserError) as refused:
        choose_intensity(mr(np.random.default_rng(0)), bad)
    assert refused.value.code == "bad_intensity"
    assert repr(bad) in refused.value.message


def test_large_volumes_are_sampled_and_the_choice_hardly_moves():
    small = mr(np.random.default_rng(0))
    large = np.tile(small, (6, 8, 8))
    chosen, wanted = choose_intensity(large), choose_intensity(small)
    assert large.size > 10_000_000
    assert chosen.low == pytest.approx(wanted.low, rel=0.05)
    assert chosen.high == pytest.approx(wanted.high, rel=0.02)
    assert choose_intensity(large) == chosen


@pytest.mark.parametrize("array", [np.eye(4)[None], np.where(np.arange(5000) == 77, 9.0, 2.0).reshape(5, 10, 100)])
def test_hardly_any_foreground_still_gives_a_range(array):
    chosen = choose_intensity(array)
    assert chosen.low < chosen.high
    assert np.ptp(to_unit(array, chosen)) == 1


def test_unit_values():
    window = Intensity("given", -100.0, 100.0)
    source = np.array([[-500, -100, 0, 50, 100, 900]], np.int16)
    unit = to_unit(source, window)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(unit, [[0, 0, 0.5, 0.75, 1, 1]])
    assert source[0, 0] == -500
    extremes = to_unit(np.array([-128, 127], np.int8), Intensity("given", -128.0, 127.0))
    np.testing.assert_allclose(extremes, [0, 1])


def test_a_cohort_of_ct_shares_the_wide_window():
    rng = np.random.default_rng(0)
    abdomen, chest, brain = (choose_intensity(a) for a in (ct(0.0, rng), ct(0.4, rng), mr(rng)))
    shared = in_common([abdomen, chest, brain])
    assert [(i.low, i.high) for i in shared[:2]] == [CHEST, CHEST]
    assert shared[1] == chest
    assert shared[2] == brain
    assert in_common([abdomen, brain]) == [abdomen, brain]
    assert in_common([]) == []


def test_choice_is_recorded_as_json():
    chosen = choose_intensity(ct(0.3, np.random.default_rng(0)))
    assert Intensity.from_json(json.loads(json.dumps(chosen.to_json()))) == chosen
    assert asdict(chosen) == chosen.to_json()


@pytest.mark.parametrize("change", [{"low": 240.0}, {"high": float("nan")}, {"kind": "guess"}, {"low": "dark"}])
def test_a_range_that_is_none_is_refused(change):
    with pytest.raises(ValueError, match=r"range of grey values|convert"):
        Intensity.from_json({"kind": "ct_window", "low": -160.0, "high": 240.0, **change})


def test_a_model_keeps_the_range_that_all_its_volumes_shared():
    narrow, wide = Intensity("ct_window", *SOFT_TISSUE), Intensity("ct_window", *CHEST)
    asked, scaled = Intensity("given", 0.0, 500.0), Intensity("percentile", 3.0, 700.0)
    assert learned_window([narrow, narrow]) == narrow
    assert learned_window([asked]) == asked
    for mixed in ([], [scaled], [narrow, scaled], [narrow, wide]):
        assert learned_window(mixed) is None


def test_new_scans_get_the_range_that_the_model_learned_with():
    narrow, wide = Intensity("ct_window", *SOFT_TISSUE), Intensity("ct_window", *CHEST)
    asked, scaled = Intensity("given", 0.0, 500.0), Intensity("percentile", 3.0, 700.0)
    assert (as_learned(wide, narrow).low, as_learned(wide, narrow).high) == SOFT_TISSUE
    assert as_learned(scaled, narrow) == scaled
    assert (as_learned(scaled, asked).low, as_learned(scaled, asked).high) == (0.0, 500.0)
    assert as_learned(wide, None) == wide


@pytest.mark.parametrize(
    ("folder", "kind"), [("lgg_flair", "percentile"), ("chaos_t2spir", "percentile"), ("slicerio_ctchest", "ct_window")]
)
def test_real_scans_are_told_apart(folder, kind):
    from WeakMedSAMLib.engine.data.volumes import read_volume

    data = Path(__file__).parents[4] / "shared" / "data" / folder
    if not data.is_dir():
        pytest.skip("the shared data are not there")
    volume = read_volume(sorted(data.glob("*_image.nii.gz"))[0])
    chosen = choose_intensity(volume.array)
    assert chosen.kind == kind
    unit = to_unit(volume.array, chosen)
    assert np.mean((unit > 0.1) & (unit < 0.9)) > 0.05


# ---- frame


def test_square_slice_of_frame_size_comes_back_bit_for_bit():
    frame = Frame(256, 256, 0.94, 0.94)
    stack = np.random.default_rng(0).random((2, 256, 256), dtype=np.float32)
    np.testing.assert_array_equal(frame.to_frame(stack), stack)
    np.testing.assert_array_equal(frame.from_frame(frame.to_frame(stack)), stack)


@pytest.mark.parametrize(
    ("frame", "scaled"),
    [
        (Frame(128, 128, 3.0, 3.0), (256, 256)),
        (Frame(100, 200, 1.0, 1.0), (128, 256)),
        (Frame(34, 128, 10.0, 3.0), (227, 256)),
        (Frame(512, 256, 0.5, 1.0), (256, 256)),
        (Frame(1000, 1, 1.0, 1.0), (256, 1)),
        (Frame(145, 197, 0.625, 0.625, 512), (377, 512)),
    ],
)
def test_aspect_is_that_of_the_patient(frame, scaled):
    assert frame.scaled == scaled


FRAMES = st.builds(
    Frame,
    st.integers(1, 90),
    st.integers(1, 90),
    st.floats(0.3, 8),
    st.floats(0.3, 8),
    st.sampled_from([32, 64]),
)


@settings(max_examples=60, deadline=None)
@given(FRAMES, st.sampled_from([8, 16, 32, 64]), st.floats(0.01, 1))
def test_constants_come_back_and_padding_takes_no_part(frame, m, value):
    placed = frame.to_frame(np.full((2, frame.rows, frame.columns), value, np.float32))
    height, width = frame.scaled
    np.testing.assert_allclose(placed[:, :height, :width], value, rtol=1e-5)
    assert not placed[:, height:].any()
    assert not placed[:, :, width:].any()
    maps = np.full((2, m, m), -1e6, np.float32)
    maps[:, : int(np.ceil(height * m / frame.size)), : int(np.ceil(width * m / frame.size))] = value
    back = frame.from_frame(maps)
    assert back.shape == (2, frame.rows, frame.columns)
    np.testing.assert_allclose(back, value, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(20, 90),
    st.integers(20, 90),
    st.floats(0.5, 2),
    st.floats(0.5, 2),
    st.sampled_from([64, 128]),
    st.data(),
)
def test_places_come_back_to_a_fraction_of_a_pixel(rows, columns, row_mm, column_mm, m, data):
    frame = Frame(rows, columns, row_mm, column_mm, 128)
    y = data.draw(st.floats(6, rows - 7))
    x = data.draw(st.floats(6, columns - 7))
    yy, xx = np.mgrid[:rows, :columns]
    blob = np.exp(-((yy - y) ** 2 + (xx - x) ** 2) / (2 * 2.0**2))
    placed = frame.to_frame(blob)
    cells = placed.reshape(128 // (128 // m), 128 // m, m, 128 // m).mean(axis=(1, 3))
    back = frame.from_frame(cells)
    assert (back * yy).sum() / back.sum() == pytest.approx(y, abs=0.35)
    assert (back * xx).sum() / back.sum() == pytest.approx(x, abs=0.35)


def test_positions_are_exact_where_the_map_is_linear():
    """A ramp sampled in the frame gives the same ramp on the source pixels, at any map resolution."""
    frame = Frame(30, 50, 1.0, 1.0, 64)
    for m in (16, 32, 64):
        x = (np.arange(m) + 0.5) * frame.size / m
        back = frame.from_frame(np.broadcast_to(x, (m, m)))
        wanted = (np.arange(50) + 0.5) * frame.scaled[1] / 50
        inner = slice(3, -3)
        # Shrinking smooths, which moves a ramp by a fraction of a frame pixel; enlarging is exact.
        tolerance = 1e-3 if m < 50 else 0.08
        np.testing.assert_allclose(back[:, inner], np.broadcast_to(wanted[inner], (30, 44)), atol=tolerance)


@pytest.mark.parametrize(("rows", "columns"), [(512, 512), (128, 128), (300, 300), (97, 97)])
def test_resizing_is_antialiased_bilinear(rows, columns):
    frame = Frame(rows, columns, 1.0, 1.0, 256)
    stack = np.random.default_rng(0).random((2, rows, columns), dtype=np.float32)
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(stack)[None], size=(256, 256), mode="bilinear", antialias=True, align_corners=False
    )[0]
    np.testing.assert_allclose(frame.to_frame(stack), wanted, atol=1e-5)


def test_masks_return_to_the_slice_they_were_drawn_on():
    frame = Frame(100, 60, 0.8, 1.7)
    mask = np.zeros((3, 100, 60), bool)
    mask[1, 20:70, 10:40] = True
    back = frame.from_frame(frame.to_frame(mask)) > 0.5
    np.testing.assert_array_equal(back, mask)


def test_inside_tells_slice_from_padding():
    frame = Frame(100, 200, 1.0, 1.0, 64)
    inside = frame.inside(16)
    assert inside.shape == (16, 16)
    assert inside[:8].all()
    assert not inside[8:].any()
    assert frame.inside(64).sum() == np.prod(frame.scaled)


def test_leading_axes_are_kept():
    frame = Frame(20, 30, 1.0, 1.0, 32)
    assert frame.from_frame(np.zeros((2, 3, 4, 16, 16))).shape == (2, 3, 4, 20, 30)


@pytest.mark.parametrize(("rows", "expected"), [(512, (5.0, 2.0, 5.0, 2.0)), (128, (20.0, 8.0, 21.0, 9.0))])
def test_the_box_of_a_pixel_does_not_end_before_it_begins(rows, expected):
    assert Frame(rows, rows, 1.0, 1.0).box((4, 4), (10, 10)) == expected
