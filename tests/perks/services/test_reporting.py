"""Reports: they join one case, an operator decides it, and nobody who reported is named."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app.accounts.operators import RoleRequired
from citizen_app.errors import WrongState
from citizen_app.models import AuditEvent
from perks.errors import AlreadyReported, OwnMerchant, PerkHeld, TooManyReports
from perks.models import Merchant, Perk, Report, ReportCase
from perks.services.catalogue import release_perk, resume_perk
from perks.services.closing import close_merchant
from perks.services.reporting import decide_case, report_perk
from scores.services.enrolment import leave
from tests.factories.people import CitizenFactory, operator_with
from tests.factories.perks import MemberFactory, MerchantFactory, PerkFactory, citizen_with, person_of, reservation

pytestmark = pytest.mark.django_db


def report(perk, by=None, **said):
    return report_perk(
        perk=perk, by=by or CitizenFactory(), **({"ground": "coerced", "statement": "They made me."} | said)
    )


def test_several_reports_of_one_perk_are_one_case_and_the_crowd_pauses_nothing():
    perk, other = PerkFactory(), PerkFactory()
    first = report(perk)
    for _ in range(20):
        assert report(perk).case_id == first.case_id
    assert report(other).case_id != first.case_id
    perk.refresh_from_db()
    assert (perk.state, Merchant.objects.exclude(state="active").exists()) == ("published", False)


def test_one_open_report_per_person_and_perk_and_a_new_case_once_it_is_decided():
    perk, citizen = PerkFactory(), CitizenFactory()
    first = report(perk, citizen)
    with pytest.raises(AlreadyReported) as refused:
        report(perk, citizen)
    assert refused.value.facts["report"] == first.public_id
    assert Report.objects.count() == 1
    decide_case(case=first.case, by=operator_with("merchants"), decision="dismiss", reason="It was honoured.")
    assert report(perk, citizen).case_id != first.case_id
    with pytest.raises(IntegrityError), transaction.atomic():
        ReportCase.objects.create(perk=perk, merchant=perk.merchant, opened_at=timezone.now())


def test_five_a_day_and_the_sixth_says_when(settings):
    settings.REPORTS_A_DAY = 2
    citizen, now = CitizenFactory(), timezone.now()
    report(PerkFactory(), citizen, now=now)
    report(PerkFactory(), citizen, now=now + timedelta(hours=1))
    with pytest.raises(TooManyReports) as refused:
        report(PerkFactory(), citizen, now=now + timedelta(hours=2))
    assert (refused.value.code, refused.value.facts["retry_after"]) == ("rate_limited", 22 * 3600)
    assert Report.objects.count() == 2
    report(PerkFactory(), citizen, now=now + timedelta(hours=24))


def test_a_paused_perk_stays_paused_until_an_operator_lets_it_go_on():
    perk, operator = PerkFactory(), operator_with("merchants")
    owner, held = person_of(perk.merchant), reservation(perk=perk)
    case = decide_case(case=report(perk).case, by=operator, decision="pause", reason="Say the hours.")
    assert (case.state, case.reason, case.decided_by) == ("perk_paused", "Say the hours.", operator)
    perk.refresh_from_db()
    assert (perk.state, perk.hold_reason) == ("paused", "Say the hours.")
    with pytest.raises(PerkHeld) as refused:
        resume_perk(perk=perk, by=owner)
    assert refused.value.facts["reason"] == "Say the hours."
    assert Perk.objects.get(pk=perk.pk).state == "paused"
    held.refresh_from_db()
    assert held.state == "reserved"
    release_perk(perk=perk, by=operator)
    resume_perk(perk=perk, by=owner)
    with pytest.raises(WrongState):
        release_perk(perk=perk, by=operator)


def test_a_decision_can_suspend_the_merchant_and_is_made_once():
    perk, operator = PerkFactory(), operator_with("merchants")
    case = report(perk).case
    decide_case(case=case, by=operator, decision="suspend", reason="They asked guests for their points.")
    merchant = Merchant.objects.get()
    assert (merchant.state, merchant.refusal) == ("suspended", "They asked guests for their points.")
    with pytest.raises(WrongState):
        decide_case(case=case, by=operator, decision="dismiss", reason="No.")
    assert ReportCase.objects.get().state == "merchant_suspended"
    again = report(PerkFactory(merchant=merchant)).case
    assert decide_case(case=again, by=operator, decision="suspend", reason="Too.").state == "merchant_suspended"


def test_only_an_impartial_operator_for_merchants_decides():
    perk, own = PerkFactory(), operator_with("merchants")
    MemberFactory(merchant=perk.merchant, citizen=own)
    case = report(perk).case
    for by, refusal in ((own, OwnMerchant), (operator_with("support"), RoleRequired)):
        for decision in ("dismiss", "pause", "suspend"):
            with pytest.raises(refusal):
                decide_case(case=case, by=by, decision=decision, reason="No.")
    perk.refresh_from_db()
    assert (perk.state, ReportCase.objects.get().state) == ("published", "open")


def test_leaving_takes_person_and_words_out_and_the_case_stays():
    citizen, perk = citizen_with(), PerkFactory()
    report(perk, citizen, statement="I am Ana of room 12.")
    receipt = leave(citizen=citizen)
    assert receipt.erased["reports"] == 1
    assert any("reported" in one.what for one in receipt.kept)
    kept = Report.objects.get()
    assert (kept.citizen, kept.statement, kept.ground, kept.case.state) == (None, "", "coerced", "open")
    assert "room 12" not in str(list(AuditEvent.objects.values_list("facts", flat=True)))


def test_a_closed_merchant_s_perks_end_and_what_is_reserved_is_honoured():
    merchant, operator = MerchantFactory(), operator_with("merchants")
    perks = {state: PerkFactory(merchant=merchant, state=state) for state in ("published", "paused", "draft", "review")}
    held = reservation(perk=perks["published"])
    merchant = close_merchant(merchant=merchant, by=operator, reason="They asked us to.")
    assert (merchant.state, merchant.refusal) == ("closed", "They asked us to.")
    assert set(Perk.objects.values_list("state", flat=True)) == {"ended"}
    held.refresh_from_db()
    assert held.state == "reserved"
    with pytest.raises(WrongState):
        close_merchant(merchant=merchant, by=operator, reason="Again.")
