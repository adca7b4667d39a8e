"""The plain English of a score: titles, reasons and history lines, each text made by one function.

The arithmetic knows codes only; whoever shows them asks here, so that another language is another set of these.
No Django here.
"""

from collections.abc import Mapping
from types import MappingProxyType

from scores.catalogue import UnknownKind, kind
from scores.explaining import DISPUTED, LAPSED, NO_RULE, NOT_YET, STRUCK, SUPERSEDED, SWITCHED_OFF, format_points
from scores.paths import WAIT, Step
from scores.scorecard_parts import LATEST, Rule

FACTOR_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "credit_history": "Credit history",
        "fulfilment": "Keeping what was agreed",
        "identity": "Identity",
        "conduct": "Conduct",
        "vouches": "Vouches",
    }
)
BAND_TITLES: Mapping[str, str] = MappingProxyType(
    {"starting": "Starting", "fair": "Fair", "good": "Good", "very_good": "Very good", "excellent": "Excellent"}
)
PURPOSE_TITLES: Mapping[str, str] = MappingProxyType(
    {"travel": "Travel", "rental": "Car rental", "retail": "Shopping", "dating": "Dating"}
)
RULE_TITLES: Mapping[str, str] = MappingProxyType(
    {
        "payment_latest": "The latest payment",
        "utilisation_latest": "How much of the limit is used",
        "damage_unpaid": "Damage left unpaid",
        "email": "E-mail address",
        "phone": "Telephone number",
        "address": "Postal address",
        "document": "Identity document",
        "mfa": "Second factor",
        "traffic": "Traffic offences",
        "travel_conduct": "Conduct when travelling",
        "tax_filed": "Taxes filed",
    }
)
WHY_NOT: Mapping[str, str] = MappingProxyType(
    {
        NO_RULE: "The scorecard gives no points for this kind of record.",
        STRUCK: "This record was struck out.",
        SWITCHED_OFF: "Its source is switched off.",
        NOT_YET: "It lies in the future.",
        LAPSED: "It has lapsed.",
        DISPUTED: "It is disputed and would not help, so it does not count.",
        SUPERSEDED: "Only the latest record of this kind counts, and this is not it.",
    }
)
RECORD_LAPSED = "a record that has lapsed"
"""What a history line says once the entry it named is erased (P8)."""


def factor_title(code: str) -> str:
    return FACTOR_TITLES.get(code) or _words(code)


def band_title(code: str) -> str:
    return BAND_TITLES.get(code) or _words(code)


def purpose_title(code: str) -> str:
    return PURPOSE_TITLES.get(code) or _words(code)


def rule_title(code: str) -> str:
    return RULE_TITLES.get(code) or _words(code)


def kind_title(code: str) -> str:
    try:
        return kind(code).title
    except UnknownKind:
        return _words(code)


def why_not_text(code: str) -> str:
    """Why an entry counts for nothing, for the citizen."""
    return WHY_NOT[code]


def _words(code: str) -> str:
    return code.replace("_", " ").replace(".", " ").capitalize()


def _points(micro: int) -> str:
    """Exact points without idle zeros: `4`, `-23.471`."""
    return format_points(micro).rstrip("0").rstrip(".")


def _some_points(micro: int) -> str:
    return f"{_points(micro)} point" if abs(micro) == 1_000_000 else f"{_points(micro)} points"


# -- Reasons ------------------------------------------------------------------------------------------------------


def _records(rule: Rule, count: int) -> str:
    if rule.counts == LATEST:
        return f"{kind_title(rule.kind)}, the latest record"
    return f"{kind_title(rule.kind)}, {count} record{'' if count == 1 else 's'}"


def helping_text(rule: Rule, micro: int, count: int) -> str:
    return f"{_records(rule, count)}: {_some_points(micro)} earned, of at most {_points(rule.most)}."


def costing_text(rule: Rule, micro: int, count: int) -> str:
    if micro < 0:
        return f"{_records(rule, count)}: {_some_points(-micro)} lost."
    return f"{_records(rule, count)}: {_some_points(rule.most - micro)} of at most {_points(rule.most)} not earned yet."


def entries_needed_text(count: int) -> str:
    records, verb = ("record", "is") if count == 1 else ("records", "are")
    return f"{count} more {records} {verb} needed before there is a score."


# -- History lines ------------------------------------------------------------------------------------------------


def line_text(line: str, about: str, detail: str) -> str:
    """What a history line of this kind says; `about` is a kind's or a factor's code, `detail` what the line adds."""
    match line:
        case "base":
            return "Where everybody starts"
        case "entry_added":
            return f"{kind_title(about)}: a new record"
        case "entry_lapsed":
            return f"{kind_title(about)}: a record lapsed"
        case "entry_struck":
            return f"{kind_title(about)}: a record was struck out"
        case "entry_disputed":
            return f"{kind_title(about)}: a record is disputed, and counts only if it helps"
        case "entry_restored":
            return f"{kind_title(about)}: a record counts again"
        case "faded" if detail == "factor":
            return f"{factor_title(about)}: records changed or count less"
        case "faded":
            return f"{kind_title(about)}: records grew older and count less"
        case "source_switched":
            return f"{kind_title(about)}: a source was switched {detail}"
        case "capped":
            return f"{factor_title(about) if detail == 'factor' else kind_title(about)}: what its limit allows"
        case "scorecard_replaced":
            return f"{factor_title(about)}: a new scorecard" if about else "Where everybody starts: a new scorecard"
        case "range_clamped":
            return "What the score's range allows"
        case "rounding":
            return "Rounding to whole points"
    raise ValueError(f"{line!r} is no kind of history line.")


# -- Paths --------------------------------------------------------------------------------------------------------

HABIT_TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pay_on_time": ("Pay one more bill on time", "Pay {count} more bills on time"),
        "use_less_of_the_limit": ("Keep what you use of your credit limit at 20 % or less", ""),
        "file_taxes_on_time": ("File your next tax return on time", ""),
        "hand_in_recycling": ("Hand in recycling once more", "Hand in recycling {count} more times"),
        "volunteer": ("Volunteer once more", "Volunteer {count} more times"),
        "set_up_second_factor": ("Set up a second factor for signing in", ""),
    }
)
"""A suggestion for one record, and for several."""


def step_text(step: Step) -> str:
    """What a step of a path asks for, in a sentence without its full stop."""
    if step.code == WAIT:
        day = "" if step.on is None else f", from {step.on:%B %Y} on"
        return f"Wait until a record no longer counts{day}: {kind_title(step.kind).lower()}"
    one, several = HABIT_TEXTS[step.code]
    return one if step.times == 1 else several.format(count=step.times)
