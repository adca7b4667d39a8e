"""The score computed a second time, by other means: slowly, from the document, one question after another.

It shares nothing with the engine: no dataclass, no function, no order of work. What both agree on is the arithmetic.
"""

from decimal import Decimal


def months_between(earlier, later):
    return (later.year - earlier.year) * 12 + (later.month - earlier.month)


def micro(points):
    return int(Decimal(points) * 1_000_000)


def held(amount, low, high):
    if amount < low:
        return low
    if amount > high:
        return high
    return amount


def passes(rule, entry, as_of):
    """Step 1 of the arithmetic, whatever a disputed entry's points."""
    age = months_between(entry.occurred_on, as_of)
    return (
        entry.kind == rule["kind"]
        and entry.status in ("active", "disputed")
        and entry.is_on
        and entry.occurred_on <= as_of
        and as_of < entry.lapses_on
        and age in range(rule["lapses_after_months"])
    )


def milli_points(rule, value):
    for bin in rule["bins"][:-1]:
        if Decimal(value).scaleb(-4) <= Decimal(bin["up_to"]):
            return int(Decimal(bin["points"]) * 1000)
    return int(Decimal(rule["bins"][-1]["points"]) * 1000)


def worth(rule, entry, as_of):
    weight = 1000
    if rule["fades"]:
        left = rule["lapses_after_months"] - months_between(entry.occurred_on, as_of)
        weight = int(Decimal(1000 * left) / Decimal(rule["lapses_after_months"]))
    return milli_points(rule, entry.value) * weight


def kept_by(rule, entries, as_of):
    kept = [entry for entry in entries if passes(rule, entry, as_of)]
    kept = [entry for entry in kept if entry.status == "active" or milli_points(rule, entry.value) > 0]
    kept.sort(key=lambda entry: (entry.occurred_on, entry.id))
    if rule["counts"] == "every":
        return kept
    while kept and "active" in [entry.status for entry in kept[1:]]:
        kept.pop(0)
    # What is left begins with the latest active entry, unless none is active; the disputed ones after it help.
    best = []
    for entry in kept:
        if not best or worth(rule, entry, as_of) >= worth(rule, best[0], as_of):
            best = [entry]
    return best


def rule_total(rule, entries, as_of):
    kept = kept_by(rule, entries, as_of)
    total = 0
    for source in {entry.source for entry in kept}:
        earned = sum(worth(rule, entry, as_of) for entry in kept if entry.source == source)
        if "max_per_source" in rule:
            limit = micro(rule["max_per_source"])
            earned = held(earned, -limit, limit)
        total += earned
    return held(total, micro(rule["min"]), micro(rule["max"]))


def value_of(document, factors):
    total = held(
        micro(document["base"]) + sum(factors), micro(document["range"]["min"]), micro(document["range"]["max"])
    )
    whole = total // 1_000_000
    return whole + 1 if total - whole * 1_000_000 >= 500_000 else whole


def naive_score(document, entries, as_of):
    """`(state, value, factors, purposes)` of the entries under a scorecard's canonical document."""
    factors = {}
    for factor in document["factors"]:
        total = sum(rule_total(rule, entries, as_of) for rule in document["rules"] if rule["factor"] == factor["code"])
        factors[factor["code"]] = held(total, micro(factor["min"]), micro(factor["max"]))

    def records(codes):
        rules = [rule for rule in document["rules"] if rule["factor"] in codes]
        return sum(any(passes(rule, entry, as_of) for rule in rules) for entry in entries)

    scored = records(list(factors)) >= document["thin_file"]["min_entries"]
    purposes = {}
    for code, purpose in document["purposes"].items():
        if scored and all(records(need["any"]) >= need["entries"] for need in purpose["needs"]):
            purposes[code] = ("assessable", value_of(document, [factors[one] for one in purpose["factors"]]))
        else:
            purposes[code] = ("not_enough_records", None)
    if not scored:
        return "thin_file", None, factors, purposes
    return "scored", value_of(document, factors.values()), factors, purposes
