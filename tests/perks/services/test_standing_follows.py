"""What an enterprise's standing means for the merchant that runs it, its perks and those who want or hold them."""

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from citizen_app.invariants import broken
from citizen_app.models import OutboxMessage
from perks.errors import MerchantSuspended, RegistryNumberTaken, StandingSuspended, UnknownRegister
from perks.models import Enterprise, Merchant, Perk, PerkVersion, Register, RegistryNumber
from perks.services import registered
from perks.services.catalogue import approve_perk, edit_perk, publish_perk, resume_perk
from perks.services.merchants import apply_as_merchant, approve_merchant
from perks.services.redemptions import take_perk
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from tests.factories.people import CitizenFactory, operator_with
from tests.factories.perks import (
    MerchantFactory,
    PerkFactory,
    citizen_with,
    enterprise,
    person_of,
    put_on_record,
    reservation,
)
from tests.perks.services.told import events, taken

pytestmark = pytest.mark.django_db
POOR = {"on": date(2026, 6, 1), "mark": 60}
BETTER = {"on": date(2026, 7, 1), "mark": 85}


def test_an_unremedied_grave_penalty_stops_offering_and_its_remedy_lets_it_go_on_at_once():
    merchant = MerchantFactory()
    perks = {state: PerkFactory(merchant=merchant, state=state) for state in ("approved", "paused", "published")}
    owner, operator = person_of(merchant), operator_with("merchants")
    edit_perk(perk=perks["published"], by=owner, body={"terms": "Until 15:00."})
    kitchen = enterprise(POOR, merchant=merchant)
    assert kitchen.state == "suspended"
    acts = (
        lambda: publish_perk(perk=perks["approved"], by=owner),
        lambda: resume_perk(perk=perks["paused"], by=owner),
        lambda: approve_perk(perk=perks["published"], by=operator),
    )
    before = list(Perk.objects.order_by("pk").values()), list(PerkVersion.objects.order_by("pk").values())
    for act in acts:
        with pytest.raises(StandingSuspended):
            act()
    assert (list(Perk.objects.order_by("pk").values()), list(PerkVersion.objects.order_by("pk").values())) == before
    put_on_record(kitchen, **BETTER)
    for act in acts:
        act()
    assert Perk.objects.filter(state="published").count() == 3


def test_takers_read_that_the_merchant_is_suspended_and_what_is_reserved_is_honoured():
    merchant = MerchantFactory()
    perk = PerkFactory(merchant=merchant)
    held = reservation(perk=perk)
    enterprise(POOR, merchant=merchant)
    with pytest.raises(MerchantSuspended):
        take_perk(citizen=citizen_with(), perk=perk)
    assert taken(perk) == 1
    assert not Perk.objects.shown_at(timezone.now()).exists()
    scan, _ = scan_code(
        merchant=merchant, by=person_of(merchant), shown=Shown(code=secrets_of(held).code), nonce="a-nonce-of-one"
    )
    assert scan.outcome == "accepted"


def test_its_merchant_is_told_once_in_the_order_of_what_happened():
    merchant = MerchantFactory()
    kitchen = enterprise(POOR, merchant=merchant)
    put_on_record(kitchen, kind="penalty", gravity="minor", text="Unclean floors")  # changes no state: not told
    put_on_record(kitchen, **BETTER)
    told = [row.payload for row in OutboxMessage.objects.filter(topic="webhook").order_by("id")]
    assert [one["type"] for one in told] == ["standing.changed"] * 2
    assert [one["object"]["state"] for one in told] == ["suspended", "good"]
    assert told[0]["sequence"] < told[1]["sequence"]
    assert set(told[0]) == {"type", "id", "at", "merchant", "sequence", "object"}


def test_the_register_s_number_links_once_an_operator_has_let_the_merchant_in():
    kitchen = enterprise(POOR)
    merchant = apply_as_merchant(
        by=CitizenFactory(),
        name="Aurora",
        sector="hotel",
        country="PT",
        registry_number=kitchen.number,
        registry="food",
    )
    assert merchant.standing_state == "good"
    merchant = approve_merchant(merchant=merchant, by=operator_with("merchants"))
    assert (merchant.state, merchant.standing_state, merchant.standing["records"]) == ("active", "suspended", 1)
    assert events() == ["standing.changed"]


def test_a_number_nobody_has_confirmed_lends_no_standing():
    kitchen, merchant = enterprise(), MerchantFactory()
    registered.state_number(merchant=merchant, number=kitchen.number, register="food", by=person_of(merchant))
    assert registered.enterprises_of(merchant) == []
    put_on_record(kitchen, **POOR)
    registered.refresh_standing(merchant, now=timezone.now())
    merchant.refresh_from_db()
    assert (merchant.standing_state, merchant.standing) == ("good", {})


def test_a_number_is_of_the_register_it_was_stated_for():
    merchant = MerchantFactory()
    mine = [enterprise(merchant=merchant), enterprise(merchant=merchant, register="tourism")]
    for one, register in zip(reversed(mine), ("food", "tourism"), strict=True):
        kept = Register.objects.get(code=register)  # somebody else's, under the number of the other register
        Enterprise.objects.create(register=kept, number=one.number, name="Another", summary=dict(one.summary))
    assert registered.enterprises_of(merchant) == mine


def test_a_number_is_one_merchant_s():
    kitchen = enterprise(merchant=MerchantFactory())
    other = apply_as_merchant(
        by=CitizenFactory(),
        name="Borealis",
        sector="hotel",
        country="PT",
        registry_number=kitchen.number,
        registry="food",
    )
    with pytest.raises(RegistryNumberTaken):
        approve_merchant(merchant=other, by=operator_with("merchants"))
    assert Merchant.objects.get(pk=other.pk).state == "pending"
    assert RegistryNumber.objects.get(merchant=other).confirmed_at is None
    with pytest.raises(IntegrityError, match=r"registry_number|UNIQUE"), transaction.atomic():
        RegistryNumber.objects.filter(merchant=other).update(confirmed_at=timezone.now())


def test_an_unknown_register_is_refused():
    with pytest.raises(UnknownRegister):
        apply_as_merchant(
            by=CitizenFactory(), name="A", sector="hotel", country="PT", registry_number="1", registry="nowhere"
        )
    assert not Merchant.objects.exists()


def test_numbers_of_the_country_s_register_of_companies_link_nothing():
    kitchen, merchant = enterprise(POOR), MerchantFactory()
    registered.state_and_confirm(merchant=merchant, number=kitchen.number, register="", by=CitizenFactory())
    assert registered.enterprises_of(merchant) == []
    assert merchant.standing_state == "good"


def test_one_poor_kitchen_of_several_suspends_and_taking_its_number_away_ends_that():
    merchant, operator = MerchantFactory(), operator_with("merchants")
    enterprise({"mark": 98}, {"mark": 99, "on": date(2026, 9, 1)}, {"mark": 97}, merchant=merchant)
    merchant.refresh_from_db()
    assert merchant.standing["badge"] == "red_list"
    poor = enterprise(POOR, merchant=merchant, name="The other kitchen")
    merchant.refresh_from_db()
    assert (merchant.standing["state"], merchant.standing["badge"]) == ("suspended", None)
    stated = RegistryNumber.objects.select_related("merchant").get(number=poor.number)
    registered.remove_number(stated=stated, by=operator)
    merchant.refresh_from_db()
    assert (merchant.standing["state"], merchant.standing["badge"]) == ("good", "red_list")


def test_the_invariant_names_a_merchant_that_says_otherwise_than_its_records():
    merchant = MerchantFactory()
    enterprise(POOR, merchant=merchant)
    sentence = "A merchant's standing is what the enterprises it runs make of it."
    assert broken()[sentence] == []
    Merchant.objects.update(standing_state="good")
    assert broken()[sentence] == [f"merchant {merchant.pk}: says good, its records suspended"]
