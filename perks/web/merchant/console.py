"""Every page of the console: for which merchant the person is at work, in which role, and how a refusal is said."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.utils.http import urlencode
from django.views.generic import View

from citizen_app.accounts.operators import RoleRequired, SecondFactorRequired, second_factor_lead_in, second_factor_url
from citizen_app.api.authentication import has_second_factor
from citizen_app.errors import DomainError, Kind, NotFound
from citizen_app.models import Citizen
from citizen_app.web.pages import Page
from perks.errors import WhichMerchant
from perks.models import Branch, Member, Merchant
from perks.services.access import Acting, NoTeam, acting_person
from perks.web.merchant.refusals import sentence

CHOSEN = "merchant"
"""Where the session keeps the merchant a person of several is at work for."""
TILL = "till_branch"
"""Where the session keeps the branch this browser's till stands at, by its merchant."""


class Seated(View):
    """Finds out, once the person is signed in, for which merchant they act and whether their role includes this."""

    action: str
    """A row of the one table of who may do what (`perks.services.access.NEEDS`)."""
    acting: Acting

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        assert isinstance(request.user, Citizen)  # noqa: S101  (the page before has let them in)
        try:
            self.acting = self._acting(request, request.user)
        except RoleRequired as refusal:
            # Not an act that was refused but a page that is not theirs, like any other they have no link to.
            raise PermissionDenied from refusal
        return super().dispatch(request, *args, **kwargs)

    def _acting(self, request: HttpRequest, citizen: Citizen) -> Acting:
        chosen, shown = request.session.get(CHOSEN), has_second_factor(citizen, request.session)
        if chosen is not None:
            try:
                return acting_person(citizen=citizen, action=self.action, second_factor=shown, merchant_id=chosen)
            except NotFound:  # they have left that team since
                del request.session[CHOSEN]
        return acting_person(citizen=citizen, action=self.action, second_factor=shown)


class ConsolePage(Page, Seated):
    """A page of the console; `action` says who may open it."""

    back = "merchant:home"

    @property
    def merchant(self) -> Merchant:
        return self.acting.merchant

    def refused(self, request: HttpRequest, refusal: DomainError) -> HttpResponse:
        if isinstance(refusal, WhichMerchant):
            return redirect(f"{reverse('merchant:choose')}?{urlencode({'next': request.get_full_path()})}")
        if isinstance(refusal, NoTeam):
            return redirect("merchant:apply")
        if isinstance(refusal, SecondFactorRequired):
            # A form was not sent to be sent again unseen: they come back to where it stood.
            then = request.get_full_path() if request.method == "GET" else resolve_url(self.back_to(request))
            messages.warning(request, second_factor_lead_in(self.citizen))
            return redirect(second_factor_url(self.citizen, then=then))
        if refusal.kind is Kind.NOT_FOUND:
            raise Http404
        messages.error(request, sentence(refusal))
        return redirect(self.back_to(request))

    def show(self, *, status: int = 200, **context: Any) -> HttpResponse:
        seats = Member.objects.filter(citizen=self.citizen).count()
        response = super().show(
            merchant={
                "id": self.merchant.public_id,
                "name": self.merchant.name,
                "sector": self.merchant.sector,
                "state": self.merchant.state,
                "refusal": self.merchant.refusal,
                "standing_state": self.merchant.standing_state,
            },
            role=self.acting.role,
            several=seats > 1,
            **context,
        )
        response.status_code = status
        return response

    def open_branches(self) -> list[Branch]:
        return list(Branch.objects.filter(merchant=self.merchant, closed_at=None).order_by("name", "pk"))

    def zone_of(self, branches: list[Branch]) -> str:
        """Whose clock the console shows: the branch's where there is one, else the reader's own."""
        zones = {branch.zone for branch in branches}
        return zones.pop() if len(zones) == 1 else self.citizen.zone


def at_work_for(request: HttpRequest, merchant: Merchant) -> None:
    """Keep in the session which merchant the person is at work for."""
    request.session[CHOSEN] = merchant.public_id
