"""The benefit of the doubt never lowers a factor, whatever stands behind what is doubted."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from scores import catalogue, scoring
from scores.services.disputes.doubt import harmless

TODAY = date(2026, 11, 23)
# Kinds of which a rule takes the latest only, and whose bins go below zero, beside one of which all count.
VALUES = {
    "credit.payment": (-1, 0, 1, 2, 4),
    "credit.utilisation": (5, 40, 85, 99),
    "conduct.tax": (0, 3, 40, 400),
    "fulfilment.booking": (0, 1, 2),
}
RECORDS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda kind: st.tuples(
        st.just(kind), st.sampled_from(VALUES[kind]), st.integers(0, 30), st.sampled_from(["active", "disputed"])
    )
)


def entries_of(records):
    entries = []
    for number, (code, value, months, status) in enumerate(records, start=1):
        kind = catalogue.kind(code)
        year, month = divmod(12 * 2026 + 10 - months, 12)
        day = date(year, month + 1, 5)
        entries.append(
            scoring.Entry(
                number,
                code,
                day,
                catalogue.lapses_on(kind, day),
                value * catalogue.VALUE_SCALE,
                status,
                f"s{number % 2}",
            )
        )
    return entries


@given(records=st.lists(RECORDS, min_size=1, max_size=10), picks=st.sets(st.integers(1, 10), min_size=1))
def test_p7_the_doubt_lowers_no_factor(shipped_card, records, picks):
    entries = entries_of(records)
    asked = {one.id for one in entries if one.id in picks and one.status == scoring.ACTIVE}
    marked = harmless(shipped_card, entries, asked, TODAY)
    assert marked <= asked
    before = scoring.score(shipped_card, entries, TODAY)
    doubted = [one._replace(status=scoring.DISPUTED) if one.id in marked else one for one in entries]
    after = scoring.score(shipped_card, doubted, TODAY)
    for code, micro in before.factors.items():
        assert after.factors[code] >= micro
    for code, was in before.purposes.items():
        assert after.purposes[code].state == was.state
        assert was.value is None or after.purposes[code].value >= was.value


def test_a_mild_latest_record_stays_when_a_worse_one_would_come_back(shipped_card):
    entries = entries_of([("credit.payment", 4, 5, "active")] * 4 + [("credit.payment", 1, 1, "active")])
    assert harmless(shipped_card, entries, {5}, TODAY) == set()
    assert harmless(shipped_card, entries, {1, 5}, TODAY) == {1}
    assert harmless(shipped_card, entries, {1, 2, 3, 4, 5}, TODAY) == {1, 2, 3, 4, 5}


def test_a_record_that_helps_or_costs_alone_is_doubted(shipped_card):
    entries = entries_of([("credit.payment", 0, 3, "active"), ("fulfilment.booking", 2, 2, "active")])
    assert harmless(shipped_card, entries, {1, 2}, TODAY) == {1, 2}
