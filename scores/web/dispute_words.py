"""PURE: disputes in the words of their pages: states, grounds, steps, and how many days are left for whom."""

from collections.abc import Mapping
from typing import Any, Final

GROUNDS: Final = {
    "not_mine": "It is not about me",
    "wrong_value": "The value is wrong",
    "wrong_date": "The date is wrong",
    "already_settled": "It was settled",
    "lapsed": "It is too old to be kept",
    "other": "Something else is wrong",
}
STATES: Final = {
    "received": {"tone": "info", "icon": "clock", "word": "Received"},
    "in_review": {"tone": "info", "icon": "eye", "word": "In review"},
    "upheld": {"tone": "help", "icon": "tick", "word": "Decided for you"},
    "rejected": {"tone": "cost", "icon": "cross", "word": "Rejected"},
    "withdrawn": {"tone": "mute", "icon": "undo", "word": "Withdrawn"},
    "lapsed_unanswered": {"tone": "help", "icon": "tick", "word": "Decided for you"},
    "appealed": {"tone": "info", "icon": "scales", "word": "Appealed"},
    "upheld_on_appeal": {"tone": "help", "icon": "tick", "word": "Decided for you"},
    "rejected_on_appeal": {"tone": "cost", "icon": "cross", "word": "Rejected"},
}
WON: Final = frozenset({"upheld", "lapsed_unanswered", "upheld_on_appeal"})
LOST: Final = frozenset({"rejected", "rejected_on_appeal"})
EVENTS: Final = {
    "opened": "You opened it",
    "asked": "The source was asked",
    "reminded": "The source was reminded",
    "admitted": "An operator passed it on to the source",
    "answered": "The source answered",
    "upheld": "Decided for you",
    "rejected": "Rejected",
    "withdrawn": "Withdrawn",
    "lapsed_unanswered": "The source said nothing for 30 days",
    "taken_back": "The source took it back",
    "appealed": "You appealed",
    "upheld_on_appeal": "Decided for you on appeal",
    "rejected_on_appeal": "Rejected on appeal",
    "evidence_added": "You added a file",
    "evidence_erased": "Your files were erased",
}
EVENTS_FOR_OPERATORS: Final = EVENTS | {
    "opened": "The citizen opened it",
    "upheld": "Upheld",
    "appealed": "The citizen appealed",
    "upheld_on_appeal": "Upheld on appeal",
    "evidence_added": "The citizen added a file",
    "evidence_erased": "The files were erased",
}
ANSWERS: Final = {
    "confirm": "It says the record is right.",
    "withdraw": "It took the record back.",
    "correct": "It corrected the record.",
}


def badge(dispute: Mapping[str, Any]) -> Mapping[str, str]:
    """The state as a badge; while the source is waited for, the days it has left."""
    left = dispute.get("days_left")
    if left is not None:
        # `days_left` counts the last day itself: people count what is left after today.
        after = left - 1
        word = "The source's last day" if after < 1 else f"{after} day{'' if after == 1 else 's'} left for the source"
        return {"tone": "info", "icon": "clock", "word": word}
    return STATES[dispute["state"]]


def title(dispute: Mapping[str, Any]) -> str:
    """What it is about: one record by its name, several by their number."""
    entries = dispute["entries"]
    if not entries:
        return f"Records from {dispute['source_name']}"
    if len(entries) == 1:
        return str(entries[0]["title"])
    return f"{len(entries)} records from {dispute['source_name']}"


def steps(dispute: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The four steps of the way: received, with the source, decision, appeal; each done, now or to come."""
    state, events = dispute["state"], {event["what"]: event for event in dispute["timeline"]}
    is_over = state not in ("received", "in_review", "appealed")
    asked, answered = events.get("asked"), events.get("answered")
    decision = next(
        (events[one] for one in ("upheld", "rejected", "taken_back", "lapsed_unanswered") if one in events), None
    )
    appealed = events.get("appealed")
    heard = events.get("upheld_on_appeal") or events.get("rejected_on_appeal")
    name = dispute["source_name"]
    told = [
        {"title": "Received", "event": events["opened"], "is_done": True, "text": ""},
        {
            "title": "With the source",
            "event": answered or asked,
            "is_done": answered is not None or decision is not None or is_over,
            "text": _with_source(dispute, name, asked, answered),
        },
        {
            "title": "Decision",
            "event": decision,
            "is_done": decision is not None or is_over,
            "text": "" if decision else "By a person, with a reason and its effect in points.",
        },
    ]
    if state == "withdrawn":
        told[2] = {"title": "Withdrawn", "event": events.get("withdrawn"), "is_done": True, "text": ""}
    elif state not in WON or heard:
        text = "" if appealed else "Within 30 days of a rejection, read by somebody else."
        told.append({"title": "Appeal", "event": heard or appealed, "is_done": heard is not None, "text": text})
    return _placed(told, is_over and not (state == "rejected" and dispute["appeal_until"]))


def _with_source(dispute: Mapping[str, Any], name: str, asked: Any, answered: Any) -> str:
    if answered:
        return ANSWERS.get(dispute["answer"], "")
    if not asked:
        return "First an operator looks at what is new: this ground was disputed before."
    return f"If {name} says nothing by then, the record is struck." if dispute["days_left"] is not None else ""


def _placed(told: list[dict[str, Any]], is_over: bool) -> list[dict[str, Any]]:
    """Each step with its number and where it stands: the first that is not done is the one that is on now."""
    current = None if is_over else next((number for number, step in enumerate(told) if not step["is_done"]), None)
    for number, step in enumerate(told):
        step["number"] = number + 1
        step["place"] = "done" if step["is_done"] else "now" if number == current else "todo"
    return told
