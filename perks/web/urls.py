"""The addresses of the perk pages: the citizen's below `/perks` and `/codes`, the console's, the operators' queue."""

from django.urls import URLPattern, URLResolver, include, path

from perks.web import (
    citizen,
    deposits,
    gift_cards,
    make_goods,
    operator,
    operator_deposits,
    operator_merchants,
    operator_reports,
    reports,
    standing,
    stripe_events,
    ways,
)
from perks.web.merchant.urls import urlpatterns as merchant_pages
from perks.web.till_urls import urlpatterns as till_pages

citizen_pages = [
    path("perks", citizen.PerkList.as_view(), name="perk_list"),
    path("perks/<str:perk_id>", citizen.PerkPage.as_view(), name="perk"),
    path("perks/<str:perk_id>/path", ways.PathPage.as_view(), name="path"),
    path("perks/<str:perk_id>/take", citizen.Take.as_view(), name="take"),
    path("perks/<str:perk_id>/report", reports.ReportPerk.as_view(), name="report"),
    path("me/reports", reports.Reports.as_view(), name="reports"),
    path("merchants/<str:merchant_id>", standing.MerchantPage.as_view(), name="merchant"),
    path("register", standing.RegisterPage.as_view(), name="register"),
    path("register/<str:enterprise_id>", standing.EnterprisePage.as_view(), name="enterprise"),
    path("me/badge", ways.BadgePage.as_view(), name="badge"),
    path("make-goods", make_goods.MakeGoods.as_view(), name="make_goods"),
    path("make-goods/<str:make_good_id>", make_goods.MakeGoodPage.as_view(), name="make_good"),
    path("make-goods/<str:make_good_id>/take", make_goods.TakeMakeGood.as_view(), name="take_make_good"),
    path("gift-cards", gift_cards.GiftCards.as_view(), name="gift_cards"),
    path("gift-cards/<str:card_id>", gift_cards.GiftCardPage.as_view(), name="gift_card"),
    path("deposits", deposits.Deposits.as_view(), name="deposits"),
    path("deposits/<str:deposit_id>", deposits.DepositPage.as_view(), name="deposit"),
    path("deposits/<str:deposit_id>/accept", deposits.AcceptDeposit.as_view(), name="deposit_accept"),
    path("deposits/<str:deposit_id>/hold", deposits.HoldDeposit.as_view(), name="deposit_hold"),
    path("deposits/<str:deposit_id>/contest", deposits.ContestDeposit.as_view(), name="deposit_contest"),
    path("deposits/<str:deposit_id>/files/<str:file_id>", deposits.OwnDepositFile.as_view(), name="deposit_file"),
    path("codes", citizen.Redemptions.as_view(), name="redemptions"),
    path("codes/<str:redemption_id>", citizen.Code.as_view(), name="code"),
    path("codes/<str:redemption_id>/qr.svg", citizen.CodePicture.as_view(), name="code_qr"),
    path("codes/<str:redemption_id>/state", citizen.CodeState.as_view(), name="code_state"),
    path("codes/<str:redemption_id>/cancel", citizen.Cancel.as_view(), name="cancel"),
]

operator_pages = [
    path("operator", operator.Queue.as_view(), name="queue"),
    path("operator/approve", operator.Decide.as_view(), name="approve"),
    path("operator/refuse", operator.Refuse.as_view(), name="refuse"),
    path("operator/merchants", operator_merchants.Merchants.as_view(), name="merchants"),
    path("operator/merchants/<str:merchant_id>", operator_merchants.OneMerchant.as_view(), name="merchant"),
    path("operator/merchants/<str:merchant_id>/act", operator_merchants.Act.as_view(), name="merchant_act"),
    path("operator/reports", operator_reports.Cases.as_view(), name="reports"),
    path("operator/reports/<str:case_id>/decide", operator_reports.DecideCase.as_view(), name="report_decide"),
    path("operator/claims", operator_deposits.ClaimQueue.as_view(), name="deposits"),
    path("operator/claims/<str:deposit_id>", operator_deposits.ClaimPage.as_view(), name="deposit"),
    path("operator/claims/<str:deposit_id>/decide", operator_deposits.DecideClaim.as_view(), name="deposit_decide"),
    path(
        "operator/claims/<str:deposit_id>/files/<str:file_id>",
        operator_deposits.ClaimFile.as_view(),
        name="deposit_file",
    ),
]

told_by_stripe = [
    path("webhooks/stripe", stripe_events.platform, name="stripe_events"),
    path("webhooks/stripe/connect", stripe_events.connected, name="stripe_connect_events"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((citizen_pages, "perks"))),
    path("", include((merchant_pages, "merchant"))),
    path("", include((operator_pages, "operator"))),
    path("", include((till_pages, "till"))),
    path("", include(told_by_stripe)),
]
