"""Connecting an app, and ending it: each the person's own act, each on record, and each true from the next request on.

Other rooms register what they do about it (`on_connected`, `on_disconnected`) and what stands in the way of it
(`forbids_connecting`): this one knows neither scores nor perks.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import get_grant_model, get_id_token_model

from citizen_app import audit, outbox
from citizen_app.accounts import consents
from citizen_app.accounts.erasure import Erasure, Kept, erases
from citizen_app.accounts.exchanging import end_access
from citizen_app.accounts.subjects import subject_of
from citizen_app.models import Citizen, Connection, ConsentEvent, OAuthApplication, PairwiseSubject
from citizen_app.notifying import notify
from citizen_app.outbox import sweeps

CONSENT: Final = "app"
LAPSES_AFTER: Final = timedelta(days=30)
"""How long a connection lasts that its app does not use: as long as a refresh token."""
OWN_DOORS: Final = ("web", "app")
"""The doors by which a person ends a connection themselves."""

Ended = Connection.Ended
Told = Callable[..., None]
_connected: list[Told] = []
_disconnected: list[Told] = []
_obstacles: list[Told] = []


def on_connected(told: Told) -> Told:
    """Register what a room does about a new connection: `def told(*, connection, subject, now) -> None`.

    It runs in the transaction of the connecting, in order of registration; one that fails undoes it.
    """
    return _registered(told, _connected)


def on_disconnected(told: Told) -> Told:
    """Register what a room ends with a connection: `def told(*, connection, subject, now) -> None`.

    It runs in the transaction of the ending; `connection.ended_because` says why. `subject` is what the app called
    the person, who may be about to be forgotten.
    """
    return _registered(told, _disconnected)


def forbids_connecting(obstacle: Told) -> Told:
    """Register what must hold before: `def obstacle(*, citizen, application) -> None` raises what stands in the way.

    It runs with the person's row held, in order of registration, and may hold rows of its own.
    """
    return _registered(obstacle, _obstacles)


def purpose_of(application: OAuthApplication) -> str:
    """How a consent event names the app."""
    return f"app:{application.client_id}"


@transaction.atomic
def connect(
    *,
    citizen: Citizen,
    application: OAuthApplication,
    scopes: Collection[str],
    via: str,
    now: datetime | None = None,
) -> Connection:
    """Let an app in, with these scopes and no others; somebody connected already changes what with.

    `via` is `web` or `app`. Raises what stands in the way (`not_enrolled`, `enrolment_paused`, `document_needed`), and
    ValueError for scopes the app may never have: doors validate before.
    """
    now = now or timezone.now()
    wanted = sorted(set(scopes))
    if not wanted or not set(wanted) <= set(application.allowed_scopes) or not application.is_app:
        raise ValueError(f"{application.client_id} cannot be connected with {wanted}.")
    require_may_connect(citizen=citizen, application=application)
    running = Connection.objects.running().filter(citizen=citizen, application=application)
    connection = running.select_for_update(no_key=True).first()
    is_new = connection is None
    if connection is None:
        connection = Connection.objects.create(
            citizen=citizen, application=application, scopes=wanted, connected_at=now, renewed_at=now
        )
    else:
        if connection.scopes != wanted:
            # What was given before must not outlive a narrower consent.
            _end_tokens(citizen, application, now)
        connection.scopes, connection.renewed_at = wanted, now
        connection.save(update_fields=["scopes", "renewed_at"])
    consents.record_consent(
        citizen=citizen,
        act=ConsentEvent.Act.GIVEN,
        purpose=purpose_of(application),
        text=consents.current_text(CONSENT, language=citizen.language),
        via=via,
        now=now,
        scopes=wanted,
    )
    action = "connection.begin" if is_new else "connection.renew"
    audit.record(by=citizen, action=action, on=connection.public_id, client_id=application.client_id, scopes=wanted)
    if is_new:
        subject = subject_of(citizen, application)
        for told in _connected:
            told(connection=connection, subject=subject, now=now)
    return connection


@transaction.atomic
def refuse(*, citizen: Citizen, application: OAuthApplication, via: str, now: datetime | None = None) -> None:
    """Put on record that the person was asked and said no; an earlier connection stays as it is."""
    consents.record_consent(
        citizen=citizen,
        act=ConsentEvent.Act.REFUSED,
        purpose=purpose_of(application),
        text=consents.current_text(CONSENT, language=citizen.language),
        via=via,
        now=now or timezone.now(),
    )


@transaction.atomic
def disconnect(
    *,
    citizen: Citizen,
    application: OAuthApplication,
    now: datetime | None = None,
    why: str = Ended.DISCONNECTED,
    via: str = "system",
) -> bool:
    """End a connection: from the next request on its app reads nothing, and can renew nothing. Safe twice.

    `via` is `web` or `app` where the person did it themselves, `owner` where the app's owner withdrew the app. False
    where nothing ran.
    """
    now = now or timezone.now()
    # Held against an exchange that is going on: it ends first and loses what it got, or comes later and finds nothing.
    running = Connection.objects.running().filter(citizen=citizen, application=application)
    connection = running.select_for_update().first()
    _end_tokens(citizen, application, now)
    if connection is None:
        return False
    connection.ended_at, connection.ended_because = now, why
    connection.save(update_fields=["ended_at", "ended_because"])
    consents.withdraw_consent(citizen=citizen, purpose=purpose_of(application), via=via, now=now)
    audit.record(
        by=citizen if via in OWN_DOORS else None,
        action="connection.end",
        on=connection.public_id,
        client_id=application.client_id,
        why=why,
    )
    subject = subject_of(citizen, application)
    for told in _disconnected:
        told(connection=connection, subject=subject, now=now)
    _tell_citizen(connection, why=why, via=via, now=now)
    return True


def require_may_connect(*, citizen: Citizen, application: OAuthApplication) -> None:
    """Refuse where something stands in the way of connecting (P1). Holds the person's row: open a transaction."""
    Citizen.objects.select_for_update(no_key=True).get(pk=citizen.pk)
    for obstacle in _obstacles:
        obstacle(citizen=citizen, application=application)


@transaction.atomic
def disconnect_all_of(*, application: OAuthApplication, via: str = "system", now: datetime | None = None) -> int:
    """End every connection to an app that is no more, and tell each of its people; how many there were.

    `via` is `owner` where the app's owner withdrew it: a person's consent then ended, and not by an act of theirs.
    """
    now = now or timezone.now()
    ended = 0
    running = Connection.objects.running().filter(application=application).select_related("citizen")
    for one in running.order_by("citizen_id"):
        ended += disconnect(citizen=one.citizen, application=application, now=now, why=Ended.APP_CLOSED, via=via)
    return ended


def _tell_citizen(connection: Connection, *, why: str, via: str, now: datetime) -> None:
    """Tell the person of a connection's end that was not their own act."""
    if why not in _TOLD:
        return
    closed_by = "Its owner has withdrawn the app" if via == "owner" else "The app is no longer offered here"
    facts = {"app": connection.application.name, "why": closed_by}
    notify(connection.citizen, _TOLD[why], about=connection.public_id, facts=facts, now=now)


_TOLD: Final[dict[str, str]] = {Ended.APP_CLOSED: "connection.closed", Ended.LAPSED: "connection.lapsed"}


@sweeps("connections")
def end_what_lapsed(now: datetime, *, limit: int = 500) -> int:
    """End connections that their apps have not used for thirty days, and those of people who were switched off."""
    over = Q(renewed_at__lte=now - LAPSES_AFTER) | Q(citizen__is_active=False)
    found = Connection.objects.running().filter(over).select_related("citizen", "application").order_by("renewed_at")
    return sum(
        disconnect(
            citizen=one.citizen,
            application=one.application,
            now=now,
            why=Ended.LAPSED if one.citizen.is_active else Ended.SWITCHED_OFF,
        )
        for one in found[:limit]
    )


@erases
def erase_connections(*, citizen: Citizen, now: datetime) -> Erasure:
    """Leaving ends every connection, and no app's name for the person means anybody any more."""
    running = Connection.objects.running().filter(citizen=citizen).select_related("application")
    for one in running.order_by("pk"):
        disconnect(citizen=citizen, application=one.application, now=now, why=Ended.LEFT)
    connections, _ = Connection.objects.filter(citizen=citizen).delete()
    subjects, _ = PairwiseSubject.objects.filter(citizen=citizen).delete()
    told = Kept(
        what="the message to each app you had connected that the connection is over, by the app's own name for you",
        why="so that the app hears of it and forgets you, too",
        until=now + outbox.KEPT,
    )
    erased = {"connections": connections, "pairwise_subjects": subjects}
    return Erasure(erased=erased, kept=[told] if connections else [])


def _end_tokens(citizen: Citizen, application: OAuthApplication, now: datetime) -> None:
    """Delete and revoke whatever this app could still call with, or get, for this person."""
    of_both = {"user": citizen, "application": application}
    get_grant_model().objects.filter(**of_both).delete()
    end_access(citizen_id=citizen.pk, application_id=application.pk, now=now)
    get_id_token_model().objects.filter(**of_both).delete()


def _registered(told: Told, where: list[Told]) -> Told:
    if told not in where:
        where.append(told)
    return told
