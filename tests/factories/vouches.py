"""People who may vouch, the vouches they give, and seeds: made the way the product makes them."""

from datetime import datetime, timedelta

from citizen_app.models import Citizen
from scores.models import Enrolment, Seed, Vouch
from scores.services.seeding import confirm_seed, propose_seed
from scores.services.vouching import ask_for_vouch, give_vouch
from tests.factories.people import operator_with
from tests.factories.scores import NOW, EnrolmentFactory

LONG_AGO = NOW - timedelta(days=200)


def giver(*, now: datetime = LONG_AGO, document: bool = True, **fields: object) -> Citizen:
    """Somebody who may vouch: enrolled two hundred days before noon, their document checked."""
    citizen: Citizen = EnrolmentFactory(now=now, document=document, **fields).citizen
    return citizen


def vouch(by: Citizen, for_: Citizen, now: datetime = NOW) -> Vouch:
    """One person's word for another, by a link that one asked for."""
    return give_vouch(token=ask_for_vouch(citizen=for_, now=now).token, citizen=by, now=now)


def seed(citizen: Citizen, now: datetime = NOW) -> Seed:
    """Choose somebody as a seed: two operators, the document checked before."""
    if Enrolment.objects.get(pk=citizen.pk).person_key is None:
        raise AssertionError("A seed's document is checked first.")
    proposed = propose_seed(email=citizen.email, reason="The team.", by=operator_with("scoring"), now=now)
    return confirm_seed(seed_id=proposed.public_id, by=operator_with("scoring"), now=now)
