"""What was taken of the merchant's perks, and taking a scan back."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from citizen_app.errors import DomainError, InvalidInput, Kind
from citizen_app.web.pages import paged
from perks.api.merchant.bodies import TakeBackBody
from perks.models import Branch, Redemption
from perks.services.redemptions import reverse_redemption
from perks.services.showing_merchants import redemption_detail, redemption_rows, with_what_rows_show
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import ReasonForm, judged, place_errors
from perks.web.merchant.refusals import in_words

FILTERS = ("state", "branch", "date", "booking_reference")


class Redemptions(ConsolePage):
    """The merchant's redemptions, newest first; a cashier sees what they scanned."""

    template_name = "merchant/redemption_list.html"
    action = "read redemptions"

    def get(self, request: HttpRequest) -> HttpResponse:
        now, branches = timezone.now(), self.open_branches()
        filters = {name: request.GET.get(name, "").strip()[:64] for name in FILTERS}
        rows = with_what_rows_show(self._narrowed(filters))
        told = paged(request, rows, shape=lambda found: redemption_rows(found, now=now))
        return self.show(
            redemptions=told["results"],
            page=told,
            filters=filters,
            states=Redemption.State.values,
            branches=[{"id": branch.public_id, "name": branch.name} for branch in branches],
            zone=self.zone_of(branches),
        )

    def _narrowed(self, filters: dict[str, str]) -> Any:
        """What the filters leave; one that means nothing is forgotten rather than refused."""
        rows = self.acting.redemptions()
        if filters["state"] in Redemption.State.values:
            rows = rows.filter(Redemption.reads_as(filters["state"], timezone.now()))
        if key := Branch.key_of(filters["branch"]):
            rows = rows.filter(branch=key)
        try:
            rows = rows.filter(date=date.fromisoformat(filters["date"])) if filters["date"] else rows
        except ValueError:
            filters["date"] = ""
        if filters["booking_reference"]:
            rows = rows.filter(booking_reference=filters["booking_reference"])
        return rows


class RedemptionPage(ConsolePage):
    """One redemption with its scans."""

    template_name = "merchant/redemption.html"
    action = "read redemptions"
    back = "merchant:redemption_list"

    def get(self, request: HttpRequest, redemption_id: str) -> HttpResponse:
        return self.shown(redemption_id)

    def shown(
        self, redemption_id: str, form: ReasonForm | None = None, problem: dict[str, str] | None = None
    ) -> HttpResponse:
        redemption = with_what_rows_show(self.acting.redemptions()).named(redemption_id)
        detail = redemption_detail(redemption, now=timezone.now())
        undo_until = detail["undo_until"]
        return self.show(
            redemption=detail,
            undo_until=undo_until,
            may_reverse=undo_until is not None or not self.acting.only_undoes_own,
            form=form or ReasonForm(optional=undo_until is not None),
            problem=problem,
            zone=redemption.branch.zone if redemption.branch else redemption.perk.zone,
        )


class Reverse(RedemptionPage):
    """Take a scan back: an undo within ten minutes, later a reversal with a reason."""

    http_method_names = ["post"]
    action = "take back"

    def post(self, request: HttpRequest, redemption_id: str) -> HttpResponse:
        redemption = self.acting.redemptions().named(redemption_id)
        form = ReasonForm(request.POST, optional=True)  # whether it is needed, the service knows
        if not form.is_valid():
            return self.shown(redemption_id, form)
        try:
            reason = judged(TakeBackBody, _said(form)).get("reason", "")
            taken_back = reverse_redemption(
                redemption=redemption, by=self.citizen, reason=reason, only_own_undo=self.acting.only_undoes_own
            )
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self.shown(redemption_id, form)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self.shown(redemption_id, problem=in_words(refusal))
        undone = taken_back.state == Redemption.State.RESERVED
        messages.success(request, "Undone. It is reserved again." if undone else "Reversed.")
        return redirect("merchant:redemption", redemption_id)


def _said(form: ReasonForm) -> dict[str, str]:
    reason = form.cleaned_data["reason"].replace("\r\n", "\n")
    return {"reason": reason} if reason else {}
