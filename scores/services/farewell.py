"""The receipt of leaving, by mail: what was erased and what remains, for somebody who may have no account soon."""

from datetime import datetime

from django.core.mail import EmailMessage

from citizen_app.models import Citizen


def send_receipt(*, citizen_id: int, at: str, erased: dict[str, int]) -> None:
    """Mail the receipt of leaving. Safe twice; nothing is sent to an account that is gone."""
    citizen = Citizen.objects.filter(pk=citizen_id).first()
    if citizen is None:
        return
    left_at = datetime.fromisoformat(at)
    rows = "\n".join(f"- {table.replace('_', ' ')}: {count}" for table, count in erased.items() if count)
    EmailMessage(
        subject="You have left: your receipt",
        body=(
            f"You left on {left_at:%d %B %Y at %H:%M} UTC. Your score, its history and everything it was made of are "
            f"erased.\n\nRows erased\n{rows or '- none'}\n\nWhat you agreed to and took back stays on record for as "
            "long as you have an account. Perks you had reserved are honoured.\n"
        ),
        to=[citizen.email],
    ).send()
