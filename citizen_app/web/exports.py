"""The page where somebody takes their data along."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from citizen_app.accounts.exports import ask_for_export, exports_of
from citizen_app.accounts.freshness import ReauthenticationRequired, confirmed_at, is_recent, require_recent
from citizen_app.api.exports import export_file
from citizen_app.errors import DomainError
from citizen_app.models import DataExport
from citizen_app.web.pages import Page, to_confirm

LOOK_AGAIN_SECONDS = 3
AGAIN: Final = "again"
"""What an address says to whom confirming has led back before their act was done."""


class RecentPage(Page):
    """A page some acts of which ask once more who is there."""

    def require_recent(self) -> None:
        require_recent(confirmed_at(self.citizen, self.request.session))

    @property
    def is_to_press_again(self) -> bool:
        """Whether an act was put off until the person had confirmed who they are, which they have now."""
        return AGAIN in self.request.GET and is_recent(confirmed_at(self.citizen, self.request.session))

    def refused(self, request: HttpRequest, refusal: DomainError) -> HttpResponse:
        if isinstance(refusal, ReauthenticationRequired):
            # What was sent is not kept and not sent again unseen: the page says that the button waits.
            back = f"{reverse(self.back)}?{AGAIN}=1"
            return to_confirm(then=back)
        return super().refused(request, refusal)


class TakeYourData(RecentPage):
    """Ask for a copy of everything, watch it being made, fetch it."""

    template_name = "citizen/data.html"
    back = "data"

    def get(self, request: HttpRequest) -> HttpResponse:
        exports = list(exports_of(citizen=self.citizen)[:10])
        making = any(export.state == DataExport.State.MAKING for export in exports)
        page = self.show(exports=exports, making=making, press_again=self.is_to_press_again and not making)
        if making:
            # Without a script: the browser asks again by itself, and a link does for those it does not.
            page.headers["Refresh"] = str(LOOK_AGAIN_SECONDS)
        return page

    def post(self, request: HttpRequest) -> HttpResponse:
        self.require_recent()
        ask_for_export(citizen=self.citizen)
        return redirect("data")


class DataFile(RecentPage):
    """The file itself."""

    back = "data"

    def get(self, request: HttpRequest, export_id: str) -> HttpResponseBase:
        self.require_recent()
        return export_file(citizen=self.citizen, export_id=export_id)
