"""P9: you see who asked: every answer about you that reached somebody else, and nothing you did yourself."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.factories.people import operator_with
from tests.factories.perks import MerchantFactory, PerkFactory, server_of
from tests.factories.scores import SourceFactory
from tests.promises.doors import (
    App,
    enrolled,
    furnish,
    linked,
    operator_checks_document,
    record,
    scan,
    seat,
    take,
)

pytestmark = pytest.mark.django_db


def asked(app):
    return [(one["asked_by"]["kind"], one["what"], one["count"]) for one in app.whole("/me/inquiries")]


@pytest.fixture
def guest():
    """Somebody enrolled with a code to show, their app and the till."""
    _, app = enrolled(first_name="Ana")
    perk = PerkFactory(merchant=MerchantFactory(name="Hotel Aurora"), title="Late check-out")
    return app, take(app, perk).json(), seat(perk.merchant, "cashier"), perk


def test_p9_what_a_citizen_looks_at_themselves_is_nobody_s_question(guest):
    app, taken, _, perk = guest
    for path in ("score", "score/history", "score/explanation", "entries", "sources", "inquiries", "redemptions"):
        assert app.get(f"/me/{path}").status_code == 200
    for path in ("/perks", f"/perks/{perk.public_id}", f"/me/redemptions/{taken['id']}"):
        assert app.get(path).status_code == 200
    app.get(f"/me/redemptions/{taken['id']}/qr.svg")
    app.post("/me/score/what-if", {"add": [{"kind": "credit.payment"}]})
    take(app, PerkFactory(tiers=[{"min_score": 900, "benefit": {"text": "A suite"}}]))
    assert asked(app) == []


def test_p9_a_scan_is_on_the_list_with_who_what_when_and_why(guest):
    app, taken, till, perk = guest
    at = timezone.now()
    assert scan(till, code=taken["code"]).json()["outcome"] == "accepted"
    (told,) = app.whole("/me/inquiries")
    assert told["asked_by"] == {"kind": "merchant", "id": perk.merchant.public_id, "name": "Hotel Aurora"}
    assert (told["what"], told["count"]) == ("scan", 1)
    assert told["about"] == f"Late check-out ({taken['id']})"
    assert told["consent"] == "You showed your code or pass at the desk."
    assert timezone.datetime.fromisoformat(told["at"]) - at < timedelta(seconds=5)


@pytest.mark.parametrize("outcome", ["accepted", "already_redeemed", "cancelled", "expired", "reversed", "stale_pass"])
def test_p9_every_scan_that_found_you_is_on_the_list_whatever_came_of_it(guest, outcome):
    app, taken, till, perk = guest
    shown = {"code": taken["code"]}
    match outcome:
        case "already_redeemed" | "reversed":
            scan(till, code=taken["code"])
            if outcome == "reversed":
                with time_machine.travel(timezone.now() + timedelta(minutes=11)):
                    reason = {"reason": "Closed."}
                    seat(perk.merchant, "manager").post(f"/merchant/redemptions/{taken['id']}/reverse", reason)
        case "cancelled":
            app.post(f"/me/redemptions/{taken['id']}/cancel")
        case "stale_pass":
            shown = {"pass": f"CA1:{taken['pass']}.000000"}
    before = sum(one["count"] for one in app.whole("/me/inquiries"))
    later = timedelta(days=3) if outcome == "expired" else timedelta(minutes=12)
    with time_machine.travel(timezone.now() + later):
        assert scan(till, **shown).json()["outcome"] == outcome
        assert sum(one["count"] for one in app.whole("/me/inquiries")) == before + 1


def test_p9_a_retried_scan_and_a_code_of_nobody_tell_nothing_new(guest):
    app, taken, till, _ = guest
    for _ in range(3):
        scan(till, nonce="the-same-nonce", code=taken["code"])
    assert asked(app) == [("merchant", "scan", 1)]
    scan(till, code="AAAAA-AAAAA")
    stranger = seat(MerchantFactory(), "cashier")
    assert scan(stranger, code=taken["code"]).json()["outcome"] == "unknown_code"
    assert asked(app) == [("merchant", "scan", 1)]


def test_p9_one_asker_s_repeats_on_one_day_are_one_row_and_the_next_day_s_another(guest):
    app, taken, till, _ = guest
    for _ in range(3):
        scan(till, code=taken["code"])
    assert asked(app) == [("merchant", "scan", 3)]
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        scan(till, code=taken["code"])
        assert asked(app) == [("merchant", "scan", 1), ("merchant", "scan", 3)]


def test_p9_a_server_s_scan_is_the_merchant_s_too(guest):
    app, taken, _, perk = guest
    server = App(None, perk.merchant, "merchant:scan")
    assert scan(server, code=taken["code"]).json()["outcome"] == "accepted"
    assert asked(app) == [("merchant", "scan", 1)]
    assert server_of(perk.merchant).merchant == perk.merchant


def test_p9_a_furnisher_s_write_and_retraction_are_on_the_list_and_a_dry_run_is_not():
    _, app = enrolled()
    source = SourceFactory(code="bank")
    server = linked(app, source, "ana-7")
    server.post("/sources/entries?dry_run=1", {"entries": [record("ana-7", "e1")]})
    assert asked(app) == []
    furnish(server, record("ana-7", "e1"), record("ana-7", "e2", on="2026-09-15"))
    assert asked(app) == [("furnisher", "entry", 1)]
    furnish(server, record("ana-7", "e1"))  # a duplicate writes nothing
    assert asked(app) == [("furnisher", "entry", 1)]
    assert server.delete("/sources/entries/e1?subject=ana-7").status_code == 204
    assert asked(app) == [("furnisher", "entry", 2)]
    (told,) = app.whole("/me/inquiries")
    assert told["asked_by"]["name"] == source.furnisher.name
    assert told["consent"] == "source:bank"


def test_p9_an_operator_who_opens_your_file_is_on_the_list_also_when_it_came_to_nothing():
    operator = operator_with("support")
    (ana, app), (rui, rui_app) = enrolled(), enrolled()
    operator_checks_document(operator, ana, "PT-1234567")
    (told,) = app.whole("/me/inquiries")
    assert (told["asked_by"]["kind"], told["asked_by"]["id"]) == ("operator", operator.public_id)
    assert (told["what"], told["about"], told["reason"]) == ("file_opened", "Document check", "Asked at the desk.")
    assert (told["asked_by"]["name"], told["consent"]) == ("Citizen App, support", "scoring")
    operator_checks_document(operator, rui, "PT-1234567")  # the same person's: refused
    assert asked(rui_app) == [("operator", "file_opened", 1)]


def test_p9_nobody_reads_somebody_else_s_list(guest):
    app, taken, till, _ = guest
    scan(till, code=taken["code"])
    _, other = enrolled()
    assert other.whole("/me/inquiries") == []
    assert till.get("/me/inquiries").status_code == 404
    assert asked(app) == [("merchant", "scan", 1)]
