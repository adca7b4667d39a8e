"""The app's registration with Django."""

from django.apps import AppConfig


class PerksConfig(AppConfig):
    name = "perks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what this room does about promises, sweeps, leaving, invariants and other rooms' pages."""
        from perks import (  # noqa: F401  (importing registers)
            billing_invariants,
            billing_tasks,
            deposit_tasks,
            hold_invariants,
            hold_tasks,
            invariants,
            tasks,
        )
        from perks.api import sandbox  # noqa: F401
        from perks.api.merchant import tokens  # noqa: F401
        from perks.payments import checks  # noqa: F401

        # Leaving runs in this order: `forgetting` takes people out of the redemptions that the others look at.
        from perks.services import (  # noqa: F401
            asking,
            boost_reads,
            boosts,
            closing_accounts,
            deposit_rules,
            digests,
            endpoint_owners,
            exported,
            forgetting,
            gift_card_rules,
            gift_card_sweeps,
            notices,
            outcomes,
            outside_codes,
            pending,
            plans,
            retention,
            stripe_events,
            stripe_retention,
            usage,
            usage_marks,
        )
        from perks.web import operator_deposits, panels  # noqa: F401
