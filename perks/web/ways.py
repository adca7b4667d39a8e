"""Two pages of the citizen's own: the shortest way to a perk, and the badge."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from citizen_app.web.pages import Page
from perks.api.citizen.perks import offered
from perks.services.badge import badge_of
from perks.services.catalogue_reading import with_what_cards_show
from perks.services.showing_path import path_of


class PathPage(Page):
    """What would open a perk: the fewest things to do, or to wait for."""

    template_name = "citizen/path.html"

    def get(self, request: HttpRequest, perk_id: str) -> HttpResponse:
        now = timezone.now()
        perk = with_what_cards_show(offered(now), now=now).named(perk_id)
        path = path_of(citizen=self.citizen, perk=perk, now=now)
        return self.show(perk=perk, title=perk.version_in_force.title, path=path)


class BadgePage(Page):
    """The badge, in both themes, with its text."""

    template_name = "citizen/badge.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(badge=badge_of(self.citizen))
