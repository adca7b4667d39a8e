"""A small town for tests that walk through every address: one hotel and its rival, their people, a citizen, a bank.

Everything is made the way the product makes it, so that what one caller may see of it is another's secret.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from citizen_app.accounts.operators import grant_role
from citizen_app.models import Citizen, OperatorRole
from perks.models import Branch, Invitation, MakeGood, Member, Merchant, MerchantClient, Perk, Redemption
from perks.services.scans import Shown, scan_code
from perks.services.showing import secrets_of
from perks.services.team import invite_member
from scores.models import Dispute, Enrolment, Entry, Link, MassUpholding, ScorecardDraft, Seed, Source, Vouch
from scores.services.disputes.batch_upholding import propose_mass_upholding
from scores.services.disputes.opening import withdraw_dispute
from scores.services.drafts import start_draft
from scores.services.ingestion import furnish_entries
from scores.services.linking import make_link_code
from scores.services.rescoring import rescore
from scores.services.seeding import propose_seed
from scores.services.vouching import ask_for_vouch
from tests.factories.disputes import dispute_of, photograph, rejected
from tests.factories.people import CitizenFactory, api_client_for, api_client_of, operator_with
from tests.factories.perks import (
    BranchFactory,
    MemberFactory,
    MerchantFactory,
    PerkFactory,
    make_good_for,
    open_tier,
    reservation,
    server_of,
)
from tests.factories.scores import EnrolmentFactory, SourceFactory, entry_of, furnisher_client, link, row
from tests.factories.vouches import vouch

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


@dataclass
class House:
    """A merchant with its people, servers, perks in every state, and what was taken there."""

    merchant: Merchant
    branch: Branch
    seats: dict[str, Member]
    scan_server: MerchantClient
    perk_server: MerchantClient
    perks: dict[str, Perk]
    invited: Citizen
    invitation: Invitation
    token: str


@dataclass
class World:
    hotel: House
    rival: House
    citizen: Citizen
    neighbour: Citizen
    newcomer: Citizen
    source: Source
    other_source: Source
    reserved: Redemption
    used: Redemption
    of_neighbour: Redemption
    make_good: MakeGood
    make_good_of_neighbour: MakeGood
    entry: Entry
    entry_of_neighbour: Entry
    operator: Citizen
    full_operator: Citizen
    link_code: str
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
    seed: Seed
    draft: ScorecardDraft
    clients: dict[str, APIClient] = field(default_factory=dict)

    def client(self, caller: str) -> APIClient:
        """The caller's app or server, each request with its credential."""
        return self.clients[caller]

    def client_of(self, caller: str) -> APIClient:
        if caller == "nobody":
            return APIClient()
        if caller in self.people:
            return api_client_for(self.people[caller])
        if caller == "bank":
            return furnisher_client(self.source)
        server = self.hotel.scan_server if caller == "scan_server" else self.hotel.perk_server
        return api_client_of(server.application)

    @property
    def ids(self) -> dict[str, str]:
        """What addresses and bodies of the tests name: things of the hotel, its citizen and its bank."""
        house = self.hotel
        return {
            **{f"perk_{key}": perk.public_id for key, perk in house.perks.items()},
            "merchant": house.merchant.public_id,
            "member": house.seats["manager"].public_id,
            "invitation": house.invitation.public_id,
            "token": house.token,
            "branch": house.branch.public_id,
            "server": house.perk_server.public_id,
            "reserved": self.reserved.public_id,
            "typed": secrets_of(self.reserved).code,
            "used": self.used.public_id,
            "make_good": self.make_good.public_id,
            "entry": self.entry.public_id,
            "external": self.entry.external_id,
            "source": self.source.code,
            "furnisher": self.source.furnisher.public_id,
            "link_code": self.link_code,
            "dispute": self.dispute.public_id,
            "rejected": self.rejected.public_id,
            "raised_again": self.raised_again.public_id,
            "evidence": self.dispute.evidence.get().public_id,
            "proposal": self.proposal.public_id,
            "vouch": self.vouch.public_id,
            "vouch_token": self.vouch_token,
            "seed": self.seed.public_id,
            "draft": self.draft.public_id,
            "version": "2026-11",
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


def make_world() -> World:
    """Build the town: about a hundred rows."""
    source, other_source = SourceFactory(code="bank"), SourceFactory(code="bureau")
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
        reserved=reserved,
        used=used,
        make_good=make_good_for(citizen, hotel.perks["free"]),
        make_good_of_neighbour=make_good_for(neighbour, rival.perks["free"]),
        of_neighbour=reservation(neighbour, rival.perks["published"]),
        entry=Entry.objects.filter(enrolment_id=citizen.pk, link__source=source).first(),
        entry_of_neighbour=Entry.objects.filter(enrolment_id=neighbour.pk, link__source=source).first(),
        operator=operator,
        full_operator=full_operator,
        draft=start_draft(by=full_operator),
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
        seed=propose_seed(email=unlinked.email, reason="The team.", by=operator_with("scoring")),
    )
    # Now, because tests undo what happens later: a session that is undone is no credential any more.
    world.clients = {caller: world.client_of(caller) for caller in (*CALLERS, "neighbour")}
    return world


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
    states = {"draft": "draft", "review": "review", "approved": "approved", "published": "published"}
    states |= {"second": "published", "free": "published", "paused": "paused", "ended": "ended"}
    options: dict[str, Any] = {"merchant": merchant, "tiers": [open_tier()]}
    return House(
        merchant=merchant,
        branch=branch,
        seats=seats,
        scan_server=server_of(merchant, "merchant:scan"),
        perk_server=server_of(merchant, "merchant:perks"),
        perks={key: PerkFactory(state=state, title=f"{name}, {key}", **options) for key, state in states.items()},
        invited=invited,
        invitation=invitation,
        token=tokens[0],
    )
