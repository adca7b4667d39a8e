"""A merchant's bill as its owners see it: its plan, what was used, and what it may publish."""

from datetime import date
from typing import Any

from django.conf import settings

from perks import plans
from perks.models import Merchant, UsedPerk
from perks.payments.client import is_on
from perks.services.plan_limits import allowed_perks, published_perks
from perks.services.plans import current_subscription
from perks.services.usage import state_of, used_in_period

OFF, NONE = "off", "none"


def billing_page(merchant: Merchant) -> dict[str, Any]:
    """State `off` (no key here: nothing to pay, no limit), `none` (the free plan), or as Stripe calls the plan's."""
    plan = current_subscription(merchant) if is_on() else None
    return {
        "state": OFF if not is_on() else plan.status if plan else NONE,
        "plan": plan.plan if plan and plan.entitles else None,
        "period_ends_at": plan.period_ends_at if plan and plan.entitles else None,
        "is_ending": bool(plan and plan.entitles and plan.is_ending),
        "used_in_period": used_in_period(merchant) if plan and plan.entitles else None,
        "perks": {"published": published_perks(merchant), "allowed": allowed_perks(merchant)},
        "prices": {
            "plan_month": {"amount": plans.PLAN_AMOUNT, "currency": settings.CURRENCY},
            "redemption": {"amount": plans.USAGE_AMOUNT, "currency": settings.CURRENCY},
        },
    }


def usage_lines(merchant: Merchant, *, first: date | None = None, last: date | None = None) -> Any:
    """What a merchant was billed for, line by line, by day (UTC, as Stripe counts), both days inclusive."""
    lines = UsedPerk.objects.filter(merchant=merchant).select_related("redemption", "call")
    if first is not None:
        lines = lines.filter(day__gte=first)
    if last is not None:
        lines = lines.filter(day__lte=last)
    return lines


def usage_line(line: UsedPerk) -> dict[str, Any]:
    return {
        "id": line.public_id,
        "redemption": line.redemption.public_id,
        "day": line.day,
        "used_at": line.used_at,
        "state": state_of(line),
    }
