"""Who acts for a merchant: members, their roles, and seats offered by e-mail."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from citizen_app import audit
from citizen_app.accounts.mail import queue_mail
from citizen_app.db import violated
from citizen_app.errors import NotFound
from citizen_app.keys import derive_key, keyed_hash
from citizen_app.models import Citizen
from perks.errors import AlreadyMember, InvitationOfSomebodyElse, InvitationOver, LastOwner
from perks.models import Invitation, Member, Merchant

INVITATION_LIFE: Final = timedelta(days=7)


@transaction.atomic
def invite_member(
    *,
    merchant: Merchant,
    email: str,
    role: str,
    by: Citizen,
    link: Callable[[str], str],
    now: datetime | None = None,
) -> Invitation:
    """Offer a seat in the team by e-mail, for seven days; a newer offer to the same address takes the older's place.

    `link` makes the address in the mail from the token, which is kept as a keyed hash only.
    """
    now = now or timezone.now()
    if Member.objects.filter(merchant=merchant, citizen__email__iexact=email).exists():
        raise AlreadyMember
    _open_invitations(merchant, now).filter(email__iexact=email).delete()
    token = secrets.token_urlsafe(24)
    invitation = Invitation.objects.create(
        merchant=merchant,
        email=email,
        role=Member.Role(role),
        token_hash=_hash(token),
        invited_by=by,
        made_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    queue_mail(_mail(invitation, link(token)))
    audit.record(by=by, action="member.invite", on=merchant.public_id, invitation=invitation.public_id, role=role)
    return invitation


@transaction.atomic
def accept_invitation(*, token: str, by: Citizen, now: datetime | None = None) -> Member:
    """Take the offered seat; only the account of the address it was sent to can.

    Raises `NotFound` for a token nobody gave out, `InvitationOfSomebodyElse`, `InvitationOver` and `AlreadyMember`.
    """
    now = now or timezone.now()
    invitation = invitation_of(token)
    if invitation.email.lower() != by.email.lower():
        raise InvitationOfSomebodyElse
    accepted = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, expires_at__gt=now).update(accepted_at=now)
    if not accepted:
        raise InvitationOver
    try:
        with transaction.atomic():
            member = Member.objects.create(merchant=invitation.merchant, citizen=by, role=invitation.role, since=now)
    except IntegrityError as error:
        if violated(error) != "member_one_role_per_merchant":
            raise
        raise AlreadyMember from error
    audit.record(by=by, action="member.join", on=invitation.merchant.public_id, role=invitation.role)
    return member


def invitation_of(token: str) -> Invitation:
    """Return the invitation a token belongs to, or raise `NotFound`."""
    found = Invitation.objects.select_related("merchant").filter(token_hash=_hash(token)).first()
    if found is None:
        raise NotFound
    return found


@transaction.atomic
def remove_member(*, member: Member, by: Citizen) -> None:
    """Take somebody out of the team at once; the last owner stays."""
    # The merchant's row: two owners who remove each other at the same moment must not both succeed.
    Merchant.objects.select_for_update(no_key=True, of=("self",)).get(pk=member.merchant_id)
    owners = Member.objects.filter(merchant_id=member.merchant_id, role=Member.Role.OWNER)
    if member.role == Member.Role.OWNER and not owners.exclude(pk=member.pk).exists():
        raise LastOwner
    removed, _ = Member.objects.filter(pk=member.pk).delete()
    if not removed:
        raise NotFound
    audit.record(by=by, action="member.remove", on=member.merchant.public_id, role=member.role)


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, by: Citizen) -> None:
    """Take back an offer that nobody has accepted."""
    if not Invitation.objects.filter(pk=invitation.pk, accepted_at=None).delete()[0]:
        raise InvitationOver
    audit.record(by=by, action="member.uninvite", on=invitation.merchant.public_id, invitation=invitation.public_id)


def open_invitations(merchant: Merchant, *, now: datetime | None = None) -> QuerySet[Invitation]:
    """Return the offers still standing, newest first."""
    return _open_invitations(merchant, now or timezone.now()).order_by("-id")


def _open_invitations(merchant: Merchant, now: datetime) -> QuerySet[Invitation]:
    return Invitation.objects.filter(merchant=merchant, accepted_at=None, expires_at__gt=now)


def _hash(token: str) -> str:
    return keyed_hash(derive_key(settings.SERVER_KEY, "invitation token"), token)


def _mail(invitation: Invitation, link: str) -> EmailMessage:
    name = invitation.merchant.name
    return EmailMessage(
        subject=f"Join {name} on Citizen App",
        body=(
            f"You are invited to join the team of {name} as {invitation.role}.\n\n"
            f"{link}\n\n"
            "Sign in with this e-mail address to accept. The invitation is open for seven days.\n"
            "Your own score has nothing to do with it, and the team never sees it.\n"
        ),
        to=[invitation.email],
    )
