"""The operators' queue: merchants that applied and perks that wait for a review, each decided by name."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from citizen_app.errors import DomainError, Kind, NotFound
from citizen_app.models import OperatorRole
from citizen_app.web.back_office import BackOfficePage
from perks.models import Merchant, MerchantClient, Perk, PerkImage
from perks.services.catalogue import approve_perk, refuse_perk
from perks.services.clients import approve_client, refuse_client
from perks.services.images import look_at_image, take_image_down
from perks.services.merchants import approve_merchant, refuse_merchant
from perks.services.showing_queue import app_queue, image_queue, merchant_queue, perk_queue
from perks.web.merchant.refusals import in_words

Role = OperatorRole.Role


Decided = Merchant | Perk | PerkImage | MerchantClient
_DECIDED_ON: dict[str, Any] = {
    "merchant": Merchant.objects.all(),
    "perk": Perk.objects.all(),
    "image": PerkImage.objects.all(),
    "app": MerchantClient.objects.select_related("merchant", "application"),
}


class DecisionForm(forms.Form):
    """What is decided on, and in which state it was read."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in _DECIDED_ON])
    id = forms.CharField(max_length=40)
    revision = forms.IntegerField(required=False)


class RefusalForm(DecisionForm):
    """A refusal says why, to the people it is about."""

    reason = forms.CharField(max_length=500)


class Queue(BackOfficePage):
    """What waits, oldest first."""

    template_name = "operator/queue.html"
    back = "operator:queue"
    roles = frozenset(Role.values)

    def get(self, request: HttpRequest) -> HttpResponse:
        if Role.MERCHANTS not in self.held:
            # Each operator's door leads to their own work.
            checks = {Role.SUPPORT, Role.SCORING} & self.held
            if Role.DISPUTES in self.held:
                return redirect("operator_disputes")
            return redirect("document_check") if checks else self.show(merchants=[], perks=[], images=[], apps=[])
        return self.shown()

    def shown(self, **context: Any) -> HttpResponse:
        return self.show(
            merchants=merchant_queue(), perks=perk_queue(), images=image_queue(), apps=app_queue(), **context
        )


class Decide(Queue):
    """Approve what was read."""

    http_method_names = ["post"]
    roles = frozenset({Role.MERCHANTS})
    form_class: type[DecisionForm] = DecisionForm

    def post(self, request: HttpRequest) -> HttpResponse:
        form = self.form_class(request.POST)
        if not form.is_valid():
            detail = "Say why: they will read it." if "reason" in form.errors else "Decide on what the queue shows."
            return self.shown(problem={"title": "Nothing was decided.", "detail": detail})
        said = form.cleaned_data
        found = _DECIDED_ON[said["kind"]].all().named(said["id"])
        try:
            done = self.decide(found, said)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise NotFound from refusal
            return self.shown(problem=in_words(refusal, zone=self.citizen.zone))
        messages.success(request, done)
        return redirect("operator:queue")

    def decide(self, found: Decided, said: dict[str, Any]) -> str:
        if isinstance(found, PerkImage):
            look_at_image(image=found, by=self.citizen)
            return "The picture stays."
        if isinstance(found, MerchantClient):
            return f"People can connect {approve_client(client=found, by=self.citizen).name} now."
        if isinstance(found, Merchant):
            return f"{approve_merchant(merchant=found, by=self.citizen).name} is approved."
        perk = approve_perk(perk=found, by=self.citizen, revision=said["revision"])
        return f"“{_title(perk)}” is approved."


class Refuse(Decide):
    """Send it back, with a reason."""

    form_class = RefusalForm

    def decide(self, found: Decided, said: dict[str, Any]) -> str:
        reason = said["reason"].replace("\r\n", "\n")
        if isinstance(found, PerkImage):
            take_image_down(image=found, by=self.citizen, reason=reason)
            return "The picture is gone, and they read your reason."
        if isinstance(found, MerchantClient):
            return f"{refuse_client(client=found, by=self.citizen, reason=reason).name} is refused."
        if isinstance(found, Merchant):
            return f"{refuse_merchant(merchant=found, by=self.citizen, reason=reason).name} is refused."
        refuse_perk(perk=found, by=self.citizen, reason=reason, revision=said["revision"])
        return "It went back, with your reason."


def _title(perk: Perk) -> str:
    return perk.in_force.title if perk.in_force is not None else ""
