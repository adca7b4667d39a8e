"""Random scorecards and entries that stand at the edges often, and a count of the edges an example stood at."""

from collections import Counter
from datetime import date
from itertools import pairwise

from hypothesis import strategies as st

from scores.explaining import LAPSED
from scores.scorecard import scorecard_from_document
from scores.scoring import Entry, month

KINDS = ("credit.payment", "credit.utilisation", "fulfilment.booking", "identity.email", "conduct.fare")
SOURCES = (1, 2, "platform")
FACTORS = ("credit_history", "fulfilment", "identity", "conduct", "vouches")
LIVES = (1, 2, 3, 7, 12)
BOUNDS = (-10_000, 0, 2_500, 10_000)
POINTS = ("-30", "-7.125", "-0.001", "0", "0.333", "5", "11.5", "25")
LIMITS = ("0", "12.75", "30", "30", "200")
WIDTHS = (3, 20, 45, 150)
EDGES = (
    "rule clamp",
    "factor clamp",
    "range clamp",
    "per-source clamp",
    "latest decided by id",
    "latest decided by id at equal points",
    "disputed kept",
    "disputed dropped",
    "age 0",
    "life - 1",
    "life",
    "lapses that day",
    "value on a bin's bound",
    "exactly the minimum of entries",
    "one short of the minimum",
    "exactly what a purpose needs",
)

_DECIMALS = {-10_000: "-1", 0: "0", 2_500: "0.25", 10_000: "1"}


class Choices:
    """Choices made by the bytes of one draw: a draw for each would cost more than the scoring."""

    def __init__(self, drawn):
        self.rest = iter(drawn)

    def one(self, options):
        return options[next(self.rest) % len(options)]


def some_bytes(count):
    return st.binary(min_size=count, max_size=count)


def scorecard_of(choices, version="random"):
    """A valid scorecard over five kinds; limits are narrow, so that they bite. Takes up to 120 choices."""
    pick = choices.one
    rules = []
    for number in range(pick((3, 4, 5, 6))):
        bounds = sorted({pick(BOUNDS), pick(BOUNDS)})[: pick((0, 1, 2, 2))]
        rule = {
            "code": f"rule_{number}",
            "kind": pick(KINDS),
            "factor": pick(FACTORS),
            "counts": pick(("every", "latest")),
            "lapses_after_months": pick(LIVES),
            "fades": pick((True, False)),
            "min": f"-{pick(LIMITS)}",
            "max": pick(LIMITS),
            "bins": [
                *({"up_to": _DECIMALS[up_to], "points": pick(POINTS)} for up_to in bounds),
                {"points": pick(POINTS)},
            ],
        }
        per_source = pick((None, None, "6", "13.5"))
        rules.append(rule if per_source is None else rule | {"max_per_source": per_source})
    everything = {"factors": list(FACTORS), "needs": []}
    first, need, lowest = rules[0]["factor"], pick((1, 2, 3)), str(499 - pick(WIDTHS))
    return scorecard_from_document(
        {
            "version": version,
            "range": {"min": lowest, "max": str(503 + pick(WIDTHS))},
            "base": pick(("500", "500.5", "499.001")),
            "thin_file": {"min_entries": pick((1, 2, 3, 4))},
            "bands": [{"code": "low", "from": lowest}, {"code": "high", "from": "502"}],
            "factors": [
                {"code": code, "min": f"-{pick(WIDTHS) if place < 2 else 0}", "max": str(pick(WIDTHS))}
                for place, code in enumerate(FACTORS)
            ],
            "purposes": {
                "travel": everything,
                "rental": {"factors": [first], "needs": [{"any": [first], "entries": need}]},
                "retail": {"factors": ["fulfilment", "identity"], "needs": [{"any": ["identity"], "entries": 1}]},
                "dating": everything | {"needs": [{"any": ["identity", "vouches"], "entries": need}]},
            },
            "rules": rules,
        }
    )


def day_of(months, day):
    """The `day`-th of the month counted as the engine counts them; the 31st is the month's last day."""
    year, of_year = divmod(months - 1, 12)
    last = (date(year + (of_year == 11), (of_year + 1) % 12 + 1, 1) - date(year, of_year + 1, 1)).days
    return date(year, of_year + 1, min(day, last))


def some_day(choices):
    return day_of(12 * 2025 + choices.one(range(36)), choices.one((1, 15, 31)))


def some_entry(card, choices, number, as_of):
    """An entry whose age stands at an edge of a rule that reads its kind. Takes 9 choices."""
    pick = choices.one
    rule = pick((*card.rules[:2] * 3, *card.rules))
    kind = pick((rule.kind, rule.kind, rule.kind, rule.kind, rule.kind, "vouch.received"))
    life = rule.lapses_after_months
    age = pick((0, 0, 0, 1, life - 1, life - 1, life // 2, life, life, -1))
    day = day_of(month(as_of) - age, pick((15, 15, 15, 31)))
    value = pick((-10_000, 0, 0, 2_500, 2_501, 10_000, 10_001))
    status = pick(("active", "active", "active", "active", "disputed", "disputed", "struck"))
    lapses_on = pick((FAR, FAR, FAR, FAR, FAR, FAR, as_of, date.fromordinal(as_of.toordinal() + 1)))
    return Entry(number, kind, day, lapses_on, value, status, pick(SOURCES), pick((True,) * 8 + (False,)))


FAR = date(2040, 1, 1)
MOST_ENTRIES = 14


def case_of(drawn):
    """A scorecard, up to 14 entries of which many share a kind and a day, and the day to score for."""
    choices = Choices(drawn)
    card, as_of = scorecard_of(choices), some_day(choices)
    count = choices.one(range(MOST_ENTRIES + 1))
    return card, [some_entry(card, choices, number, as_of) for number in range(1, count + 1)], as_of


cases = some_bytes(130 + 9 * MOST_ENTRIES).map(case_of)


def edges_of(card, entries, as_of, scoring):
    """The edges this example stood at, each at most once."""
    found = Counter()
    explanation = scoring.explanation
    of_id = {entry.id: entry for entry in entries}
    for factor in explanation.factors:
        found["factor clamp"] |= factor.capped != 0
        for line in factor.rules:
            rule = card.rule_of[line.code]
            found["rule clamp"] |= line.capped_total != 0
            found["per-source clamp"] |= bool(line.capped_sources)
            for entry_line in line.entries:
                entry = of_id[entry_line.id]
                age = month(as_of) - month(entry.occurred_on)
                found["disputed kept"] |= entry_line.counts and entry.status == "disputed"
                found["disputed dropped"] |= entry_line.why_not == "disputed"
                found["age 0"] |= entry_line.counts and age == 0
                found["life - 1"] |= entry_line.counts and age == rule.lapses_after_months - 1
                found["life"] |= (
                    entry_line.why_not == LAPSED and age == rule.lapses_after_months and as_of < entry.lapses_on
                )
                found["lapses that day"] |= (
                    entry_line.why_not == LAPSED and age < rule.lapses_after_months and as_of == entry.lapses_on
                )
                found["value on a bin's bound"] |= entry_line.counts and any(
                    bin.up_to == entry.value and bin.milli_points != after.milli_points
                    for bin, after in pairwise(rule.bins)
                )
            if rule.counts == "latest":
                kept = next((of_id[one.id] for one in line.counting), None)
                rivals = [of_id[one.id] for one in line.entries if one.why_not == "superseded"]
                rivals = [one for one in rivals if kept and one.occurred_on == kept.occurred_on and one.id < kept.id]
                found["latest decided by id"] |= any(
                    rule.milli_points(one.value) != rule.milli_points(kept.value) for one in rivals
                )
                found["latest decided by id at equal points"] |= any(
                    rule.milli_points(one.value) == rule.milli_points(kept.value) for one in rivals
                )
    found["range clamp"] |= explanation.range_clamped != 0
    found["exactly the minimum of entries"] |= explanation.counted == explanation.needed
    found["one short of the minimum"] |= explanation.counted == explanation.needed - 1
    if scoring.state == "scored":
        for purpose in card.purposes:
            for need in purpose.needs:
                rules = {rule.code for rule in card.rules if rule.factor in need.factors}
                passing = {
                    one.id
                    for line in explanation.rules
                    if line.code in rules
                    for one in line.entries
                    if one.why_not in (None, "superseded", "disputed")
                }
                found["exactly what a purpose needs"] |= len(passing) == need.entries
    return +found
