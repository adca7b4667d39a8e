"""What was taken of the merchant's perks, and taking a scan back."""

import secrets
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from citizen_app.errors import DomainError, InvalidInput, Kind
from citizen_app.web import wording
from citizen_app.web.pages import paged
from perks.api.merchant.bodies import TakeBackBody
from perks.models import Branch, GiftCard, Redemption
from perks.services.access import may
from perks.services.redemptions import reverse_redemption
from perks.services.showing_gift_cards import charges_of
from perks.services.showing_merchants import redemption_detail, redemption_rows, with_what_rows_show
from perks.web.merchant.console import ConsolePage
from perks.web.merchant.forms import ReasonForm, RefundForm, judged, place_errors
from perks.web.merchant.refusals import in_words
from perks.web.words import money_words

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
        self,
        redemption_id: str,
        form: ReasonForm | None = None,
        problem: dict[str, str] | None = None,
        refund: RefundForm | None = None,
    ) -> HttpResponse:
        redemption = with_what_rows_show(self.acting.redemptions()).named(redemption_id)
        detail = redemption_detail(redemption, now=timezone.now())
        undo_until = detail["undo_until"]
        card: dict[str, Any] | None = detail.get("gift_card")
        may_refund = card is not None and card["state"] in ("open", "spent") and may(self.acting.role or "", "refund")
        charges = card["charges"] if card is not None and may_refund else []
        if refund is None and any(charge["left"]["amount"] for charge in charges):
            refund = refund_form(redemption.gift_card)
        is_whole = card is None or (card["state"] == "open" and card["balance"] == card["face"])
        return self.show(
            redemption=detail,
            undo_until=undo_until,
            may_reverse=undo_until is not None or (is_whole and not self.acting.only_undoes_own),
            card=card,
            refund=refund,
            last_scan=next((scan["id"] for scan in detail["scans"] if scan["outcome"] == "accepted"), ""),
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
                redemption=redemption,
                by=self.citizen,
                reason=reason,
                only_own_undo=self.acting.only_undoes_own,
                scan_id=request.POST.get("scan", ""),
            )
        except InvalidInput as refusal:
            place_errors(form, refusal)
            return self.shown(redemption_id, form)
        except DomainError as refusal:
            if refusal.kind is Kind.NOT_FOUND:
                raise
            return self.shown(redemption_id, problem=in_words(refusal))
        said = {
            Redemption.State.RESERVED: "Undone. It is reserved again.",
            Redemption.State.REDEEMED: "Undone. The money is back on the card.",
        }
        messages.success(request, said.get(Redemption.State(taken_back.state), "Reversed."))
        return redirect("merchant:redemption", redemption_id)


def refund_form(card: GiftCard, data: Any = None) -> RefundForm:
    """The form that refunds a charge of a card: those of which something is left, the last one first."""
    lines = [charge for charge in charges_of(card) if charge["left"]["amount"]]
    zone, today = card.redemption.perk.zone, timezone.now().date()
    charges = [
        (line["id"], f"{wording.moment(_local(line['at'], zone), today=today)}: {money_words(line['left'])} left")
        for line in lines
    ]
    return RefundForm(data, charges=charges, initial={"key": secrets.token_urlsafe(24)})


def _local(at: str, zone: str) -> datetime:
    return datetime.fromisoformat(at).astimezone(ZoneInfo(zone))


def _said(form: ReasonForm) -> dict[str, str]:
    reason = form.cleaned_data["reason"].replace("\r\n", "\n")
    return {"reason": reason} if reason else {}
