"""A notification in words: the same for inbox, mail and push."""

from dataclasses import dataclass

from django.urls import reverse

from citizen_app.models import Notification
from citizen_app.notifying.events import Event, event_of


@dataclass(frozen=True, slots=True)
class Text:
    """What one notification says; `path` is an address of ours, with nothing in it but a public id."""

    event: Event
    subject: str
    sentence: str
    more: str
    path: str


def text_of(notification: Notification) -> Text:
    """Its words, and where more is told."""
    event = event_of(notification.event)
    # One line each: a name with a line break in it must not begin a header of a mail.
    subject, sentence, more = (
        " ".join(words.format_map(notification.facts).split()) for words in (event.subject, event.sentence, event.more)
    )
    return Text(
        event, subject, sentence, more, reverse(event.link, args=[notification.about] if event.opens_about else [])
    )
