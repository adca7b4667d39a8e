"""What an opened file shows: the least its reader's role needs, personal fields masked until they are asked for (P4).

No score, band or factor, no value or kind of a record, no purpose: whoever reads it learns how things stand, so that
they can help, and nothing of what the person is worth to anybody.
"""

from typing import Any, Final

from citizen_app.accounts.events import email_is_verified, second_factor_is_on
from citizen_app.models import Citizen, OperatorRole
from scores.models import Dispute, Enrolment, FileOpening, Link
from scores.services.files import MASKED

Role = OperatorRole.Role
_DISPUTES_SHOWN: Final = 25
_HIDDEN: Final = "•••"
_TITLES: Final = {"name": "First name", "email": "E-mail address", "document": "Document check"}


def file_statement(opening: FileOpening) -> dict[str, Any]:
    """The file as the opening's role may read it; what other rooms add stands beside it (`citizen_app.web.panels`)."""
    enrolment: Enrolment = opening.enrolment
    citizen = enrolment.citizen
    shown = set(opening.unmaskings.values_list("field", flat=True))
    told: dict[str, Any] = {
        "id": citizen.public_id,
        "masked": [
            {
                "field": field,
                "title": _TITLES[field],
                "text": _full(field, enrolment) if field in shown else _masked(field, citizen),
                "is_shown": field in shown,
            }
            for field in MASKED[opening.role]
        ],
        "enrolment": {"state": enrolment.state, "since": enrolment.enrolled_at, "paused_at": enrolment.paused_at},
    }
    if opening.role == Role.SUPPORT:
        told["account"] = {
            "is_active": citizen.is_active,
            "joined_at": citizen.joined_at,
            "address_is_verified": email_is_verified(citizen),
            "has_second_factor": second_factor_is_on(citizen),
        }
    if opening.role in (Role.SUPPORT, Role.DISPUTES):
        told["sources"] = _sources(enrolment.pk)
    if opening.role == Role.DISPUTES:
        told["disputes"] = _disputes(enrolment.pk)
    return told


def _masked(field: str, citizen: Citizen) -> str:
    """Enough to see that it is the one somebody names, too little to learn it."""
    if field == "email":
        return f"{citizen.email[:1]}{_HIDDEN}@{_HIDDEN}"
    return f"{citizen.first_name[:1]}{_HIDDEN}" if field == "name" else _HIDDEN


def _full(field: str, enrolment: Enrolment) -> str:
    if field == "email":
        return str(enrolment.citizen.email)
    if field == "name":
        return enrolment.citizen.first_name or "None given"
    checked_at = enrolment.document_checked_at
    return "Not checked" if checked_at is None else f"Checked on {checked_at:%-d %B %Y}"


def _sources(citizen_id: int) -> list[dict[str, Any]]:
    links = Link.objects.filter(enrolment_id=citizen_id).select_related("source").order_by("source__name", "id")
    return [{"name": link.source.name, "state": "on" if link.is_on else "off", "since": link.since} for link in links]


def _disputes(citizen_id: int) -> list[dict[str, Any]]:
    disputes = Dispute.objects.filter(enrolment_id=citizen_id).select_related("source").order_by("-opened_at", "-id")
    return [
        {"id": one.public_id, "source": one.source.name, "state": one.state, "opened_at": one.opened_at}
        for one in disputes[:_DISPUTES_SHOWN]
    ]
