"""The drawings say what the numbers say: stones as wide as their bands, bars as long as their points."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import atan2, degrees, hypot

import pytest

from citizen_app.web.drawings.bars import factor_bar_svg, scale_svg, share_bar_svg
from citizen_app.web.drawings.dial import CENTRE_X, CENTRE_Y, angle_of, colour_of, dial_svg
from citizen_app.web.drawings.icons import PATHS, icon_svg
from citizen_app.web.drawings.steps import Step, step_chart_svg

STARTS = [350, 550, 600, 650, 700]


def polar(point: str) -> tuple[float, float]:
    """Angle and radius of `x y` seen from the dial's centre."""
    x, y = (float(number) for number in point.split())
    return degrees(atan2(CENTRE_Y - y, x - CENTRE_X)), hypot(x - CENTRE_X, y - CENTRE_Y)


def stones(svg: str) -> list[tuple[str, float, float, float]]:
    """Class, left angle, right angle and outer radius of each wedge."""
    found = re.findall(r'<path class="([\w-]+)" d="M([\d.]+ [\d.]+)A[\d.]+ [\d.]+ 0 0 1 ([\d.]+ [\d.]+)L', svg)
    return [(name, polar(start)[0], polar(end)[0], polar(start)[1]) for name, start, end in found]


def test_each_stone_is_as_wide_as_its_band():
    drawn = stones(dial_svg(value=None, starts=STARTS, low=350, high=950))
    assert [name for name, *_ in drawn] == ["d-0"] * 5
    widths = [left - right for _, left, right, _ in drawn]
    # 600 points are 180 degrees; a gap of half a degree is taken on each inner side of a stone.
    assert widths == pytest.approx([60 - 0.5 + 0.5, 15, 15, 15, 75 + 0.5 - 0.5], abs=1.05)
    assert drawn[0][1] == pytest.approx(180, abs=0.05)
    assert drawn[-1][2] == pytest.approx(0, abs=0.05)


def test_the_current_stone_is_raised_and_the_mark_stands_on_the_value():
    drawn = stones(dial_svg(value=677, starts=STARTS, low=350, high=950))
    assert [name for name, *_ in drawn] == ["d-1", "d-2", "d-3", "d-4", "d-0", "d-mark"]
    outer = [radius for *_, radius in drawn[:5]]
    assert outer == pytest.approx([142, 142, 142, 147, 142], abs=0.05)
    _, left, right, _ = drawn[5]
    assert (left + right) / 2 == pytest.approx(180 - 180 * (677 - 350) / 600, abs=0.05)


@pytest.mark.parametrize(("value", "lit"), [(350, 1), (549, 1), (550, 2), (699, 4), (700, 5), (950, 5)])
def test_stones_are_lit_up_to_the_band_of_the_value(value, lit):
    names = [name for name, *_ in stones(dial_svg(value=value, starts=STARTS, low=350, high=950))]
    assert sum(name not in ("d-0", "d-mark") for name in names) == lit


def test_a_value_outside_the_range_is_marked_at_its_end():
    assert angle_of(100, 350, 950) == 180
    assert angle_of(2000, 350, 950) == 0


def test_the_last_band_is_daylight_whatever_their_number():
    assert [colour_of(index, 5) for index in range(5)] == [1, 2, 3, 4, 5]
    assert colour_of(2, 3) == 5
    assert colour_of(0, 1) == 1


def test_labels_that_would_touch_are_left_out():
    svg = dial_svg(value=None, starts=[350, 600, 610, 700], low=350, high=950)
    assert re.findall(r">(\d+)</text>", svg) == ["600", "700", "350", "950"]


def rect(svg: str, name: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', re.search(rf'<rect class="{name}"[^>]*>', svg)[0]))


def test_a_factor_bar_starts_at_zero_and_is_as_long_as_its_points():
    gain = rect(factor_bar_svg(points=75, low=-150, high=150, reach=150), "fb-pos")
    assert (gain["x"], gain["width"]) == ("50.00%", "25.00%")
    loss = rect(factor_bar_svg(points=-30, low=-80, high=80, reach=150), "fb-neg")
    assert (loss["x"], loss["width"]) == ("40.00%", "10.00%")


def test_a_factor_without_points_has_no_bar_and_keeps_its_track():
    svg = factor_bar_svg(points=Decimal(0), low=0, high=60, reach=150)
    assert "fb-pos" not in svg
    assert "fb-neg" not in svg
    assert rect(svg, "fb-tr")["x"] == "50.00%"
    assert rect(svg, "fb-tr")["width"] == "20.00%"


def test_the_scale_fills_to_the_value_and_marks_each_threshold():
    svg = scale_svg(value=650, thresholds=[600, 800, 2000], low=350, high=950)
    assert rect(svg, "sc-fi")["width"] == "50.00%"
    assert re.findall(r'class="sc-tier" x="([\d.]+%)"', svg) == ["41.67%", "75.00%"]
    assert "sc-fi" not in scale_svg(value=None, thresholds=[600], low=350, high=950)


def test_a_share_of_nothing_is_empty_and_never_fails():
    assert 'width="0%"' in share_bar_svg(part=0, whole=0)
    assert 'width="41.20%"' in share_bar_svg(part=412, whole=1000)
    assert 'width="100.00%"' in share_bar_svg(part=5, whole=4)


NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def chart(steps: list[Step], **changes: object) -> str:
    told = {"start": NOON, "end": NOON + timedelta(days=10), "bands": [("Good", 600), ("Very good", 650)], "zone": UTC}
    return step_chart_svg(steps=steps, **told | changes)


def test_the_line_is_level_until_a_change_and_steps_straight():
    svg = chart([Step(at=NOON, value=640), Step(at=NOON + timedelta(days=5), value=660, mark=1)])
    line = re.search(r'class="c-line" d="([^"]*)"', svg)[1]
    assert re.sub(r"[\d.]+", "_", line) == "M_ _V_H_V_H_"
    # Half of the ten days is half of the width between x = 34 and x = 342.
    assert re.findall(r"H([\d.]+)", line) == ["188.0", "342.0"]
    assert svg.count('class="c-dotn"') == 1


def test_a_time_without_a_score_interrupts_the_line():
    svg = chart(
        [
            Step(at=NOON, value=640),
            Step(at=NOON + timedelta(days=2), value=None),
            Step(at=NOON + timedelta(days=6), value=655),
        ]
    )
    lines = re.findall(r'class="c-line" d="M([\d.]+) [^"]*H([\d.]+)"', svg)
    assert lines == [("34.0", "95.6"), ("218.8", "342.0")]


def test_a_history_without_any_score_draws_nothing():
    assert chart([Step(at=NOON, value=None)]) == ""
    assert chart([Step(at=NOON, value=640)], end=NOON) == ""


def test_only_thresholds_in_view_are_drawn_and_their_names_are_escaped():
    svg = chart([Step(at=NOON, value=640)], bands=[("<b>Good", 640), ("Excellent", 900)])
    assert "&lt;b&gt;Good from 640" in svg
    assert "900" not in svg


@pytest.mark.parametrize("name", sorted(PATHS))
def test_every_icon_is_hidden_from_screen_readers(name):
    svg = icon_svg(name)
    assert 'aria-hidden="true"' in svg
    assert "style=" not in svg


def test_an_unknown_icon_is_a_mistake_that_shows():
    with pytest.raises(KeyError):
        icon_svg("unicorn")
