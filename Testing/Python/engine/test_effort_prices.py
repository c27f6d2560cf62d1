"""Prices, the log, and what becomes of them: sums, other prices, areas, and what reaches the aim."""

from __future__ import annotations

import json
import math

import pytest

from WeakMedSAMLib.contract.errors import UserError
from WeakMedSAMLib.studies.effort_curves import area, area_of, cheapest, difference, steps_of
from WeakMedSAMLib.studies.effort_log import Hand, amounts_until, read_log, write_log
from WeakMedSAMLib.studies.effort_policies import POLICIES, SAID, chosen_policies
from WeakMedSAMLib.studies.effort_prices import PRICE_SETS, PRICES, prices_table, seconds_of
from WeakMedSAMLib.studies.effort_report import (
    GUIDE,
    PAGE,
    PICTURE,
    other_prices_table,
    overview,
    page,
    set_table,
    write_page,
)
from WeakMedSAMLib.studies.effort_tables import aim_table, areas_table, orders_table
from WeakMedSAMLib.studies.label_runs import LabelOptions
from WeakMedSAMLib.studies.patient_draws import in_words


def test_every_price_has_a_source_or_is_called_an_assumption_and_is_in_the_documentation():
    for name, price in PRICES.items():
        assert price.seconds > 0
        assert "assumption" in price.source or any(
            word in price.source for word in ("(", "measured", "same", "as an outline")
        )
        assert f"| `{name}` | {price.seconds:.2f} |" in prices_table()
    assert PRICES["point"].seconds == 2.4
    assert 7 < PRICES["box"].seconds < 25.5


def test_prices_of_the_hand_are_halved_and_doubled_and_the_machine_takes_what_it_takes():
    amounts = {"box": 3, "open": 2, "wait": 1}
    hand, wait = 3 * PRICES["box"].seconds + 10, PRICES["wait"].seconds
    assert seconds_of(amounts) == pytest.approx(hand + wait)
    assert seconds_of(amounts, "half") == pytest.approx(hand / 2 + wait)
    assert seconds_of(amounts, "double") == pytest.approx(hand * 2 + wait)
    assert seconds_of(amounts, "boxes by extreme clicking") == pytest.approx(3 * 7 + 10 + wait)


def played_by_a_hand(state=0, classes=2):
    hand = Hand(state, classes)
    hand.opens("scan", "to label it")
    hand.passes("scroll", 10, "to look")
    hand.marks("range-end", "a", "a range", 2)
    hand.marks("point", "a", "there")
    hand.goes_to(4, "to the middle")
    hand.goes_to(4, "already there")
    hand.marks("box", "b", "around it")
    hand.passes("review", 10, "all slices")
    return hand.log


def test_a_log_adds_up_and_a_hand_pays_for_classes_and_ways_only_where_they_change(tmp_path):
    log = played_by_a_hand()
    write_log(tmp_path / "labels.jsonl", log)
    lines = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["gesture"] for line in lines] == [
        "open", "scroll", "class", "range-end", "point", "scroll", "class", "box", "review",
    ]  # fmt: skip
    assert lines[5] == {
        "state": 0, "gesture": "scroll", "why": "to the middle", "amount": 5.0, "volume": "scan", "class_name": "",
        "index": 4, "seconds": 2.5,
    }  # fmt: skip
    assert sum(line["seconds"] for line in lines) == pytest.approx(seconds_of(amounts_until(log, 0)), abs=1e-3)
    assert read_log(tmp_path / "labels.jsonl") == log
    assert "class" not in {one.gesture for one in played_by_a_hand(classes=1)}


def test_of_the_states_before_the_masks_were_not_reviewed_to_the_end():
    log = [*played_by_a_hand(0), *played_by_a_hand(1)]
    first, second = amounts_until(log, 0), amounts_until(log, 1)
    assert second["review"] == first["review"] == 10
    assert second["open"] == 2 * first["open"] == 2


def test_the_area_is_the_mean_over_the_logarithm_of_seconds():
    assert area([100.0], [0.8], 1000.0, first=10.0) == pytest.approx(0.4)
    assert area([100.0, 1000.0], [0.8, 1.0], 10000.0, first=10.0) == pytest.approx((0.8 + 1.0) / 3)
    assert area([5.0], [0.8], 1000.0, first=10.0) == pytest.approx(0.8)
    assert area([2000.0], [0.8], 1000.0, first=10.0) == 0
    assert math.isnan(area([1.0], [0.8], 5.0, first=10.0))


def report(policy, dice, opened, seed=0, set_name="lung", status="ok", **more):
    """A report of a policy; of each state Dice by patient, and how many volumes were opened, at 5 s each."""
    states = [
        {
            "gestures": {"open": count},
            "patients": [
                {"case": f"secret {name}", "patient": name, "class_name": "a", "dice": value}
                for name, value in by_patient.items()
            ],
            "run_seconds": 1.0,
            "refused": more.get("refused", ""),
        }
        for by_patient, count in zip(dice, opened, strict=True)
    ]
    return {
        "set": set_name, "policy": policy, "seed": seed, "status": status, "volumes": more.get("volumes", 10),
        "states": states, "horizon": {"open": 2000}, "machine": {"processor": "a processor", "cores": 2},
        "versions": {"torch": "2"}, "options": LabelOptions(folder=set_name, labels="a=1", axis="j").to_json(),
    }  # fmt: skip


def some_reports():
    """Outlining takes 1000 s a volume; tags 50 s; boxes 100 s, of which a third patient has more; corrections more."""
    return [
        report("tags", [{"p": 0.4, "q": 0.6, "r": 0.5}], [100]),
        report("box", [{"p": 0.7, "q": 0.7, "r": 0.9}], [200]),
        report("box", [{"p": 0.7, "q": 0.7, "r": 0.7}], [200], seed=1),
        report("corrected-proposed", [{"p": 0.6, "q": 0.7, "r": 0.8}, {"p": 0.9, "q": 0.9, "r": 0.9}], [200, 400]),
        report("outlined", [{"p": 0.9, "q": 0.9, "r": 0.9}], [2000]),
    ]


def test_policies_are_means_over_seeds_and_compared_patient_by_patient():
    steps = steps_of(some_reports())
    assert list(steps) == ["tags", "box", "corrected-proposed", "outlined"]
    assert steps["box"].seconds == (100.0,)
    assert steps["box"].dice == {"p": (0.7,), "q": (0.7,), "r": (pytest.approx(0.8),)}
    found = area_of(steps["tags"])
    assert found.mean == pytest.approx(0.5 * math.log(1000 / 50) / math.log(100))
    assert found.low < found.mean < found.high
    gain = {name: values - steps["tags"].areas()[name] for name, values in steps["box"].areas().items()}
    assert difference(steps["box"], steps["tags"]).mean == pytest.approx(sum(gain.values()) / 3)


def test_the_cheapest_state_that_reaches_the_aim_is_found_at_all_prices():
    found = cheapest(steps_of(some_reports()))
    assert (found.policy, found.state, found.seconds, found.share) == ("corrected-proposed", 1, 200.0, 0.2)
    assert cheapest(steps_of(some_reports(), "double")).seconds == 400.0
    assert cheapest(steps_of(some_reports()[:3])) is None
    low = [one for one in some_reports() if one["policy"] != "corrected-proposed"]
    assert cheapest(steps_of(low)) is None
    assert "| lung | 10 | 1000 | 0.900 | 0.855 | none | - | - |" in overview({"lung": low})


def test_the_page_has_the_aim_the_plot_what_failed_and_no_scan_and_a_small_set_claims_nothing(tmp_path):
    small = report("tags", [{"p": 0.4, "q": 0.6}], [20], set_name="brain", volumes=2)
    failed = {**report("fill", [], [], status="failed"), "reason": "no room", "seconds": 1.0}
    text = page([*some_reports(), small, failed])
    row = "| lung | 10 | 1000 | 0.900 | 0.855 | corrected-proposed, after round 1 | 200 | 20%, not reached (half"
    for part in (
        row, "| brain (no claim) | 2 |", "2 volumes; a processor", "Fewer than 10 volumes: no claim.", prices_table(),
        "`weakmedsam benchmark effort lung --labels a=1 --axis j`", "lung, fill, seed 0: no room", f"]({PICTURE})",
    ):  # fmt: skip
        assert part in text
    assert "secret" not in text
    paths = write_page(some_reports(), tmp_path / "docs")
    assert [path.name for path in paths] == [PAGE, PICTURE]
    picture = paths[1].read_text(encoding="utf-8")
    assert picture == (write_page(some_reports(), tmp_path / "again")[1]).read_text(encoding="utf-8")
    assert "secret" not in picture
    with pytest.raises(UserError, match="No policy of the benchmark is finished"):
        write_page([failed], tmp_path)


def test_a_table_has_all_states_and_prices_and_what_was_refused_is_told():
    table = set_table(some_reports()).splitlines()
    (box,) = [line for line in table if line.startswith("| tags, and a box a class")]
    assert "| 100 | 10% | 0.733 |" in box
    (corrected,) = [line for line in table if "as proposed" in line]
    assert "| 100 / 200 | 10% / 20% | 0.700 / 0.900 |" in corrected
    assert table[0].count("|") == corrected.count("|")
    assert "refused, so that every mask counts as empty. No scan" in page(
        [*some_reports(), report("scan-tags", [{"p": 0.0, "q": 0.0, "r": 0.0}], [50], refused="No scan.")]
    )


def test_other_prices_have_intervals_and_differences_like_the_plain_ones():
    lines = other_prices_table(some_reports()).splitlines()
    assert lines[0] == "| area at other prices | half | to tags | double | to tags | extreme clicking | to tags |"
    (box,) = [line for line in lines if line.startswith("| tags, and a box a class")]
    half = steps_of(some_reports(), "half")
    cells = in_words(area_of(half["box"])), in_words(difference(half["box"], half["tags"]), signed=True)
    assert f"| {' | '.join(cells)} |" in box
    assert box.count(" to ") == 6
    assert set_table(some_reports()).splitlines()[0].endswith("| area | to tags | seeds |")


def two_sets():
    """On the second set boxes are enough at a tenth of the seconds; corrections were not measured there."""
    second = [
        report("tags", [{"p": 0.5, "q": 0.6, "r": 0.7}], [100], set_name="limb"),
        report("box", [{"p": 0.9, "q": 0.9, "r": 0.9}], [200], set_name="limb"),
        report("outlined", [{"p": 0.9, "q": 0.9, "r": 0.9}], [2000], set_name="limb"),
    ]
    return {"lung": steps_of(some_reports()), "limb": steps_of(second)}


def test_over_all_sets_there_are_areas_and_what_the_aim_is_short_of():
    sets = two_sets()
    lines = areas_table(sets).splitlines()
    assert lines[0] == "| area, Dice at a tenth | lung | limb | mean |"
    (box,) = [line for line in lines if line.startswith("| tags, and a box a class and volume |")]
    areas = [area_of(steps["box"]).mean for steps in sets.values()]
    assert f"| {areas[0]:.3f}, 0.733 | {areas[1]:.3f}, 0.900 | {sum(areas) / 2:.3f}, 0.817 |" in box
    (corrected,) = [line for line in lines if "as proposed" in line]
    assert corrected.endswith("(of 1) |")
    assert " | - | " in corrected
    found = aim_table(sets)
    assert "| tags, and a box a class and volume | 0.81 | **1.00** | 0.91 |" in found
    assert "as proposed, twice | 0.78 | - | - |" in found
    for line in (
        "- On lung it is not reached: nearest is box, 0.81.",
        "- On limb the aim is reached by box.",
        "- In the mean of all sets it is not reached: nearest is box, 0.91.",
    ):
        assert line in found
    assert aim_table({"lung": {"tags": sets["lung"]["tags"]}}) == ""


def test_the_order_of_proposals_is_compared_with_others_patient_by_patient():
    start = {"p": 0.4, "q": 0.5, "r": 0.6}
    reports = [
        report(name, [start, {key: value + gain for key, value in start.items()}], [100, 200])
        for name, gain in (("next", 0.3), ("next-least-sure", 0.2), ("next-random", 0.1))
    ]
    found = orders_table({"lung": steps_of(reports)})
    more = 0.1 * math.log(1000 / 100) / math.log(100)
    assert f"| {more:+.3f} ({more:+.3f} to {more:+.3f}) | {2 * more:+.3f} (" in found
    assert "Better than both by the intervals: lung." in found
    assert "on no set" in orders_table({"lung": steps_of(reports[:2])})
    assert orders_table({"lung": steps_of(reports[1:])}) == ""
    assert "## What to look at next" in page(reports)
    few = [{**one, "volumes": 3} for one in reports]
    assert "Better than both by the intervals: lung (no claim)." in page(few)
    assert "## What to look at next" not in page(some_reports())


def test_the_page_for_readers_gets_the_plot_and_keeps_the_rest(tmp_path):
    guide = tmp_path / GUIDE
    guide.write_text(
        "# Which label when\n\n## Dice over seconds\n\nold\n\n## In this order\n\nkept\n", encoding="utf-8"
    )
    write_page(some_reports(), tmp_path)
    text = guide.read_text(encoding="utf-8")
    assert text.startswith("# Which label when\n")
    assert text.endswith("## In this order\n\nkept\n")
    assert "old" not in text
    assert f"]({PICTURE})" in text


def test_policies_are_chosen_by_patterns_and_say_what_a_reader_can_say():
    assert [policy.name for policy in chosen_policies("tags,box*", False)] == [
        "tags", "box", "box-alone", "box-3d", "box-every-slice",
    ]  # fmt: skip
    assert [policy for policy in POLICIES if policy not in chosen_policies(None, False)] == chosen_policies(
        "side", True
    )
    assert chosen_policies(None, True) == list(POLICIES)
    for pattern, code in (("no-such", "no_such_cell"), ("side", "bad_benchmark")):
        with pytest.raises(UserError) as caught:
            chosen_policies(pattern, False)
        assert caught.value.code == code
    for policy in POLICIES:
        assert {*policy.says} <= {*SAID}
        assert all(more % fewer == 0 for more, fewer in zip(policy.every, policy.every[1:], strict=False))
        assert len(policy.seeds(None)) == (10 if policy.is_cheap else 1)
        assert policy.seeds((3,)) == (3,)
    assert list(PRICE_SETS) == ["as in the table", "half", "double", "boxes by extreme clicking"]
