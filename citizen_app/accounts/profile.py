"""What a person says about themselves: their first name, language and zone."""

from django.db import transaction

from citizen_app import audit
from citizen_app.models import Citizen


@transaction.atomic
def change_profile(
    *, citizen: Citizen, first_name: str | None = None, language: str | None = None, zone: str | None = None
) -> Citizen:
    """Change what is given and keep the rest; the values are already validated by the door."""
    wanted = {"first_name": first_name, "language": language, "zone": zone}
    changed = [name for name, value in wanted.items() if value is not None and value != getattr(citizen, name)]
    if changed:
        for name in changed:
            setattr(citizen, name, wanted[name])
        citizen.save(update_fields=changed)
        audit.record(by=citizen, action="profile.change", on=citizen.public_id, fields=changed)
    return citizen
