"""Connected accounts: a merchant's own, onboarded by a link, on which its deposits are held."""

import stripe

from perks.payments.standin.forms import Params, metadata_in
from perks.payments.standin.records import Record, Records, answers
from perks.payments.standin.refusals import invalid

LINK_LASTS = 300
MISSING = ["business_profile.url", "external_account", "tos_acceptance.date"]


@answers("POST", "/v1/accounts")
def create_account(records: Records, params: Params) -> Record:
    asked = params.get("controller") or {}
    kind = params.get("type") or ("none" if asked else "standard")
    controller = {
        "fees": {"payer": (asked.get("fees") or {}).get("payer", "account")},
        "is_controller": True,
        "losses": {"payments": (asked.get("losses") or {}).get("payments", "stripe")},
        "requirement_collection": asked.get("requirement_collection", "stripe"),
        "stripe_dashboard": {"type": (asked.get("stripe_dashboard") or {}).get("type", "full")},
        "type": "application",
    }
    return records.put(
        stripe.Account,
        {
            "id": records.new_id("acct"),
            "object": "account",
            "business_profile": params.get("business_profile") or {},
            "business_type": params.get("business_type"),
            "capabilities": dict.fromkeys(params.get("capabilities") or {"card_payments": {}}, "inactive"),
            "charges_enabled": False,
            "controller": controller,
            "country": params.get("country", "PT"),
            "created": records.now(),
            "default_currency": params.get("default_currency", "eur"),
            "details_submitted": False,
            "email": params.get("email"),
            "metadata": metadata_in(params),
            "payouts_enabled": False,
            "requirements": _requirements(MISSING),
            "type": kind,
        },
        without=("company", "individual", "external_accounts", "future_requirements", "groups", "settings"),
    )


def _requirements(missing: list[str]) -> Record:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": list(missing),
        "disabled_reason": "requirements.past_due" if missing else None,
        "errors": [],
        "eventually_due": list(missing),
        "past_due": list(missing),
        "pending_verification": [],
    }


@answers("GET", "/v1/accounts/{account}")
def read_account(records: Records, id: str, params: Params) -> Record:
    account = records.get(id, "account")
    if account.get("_is_disconnected"):
        message = f"The provided key does not have access to account '{id}'."
        raise invalid(message, "account_invalid", status=403, is_kept=False)
    return account


@answers("GET", "/v1/accounts")
def list_accounts(records: Records, params: Params) -> Record:
    return records.list_of("/v1/accounts", records.all("account"), params)


@answers("POST", "/v1/account_links")
def create_link(records: Records, params: Params) -> Record:
    account = records.get(params["account"], "account", "account")
    if params["type"] == "account_onboarding":
        for name in ("refresh_url", "return_url"):
            if name not in params:
                raise invalid(f"Missing required param: {name}.", "parameter_missing", name, is_kept=False)
    id = records.new_id("acctlink")
    link = {
        "object": "account_link",
        "created": records.now(),
        "expires_at": records.now() + LINK_LASTS,
        "url": f"{records.base_url}/setup/c/{id}",
    }
    asked = {name: params.get(name) for name in ("return_url", "refresh_url")}
    records.objects[id] = {**link, **asked, "id": id, "_account": records.account, "_of": account["id"]}
    return link


# -- What the merchant and Stripe do ----------------------------------------------------------------------------------
def complete(records: Records, account: Record) -> None:
    """The merchant has given everything: it may charge cards."""
    capabilities = dict.fromkeys(account["capabilities"], "active")
    _change(records, account, capabilities=capabilities, missing=[])


def restrict(records: Records, account: Record) -> None:
    """Stripe wants to know more before this account may charge again."""
    capabilities = dict.fromkeys(account["capabilities"], "inactive")
    _change(records, account, capabilities=capabilities, missing=["person.verification.document"])


def disconnect(records: Records, account: Record) -> None:
    """The merchant takes the platform's access away."""
    account["_is_disconnected"] = True
    application = {"id": "ca_fake", "object": "application", "name": "Citizen App"}
    records.emit("account.application.deauthorized", application, account=account["id"])


def _change(records: Records, account: Record, *, capabilities: dict[str, str], missing: list[str]) -> None:
    before = {"charges_enabled": account["charges_enabled"]}
    account.update(
        capabilities=capabilities,
        charges_enabled=not missing,
        details_submitted=True,
        payouts_enabled=not missing,
        requirements=_requirements(missing),
    )
    # The account is the platform's object; what happens to it is told as an event of the account itself.
    records.emit("account.updated", account, before, account=account["id"])
