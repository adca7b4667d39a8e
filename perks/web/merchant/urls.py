"""The addresses of the merchant's console."""

from django.urls import path

from perks.web.merchant import branches, clients, joining, offers, perks, redemptions, scanning, team, today

urlpatterns = [
    path("merchant", today.Today.as_view(), name="home"),
    path("merchant/apply", joining.Apply.as_view(), name="apply"),
    path("merchant/choose", joining.Choose.as_view(), name="choose"),
    path("merchant/scan", scanning.ScanPage.as_view(), name="scan"),
    path("merchant/scan/<str:redemption_id>/undo", scanning.ScanUndo.as_view(), name="scan_undo"),
    path("merchant/perks", perks.PerkList.as_view(), name="perk_list"),
    path("merchant/perks/new", perks.PerkNew.as_view(), name="perk_new"),
    path("merchant/perks/<str:perk_id>", perks.PerkPage.as_view(), name="perk"),
    path("merchant/perks/<str:perk_id>/edit", perks.PerkEdit.as_view(), name="perk_edit"),
    path("merchant/perks/<str:perk_id>/<str:act>", perks.PerkAct.as_view(), name="perk_action"),
    path("merchant/offers", offers.Offers.as_view(), name="offers"),
    path("merchant/offers/<str:make_good_id>", offers.AnswerOffer.as_view(), name="offer_answer"),
    path("merchant/redemptions", redemptions.Redemptions.as_view(), name="redemption_list"),
    path("merchant/redemptions/<str:redemption_id>", redemptions.RedemptionPage.as_view(), name="redemption"),
    path("merchant/redemptions/<str:redemption_id>/reverse", redemptions.Reverse.as_view(), name="redemption_reverse"),
    path("merchant/branches", branches.Branches.as_view(), name="branches"),
    path("merchant/team", team.Team.as_view(), name="team"),
    path("merchant/clients", clients.Clients.as_view(), name="clients"),
    path("invitations/<str:token>", joining.Accept.as_view(), name="invitation"),
]
