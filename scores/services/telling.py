"""Events a furnisher's systems hear of. What a link is about it reads from its list of links: no event says."""

from collections.abc import Iterable
from datetime import datetime

from citizen_app.models import OutboxMessage
from citizen_app.webhooks.events import event
from scores.models import Dispute, Link, Source

CREATED, ENDED = 1, 2


def tell_link_created(link: Link, *, now: datetime) -> None:
    """Promise `link.created` to the source."""
    if link.source.application_id is not None:
        _of_link(link, link.source, "created", now=now).save(force_insert=True)


def tell_links_ended(links: Iterable[Link], *, now: datetime) -> None:
    """Promise `link.ended` to each source that has a client to hear of it."""
    links = list(links)
    sources = Source.objects.exclude(application=None).in_bulk({link.source_id for link in links})
    OutboxMessage.objects.bulk_create(
        _of_link(link, sources[link.source_id], "ended", now=now) for link in links if link.source_id in sources
    )


def _of_link(link: Link, source: Source, what: str, *, now: datetime) -> OutboxMessage:
    return event(
        f"link.{what}",
        kind="link",
        public_id=link.public_id,
        state="on" if what == "created" else "ended",
        sequence=CREATED if what == "created" else ENDED,
        now=now,
        source=source.code,
    )


def tell_dispute(dispute: Dispute, what: str, *, sequence: int, now: datetime) -> None:
    """Promise `dispute.<what>` (opened, due_soon) to the source that has to answer."""
    if dispute.source.application_id is None or dispute.due_on is None:
        return
    event(
        f"dispute.{what}",
        kind="dispute",
        public_id=dispute.public_id,
        state=dispute.state,
        sequence=sequence,
        now=now,
        source=dispute.source.code,
        due_on=dispute.due_on.isoformat(),
    ).save(force_insert=True)
