"""What of perks stands in the way of closing an account: what somebody else counts on."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, OuterRef

from citizen_app.accounts.closing import holds_account
from citizen_app.models import Citizen
from perks.models import DepositAgreement, Member, Redemption


@holds_account
def what_holds(*, citizen: Citizen, now: datetime) -> Iterator[str]:
    """A reservation that can be used or cancelled, an agreement that runs, a merchant with no other owner."""
    reserved = Redemption.objects.filter(citizen=citizen, state=Redemption.State.RESERVED, expires_at__gt=now)
    for redemption in reserved.select_related("version").order_by("pk"):
        yield f"You have reserved “{redemption.version.title}”: use it or cancel it."
    for agreement in DepositAgreement.objects.filter(citizen=citizen).open().select_related("merchant").order_by("pk"):
        yield f"Your deposit agreement with {agreement.merchant.name} is not closed yet."
    seats = Member.objects.filter(citizen=citizen, role=Member.Role.OWNER).select_related("merchant")
    others = Member.objects.filter(merchant=OuterRef("merchant"), role=Member.Role.OWNER).exclude(citizen=citizen)
    for seat in seats.filter(~Exists(others)).order_by("pk"):
        yield f"You are the only owner of {seat.merchant.name}: make somebody else one first."
