"""Dating apps, the people who connected them, and what runs between the two."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from rest_framework.test import APIClient

from citizen_app.accounts.connections import disconnect
from citizen_app.accounts.subjects import subject_of
from citizen_app.models import Citizen, OAuthApplication
from perks.models import Merchant, Perk
from perks.services.redemptions import take_perk
from scores.models import Score
from tests.factories.people import api_client_of, app_client, connected_app, machine_client
from tests.factories.perks import MerchantFactory, PerkFactory, citizen_with


@dataclass
class DatingApp:
    """A merchant with an app that people connect, a server that looks them up, and a boost perk from 600 points on."""

    merchant: Merchant
    application: OAuthApplication
    server: OAuthApplication
    perk: Perk

    @cached_property
    def client(self) -> APIClient:
        """The app's own server, with its token."""
        return api_client_of(self.server)

    def phone_of(self, citizen: Citizen) -> APIClient:
        """The app as it calls for somebody: connected now, if they were not."""
        return connected_app(citizen, self.application)

    def name_of(self, citizen: Citizen) -> str:
        return subject_of(citizen, self.application)

    def look_up(self, *subjects: str) -> Any:
        return self.client.post("/api/v1/boosts/lookup", {"subjects": list(subjects)}, format="json")

    def given_to(self, citizen: Citizen, *, now: datetime | None = None) -> Any:
        """The boost, taken by somebody."""
        return take_perk(citizen=citizen, perk=self.perk, now=now)

    def lose(self, citizen: Citizen) -> bool:
        return disconnect(citizen=citizen, application=self.application, via="app")


def dating_app(name: str = "Amora", *, boost: str = "1.20", **merchant: Any) -> DatingApp:
    owner = MerchantFactory(sector=Merchant.Sector.DATING_APP, name=name, **merchant)
    tiers = [{"min_score": 600, "benefit": {"boost": boost}}]
    issued = app_client(owner=owner.public_id, name=name)
    server = machine_client(owner=owner.public_id, scopes=("boost:lookup",), name=name).application
    # The server names people as the app does.
    OAuthApplication.objects.filter(pk=server.pk).update(sector=issued.application.sector_or_own)
    server.refresh_from_db()
    perk = PerkFactory(merchant=owner, kind=Perk.Kind.VISIBILITY_BOOST, tiers=tiers, stock=None)
    return DatingApp(owner, issued.application, server, perk)


def dater(value: int | None = 640) -> Citizen:
    """Somebody with a checked document whose value for dating is this; without one their file is thin."""
    citizen = citizen_with(value, purpose="dating", document=True)
    if value is not None:
        score_for_dating(citizen, value)
    return citizen


def score_for_dating(citizen: Citizen, value: int) -> None:
    score = Score.objects.get(pk=citizen.pk)
    score.purposes["dating"] = {"state": "assessable", "value": value}
    score.as_of = score.as_of.replace(year=score.as_of.year + 10)  # later months do not make it anew
    score.save()
