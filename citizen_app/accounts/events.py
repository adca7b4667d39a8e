"""What happens to an account that other apps care about. They register in their `AppConfig.ready()`.

allauth announces these with its own signals (its public interface); this is the one place that listens to them.
A listener is called in the request that caused the event, after the account's own change is stored, and must be safe
to call twice with the same facts.
"""

from typing import Any, Protocol

from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.http import HttpRequest

from citizen_app.accounts.passkeys import end_sessions_of_lost_factors
from citizen_app.models import Citizen


class EmailVerified(Protocol):
    """Called when a person has shown that an e-mail address is theirs."""

    def __call__(self, *, citizen: Citizen) -> None: ...


class MFAChanged(Protocol):
    """Called when a person has switched their second factor on (`active`) or off."""

    def __call__(self, *, citizen: Citizen, active: bool) -> None: ...


_email_listeners: list[EmailVerified] = []
_mfa_listeners: list[MFAChanged] = []


def on_email_verified(listener: EmailVerified) -> EmailVerified:
    """Register `def listener(*, citizen)` for verified addresses."""
    if listener not in _email_listeners:
        _email_listeners.append(listener)
    return listener


def on_mfa_changed(listener: MFAChanged) -> MFAChanged:
    """Register `def listener(*, citizen, active)` for the second factor."""
    if listener not in _mfa_listeners:
        _mfa_listeners.append(listener)
    return listener


def announce_email_verified(*, citizen: Citizen) -> None:
    """Tell every listener; for set-up code that verifies an address without allauth's flow."""
    for listener in _email_listeners:
        listener(citizen=citizen)


def announce_mfa_changed(*, citizen: Citizen, active: bool) -> None:
    """Tell every listener; for set-up code that adds a factor without allauth's flow."""
    for listener in _mfa_listeners:
        listener(citizen=citizen, active=active)


def email_is_verified(citizen: Citizen) -> bool:
    """Whether the address of the account is one the person has shown to be theirs (for those who register late)."""
    return EmailAddress.objects.filter(user=citizen, email__iexact=citizen.email, verified=True).exists()


def second_factor_is_on(citizen: Citizen) -> bool:
    """Whether signing in asks for an authenticator's code; recovery codes alone are no factor."""
    return Authenticator.objects.filter(user=citizen).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


def listen_to_allauth() -> None:
    """Connect to allauth's announcements, once; called when the project starts."""
    email_confirmed.connect(_email_confirmed, dispatch_uid="citizen_app.email_verified")
    authenticator_added.connect(_authenticator_added, dispatch_uid="citizen_app.authenticator_added")
    authenticator_removed.connect(_authenticator_removed, dispatch_uid="citizen_app.authenticator_removed")


def _email_confirmed(*, email_address: EmailAddress, **_announced: Any) -> None:
    announce_email_verified(citizen=email_address.user)


def _authenticator_added(
    *, request: HttpRequest, user: Citizen, authenticator: Authenticator, **_announced: Any
) -> None:
    factors = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
    if list(factors.values_list("pk", flat=True)) == [authenticator.pk]:
        # Setting up the first one proves that it is at hand; a further one proves nothing about the first.
        shown = {"method": "mfa", "id": authenticator.pk, "type": authenticator.type}
        if not request.user.is_authenticated:
            # An account that begins with it: what lets its person in without it is made along (allauth does so only
            # for who is signed in), and counts as just confirmed, so that the codes are shown without asking again.
            RecoveryCodes.activate(user)
            shown["reauthenticated"] = True
        record_authentication(request, user, **shown)
    _authenticators_changed(user=user, authenticator=authenticator)


def _authenticator_removed(
    *, request: HttpRequest, user: Citizen, authenticator: Authenticator, **_announced: Any
) -> None:
    end_sessions_of_lost_factors(request, user)
    _authenticators_changed(user=user, authenticator=authenticator)


def _authenticators_changed(*, user: Citizen, authenticator: Authenticator, **_announced: Any) -> None:
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        announce_mfa_changed(citizen=user, active=second_factor_is_on(user))
