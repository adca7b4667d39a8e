"""Addresses below `/o/`: asking a person to be let in, tokens, and what a library needs to find and verify them."""

from django.urls import path
from oauth2_provider.views import JwksInfoView

from citizen_app.accounts.discovery import Discovery
from citizen_app.accounts.tokens import RevokeToken, Token
from citizen_app.web.authorize import Authorize

urlpatterns = [
    path("authorize/", Authorize.as_view(), name="oauth_authorize"),
    path("token/", Token.as_view(), name="oauth_token"),
    path("revoke_token/", RevokeToken.as_view(), name="oauth_revoke_token"),
    path(".well-known/openid-configuration", Discovery.as_view(), name="oauth_discovery"),
    path(".well-known/jwks.json", JwksInfoView.as_view(http_method_names=["get", "head"]), name="oauth_keys"),
]
