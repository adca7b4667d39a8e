"""Reporting a perk over HTTP, and what everybody reads of a merchant's standing."""

from datetime import date

import pytest

from perks.api.citizen.reports import OwnReportSerializer
from perks.api.merchant.answers import MerchantSerializer
from perks.models import Report, ReportCase
from perks.services.reporting import decide_case
from tests.factories.people import CitizenFactory, operator_with
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with, enterprise, person_of
from tests.perks.api.calls import app_of, members_of, team_app

pytestmark = pytest.mark.django_db
SAID = {"ground": "not_honoured", "statement": "The desk said no."}


def report(app, perk, **body):
    return app.post(f"/api/v1/perks/{perk.public_id}/reports", SAID | body, format="json")


def test_a_report_and_what_became_of_it_are_its_citizen_s_to_read():
    perk, citizen = PerkFactory(), CitizenFactory(verified=True)
    app = app_of(citizen)
    answer = report(app, perk)
    assert answer.status_code == 201
    assert set(answer.json()) == set(OwnReportSerializer().fields)
    assert (answer.json()["state"], answer.json()["reason"], answer.json()["ground"]) == ("open", None, "not_honoured")
    again = report(app, perk)
    assert (again.status_code, again.json()["code"]) == (409, "already_reported")
    decide_case(case=ReportCase.objects.get(), by=operator_with("merchants"), decision="pause", reason="Say the hours.")
    (line,) = app.get("/api/v1/me/reports").json()["results"]
    assert (line["id"], line["state"], line["reason"]) == (answer.json()["id"], "perk_paused", "Say the hours.")
    assert app_of(CitizenFactory(verified=True)).get("/api/v1/me/reports").json()["results"] == []


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"ground": "boring"}, "/ground", "invalid"),
        ({"statement": " "}, "/statement", "invalid"),
        ({"statement": "x" * 2001}, "/statement", "too_long"),
        ({"who": "me"}, "/who", "unknown_field"),
    ],
)
def test_a_report_says_what_is_wrong(body, pointer, code):
    answer = report(app_of(CitizenFactory(verified=True)), PerkFactory(), **body)
    assert answer.status_code == 400
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert not Report.objects.exists()


def test_the_sixth_report_of_a_day_waits(settings):
    settings.REPORTS_A_DAY = 1
    app = app_of(CitizenFactory(verified=True))
    report(app, PerkFactory())
    late = report(app, PerkFactory())
    assert (late.status_code, late.json()["code"]) == (429, "rate_limited")
    assert 0 < int(late.headers["Retry-After"]) <= 86400
    assert Report.objects.count() == 1


def test_a_draft_cannot_be_reported():
    assert report(app_of(CitizenFactory(verified=True)), PerkFactory(state="draft")).status_code == 404


def test_nothing_a_merchant_reads_names_who_reported():
    citizen, perk = CitizenFactory(verified=True, first_name="Quirina"), PerkFactory()
    report(app_of(citizen), perk, statement="Room twelve was cold.")
    decide_case(case=ReportCase.objects.get(), by=operator_with("merchants"), decision="pause", reason="Say the hours.")
    manager = team_app(perk.merchant, "owner")
    for path in ("merchant/perks", f"merchant/perks/{perk.public_id}", "merchant/redemptions"):
        said = manager.get(f"/api/v1/{path}").content.decode()
        assert "Quirina" not in said
        assert "Room twelve" not in said
        assert citizen.public_id not in said


def test_a_merchant_s_page_has_every_record_that_counts():
    merchant = MerchantFactory()
    enterprise(
        {"mark": 65, "on": date(2026, 5, 1), "text": "Routine inspection: 65 of 100."},
        {"kind": "penalty", "gravity": "minor", "on": date(2026, 6, 1), "text": "Unclean floors"},
        {"mark": 90, "on": date(2020, 5, 1)},
        merchant=merchant,
    )
    told = app_of(CitizenFactory(verified=True)).get(f"/api/v1/merchants/{merchant.public_id}").json()
    assert members_of(told) <= members_of_serializer(MerchantSerializer())
    standing = told["standing"]
    assert (standing["state"], standing["badge"], standing["records"], standing["open_penalties"]) == (
        "suspended",
        None,
        2,
        2,
    )
    (one,) = standing["enterprises"]
    assert [(row["kind"], row["gravity"], row["date"], row["lapses_on"]) for row in one["records"]] == [
        ("penalty", "minor", "2026-06-01", "2029-06-01"),
        ("penalty", "grave", "2026-05-01", "2029-05-01"),
    ]
    assert {row["source"] for row in one["records"]} == {"Food office"}


def members_of_serializer(serializer):
    names = set()
    for name, field in getattr(serializer, "fields", {}).items():
        names |= {name} | members_of_serializer(getattr(field, "child", field))
    return names


def test_every_card_carries_the_standing_at_no_more_cost(django_assert_max_num_queries):
    merchant = MerchantFactory()
    enterprise(
        {"mark": 98}, {"mark": 99, "on": date(2026, 9, 1)}, {"mark": 97, "on": date(2026, 8, 1)}, merchant=merchant
    )
    for _ in range(3):
        PerkFactory(merchant=merchant)
    citizen = citizen_with()
    cards = app_of(citizen).get("/api/v1/perks").json()["results"]
    assert [card["merchant"]["standing"] for card in cards] == [
        {"state": "good", "badge": "red_list", "records": 3}
    ] * 3


def test_publishing_while_a_grave_penalty_stands_has_its_code_and_what_would_change_it():
    merchant = MerchantFactory()
    perk = PerkFactory(merchant=merchant, state="approved")
    enterprise({"mark": 65}, merchant=merchant)
    answer = app_of(person_of(merchant)).post(f"/api/v1/merchant/perks/{perk.public_id}/publish", {}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "standing_suspended")
    perk.refresh_from_db()
    assert perk.state == "approved"
