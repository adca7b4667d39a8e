"""Making accounts without the pages, for set-up commands: the address counts as verified, the factor as set up."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.mfa.utils import decrypt
from django.core.validators import validate_email
from django.db import transaction

from citizen_app import audit
from citizen_app.accounts.events import announce_email_verified, announce_mfa_changed
from citizen_app.accounts.names import clean_first_name
from citizen_app.models import Citizen


@transaction.atomic
def make_account(*, email: str, password: str | None = None, first_name: str | None = None) -> tuple[Citizen, bool]:
    """Return the account of this address, verified, and whether it is new; what is given is set, the rest stays.

    Without a password a new account is opened by a code sent to the address. Raises Django's ValidationError.
    """
    email = email.strip().lower()
    validate_email(email)
    citizen = Citizen.objects.filter(email__iexact=email).first()
    is_new = citizen is None
    if citizen is None:
        citizen = Citizen(email=email)
        citizen.set_unusable_password()
    # A password that is the same already is left alone: setting it again would end the person's sessions.
    if password and not citizen.check_password(password):
        citizen.set_password(password)
    if first_name is not None:
        citizen.first_name = clean_first_name(first_name)
    citizen.save()
    if _verify(citizen):
        announce_email_verified(citizen=citizen)
    audit.record(by=None, action="account.set_up", on=citizen.public_id, new=is_new)
    return citizen, is_new


@transaction.atomic
def set_up_authenticator(citizen: Citizen) -> tuple[str, bool]:
    """Return the secret of the person's authenticator app (TOTP, base32) and whether it was made just now."""
    existing = Authenticator.objects.filter(user=citizen, type=Authenticator.Type.TOTP).first()
    if existing is not None:
        return decrypt(existing.data["secret"]), False
    secret = generate_totp_secret()
    TOTP.activate(citizen, secret)
    RecoveryCodes.activate(citizen)
    announce_mfa_changed(citizen=citizen, active=True)
    return secret, True


def _verify(citizen: Citizen) -> bool:
    """Mark the account's address as verified and primary; False when it was already."""
    EmailAddress.objects.filter(user=citizen, primary=True).exclude(email__iexact=citizen.email).update(primary=False)
    address, is_new = EmailAddress.objects.get_or_create(
        user=citizen, email=citizen.email.lower(), defaults={"verified": True, "primary": True}
    )
    if is_new:
        return True
    if address.verified and address.primary:
        return False
    was_verified = address.verified
    address.verified = address.primary = True
    address.save(update_fields=["verified", "primary"])
    return not was_verified
