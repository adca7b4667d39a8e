"""Pairwise names: what an app calls a person, and whom an app means."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q

from citizen_app.models import Citizen, Connection, OAuthApplication, PairwiseSubject


def subject_of(citizen: Citizen, application: OAuthApplication) -> str:
    """The name by which the apps of this one's sector know the person; drawn by lot when it is first asked for."""
    row, _ = PairwiseSubject.objects.get_or_create(citizen=citizen, sector=application.sector_or_own)
    return str(row.subject)


def to_apps_of_sector(application: OAuthApplication) -> Q:
    """Of connections: those to apps that call a person as this client does."""
    sector = application.sector_or_own
    return Q(application__sector=sector) | Q(application__sector="", application__client_id=sector)


def to_apps_of_owner(application: OAuthApplication) -> Q:
    """Of connections: those to apps of this client's own organisation."""
    return Q(application__owner_kind=application.owner_kind, application__owner=application.owner)


def citizens_of(subjects: Iterable[str], application: OAuthApplication) -> dict[str, int]:
    """Whom these names mean to this client: subject → citizen's pk, in one statement.

    Left out, and so not told apart: names of other sectors, of nobody, and of people who are not connected now to an
    app of the client's own organisation in this sector, or were switched off.
    """
    connected = Connection.objects.running().filter(
        to_apps_of_sector(application),
        to_apps_of_owner(application),
        citizen=OuterRef("citizen"),
        application__suspended=False,
        application__review=OAuthApplication.Review.APPROVED,
    )
    found = PairwiseSubject.objects.filter(
        Exists(connected), sector=application.sector_or_own, subject__in=list(subjects), citizen__is_active=True
    )
    return dict(found.values_list("subject", "citizen_id"))
