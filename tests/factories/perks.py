"""Merchants, branches and perks with valid defaults, and people who stand where a test wants them."""

from datetime import date, datetime, timedelta
from typing import Any

import factory
from django.db import transaction
from django.utils import timezone

from citizen_app.accounts.connections import connect
from citizen_app.models import Citizen, Connection
from perks import standing
from perks.food_register import FoodFiles
from perks.models import (
    Branch,
    Enterprise,
    MakeGood,
    Member,
    Merchant,
    MerchantClient,
    Perk,
    PerkCategory,
    PerkVersion,
    Register,
    RegistryNumber,
    StandingRecord,
    ThresholdUse,
)
from perks.services.found_by import write_what_it_is_found_by
from perks.services.keeping import keep_for
from perks.services.offline import default_policy
from perks.services.redemptions import take_perk
from perks.services.register import record_register
from perks.tiers import easiest_threshold, has_open_tier, read_tiers
from scores.models import Score
from tests.factories.people import CitizenFactory, app_client, machine_client
from tests.factories.scores import EnrolmentFactory


class MerchantFactory(factory.django.DjangoModelFactory):
    """A hotel approved a year ago: its perks are for travel, and its first days are over."""

    class Meta:
        model = Merchant

    name = factory.Sequence(lambda n: f"Hotel {n}")
    sector = Merchant.Sector.HOTEL
    country = "PT"
    state = Merchant.State.ACTIVE
    applied_at = factory.LazyFunction(timezone.now)
    approved_at = factory.LazyFunction(lambda: timezone.now() - timedelta(days=365))


class BranchFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Branch

    merchant = factory.SubFactory(MerchantFactory)
    name = factory.Sequence(lambda n: f"Branch {n}")
    zone = "Europe/Lisbon"


class MemberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Member

    merchant = factory.SubFactory(MerchantFactory)
    citizen = factory.SubFactory(CitizenFactory)
    role = Member.Role.CASHIER
    since = factory.LazyFunction(timezone.now)


def person_of(merchant: Merchant, role: str = "owner") -> Citizen:
    """Somebody of the merchant's team."""
    return MemberFactory(merchant=merchant, role=role).citizen


def server_of(merchant: Merchant, *scopes: str) -> MerchantClient:
    """One of the merchant's servers, with these scopes (both unless said)."""
    issued = machine_client(owner=merchant.public_id, scopes=scopes or ("merchant:scan", "merchant:perks"))
    return MerchantClient.objects.create(
        merchant=merchant, application=issued.application, name="Till", made_at=timezone.now()
    )


def app_of(merchant: Merchant, **fields: Any) -> MerchantClient:
    """One of the merchant's apps, which an operator has approved."""
    issued = app_client(owner=merchant.public_id, **fields)
    return MerchantClient.objects.create(
        merchant=merchant, application=issued.application, name=issued.application.name, made_at=timezone.now()
    )


def connection_of(citizen: Citizen, app: MerchantClient) -> Connection:
    """Somebody's connection to a merchant's app, for everything it may ask for."""
    return connect(citizen=citizen, application=app.application, scopes=app.application.allowed_scopes, via="app")


VERSION_FIELDS = ("title", "description", "terms", "fair_terms", "tiers", "language", "translations", "deposit")


def scored_tier(min_score: int = 600, text: str = "10 % off") -> dict[str, Any]:
    return {"min_score": min_score, "benefit": {"text": text}}


def open_tier(text: str = "A coffee") -> dict[str, Any]:
    return {"min_score": None, "benefit": {"text": text}}


class PerkFactory(factory.django.DjangoModelFactory):
    """A published discount anybody enrolled may take today, unless the test says otherwise.

    `title, description, terms, fair_terms, tiers` are its version's; `categories` and `branches` stand beside it.
    """

    class Meta:
        model = Perk

    merchant = factory.SubFactory(MerchantFactory)
    kind = Perk.Kind.DISCOUNT
    purpose = factory.LazyAttribute(lambda perk: perk.merchant.purpose)
    state = Perk.State.PUBLISHED
    zone = "Europe/Lisbon"
    offline = factory.LazyAttribute(lambda perk: default_policy(perk.kind))
    stock = 10
    made_at = factory.LazyFunction(lambda: timezone.now() - timedelta(days=1))
    published_at = factory.LazyFunction(lambda: timezone.now() - timedelta(days=1))

    @classmethod
    def _create(cls, model_class: type[Perk], *args: Any, **fields: Any) -> Perk:
        words = {
            "title": "Late check-out",
            "terms": "Until 14:00, on the day you leave.",
            "fair_terms": "Everybody may ask at the desk, for 15 euros.",
            "tiers": [open_tier()],
        } | {name: fields.pop(name) for name in VERSION_FIELDS if name in fields}
        categories, branches = fields.pop("categories", ()), fields.pop("branches", ())
        state = fields.pop("state")
        perk = model_class(**fields, state=Perk.State.DRAFT)
        if state in (Perk.State.DRAFT, Perk.State.REVIEW, Perk.State.APPROVED):
            perk.published_at = None
        perk.save(force_insert=True)
        tiers = read_tiers(words["tiers"])
        words["tiers"] = [tier.as_dict() for tier in tiers]
        version = PerkVersion.objects.create(perk=perk, number=1, made_at=perk.made_at, **words)
        if state in (Perk.State.DRAFT, Perk.State.REVIEW):
            perk.pending = version
        else:
            version.approved_at = perk.made_at
            version.save()
            perk.in_force = version
            perk.easiest_min_score = easiest_threshold(tiers)
            perk.has_open_tier = has_open_tier(tiers)
        perk.state = state
        perk.save()
        if perk.published_at is not None:
            for tier in tiers:
                if tier.min_score is not None:
                    ThresholdUse.objects.create(
                        merchant=perk.merchant,
                        purpose=perk.purpose,
                        perk=perk,
                        min_score=tier.min_score,
                        used_from=perk.published_at,
                    )
        PerkCategory.objects.bulk_create(PerkCategory(perk=perk, code=code) for code in categories)
        perk.branches.set(branches)
        write_what_it_is_found_by(perk)
        return perk


def citizen_with(value: int | None = None, *, purpose: str = "travel", document: bool = False) -> Citizen:
    """Somebody enrolled whose value for `purpose` is this; without a value their file is thin."""
    enrolment = EnrolmentFactory(document=document)
    if value is not None:
        score = Score.objects.get(pk=enrolment.pk)
        score.state, score.value = Score.State.SCORED, value
        score.purposes = {
            code: {"state": "assessable", "value": value} if code == purpose else answer
            for code, answer in score.purposes.items()
        }
        score.save()
    return enrolment.citizen


def enterprise(
    *records: dict[str, Any],
    merchant: Merchant | None = None,
    name: str = "The kitchen",
    as_of: date = date(2026, 11, 1),
    register: str = "food",
) -> Enterprise:
    """An enterprise in a register, with these records; `merchant` runs it. `standing_follows` judges it."""
    kept, _ = Register.objects.get_or_create(code=register, defaults={"authority": "Food office", "as_of": as_of})
    Register.objects.filter(pk=kept.pk).update(as_of=as_of)
    kept.as_of = as_of
    number = str(Enterprise.objects.count() + 1)
    one = Enterprise.objects.create(register=kept, number=number, name=name, summary=dict(standing.NOTHING_KNOWN))
    if merchant is not None:
        RegistryNumber.objects.create(
            merchant=merchant, register=register, number=number, stated_at=timezone.now(), confirmed_at=timezone.now()
        )
    for record in records:
        put_on_record(one, **record)
    return one


def put_on_record(one: Enterprise, **record: Any) -> None:
    """Record something about an enterprise as its authority does, and let its standing and its merchants' follow."""
    facts = {"kind": "inspection", "on": date(2026, 10, 1), **record}
    StandingRecord.objects.create(
        register=one.register,
        enterprise=one,
        external_id=f"{one.number}-{StandingRecord.objects.count()}",
        lapses_on=standing.lapse_of(facts["on"]),
        **facts,
    )
    record_register(register=one.register.code, authority="Food office", read=FoodFiles(), as_of=one.register.as_of)
    one.refresh_from_db()


@transaction.atomic
def make_good_for(citizen: Citizen, perk: Perk, *, now: datetime | None = None, **fields: Any) -> MakeGood:
    """A perk offered again to somebody, as after a dispute they won; one is kept for them if one is left.

    In one transaction, as the product writes one: who gives something back between the two would keep a second for it.
    """
    now = now or timezone.now()
    make_good = MakeGood.objects.create(
        **{
            "citizen": citizen,
            "perk": perk,
            "version": perk.in_force,
            "min_score": 600,
            "benefit": perk.version_in_force.tiers[-1]["benefit"],
            "dispute": "dsp_won",
            "offered_at": now,
            "expires_at": now + timedelta(days=30),
        }
        | fields
    )
    if make_good.state == MakeGood.State.OPEN:
        keep_for(make_good)
    return make_good


def reservation(
    citizen: Citizen | None = None, perk: Perk | None = None, *, now: datetime | None = None, **fields: Any
):
    """A perk taken by somebody enrolled."""
    return take_perk(citizen=citizen or citizen_with(), perk=perk or PerkFactory(), now=now, **fields)
