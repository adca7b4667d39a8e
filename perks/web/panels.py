"""What perks add to the pages of the rooms they stand on: the next door to open, the merchants, what is reserved."""

from typing import Any, Final

from django.db.models import Case, F, IntegerField, Q, Value, When
from django.urls import reverse
from django.utils import timezone

from citizen_app.accounts.operators import is_operator
from citizen_app.models import Citizen, OperatorRole
from citizen_app.web.panels import adds_to
from perks import eligibility
from perks.models import Member, Perk, Redemption
from perks.services.catalogue_reading import cards_of, with_what_cards_show
from perks.services.showing_queue import waiting_count
from perks.services.showing_reports import waiting_cases
from scores import assessments

CANDIDATES: Final = 10
REDEMPTIONS_IN_A_FILE: Final = 25


@adds_to("score_home")
def next_door(citizen: Citizen) -> dict[str, Any]:
    """The perk that nothing but the fewest points keeps shut, each purpose on its own value, or None."""
    now = timezone.now()
    assessment = assessments.assess(citizen, now=now)
    values = {code: answer.value for code, answer in assessment.purposes.items() if answer.value is not None}
    if assessment.state != "scored" or not values:
        return {"next_door": None}
    above = Q()
    for purpose, value in values.items():
        above |= Q(purpose=purpose, easiest_min_score__gt=value)
    here = [When(purpose=purpose, then=Value(value)) for purpose, value in values.items()]
    # The nearest few are judged one by one: a limit that is reached, say, may stand in the way of the very nearest.
    shut = (
        with_what_cards_show(Perk.objects.shown_at(now), now=now)
        .with_one_left()
        .filter(above, has_open_tier=False)
        .annotate(to_go=F("easiest_min_score") - Case(*here, output_field=IntegerField()))
        .order_by("to_go", "-id")[:CANDIDATES]
    )
    cards = cards_of(citizen=citizen, perks=list(shut), assessment=assessment, now=now)
    return {"next_door": next((card for card in cards if _only_points_are_missing(card)), None)}


@adds_to("account")
def merchants(citizen: Citizen) -> dict[str, Any]:
    """The merchants somebody acts for, and as what."""
    seats = Member.objects.filter(citizen=citizen).select_related("merchant").order_by("merchant__name", "id")
    return {
        "merchants": [
            {"id": seat.merchant.public_id, "name": seat.merchant.name, "role": seat.get_role_display()}
            for seat in seats
        ]
    }


@adds_to("landing")
def console(citizen: Citizen) -> dict[str, Any]:
    """Where the work of somebody begins who acts for a merchant and is not scored."""
    is_member = Member.objects.filter(citizen=citizen).exists()
    return {"console": reverse("merchant:home") if is_member else None}


@adds_to("reservations")
def reservations(citizen: Citizen) -> dict[str, Any]:
    """What somebody holds: it is honoured while they pause, and after they have left."""
    open_now = Redemption.reads_as(Redemption.State.RESERVED, timezone.now())
    held = Redemption.objects.filter(open_now, citizen=citizen).select_related("version").order_by("expires_at")
    return {
        "reservations": [
            {"id": one.public_id, "perk": {"title": one.version.title}, "expires_at": one.expires_at} for one in held
        ]
    }


@adds_to("back_office")
def waiting(citizen: Citizen) -> dict[str, Any]:
    """How many decisions wait for the operators for merchants."""
    if not is_operator(citizen, OperatorRole.Role.MERCHANTS):
        return {"waiting": 0, "reports_waiting": 0}
    return {"waiting": waiting_count(), "reports_waiting": waiting_cases().count()}


def _only_points_are_missing(card: dict[str, Any]) -> bool:
    return [reason["code"] for reason in card["eligibility"]["reasons"]] == [eligibility.BELOW_THRESHOLD]


@adds_to("file:support")
@adds_to("file:merchants")
def redemptions_of(citizen: Citizen) -> dict[str, Any]:
    """What somebody took, for an operator who opened their file: where, when and how it stands.

    Not which perk, nor which tier of it: that would tell what they reach (P4).
    """
    taken = Redemption.objects.filter(citizen=citizen).select_related("merchant").order_by("-taken_at", "-id")
    return {
        "redemptions": [
            {"id": one.public_id, "merchant": one.merchant.name, "state": one.state, "taken_at": one.taken_at}
            for one in taken[:REDEMPTIONS_IN_A_FILE]
        ]
    }
