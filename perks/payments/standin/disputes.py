"""Disputes: a card's owner asks the bank for the money back."""

import stripe

from perks.payments.standin.forms import Params, flag
from perks.payments.standin.records import DAY, Record, Records, answers

ANSWER_WITHIN = 7 * DAY


@answers("GET", "/v1/disputes/{dispute}")
def read_dispute(records: Records, id: str, params: Params) -> Record:
    return records.get(id, "dispute")


@answers("POST", "/v1/disputes/{dispute}")
def answer_dispute(records: Records, id: str, params: Params) -> Record:
    dispute = records.get(id, "dispute")
    dispute["evidence"].update(params.get("evidence") or {})
    if params.get("evidence") and flag(params.get("submit"), default=True):
        dispute["status"] = "under_review"
        details = dispute["evidence_details"]
        details.update(has_evidence=True, submission_count=1, submission_method="manual")
    records.emit("charge.dispute.updated", dispute)
    return dispute


@answers("GET", "/v1/disputes")
def list_disputes(records: Records, params: Params) -> Record:
    equal = {name: params[name] for name in ("payment_intent", "charge") if name in params}
    return records.list_of("/v1/disputes", records.all("dispute", **equal), params)


def dispute_charge(records: Records, charge: Record, reason: str, amount: int | None) -> Record:
    """The bank takes the money back until it has decided."""
    details = {
        "due_by": records.now() + ANSWER_WITHIN,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }
    dispute = records.put(
        stripe.Dispute,
        {
            "id": records.new_id("du"),
            "object": "dispute",
            "amount": amount or charge["amount_captured"],
            "balance_transactions": [],
            "charge": charge["id"],
            "created": records.now(),
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {"enhanced_evidence": {}},
            "evidence_details": details,
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "needs_response",
        },
    )
    charge["disputed"] = True
    records.emit("charge.dispute.created", dispute)
    records.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def decide(records: Records, dispute: Record, *, won: bool) -> None:
    """The bank's last word: won by the merchant, who has the money again, or lost."""
    dispute["status"] = "won" if won else "lost"
    records.emit("charge.dispute.closed", dispute)
    if won:
        records.emit("charge.dispute.funds_reinstated", dispute)
