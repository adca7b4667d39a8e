"""A small town for tests that walk through every address: one hotel and its rival, their people, a citizen, a bank.

Everything is made the way the product makes it, so that what one caller may see of it is another's secret.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from allauth.usersessions.models import UserSession
from django.utils import timezone
from rest_framework.test import APIClient

from citizen_app.accounts.exports import ask_for_export, make_export
from citizen_app.accounts.operators import grant_role
from citizen_app.models import (
    Citizen,
    Connection,
    ConsentEvent,
    DataExport,
    Notification,
    OperatorRole,
    PushDevice,
    WebhookDelivery,
)
from citizen_app.notifying.events import GROUPS
from citizen_app.notifying.mails import off_token
from perks.models import (
    Branch,
    CodeList,
    DepositAgreement,
    Enterprise,
    GiftCard,
    GiftCardPosting,
    Invitation,
    MakeGood,
    Member,
    Merchant,
    MerchantClient,
    Perk,
    PerkImage,
    Redemption,
    ReportCase,
    Till,
)
from perks.services.code_lists import receive_codes, work_on
from perks.services.images import add_image
from perks.services.reporting import report_perk
from perks.services.sandbox import connect_test_citizen, sandbox_of
from perks.services.scans import Shown, scan_code
from perks.services.shifts import open_shift, set_pin
from perks.services.showing import secrets_of
from perks.services.team import invite_member
from perks.services.tills import make_pairing, pair_till
from scores.models import (
    Dispute,
    Enrolment,
    Entry,
    FileAllowance,
    FileOpening,
    Link,
    MassUpholding,
    Reach,
    ScorecardDraft,
    Seed,
    Source,
    SourceKey,
    Vouch,
)
from scores.services.disputes.batch_upholding import propose_mass_upholding
from scores.services.disputes.opening import withdraw_dispute
from scores.services.drafts import start_draft
from scores.services.files import ask_for_more, open_file_of
from scores.services.ingestion import furnish_entries
from scores.services.linking import make_link_code
from scores.services.rescoring import rescore
from scores.services.seeding import propose_seed
from scores.services.vouching import ask_for_vouch
from tests.factories.boosts import DatingApp, dating_app
from tests.factories.dating_app import query_of
from tests.factories.deposits import accepted, active, claimed, contested, offered, returned, waiver_perk
from tests.factories.disputes import dispute_of, photograph, rejected
from tests.factories.gift_cards import card_perk, charge, taken_card
from tests.factories.notifications import Browser
from tests.factories.people import (
    CitizenFactory,
    api_client_for,
    api_client_of,
    api_client_with,
    machine_client,
    operator_with,
)
from tests.factories.perks import (
    BranchFactory,
    MemberFactory,
    MerchantFactory,
    PerkFactory,
    app_of,
    connection_of,
    enterprise,
    make_good_for,
    open_tier,
    reservation,
    server_of,
)
from tests.factories.scores import EnrolmentFactory, SourceFactory, entry_of, furnisher_client, link, row
from tests.factories.signatures import Signer, key_of
from tests.factories.vouches import vouch
from tests.factories.webhooks import EndpointFactory, delivery_to

CALLERS = (
    "nobody",
    "newcomer",
    "citizen",
    "cashier",
    "manager",
    "owner",
    "rival",
    "scan_server",
    "perk_server",
    "bank",
    "operator",
    "full_operator",
)
"""Everybody who may stand at an address: `nobody` has no credential, `newcomer` an account and an offered seat but no
enrolment, `rival` owns another merchant, `bank` is a furnisher's server, `full_operator` has shown a second factor and
`operator` not."""

PIN = "2580"
"""Every cashier's at a till."""
DEVICES = ("till", "shift")
"""A paired till of the hotel by its own token, and the cashier at work on it: `tests.test_access.AT_TILLS`."""


APPS = ("app", "app_server", "sandbox", "test_citizen")
"""A dating app calling for the citizen, who connected it; its own server; its sandbox's client; and the app calling for
a test citizen there: `tests.test_access.OF_APPS`."""


@dataclass
class House:
    """A merchant with its people, servers, perks in every state, and what was taken there."""

    merchant: Merchant
    branch: Branch
    seats: dict[str, Member]
    scan_server: MerchantClient
    perk_server: MerchantClient
    app: MerchantClient
    perks: dict[str, Perk]
    image: PerkImage
    invited: Citizen
    invitation: Invitation
    token: str
    till: Till
    till_token: str
    shift_token: str
    pairing_code: str
    codes: CodeList
    delivery: WebhookDelivery


@dataclass
class World:
    hotel: House
    rival: House
    citizen: Citizen
    neighbour: Citizen
    newcomer: Citizen
    source: Source
    other_source: Source
    signer: Signer
    new_signer: Signer
    source_key: SourceKey
    key_elsewhere: SourceKey
    source_delivery: WebhookDelivery
    delivery_elsewhere: WebhookDelivery
    reserved: Redemption
    used: Redemption
    of_neighbour: Redemption
    make_good: MakeGood
    make_good_of_neighbour: MakeGood
    card: GiftCard
    charge: GiftCardPosting
    card_of_neighbour: GiftCard
    entry: Entry
    entry_of_neighbour: Entry
    operator: Citizen
    full_operator: Citizen
    link_code: str
    connection: Connection
    connection_of_neighbour: Connection
    applicant: Merchant
    dispute: Dispute
    rejected: Dispute
    raised_again: Dispute
    dispute_of_neighbour: Dispute
    dispute_elsewhere: Dispute
    proposal: MassUpholding
    vouch: Vouch
    vouch_of_others: Vouch
    vouch_token: str
    opening: FileOpening
    allowance: FileAllowance
    seed: Seed
    reach: Reach
    draft: ScorecardDraft
    enterprise: Enterprise
    case: ReportCase
    deposits: dict[str, DepositAgreement]
    amora: DatingApp
    export: DataExport
    export_of_neighbour: DataExport
    notification: Notification
    notification_of_neighbour: Notification
    push_device: PushDevice
    push_device_of_neighbour: PushDevice
    clients: dict[str, APIClient] = field(default_factory=dict)

    def client(self, caller: str) -> APIClient:
        """The caller's app or server, each request with its credential."""
        return self.clients[caller]

    def client_of(self, caller: str) -> APIClient:
        if caller == "nobody":
            return APIClient()
        if caller in self.people:
            return api_client_for(self.people[caller], second_factor=caller != "operator")
        if caller in DEVICES:
            token = self.hotel.till_token if caller == "till" else self.hotel.shift_token
            return api_client_with(token)
        if caller in APPS:
            return self.client_of_app(caller)
        if caller == "bank":
            return furnisher_client(self.source)
        server = self.hotel.scan_server if caller == "scan_server" else self.hotel.perk_server
        return api_client_of(server.application)

    def client_of_app(self, caller: str) -> APIClient:
        if caller == "app":
            return self.amora.phone_of(self.citizen)
        if caller == "app_server":
            return self.amora.client
        client = machine_client(owner=self.amora.merchant.public_id, scopes=("sandbox",)).application
        if caller == "sandbox":
            return api_client_of(client)
        return api_client_with(connect_test_citizen(sandbox=sandbox_of(client), case="reached").token)

    @cached_property
    def ids(self) -> dict[str, str]:
        """What addresses and bodies of the tests name: things of the hotel, its citizen and its bank."""
        house = self.hotel
        return {
            **{f"perk_{key}": perk.public_id for key, perk in house.perks.items()},
            "merchant": house.merchant.public_id,
            "device": str(UserSession.objects.filter(user=self.citizen).order_by("pk")[0].pk),
            "member": house.seats["manager"].public_id,
            "invitation": house.invitation.public_id,
            "token": house.token,
            "branch": house.branch.public_id,
            "image": house.image.public_id,
            "server": house.perk_server.public_id,
            "asked": query_of(house.app.application),
            "connection": self.connection.public_id,
            "till": house.till.public_id,
            "cashier": house.seats["cashier"].public_id,
            "pairing_code": house.pairing_code,
            "code_list": house.codes.public_id,
            "reserved": self.reserved.public_id,
            "typed": secrets_of(self.reserved).code,
            "used": self.used.public_id,
            "make_good": self.make_good.public_id,
            "card": self.card.public_id,
            "charge": self.charge.public_id,
            "card_redemption": self.card.redemption.public_id,
            "entry": self.entry.public_id,
            "external": self.entry.external_id,
            "source": self.source.code,
            "furnisher": self.source.furnisher.public_id,
            "link_code": self.link_code,
            "consent": consent_of(self.citizen).public_id,
            "source_key": self.source_key.public_id,
            "new_key": self.new_signer.public_key,
            "endpoint": house.delivery.endpoint.public_id,
            "delivery": house.delivery.public_id,
            "source_endpoint": self.source_delivery.endpoint.public_id,
            "source_delivery": self.source_delivery.public_id,
            "dispute": self.dispute.public_id,
            "rejected": self.rejected.public_id,
            "raised_again": self.raised_again.public_id,
            "evidence": self.dispute.evidence.get().public_id,
            "proposal": self.proposal.public_id,
            "vouch": self.vouch.public_id,
            "vouch_token": self.vouch_token,
            "opening": self.opening.public_id,
            "allowance": self.allowance.public_id,
            "seed": self.seed.public_id,
            "draft": self.draft.public_id,
            "enterprise": self.enterprise.public_id,
            "case": self.case.public_id,
            "export": self.export.public_id,
            "notification": self.notification.public_id,
            "push_device": self.push_device.public_id,
            "new_endpoint": Browser().endpoint,
            **{f"new_{name}": text for name, text in Browser().keys.items()},
            "mail_token": off_token(self.citizen, GROUPS["score"]),
            "version": "2026-11",
            "test_case": "reached",
            "subject": self.amora.name_of(self.citizen),
            **{f"deposit_{key}": one.public_id for key, one in self.deposits.items()},
            "deposit_file": self.deposits["claimed"].files.get().public_id,
            "contest_file": self.deposits["contested"].files.get().public_id,
        }

    @cached_property
    def people(self) -> dict[str, Citizen]:
        return {
            "newcomer": self.newcomer,
            "citizen": self.citizen,
            "neighbour": self.neighbour,
            "rival": self.rival.seats["owner"].citizen,
            "operator": self.operator,
            "full_operator": self.full_operator,
            **{role: seat.citizen for role, seat in self.hotel.seats.items()},
        }


def consent_of(citizen: Citizen) -> ConsentEvent:
    """The act by which they asked to be scored."""
    return ConsentEvent.objects.get(citizen=citizen, purpose="scoring")


def make_world() -> World:
    """Build the town: about a hundred rows."""
    source, other_source = SourceFactory(code="bank"), SourceFactory(code="bureau")
    signer = Signer()
    hotel, rival = a_house("Hotel Aurora"), a_house("Hotel Borealis")
    citizen, neighbour, unlinked = (EnrolmentFactory(citizen=CitizenFactory(verified=True)).citizen for _ in range(3))
    for person, subject in ((citizen, "ana-7"), (neighbour, "rui-8")):
        for each in (source, other_source):
            link(person, each, subject=subject)
        today = timezone.now().date()
        days = [(today - timedelta(days=31 * number)).isoformat() for number in range(1, 5)]
        payments = [row(subject, number, occurred_on=day, value=number % 2) for number, day in enumerate(days)]
        assert furnish_entries(source=source, rows=payments).accepted == len(payments)
        rescore(citizen_id=person.pk, cause="entries")
    reserved, used = reservation(citizen, hotel.perks["published"]), reservation(citizen, hotel.perks["second"])
    scan_code(
        merchant=hotel.merchant,
        by=hotel.seats["cashier"].citizen,
        shown=Shown(code=secrets_of(used).code),
        nonce="scan-of-used",
    )
    used.refresh_from_db()
    # Long enough here to vouch, each with a document; of these facts nothing else of the town takes notice.
    here_since = timezone.now() - timedelta(days=200)
    for person in (citizen, neighbour, unlinked):
        facts = {"person_key": f"key of {person.pk}", "document_checked_at": here_since}
        Enrolment.objects.filter(pk=person.pk).update(enrolled_at=here_since, **facts)
    card = taken_card(citizen=citizen, perk=card_perk(merchant=hotel.merchant, title="Hotel Aurora, card"))
    card_of_neighbour = taken_card(citizen=neighbour, perk=card_perk(merchant=rival.merchant, title="Borealis, card"))
    operator = CitizenFactory(verified=True)
    for role in OperatorRole.Role.values:
        grant_role(citizen=operator, role=role, by=None)
    full_operator = operator_with(*OperatorRole.Role.values)
    disputed = Entry.objects.filter(enrolment_id=citizen.pk, link__source=source).order_by("pk")[1:4]
    elsewhere = entry_of(Link.objects.get(enrolment_id=citizen.pk, source=other_source), kind="credit.utilisation")
    of_neighbour = Entry.objects.filter(enrolment_id=neighbour.pk, link__source=source).order_by("pk")
    world = World(
        hotel=hotel,
        rival=rival,
        citizen=citizen,
        neighbour=neighbour,
        newcomer=hotel.invited,
        source=source,
        other_source=other_source,
        signer=signer,
        new_signer=Signer(),
        source_key=key_of(source, signer),
        key_elsewhere=key_of(other_source),
        source_delivery=delivery_to(EndpointFactory(owner_kind="source", owner=source.code)),
        delivery_elsewhere=delivery_to(EndpointFactory(owner_kind="source", owner=other_source.code)),
        reserved=reserved,
        used=used,
        make_good=make_good_for(citizen, hotel.perks["free"]),
        make_good_of_neighbour=make_good_for(neighbour, rival.perks["free"]),
        card=card,
        charge=charge(card, 1000, by=hotel.seats["cashier"].citizen, nonce="scan-of-card"),
        card_of_neighbour=card_of_neighbour,
        of_neighbour=reservation(neighbour, rival.perks["published"]),
        entry=Entry.objects.filter(enrolment_id=citizen.pk, link__source=source).first(),
        entry_of_neighbour=Entry.objects.filter(enrolment_id=neighbour.pk, link__source=source).first(),
        operator=operator,
        full_operator=full_operator,
        draft=start_draft(by=full_operator),
        enterprise=enterprise(name="Aurora's kitchen", merchant=hotel.merchant),
        case=report_perk(perk=hotel.perks["second"], by=neighbour, ground="other", statement="It was closed.").case,
        connection=connection_of(citizen, rival.app),
        connection_of_neighbour=connection_of(neighbour, rival.app),
        link_code=make_link_code(citizen=unlinked, source_code=source.code).code,
        applicant=MerchantFactory(name="Kiosk", state="pending", approved_at=None),
        dispute=dispute_of(citizen, disputed[0], evidence=photograph(), share_evidence=True, now=None),
        rejected=rejected(dispute_of(citizen, disputed[1], now=None), operator, now=timezone.now()),
        raised_again=raised_again(citizen, disputed[2]),
        dispute_of_neighbour=dispute_of(neighbour, of_neighbour[1], evidence=photograph(2), now=None),
        dispute_elsewhere=dispute_of(citizen, elsewhere, evidence=photograph(3), share_evidence=True, now=None),
        proposal=propose_mass_upholding(
            source=source,
            recorded_at=of_neighbour[0].recorded_at,
            ground="wrong_date",
            reason="The dates are those of the file.",
            by=operator,
        ),
        vouch=vouch(citizen, neighbour, now=timezone.now()),
        vouch_of_others=vouch(neighbour, unlinked, now=timezone.now()),
        vouch_token=ask_for_vouch(citizen=unlinked).token,
        reach=Reach.objects.create(
            counted_on=timezone.now().date() - timedelta(days=1), percents={"travel": {"600": 35}}
        ),
        deposits=the_deposits(hotel, rival, citizen, neighbour),
        amora=dating_app(),
        opening=open_file_of(
            person=unlinked.email, role="support", reason="asked", note="They wrote to us.", by=full_operator
        ),
        allowance=ask_for_more(reason="Many wrote to us.", by=operator_with("support")),
        export=made_export(citizen),
        export_of_neighbour=made_export(neighbour),
        notification=Notification.objects.filter(citizen=citizen).earliest("pk"),
        notification_of_neighbour=Notification.objects.filter(citizen=neighbour).earliest("pk"),
        push_device=Browser().let_notify(citizen),
        push_device_of_neighbour=Browser().let_notify(neighbour),
        seed=propose_seed(email=unlinked.email, reason="The team.", by=operator_with("scoring")),
    )
    # Now, because tests undo what happens later: a session that is undone is no credential any more.
    world.clients = {caller: world.client_of(caller) for caller in (*CALLERS, *DEVICES, *APPS, "neighbour")}
    return world


def made_export(citizen: Citizen) -> DataExport:
    """Somebody's data, ready to be fetched."""
    export = ask_for_export(citizen=citizen)
    make_export(export_id=export.public_id)
    export.refresh_from_db()
    return export


def the_deposits(hotel: House, rival: House, citizen: Citizen, neighbour: Citizen) -> dict[str, DepositAgreement]:
    """Agreements in every state a right request needs: the citizen's, those at the hotel's desk, and a stranger's."""
    now, guest = timezone.now(), EnrolmentFactory(document=True).citizen
    here, elsewhere = waiver_perk(hotel.merchant), waiver_perk()
    made = {
        "offered": offered(citizen, elsewhere, now=now),
        "claimed": claimed(citizen, here, now=now, photographs=[photograph(5)]),
        "accepted": accepted(guest, here, now=now),
        "active": active(guest, here, now=now, by=hotel.seats["cashier"].citizen),
        "returned": returned(guest, here, now=now),
        "contested": contested(guest, here, now=now, evidence=[photograph(7)]),
        "of_neighbour": claimed(neighbour, waiver_perk(rival.merchant), now=now, photographs=[photograph(6)]),
    }
    # Its branch is gone, so that the one they have can be closed.
    Redemption.objects.filter(pk=made["accepted"].redemption_id).update(branch=None)
    return made


def raised_again(citizen: Citizen, entry: Entry) -> Dispute:
    """A dispute that was withdrawn and is raised again with a file: it waits for an operator's look."""
    withdraw_dispute(dispute=dispute_of(citizen, entry, now=None), by=citizen)
    return dispute_of(citizen, entry, evidence=photograph(4), now=None)


def a_house(name: str) -> House:
    merchant = MerchantFactory(name=name)
    branch = BranchFactory(merchant=merchant, name=f"{name} at the river")
    seats = {role: MemberFactory(merchant=merchant, role=role) for role in ("owner", "manager", "cashier")}
    invited, tokens = CitizenFactory(verified=True), []
    invitation = invite_member(
        merchant=merchant,
        email=invited.email,
        role="cashier",
        by=seats["owner"].citizen,
        link=lambda token: tokens.append(token) or f"https://example.org/invitations/{token}",
    )
    owner = seats["owner"].citizen
    paired = pair_till(code=make_pairing(merchant=merchant, by=owner, name="Desk 1", branch=branch).code)
    set_pin(member=seats["cashier"], pin=PIN)
    shift = open_shift(till=paired.till, member_id=seats["cashier"].public_id, pin=PIN)
    states = {"draft": "draft", "review": "review", "approved": "approved", "published": "published"}
    states |= {"second": "published", "free": "published", "paused": "paused", "ended": "ended"}
    options: dict[str, Any] = {"merchant": merchant, "tiers": [open_tier()]}
    perks = {key: PerkFactory(state=state, title=f"{name}, {key}", **options) for key, state in states.items()}
    return House(
        image=add_image(
            perk=perks["published"], by=seats["owner"].citizen, uploaded=photograph(), alt=f"{name} at night"
        ),
        merchant=merchant,
        branch=branch,
        seats=seats,
        scan_server=server_of(merchant, "merchant:scan"),
        perk_server=server_of(merchant, "merchant:perks"),
        app=app_of(merchant),
        perks=perks,
        invited=invited,
        invitation=invitation,
        token=tokens[0],
        till=paired.till,
        till_token=paired.token,
        shift_token=shift.token,
        pairing_code=make_pairing(merchant=merchant, by=owner, name="Desk 2", branch=branch).code,
        codes=a_list(merchant, seats["manager"].citizen),
        delivery=delivery_to(EndpointFactory(owner=merchant.public_id)),
    )


def a_list(merchant: Merchant, by: Citizen) -> CodeList:
    """Two codes of the house's own shop, ready to be given out."""
    made = receive_codes(merchant=merchant, by=by, name="Shop", lines=[(1, "A1"), (2, "B2")])
    work_on(list_id=made.pk)
    return made
