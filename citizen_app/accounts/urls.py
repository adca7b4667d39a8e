"""Addresses below `/o/`: tokens for machine callers. Authorisation by people (`/o/authorize/`) is not offered yet."""

from django.urls import path

from citizen_app.accounts.tokens import RevokeToken, Token

urlpatterns = [
    path("token/", Token.as_view(), name="oauth_token"),
    path("revoke_token/", RevokeToken.as_view(), name="oauth_revoke_token"),
]
