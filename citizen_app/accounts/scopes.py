"""Which scopes a client may ask for: its own list, never the product's whole one."""

from typing import Any, Final

from oauth2_provider.scopes import SettingsScopes

from citizen_app.models import OAuthApplication

OF_PEOPLE: Final = frozenset({"openid", "boost:read"})
"""What an app may ask a person for; every other scope is a server's own."""


class PerApplicationScopes(SettingsScopes):
    """Scopes are granted to each client by name; asking for none asks for all of its own."""

    def get_available_scopes(
        self, application: OAuthApplication | None = None, request: object = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        if application is None:
            return []
        known = self.get_all_scopes()
        return [scope for scope in application.allowed_scopes if scope in known]

    def get_default_scopes(
        self, application: OAuthApplication | None = None, request: object = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        return self.get_available_scopes(application, request)
