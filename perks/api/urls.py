"""The addresses of this room under /api/v1/."""

from django.urls import path

from perks.api.citizen import badge, make_goods, paths
from perks.api.citizen import perks as citizen_perks
from perks.api.citizen import redemptions as own
from perks.api.merchant import branches, clients, merchants, perks, redemptions, scans, team

urlpatterns = [
    path("perks", citizen_perks.PerkListView.as_view(), name="perk-list"),
    path("perks/<str:perk_id>", citizen_perks.PerkView.as_view(), name="perk"),
    path("perks/<str:perk_id>/path", paths.PathView.as_view(), name="perk-path"),
    path("perks/<str:perk_id>/redemptions", own.TakeView.as_view(), name="perk-redemptions"),
    path("me/badge", badge.BadgeView.as_view(), name="badge"),
    path("me/badge.png", badge.BadgePngView.as_view(), name="badge-png"),
    path("me/redemptions", own.RedemptionListView.as_view(), name="redemption-list"),
    path("me/redemptions/<str:redemption_id>", own.RedemptionView.as_view(), name="redemption"),
    path("me/redemptions/<str:redemption_id>/cancel", own.CancelView.as_view(), name="redemption-cancel"),
    path("me/redemptions/<str:redemption_id>/qr.svg", own.QrSvgView.as_view(), name="redemption-qr-svg"),
    path("me/redemptions/<str:redemption_id>/qr.png", own.QrPngView.as_view(), name="redemption-qr-png"),
    path("me/make-goods", make_goods.MakeGoodListView.as_view(), name="make-good-list"),
    path("me/make-goods/<str:make_good_id>/take", make_goods.TakeView.as_view(), name="make-good-take"),
    path("merchants", merchants.MerchantListView.as_view(), name="merchant-list"),
    path("merchants/<str:merchant_id>", merchants.MerchantView.as_view(), name="merchant"),
    path("merchant/perks", perks.PerkListView.as_view(), name="merchant-perk-list"),
    path("merchant/perks/<str:perk_id>", perks.PerkView.as_view(), name="merchant-perk"),
    path("merchant/perks/<str:perk_id>/submit", perks.SubmitView.as_view(), name="merchant-perk-submit"),
    path("merchant/perks/<str:perk_id>/publish", perks.PublishView.as_view(), name="merchant-perk-publish"),
    path("merchant/perks/<str:perk_id>/pause", perks.PauseView.as_view(), name="merchant-perk-pause"),
    path("merchant/perks/<str:perk_id>/resume", perks.ResumeView.as_view(), name="merchant-perk-resume"),
    path("merchant/perks/<str:perk_id>/end", perks.EndView.as_view(), name="merchant-perk-end"),
    path("merchant/scans", scans.ScanView.as_view(), name="merchant-scans"),
    path("merchant/redemptions", redemptions.RedemptionListView.as_view(), name="merchant-redemption-list"),
    path("merchant/redemptions/<str:redemption_id>", redemptions.RedemptionView.as_view(), name="merchant-redemption"),
    path(
        "merchant/redemptions/<str:redemption_id>/reverse",
        redemptions.ReverseView.as_view(),
        name="merchant-redemption-reverse",
    ),
    path("merchant/members", team.MemberListView.as_view(), name="merchant-member-list"),
    path("merchant/members/<str:member_id>", team.MemberView.as_view(), name="merchant-member"),
    path("invitations/<str:token>/accept", team.AcceptView.as_view(), name="invitation-accept"),
    path("merchant/branches", branches.BranchListView.as_view(), name="merchant-branch-list"),
    path("merchant/branches/<str:branch_id>", branches.BranchView.as_view(), name="merchant-branch"),
    path("merchant/clients", clients.ClientListView.as_view(), name="merchant-client-list"),
    path("merchant/clients/<str:client_id>", clients.ClientView.as_view(), name="merchant-client"),
]
