"""The addresses of this room under /.well-known/."""

from django.urls import path

from perks.api.pass_keys import pass_keys

urlpatterns = [path("pass-keys.json", pass_keys, name="pass-keys")]
