"""The look, for templates: icons, drawings, and how points, times and codes are written."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from citizen_app.web import wording
from citizen_app.web.drawings.bars import factor_bar_svg, scale_svg, share_bar_svg
from citizen_app.web.drawings.columns import columns_svg
from citizen_app.web.drawings.dial import band_index, colour_of, dial_svg
from citizen_app.web.drawings.icons import icon_svg
from citizen_app.web.drawings.weeks import weeks_svg

register = template.Library()


def _drawn(svg: str) -> SafeString:
    # Drawings are made of numbers and our own texts, which the drawing functions escape.
    return mark_safe(svg)  # noqa: S308


def _today() -> date:
    return timezone.localdate()


@register.filter
def as_json(value: Any) -> str:
    """What a script reads from an attribute: JSON, escaped as every text is."""
    return json.dumps(value, cls=DjangoJSONEncoder)


# -- Drawings ---------------------------------------------------------------------------------------------------
@register.simple_tag
def icon(name: str, size: str = "") -> SafeString:
    """`{% icon "bed" %}`, or `{% icon "bed" "small" %}` beside small text."""
    return _drawn(icon_svg(name, small=size == "small"))


@register.simple_tag
def dial(value: int | None, bands: Sequence[Mapping[str, Any]], low: int, high: int) -> SafeString:
    """The arch of bands with the value on it; `bands` are `{code, from}`, ascending."""
    return _drawn(dial_svg(value=value, starts=[band["from"] for band in bands], low=low, high=high))


@register.simple_tag
def band_colour(value: int, bands: Sequence[Mapping[str, Any]]) -> int:
    """The step of the dawn ramp (1..5) a value's band is drawn in."""
    return colour_of(band_index(value, [band["from"] for band in bands]), len(bands))


@register.simple_tag
def factor_bar(factor: Mapping[str, Any], factors: Sequence[Mapping[str, Any]]) -> SafeString:
    """One factor on the scale all `factors` share (each `{points, min, max}`)."""
    reach = max(max(abs(int(other["min"])), abs(int(other["max"]))) for other in factors)
    tenths = wording.tenths(factor["points"])
    return _drawn(
        factor_bar_svg(points=tenths, low=int(factor["min"]) * 10, high=int(factor["max"]) * 10, reach=reach * 10)
    )


@register.simple_tag
def scale(value: int | None, tiers: Sequence[Mapping[str, Any]], low: int, high: int) -> SafeString:
    """A purpose's value on its own scale, marked at each tier's threshold."""
    thresholds = [tier["min_score"] for tier in tiers if tier["min_score"] is not None]
    return _drawn(scale_svg(value=value, thresholds=thresholds, low=low, high=high))


@register.simple_tag
def share_bar(part: int, whole: int) -> SafeString:
    return _drawn(share_bar_svg(part=part, whole=whole))


@register.simple_tag
def columns(drawn: Sequence[tuple[str, int, str]]) -> SafeString:
    """Columns of (name, number, tone `up`, `dn` or `m`), beside a table of the same numbers."""
    return _drawn(columns_svg(drawn))


@register.simple_tag
def weeks_chart(weeks: Sequence[tuple[str, int | None, int | None]]) -> SafeString:
    """Two numbers a week as columns, beside a table of the same numbers."""
    return _drawn(weeks_svg(weeks))


@register.filter
def thousands(number: int | None) -> str:
    """`24,318`, and a dash for a number that is not told."""
    return "–" if number is None else f"{number:,}"


@register.filter
def code_spans(text: str) -> SafeString:
    """What stands between backticks as code, in a text that is otherwise escaped."""
    parts = str(text).split("`")
    drawn = [format_html("<code>{}</code>" if place % 2 else "{}", part) for place, part in enumerate(parts)]
    return SafeString("".join(drawn))


@register.filter
def paragraphs(text: str) -> SafeString:
    """A plain text as paragraphs, and its lines that begin with a dash as a list; every word of it, escaped."""
    drawn = []
    for block in str(text).replace("\r\n", "\n").strip().split("\n\n"):
        lines = block.split("\n")
        if all(line.startswith("- ") for line in lines):
            items = format_html_join("", "<li>{}</li>", ((line[2:],) for line in lines))
            drawn.append(format_html('<ul class="bullets">{}</ul>', items))
        else:
            drawn.append(
                format_html("<p>{}</p>", format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines)))
            )
    return SafeString("".join(drawn))


# -- Points -----------------------------------------------------------------------------------------------------
register.filter("signed", wording.signed)
register.filter("unsigned", wording.unsigned)
register.filter("whole_signed", wording.whole_signed)
register.filter("exact", wording.exact)
register.filter("direction", wording.direction)
register.filter("typed_code", wording.typed_code)
register.filter("initials", wording.initials)
register.filter("zone_name", wording.zone_name)


# -- Times: in the reader's zone, or in the named one -----------------------------------------------------------
def _read(value: object, zone: str = "") -> date | datetime | None:
    return wording.when(value, wording.zone_of(zone) if zone else timezone.get_current_timezone())


@register.filter
def device(user_agent: str) -> str:
    """What a browser says it is, in a few words."""
    return wording.device(user_agent)


@register.filter
def day(value: object, zone: str = "") -> str:
    """`23 November`, with the year where it is not this one."""
    read = _read(value, zone)
    return "" if read is None else wording.day(read, today=_today())


@register.filter
def short_day(value: object, zone: str = "") -> str:
    """`23 Nov`, for tables."""
    read = _read(value, zone)
    return "" if read is None else wording.day(read, today=_today(), short=True)


@register.filter
def week_day(value: object, zone: str = "") -> str:
    """`Today, 23 November` or `Friday 20 November`, as a heading over what happened then."""
    read = _read(value, zone)
    if read is None:
        return ""
    bare = read.date() if isinstance(read, datetime) else read
    if bare == _today():
        return f"Today, {wording.day(bare, today=_today())}"
    return wording.day(bare, today=_today(), weekday=True)


@register.filter
def clock(value: object, zone: str = "") -> str:
    """`18:00`."""
    read = _read(value, zone)
    return f"{read:%H:%M}" if isinstance(read, datetime) else ""


@register.filter
def moment(value: object, zone: str = "") -> str:
    """`Wednesday 25 November, 18:00`; with a zone named, it says whose time that is."""
    read = _read(value, zone)
    if read is None:
        return ""
    text = wording.moment(read, today=_today())
    return f"{text}, {wording.zone_name(zone)}" if zone and isinstance(read, datetime) else text


@register.filter
def utc(value: object) -> str:
    """The instant itself, for `<time datetime>`."""
    read = wording.when(value, UTC)
    return read.isoformat() if read else ""
