"""The console's first page: what happened today, what is left, the last scans."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from perks.models import Member, Perk
from perks.services import ramp
from perks.services.access import may
from perks.services.make_goods import waiting_for
from perks.services.showing_desk import last_scans, today_counts
from perks.services.showing_merchants import perk_lines, with_what_lines_show
from perks.services.showing_tills import conflicts_count
from perks.web.merchant.console import CHOSEN, ConsolePage

LIVE_PERKS = 8
RECENT = timedelta(days=7)
"""How long a conflict is named on the first page; the page of conflicts keeps it."""


class Today(ConsolePage):
    """Numbers, never people. A cashier's place is the desk."""

    template_name = "merchant/home.html"
    action = "scan"

    def get(self, request: HttpRequest) -> HttpResponse:
        if (wanted := request.GET.get("merchant")) is not None:
            return self._change_to(wanted)
        role = self.acting.role
        if role is None or not may(role, "perks"):
            return redirect("merchant:scan")
        now = timezone.now()
        zone = self.zone_of(self.open_branches())
        live = with_what_lines_show(Perk.objects.of(self.merchant).filter(state=Perk.State.PUBLISHED))
        return self.show(
            now=now,
            zone=zone,
            today=today_counts(self.merchant, zone=zone, now=now),
            perks=perk_lines(list(live.order_by("-id")[:LIVE_PERKS])),
            scans=last_scans(self.merchant),
            conflicts=conflicts_count(self.merchant, since=now - RECENT),
            ramp=ramp.allowance(self.merchant, now),
            offers=waiting_for(self.merchant, now=now).count(),
        )

    def _change_to(self, merchant_id: str) -> HttpResponse:
        """The account's links name the merchant: only one's own can be changed to."""
        seats = Member.objects.filter(citizen=self.citizen).select_related("merchant")
        if any(seat.merchant.public_id == merchant_id for seat in seats):
            self.request.session[CHOSEN] = merchant_id
        return redirect("merchant:home")
