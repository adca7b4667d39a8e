"""Applying, deciding, and the people, places and servers of a merchant."""

from datetime import timedelta

import pytest
from django.utils import timezone

from citizen_app.accounts.operators import RoleRequired
from citizen_app.errors import NotFound, WrongState
from citizen_app.models import AuditEvent
from citizen_app.outbox import run_due
from perks import errors
from perks.models import Branch, Invitation, Member, Merchant, MerchantClient
from perks.services import branches, catalogue, clients, merchants, team
from tests.factories.people import CitizenFactory, operator_with
from tests.factories.perks import BranchFactory, MemberFactory, MerchantFactory, PerkFactory, person_of, reservation
from tests.perks.services.lives import draft

pytestmark = pytest.mark.django_db


def apply(by=None, **fields):
    fields = {"name": "Aurora", "sector": "hotel", "country": "PT"} | fields
    return merchants.apply_as_merchant(by=by or CitizenFactory(), **fields)


def test_who_applies_is_the_first_owner_and_waits():
    citizen = CitizenFactory()
    merchant = apply(citizen)
    assert (merchant.state, merchant.approved_at, merchant.purpose) == ("pending", None, "travel")
    assert Member.objects.get(merchant=merchant).role == "owner"


@pytest.mark.parametrize(
    ("sector", "purpose"),
    [
        ("hotel", "travel"),
        ("airport", "travel"),
        ("car_rental", "rental"),
        ("shop", "retail"),
        ("dating_app", "dating"),
    ],
)
def test_the_sector_fixes_the_purpose(sector, purpose):
    assert apply(sector=sector).purpose == purpose


def test_an_operator_decides_and_it_is_on_record():
    merchant, operator = apply(), operator_with("merchants")
    merchant = merchants.approve_merchant(merchant=merchant, by=operator)
    assert merchant.state == "active"
    assert merchant.approved_at is not None
    merchant = merchants.suspend_merchant(merchant=merchant, by=operator, reason="An unremedied penalty.")
    assert (merchant.state, merchant.refusal) == ("suspended", "An unremedied penalty.")
    merchant = merchants.reinstate_merchant(merchant=merchant, by=operator)
    assert (merchant.state, merchant.refusal) == ("active", "")
    acts = AuditEvent.objects.filter(object=merchant.public_id).order_by("id").values_list("action", flat=True)
    assert list(acts) == ["merchant.apply", "merchant.approve", "merchant.suspend", "merchant.reinstate"]


def test_nobody_decides_on_their_own_merchant_or_without_the_role():
    operator = operator_with("merchants")
    merchant = apply(operator)
    with pytest.raises(errors.OwnMerchant):
        merchants.approve_merchant(merchant=merchant, by=operator)
    with pytest.raises(RoleRequired):
        merchants.approve_merchant(merchant=merchant, by=operator_with("support"))
    merchant.refresh_from_db()
    assert merchant.state == "pending"


def test_a_refused_merchant_is_closed_and_not_approved_afterwards():
    operator = operator_with("merchants")
    merchant = merchants.refuse_merchant(merchant=apply(), by=operator, reason="No such registry number.")
    assert (merchant.state, merchant.refusal) == ("closed", "No such registry number.")
    with pytest.raises(WrongState):
        merchants.approve_merchant(merchant=merchant, by=operator)


# The team


def invite(merchant, email="ana@example.org", role="cashier", **options):
    tokens = []

    def link(token):
        tokens.append(token)
        return f"https://example.org/{token}"

    by = options.pop("by", None) or person_of(merchant)
    invitation = team.invite_member(merchant=merchant, email=email, role=role, by=by, link=link, **options)
    return invitation, tokens[0]


def test_an_invitation_is_mailed_and_its_token_is_not_kept(mailoutbox):
    merchant = MerchantFactory(name="Aurora")
    invitation, token = invite(merchant)
    run_due()
    (mail,) = mailoutbox
    assert (mail.to, token in mail.body, "Aurora" in mail.subject) == (["ana@example.org"], True, True)
    assert token not in str(Invitation.objects.values())
    member = team.accept_invitation(token=token, by=CitizenFactory(email="Ana@example.org"))
    assert (member.merchant, member.role) == (merchant, "cashier")
    invitation.refresh_from_db()
    assert invitation.accepted_at is not None


def test_an_invitation_is_for_its_address_once_and_for_seven_days():
    now, merchant = timezone.now(), MerchantFactory()
    _, token = invite(merchant, now=now)
    ana = CitizenFactory(email="ana@example.org")
    with pytest.raises(errors.InvitationOfSomebodyElse):
        team.accept_invitation(token=token, by=CitizenFactory())
    with pytest.raises(NotFound):
        team.accept_invitation(token=f"{token}x", by=ana)
    with pytest.raises(errors.InvitationOver):
        team.accept_invitation(token=token, by=ana, now=now + timedelta(days=7))
    assert not Member.objects.filter(citizen=ana).exists()
    team.accept_invitation(token=token, by=ana, now=now + timedelta(days=6))
    with pytest.raises(errors.InvitationOver):
        team.accept_invitation(token=token, by=ana, now=now)


def test_a_newer_invitation_takes_the_place_of_the_older():
    merchant = MerchantFactory()
    _, old = invite(merchant, role="manager")
    invite(merchant, email="ANA@example.org", role="cashier")
    with pytest.raises(NotFound):
        team.accept_invitation(token=old, by=CitizenFactory(email="ana@example.org"))


def test_a_member_is_not_invited_again():
    seat = MemberFactory()
    with pytest.raises(errors.AlreadyMember):
        invite(seat.merchant, email=seat.citizen.email)
    assert not Invitation.objects.exists()


def test_the_last_owner_stays():
    merchant = MerchantFactory()
    owner = MemberFactory(merchant=merchant, role="owner")
    with pytest.raises(errors.LastOwner):
        team.remove_member(member=owner, by=owner.citizen)
    second = MemberFactory(merchant=merchant, role="owner")
    team.remove_member(member=owner, by=second.citizen)
    with pytest.raises(errors.LastOwner):
        team.remove_member(member=second, by=second.citizen)
    assert list(Member.objects.all()) == [second]


def test_an_offer_is_taken_back():
    merchant = MerchantFactory()
    invitation, token = invite(merchant)
    assert list(team.open_invitations(merchant)) == [invitation]
    team.withdraw_invitation(invitation=invitation, by=person_of(merchant))
    with pytest.raises(NotFound):
        team.accept_invitation(token=token, by=CitizenFactory(email="ana@example.org"))


def test_who_was_removed_does_not_come_back_by_the_old_invitation_and_it_is_not_taken_back_any_more():
    merchant = MerchantFactory()
    owner, ana = person_of(merchant), CitizenFactory(email="ana@example.org")
    invitation, token = invite(merchant, by=owner)
    team.remove_member(member=team.accept_invitation(token=token, by=ana), by=owner)
    with pytest.raises(errors.InvitationOver):
        team.accept_invitation(token=token, by=ana)
    with pytest.raises(errors.InvitationOver):
        team.withdraw_invitation(invitation=invitation, by=owner)
    assert list(Member.objects.values_list("role", flat=True)) == ["owner"]
    assert Invitation.objects.get().accepted_at is not None


# Branches and servers


def test_a_branch_is_opened_changed_and_closed():
    merchant = MerchantFactory()
    owner = person_of(merchant)
    branch = branches.add_branch(merchant=merchant, by=owner, name="Lisboa", zone="Europe/Lisbon", iata="LIS")
    branches.change_branch(branch=branch, by=owner, changes={"name": "Lisboa Avenida"})
    branches.close_branch(branch=branch, by=owner)
    branch.refresh_from_db()
    assert branch.name == "Lisboa Avenida"
    assert branch.closed_at is not None


def test_a_branch_with_open_reservations_is_not_closed():
    branch = BranchFactory()
    perk = PerkFactory(merchant=branch.merchant, kind="priority")
    redemption = reservation(perk=perk, date=timezone.now().date() + timedelta(days=1), branch=branch)
    with pytest.raises(errors.BranchInUse):
        branches.close_branch(branch=branch, by=person_of(branch.merchant))
    assert Branch.objects.get().closed_at is None
    branches.close_branch(branch=branch, by=person_of(branch.merchant), now=redemption.expires_at)


def test_a_servers_secret_is_seen_once_and_dies_with_it():
    merchant = MerchantFactory()
    owner = person_of(merchant)
    made = clients.add_client(merchant=merchant, by=owner, name="Till server", scopes=["merchant:scan"])
    application = made.client.application
    assert made.client_secret not in (application.client_secret, "")
    assert (application.owner, application.allowed_scopes) == (merchant.public_id, ["merchant:scan"])
    clients.remove_client(client=made.client, by=owner)
    application.refresh_from_db()
    assert application.suspended
    assert not MerchantClient.objects.exists()


def test_who_has_been_in_the_team_decides_on_nothing_of_it_afterwards():
    """Else whoever wrote a perk could leave the team and approve it."""
    writer, owner = operator_with("merchants"), CitizenFactory()
    merchant = apply(writer)
    MemberFactory(merchant=merchant, citizen=owner, role="owner")
    Merchant.objects.filter(pk=merchant.pk).update(state="active", approved_at=timezone.now())
    merchant.refresh_from_db()
    perk = catalogue.submit_perk(perk=draft(merchant, writer), by=writer)
    team.remove_member(member=Member.objects.get(merchant=merchant, citizen=writer), by=owner)
    for decide in (
        lambda: catalogue.approve_perk(perk=perk, by=writer),
        lambda: catalogue.refuse_perk(perk=perk, by=writer, reason="No"),
        lambda: merchants.suspend_merchant(merchant=merchant, by=writer, reason="No"),
    ):
        with pytest.raises(errors.OwnMerchant):
            decide()
    perk.refresh_from_db()
    merchant.refresh_from_db()
    assert (perk.state, perk.in_force, merchant.state) == ("review", None, "active")
    catalogue.approve_perk(perk=perk, by=operator_with("merchants"))


def test_who_joined_by_an_invitation_and_left_decides_on_nothing_of_it_either():
    operator, owner = operator_with("merchants"), CitizenFactory()
    merchant = apply(owner)
    told = []
    team.invite_member(
        merchant=merchant,
        email=operator.email,
        role="manager",
        by=owner,
        link=lambda token: told.append(token) or "https://example.org",
    )
    member = team.accept_invitation(token=told[0], by=operator)
    team.remove_member(member=member, by=owner)
    with pytest.raises(errors.OwnMerchant):
        merchants.approve_merchant(merchant=merchant, by=operator)
    merchant.refresh_from_db()
    assert (merchant.state, merchant.approved_at) == ("pending", None)
