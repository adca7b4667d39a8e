"""What somebody agreed to, refused and took back, as they and a machine can read it: a receipt for each act.

The receipt's names are those of consent records elsewhere (ISO/IEC TS 27560 has them), where one says the same thing:
which notice, for what, when and how it was agreed to, who is behind it, and how it is taken back.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from citizen_app.accounts.consents import consents_in_force, replaced_at, text_of
from citizen_app.models import Citizen, Connection, ConsentEvent, OAuthApplication
from scores.models import Source
from scores.services.publishing import PLATFORM_NAME

SCHEMA_VERSION: Final = "1"
Act = ConsentEvent.Act

# How each kind of consent is taken back; `{name}` is what follows the colon of its purpose, of an app the connection.
WITHDRAWAL: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "scoring": ("DELETE", "/api/v1/me/enrolment"),
        "source": ("DELETE", "/api/v1/me/sources/{name}"),
        "app": ("DELETE", "/api/v1/me/connections/{name}"),
        "notifications": ("PUT", "/api/v1/me/notification-settings"),
    }
)
_PURPOSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "scoring": "To keep a trust score, made from the sources you switch on",
        "source": "To let this source send records about you, and let them count",
        "app": "To let this app read your boost, never your score",
        "notifications": "To tell you of what happens here",
    }
)


def kind_of(purpose: str) -> tuple[str, str]:
    """A purpose as its kind and what it names: `source:bank` is a `source` named `bank`."""
    kind, _, name = purpose.partition(":")
    return kind, name


def consent_rows(events: Sequence[ConsentEvent], *, citizen: Citizen) -> list[dict[str, Any]]:
    """Acts of one person as they are told (`GET /me/consents`): four statements for any number."""
    in_force = set(consents_in_force(citizen=citizen).values_list("pk", flat=True)) if events else set()
    names = _names(event.purpose for event in events)
    replaced = replaced_at(events) if events else {}
    return [
        _row(event, names, is_in_force=event.pk in in_force) | {"replaced_at": replaced.get(event.pk)}
        for event in events
    ]


def _row(event: ConsentEvent, names: Mapping[str, str], *, is_in_force: bool) -> dict[str, Any]:
    kind, name = kind_of(event.purpose)
    return {
        "id": event.public_id,
        "at": event.at,
        "act": event.act,
        "is_in_force": is_in_force,
        "purpose": {"code": event.purpose, "kind": kind, "id": name or None, "name": names[event.purpose]},
        "text": {"version": event.text_version, "language": event.language, "sha256": event.text_sha256},
        "scopes": event.scopes.split(),
        "via": event.via,
    }


def _names(purposes: Iterable[str]) -> dict[str, str]:
    """What people call each of these purposes."""
    wanted = {purpose: kind_of(purpose) for purpose in purposes}
    called: dict[tuple[str, str], str] = {
        ("scoring", ""): "Being scored",
        ("notifications", "email"): "News by e-mail",
        ("notifications", "push"): "News on your browsers",
    }
    if sources := {name for kind, name in wanted.values() if kind == "source"}:
        found = Source.objects.filter(code__in=sources).values_list("code", "name")
        called |= {("source", code): title for code, title in found}
    if apps := {name for kind, name in wanted.values() if kind == "app"}:
        registered = OAuthApplication.objects.filter(client_id__in=apps).values_list("client_id", "name")
        called |= {("app", client_id): title for client_id, title in registered}
    return {purpose: called.get(both, both[1] or both[0].capitalize()) for purpose, both in wanted.items()}


def consent_receipt(event: ConsentEvent) -> dict[str, Any]:
    """The receipt of one act, with the very text that was read (`GET /me/consents/{id}`)."""
    (told,) = consent_rows([event], citizen=event.citizen)
    kind, name = kind_of(event.purpose)
    text, withdrawn = text_of(event), _withdrawal_after(event)
    return {
        "schema_version": SCHEMA_VERSION,
        "record_id": told["id"],
        "pii_principal_id": event.citizen.public_id,
        "parties": _parties(kind, told["purpose"]),
        "purpose": {**told["purpose"], "description": _PURPOSES.get(kind, ""), "lawful_basis": "consent"},
        "privacy_notice": {**told["text"], "text": text.text if text else None},
        "event": {"event_type": event.act, "event_time": event.at, "scopes": told["scopes"], "via": event.via},
        "is_in_force": told["is_in_force"],
        "replaced_at": told["replaced_at"],
        "withdrawn_at": withdrawn.at if withdrawn else None,
        "withdrawn_via": withdrawn.via if withdrawn else None,
        "withdrawal_method": _withdrawal_method(kind, name, citizen=event.citizen),
    }


def _withdrawal_method(kind: str, name: str, *, citizen: Citizen) -> dict[str, str] | None:
    """The call that takes it back; None for what has none any more."""
    if kind == "app":
        running = Connection.objects.running().filter(citizen=citizen, application__client_id=name).first()
        if running is None:
            return None
        name = running.public_id
    if kind not in WITHDRAWAL:
        return None
    method, path = WITHDRAWAL[kind]
    return {"method": method, "path": path.format(name=name)}


def _parties(kind: str, purpose: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Who is behind it: the platform keeps the data, a source sends them, an app receives an answer."""
    parties = [{"party_id": "platform", "party_name": PLATFORM_NAME, "party_role": "controller"}]
    role = {"source": "data_source", "app": "recipient"}.get(kind)
    if role and purpose["id"] != Source.PLATFORM:
        parties.append({"party_id": purpose["id"], "party_name": purpose["name"], "party_role": role})
    return parties


def _withdrawal_after(event: ConsentEvent) -> ConsentEvent | None:
    """The act by which what was agreed to by this one ended; None for other acts, and while it stands."""
    if event.act != Act.GIVEN:
        return None
    later = ConsentEvent.objects.filter(citizen_id=event.citizen_id, purpose=event.purpose, pk__gt=event.pk)
    return later.filter(act=Act.WITHDRAWN).order_by("id").first()
