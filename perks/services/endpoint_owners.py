"""Who is mailed about a merchant's webhook endpoints."""

from citizen_app.models import WebhookEndpoint
from citizen_app.webhooks.endpoints import mails_to
from perks.models import Member, Merchant


@mails_to(WebhookEndpoint.Owner.MERCHANT)
def addresses_of_owners(merchant_id: str) -> list[str]:
    """The merchant's owners; they see to it, or tell who does."""
    owners = Member.objects.filter(merchant=Merchant.key_of(merchant_id), role=Member.Role.OWNER)
    return list(owners.order_by("pk").values_list("citizen__email", flat=True))
