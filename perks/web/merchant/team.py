"""Who acts for the merchant; only owners see it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from citizen_app.errors import DomainError, InvalidInput, Kind
from perks.api.merchant.bodies import InvitationBody
from perks.models import Invitation, Member
from perks.services.showing_merchants import member_lines
from perks.services.team import invite_member, open_invitations, remove_member, withdraw_invitation
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import InvitationForm, judged, place_errors
from perks.web.merchant.refusals import in_words


class Team(ConsolePage):
    """Members, seats offered, and offering one."""

    template_name = "merchant/team.html"
    action = "team"
    back = "merchant:team"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(InvitationForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        if leaving := request.POST.get("remove"):
            return self._remove(leaving)
        form = InvitationForm(request.POST)
        if not form.is_valid():
            return self._shown(form)
        try:
            said = judged(InvitationBody, form.cleaned_data)
            invitation = invite_member(
                merchant=self.merchant,
                email=said["email"],
                role=said["role"],
                by=self.citizen,
                link=lambda token: request.build_absolute_uri(reverse("merchant:invitation", args=[token])),
            )
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self._shown(form)
        except DomainError as refusal:
            return self._shown(form, problem=in_words(refusal))
        messages.success(request, f"The invitation is on its way to {invitation.email}.")
        return redirect("merchant:team")

    def _remove(self, leaving: str) -> HttpResponse:
        try:
            if leaving.startswith(f"{Invitation.prefix}_"):
                offered = Invitation.objects.filter(merchant=self.merchant).select_related("merchant")
                withdraw_invitation(invitation=offered.named(leaving), by=self.citizen)
                messages.success(self.request, "The invitation is withdrawn.")
            else:
                members = Member.objects.filter(merchant=self.merchant).select_related("merchant")
                remove_member(member=members.named(leaving), by=self.citizen)
                messages.success(self.request, "They are no longer of the team.")
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self._shown(InvitationForm(), problem=in_words(refusal))
        return redirect("merchant:team")

    def _shown(self, form: InvitationForm, **context: Any) -> HttpResponse:
        members = Member.objects.filter(merchant=self.merchant).select_related("citizen").order_by("id")
        lines = member_lines([*members, *open_invitations(self.merchant)], self.citizen)
        return self.show(members=lines, form=form, **context)
