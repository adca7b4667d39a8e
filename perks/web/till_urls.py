"""The addresses of the till's page; all of them below `/till`, which is as far as its cookies and its worker reach."""

from django.urls import path

from perks.web import till

urlpatterns = [
    path("till", till.app, name="app"),
    path("till/worker.js", till.worker, name="worker"),
    path("till/manifest.webmanifest", till.manifest, name="manifest"),
    path("till/state", till.State.as_view(), name="state"),
    path("till/pair", till.Pair.as_view(), name="pair"),
    path("till/shift", till.Shift.as_view(), name="shift"),
    path("till/undo", till.Undo.as_view(), name="undo"),
    path("till/arrivals", till.Arrivals.as_view(), name="arrivals"),
    path("till/scans", till.Scans.as_view(), name="scans"),
]
