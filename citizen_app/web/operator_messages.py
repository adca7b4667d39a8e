"""The operators' page of messages that failed too often: try again, or give up; what they say is not shown."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.accounts.operators import is_operator
from citizen_app.dead_letters import dead_count, dead_topics, drop_dead_letters, replay_dead_letters
from citizen_app.models import Citizen, OperatorRole
from citizen_app.web.back_office import BackOfficePage
from citizen_app.web.panels import adds_to


@adds_to("back_office")
def messages_waiting(citizen: Citizen) -> dict[str, Any]:
    """How many messages wait for an operator."""
    return {"messages_waiting": dead_count() if is_operator(citizen, OperatorRole.Role.SUPPORT) else 0}


class MessageForm(forms.Form):
    """Which messages: all of a topic, or one."""

    table = forms.CharField(max_length=16)
    topic = forms.CharField(max_length=64)
    id = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class Messages(BackOfficePage):
    """Everything that waits, by topic."""

    template_name = "operator/messages.html"
    back = "operator_messages"
    roles = frozenset({OperatorRole.Role.SUPPORT})

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(topics=dead_topics())


class DecideMessages(Messages):
    """Try again, or give up."""

    http_method_names = ["post"]
    decision = staticmethod(replay_dead_letters)
    done = "tried again now"

    def post(self, request: HttpRequest) -> HttpResponse:
        form = MessageForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Nothing was done. Choose a message, or all of a topic.")
            return redirect("operator_messages")
        said = form.cleaned_data
        count = self.decision(table=said["table"], topic=said["topic"], message_id=said["id"], by=self.citizen)
        if count:
            messages.success(request, f"{count} message{'' if count == 1 else 's'} of {said['topic']}: {self.done}.")
        else:
            messages.info(request, "Nothing of that kind waits any more.")
        return redirect("operator_messages")


class DropMessages(DecideMessages):
    """Give up."""

    decision = staticmethod(drop_dead_letters)
    done = "given up"
