"""What must hold of a person before an app may be connected (P1): a live enrolment, with a document check."""

from collections.abc import Iterator

from citizen_app.accounts.connections import forbids_connecting
from citizen_app.errors import DocumentNeeded, EnrolmentPaused, MustEnrol
from citizen_app.models import Citizen, Connection, OAuthApplication
from scores.models import Enrolment


@forbids_connecting
def must_be_enrolled(*, citizen: Citizen, application: OAuthApplication) -> None:
    """Raise `not_enrolled`, `enrolment_paused` or `document_needed`; the enrolment is held, so that nobody leaves."""
    enrolment = Enrolment.objects.select_for_update(no_key=True, of=("self",)).filter(pk=citizen.pk).first()
    if enrolment is None:
        raise MustEnrol
    if enrolment.state == Enrolment.State.PAUSED:
        raise EnrolmentPaused
    if enrolment.person_key is None:
        raise DocumentNeeded


def connected_without_document() -> Iterator[str]:
    """Running connections of people who are not enrolled, or whose document nobody checked."""
    loose = Connection.objects.running().filter(citizen__enrolment__person_key=None)
    yield from (f"connection {pk}" for pk in loose.values_list("pk", flat=True).iterator())
