"""The sandbox of an app's engineers: five test citizens, a clock they set, and every refusal on demand.

It answers in the shapes of `boost_reads` and shares nothing with it: other addresses, another scope, other tables.
Neither can a sandbox's client read about people, nor a real one about test citizens.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from citizen_app.errors import WrongState
from citizen_app.models import OAuthApplication
from perks.models import Sandbox, SandboxCitizen
from perks.services.boost_reads import NO_BOOST, Reading, next_midnight
from perks.services.tills import token_hash

TOKEN_PREFIX: Final = "sbx_"  # noqa: S105  (what a token begins with)
TOKEN_LIFE: Final = timedelta(minutes=10)
BOOST: Final = "1.20"
REACHED_FOR: Final = timedelta(days=45)
"""When, by the sandbox's clock, the test citizen who reaches the boost is judged again and reaches it no more."""

Case = SandboxCitizen.Case
CONNECTED_AT_FIRST: Final = (Case.REACHED, Case.NOT_REACHED, Case.PAUSED)


@dataclass(frozen=True, slots=True)
class GivenToken:
    """What the exchange of a code gives for a real person, and its only sight."""

    citizen: SandboxCitizen
    token: str = field(repr=False)


def sandbox_of(application: OAuthApplication, *, now: datetime | None = None) -> Sandbox:
    """The client's sandbox; the first time it is made, with its five test citizens."""
    found = Sandbox.objects.filter(application=application).first()
    return found or _made(application, now or timezone.now())


@transaction.atomic
def _made(application: OAuthApplication, now: datetime) -> Sandbox:
    sandbox, is_new = Sandbox.objects.get_or_create(application=application, defaults={"began_at": now})
    if is_new:
        SandboxCitizen.objects.bulk_create(
            SandboxCitizen(
                sandbox=sandbox,
                case=case,
                subject=secrets.token_urlsafe(24),
                is_connected=case in CONNECTED_AT_FIRST,
            )
            for case in Case
        )
    return sandbox


def now_in(sandbox: Sandbox) -> datetime:
    """What time it is there."""
    return sandbox.stands_at or timezone.now()


def citizens_in(sandbox: Sandbox) -> list[SandboxCitizen]:
    """The five, in the order of their cases."""
    order = list(Case)
    return sorted(sandbox.citizens.all(), key=lambda one: order.index(Case(one.case)))


@transaction.atomic
def reset(*, sandbox: Sandbox, now: datetime | None = None) -> Sandbox:
    """Begin again: the clock goes with the world's, everybody is as they were made; their names stay."""
    sandbox.began_at, sandbox.stands_at = now or timezone.now(), None
    sandbox.save(update_fields=["began_at", "stands_at"])
    sandbox.citizens.update(token_hash="", token_ends_at=None)
    sandbox.citizens.filter(case__in=CONNECTED_AT_FIRST).update(is_connected=True)
    return sandbox


@transaction.atomic
def set_clock(*, sandbox: Sandbox, at: datetime) -> Sandbox:
    """Let it be this instant there, until it is set anew or reset; nobody's time but theirs changes."""
    sandbox.stands_at = at
    sandbox.save(update_fields=["stands_at"])
    return sandbox


@transaction.atomic
def connect_test_citizen(*, sandbox: Sandbox, case: str) -> GivenToken:
    """Stand for a consent and the exchange of its code: connect, and give a token for ten minutes of its clock.

    Raises `WrongState` for those who connect no app: one left, one never will.
    """
    citizen = sandbox.citizens.select_for_update().get(case=case)
    if citizen.case not in CONNECTED_AT_FIRST:
        raise WrongState("This test citizen connects no app.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    citizen.is_connected, citizen.token_hash = True, token_hash(token)
    citizen.token_ends_at = now_in(sandbox) + TOKEN_LIFE
    citizen.save()
    return GivenToken(citizen, token)


@transaction.atomic
def disconnect_test_citizen(*, sandbox: Sandbox, case: str) -> SandboxCitizen:
    """Stand for somebody who disconnects: the token opens nothing from the next request on. Safe twice."""
    citizen = sandbox.citizens.select_for_update().get(case=case)
    citizen.is_connected, citizen.token_hash, citizen.token_ends_at = False, "", None
    citizen.save()
    return citizen


def citizen_by(token: str) -> SandboxCitizen | None:
    """Whose token it is, while it lasts by the clock of its sandbox and its client is not switched off."""
    found = SandboxCitizen.objects.select_related("sandbox__application").filter(token_hash=token_hash(token)).first()
    if found is None or found.sandbox.application.suspended or found.token_ends_at is None:
        return None
    return found if now_in(found.sandbox) < found.token_ends_at else None


def read_test_boost(citizen: SandboxCitizen) -> Reading:
    """What the app reads with a test citizen's token."""
    return Reading(_boost_of(citizen) or NO_BOOST, next_midnight(now_in(citizen.sandbox)))


def look_up_test_boosts(*, sandbox: Sandbox, subjects: Sequence[str]) -> dict[str, Reading]:
    """What the app's server reads about test citizens; a name of anybody else is nobody's here."""
    named = {one.subject: one for one in SandboxCitizen.objects.filter(sandbox=sandbox).select_related("sandbox")}
    expires_at = next_midnight(now_in(sandbox))
    found = ((subject, _boost_of(named[subject])) for subject in subjects if subject in named)
    return {subject: Reading(boost, expires_at) for subject, boost in found if boost}


def _boost_of(citizen: SandboxCitizen) -> str | None:
    is_running = citizen.is_connected and citizen.case == Case.REACHED
    over_at = citizen.sandbox.began_at + REACHED_FOR
    return BOOST if is_running and now_in(citizen.sandbox) < over_at else None
