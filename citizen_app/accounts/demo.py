"""The demo's accounts: verified addresses of a domain that is nobody's, and operators with a second factor."""

from django.db import transaction

from citizen_app.accounts.events import email_is_verified
from citizen_app.accounts.operators import grant_role
from citizen_app.accounts.set_up import make_account, set_up_authenticator
from citizen_app.demo import EMAIL_DOMAIN
from citizen_app.models import Citizen


@transaction.atomic
def demo_account(name: str, *, first_name: str, password: str | None = None) -> Citizen:
    """The account `name@demo.example.org`, verified and marked as demo; as wanted already, nothing is written."""
    email = f"{name}@{EMAIL_DOMAIN}"
    citizen = Citizen.objects.filter(email=email).first()
    if (
        citizen is not None
        and citizen.is_demo
        and email_is_verified(citizen)
        and (password is None or citizen.check_password(password))
    ):
        return citizen
    citizen, _ = make_account(email=email, password=password, first_name=first_name)
    if not citizen.is_demo:
        citizen.is_demo = True
        citizen.save(update_fields=["is_demo"])
    return citizen


@transaction.atomic
def demo_operator(name: str, *, first_name: str, password: str | None, roles: tuple[str, ...]) -> tuple[Citizen, str]:
    """An operator's account with these roles, and the secret of its authenticator (TOTP, base32)."""
    operator = demo_account(name, first_name=first_name, password=password)
    for role in roles:
        grant_role(citizen=operator, role=role, by=None)
    return operator, set_up_authenticator(operator)[0]
