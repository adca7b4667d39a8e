"""The score, for templates: its sums, its words and its chart."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.safestring import mark_safe

from citizen_app.templatetags import look
from citizen_app.web.drawings.steps import Step, step_chart_svg
from scores.web import dispute_words, ledger, words

register = template.Library()
MARKED = 4

register.filter("verdict", words.verdict)
register.filter("change_title", words.change_title)
register.filter("about_text", words.about_text)
register.filter("consent_text", words.consent_text)
register.filter("door_word", words.door_word)
register.filter("act_word", words.act_word)
register.filter("factor_sum", ledger.factor_sum)
register.filter("rule_sum", ledger.rule_sum)
register.filter("change_sum", ledger.change_sum)
register.filter("dispute_badge", dispute_words.badge)
register.filter("dispute_title", dispute_words.title)


@register.filter
def ground_word(code: str) -> str:
    return dispute_words.GROUNDS.get(code, words.named(code))


@register.filter
def dispute_event_word(code: str) -> str:
    return dispute_words.EVENTS.get(code, words.named(code))


@register.filter
def dispute_event_for_operator(code: str) -> str:
    return dispute_words.EVENTS_FOR_OPERATORS.get(code, words.named(code))


@register.filter
def dispute_state_badge(code: str) -> Mapping[str, str]:
    return dispute_words.STATES[code]


@register.simple_tag
def score_sum(explanation: Mapping[str, Any], factors: Sequence[Mapping[str, Any]]) -> ledger.Sum | None:
    """The ledger of the whole score; `factors` give the titles."""
    return ledger.score_sum(explanation, {factor["code"]: factor["title"] for factor in factors})


@register.filter
def band_word(code: str | None) -> str:
    return words.BANDS.get(code, words.named(code)) if code else ""


@register.filter
def purpose_word(code: str) -> str:
    return words.PURPOSES.get(code, words.named(code))


@register.filter
def factor_word(code: str) -> str:
    return words.FACTORS.get(code, words.named(code))


@register.filter
def factor_words(codes: Sequence[str]) -> str:
    """`credit history, fulfilment and identity`."""
    named = [factor_word(code).lower() for code in codes]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


@register.filter
def factor_note(code: str) -> str:
    return words.FACTOR_NOTES.get(code, "")


@register.filter
def why_not_word(code: str) -> str:
    return words.WHY_NOT.get(code, words.named(code).lower())


@register.filter
def inquiry_word(what: str) -> Mapping[str, str]:
    return words.INQUIRIES.get(what, {"icon": "eye", "tone": "mute", "answer": words.named(what), "learned": ""})


@register.filter
def consent_kind_word(kind: str) -> str:
    return words.CONSENT_KINDS.get(kind, words.named(kind))


@register.filter
def asker_word(kind: str) -> str:
    return words.ASKERS.get(kind, words.named(kind))


@register.simple_tag
def never_used() -> Sequence[str]:
    """What can never be a source (the catalogue refuses it)."""
    return words.NEVER_USED


def _instant(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


@register.simple_tag
def history_chart(
    *,
    changes: Sequence[Mapping[str, Any]],
    bands: Sequence[Mapping[str, Any]],
    start: str | datetime,
    end: str | datetime,
    value: int | None,
) -> dict[str, Any]:
    """The step chart of `changes` (newest first) and the events it numbers: `{svg, marks: [{number, change}]}`.

    `value` is the score held now, drawn as a level line where nothing changed in the period.
    """
    zone = timezone.get_current_timezone()
    start, end = _instant(start), _instant(end)
    ordered = list(reversed(changes))
    ranked = sorted(
        (change for change in ordered if change["difference"]), key=lambda change: -abs(int(change["difference"]))
    )[:MARKED]
    numbers: dict[int, int] = {}
    for change in ordered:
        if any(change is chosen for chosen in ranked):
            numbers[id(change)] = len(numbers) + 1
    steps = [Step(at=start, value=ordered[0]["previous"] if ordered else value)]
    steps += [
        Step(at=_instant(change["at"]), value=change["value"], mark=numbers.get(id(change))) for change in ordered
    ]
    svg = step_chart_svg(
        steps=steps,
        start=start,
        end=end,
        bands=[(band_word(band["code"]), band["from"]) for band in bands],
        zone=zone,
    )
    values = [(step.value, step.at) for step in steps if step.value is not None]
    summary = ""
    if values:
        lowest, highest = min(values), max(values, key=lambda pair: pair[0])
        summary = (
            f"Step chart from {look.day(start)} to {look.day(end)}. "
            f"Lowest {lowest[0]} on {look.day(lowest[1])}, highest {highest[0]} on {look.day(highest[1])}. "
            "The table below holds the same data."
        )
    return {
        "svg": mark_safe(svg),  # noqa: S308 (numbers, and band names escaped where they are drawn)
        "summary": summary,
        "marks": [{"number": numbers[id(change)], "change": change} for change in ordered if id(change) in numbers],
    }
