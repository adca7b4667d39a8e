"""Refunds: at once, pending, and failed later on."""

import stripe

from perks.payments.standin.forms import Params, metadata_in
from perks.payments.standin.records import Record, Records, answers
from perks.payments.standin.refusals import invalid

REFUNDED_LATER = "pm_card_pendingRefund"  # a card whose refunds begin as pending


@answers("POST", "/v1/refunds")
def create_refund(records: Records, params: Params) -> Record:
    charge = _charge_of(records, params)
    if not charge["captured"]:
        raise invalid("This charge has not been captured yet; cancel the PaymentIntent instead.")
    if charge["disputed"]:
        raise invalid("Charge has been charged back; cannot issue a refund.", "charge_disputed")
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = int(params.get("amount", left))
    if left <= 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    if amount > left:
        message = f"Refund amount is greater than unrefunded amount on charge ({left})"
        raise invalid(message, None, "amount")
    if amount < 1:
        raise invalid("Invalid positive integer", "parameter_invalid_integer", "amount", is_kept=False)
    _move(charge, amount)
    refund = records.put(
        stripe.Refund,
        {
            "id": records.new_id("re"),
            "object": "refund",
            "amount": amount,
            "charge": charge["id"],
            "created": records.now(),
            "currency": charge["currency"],
            "destination_details": {"type": "card"},
            "metadata": metadata_in(params),
            "payment_intent": charge["payment_intent"],
            "reason": params.get("reason"),
            "status": "pending" if charge["payment_method"] == REFUNDED_LATER else "succeeded",
        },
    )
    records.emit("refund.created", refund)
    records.emit("charge.refunded", charge)
    return refund


def _charge_of(records: Records, params: Params) -> Record:
    if "payment_intent" in params:
        intent = records.get(params["payment_intent"], "payment_intent", "payment_intent")
        if not intent["latest_charge"]:
            raise invalid("This PaymentIntent does not have a successful charge to refund.")
        return records.get(intent["latest_charge"], "charge")
    if "charge" not in params:
        raise invalid("One of the following params should be provided for this request: payment_intent or charge.")
    return records.get(params["charge"], "charge", "charge")


def _move(charge: Record, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]


@answers("GET", "/v1/refunds/{refund}")
def read_refund(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "refund")


@answers("GET", "/v1/refunds")
def list_refunds(records: Records, params: Params) -> Record:
    equal = {name: params[name] for name in ("payment_intent", "charge") if name in params}
    return records.list_of("/v1/refunds", records.all("refund", **equal), params)


def settle(records: Records, refund: Record) -> None:
    """The bank took a refund that was pending."""
    refund["status"] = "succeeded"
    records.emit("refund.updated", refund, {"status": "pending"})


def fail(records: Records, refund: Record) -> None:
    """The bank sent the money back: it is the merchant's again."""
    refund.update(status="failed", failure_reason="lost_or_stolen_card")
    _move(records.get(refund["charge"]), -refund["amount"])
    records.emit("refund.updated", refund)
    records.emit("refund.failed", refund)
