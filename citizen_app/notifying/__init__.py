"""Telling people what matters to them: one inbox, and from it e-mail and push as each of them chose."""

from citizen_app.notifying.events import Event, For, register
from citizen_app.notifying.telling import notify, notify_each, says_who_hears

__all__ = ["Event", "For", "notify", "notify_each", "register", "says_who_hears"]
