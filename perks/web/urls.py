"""The addresses of the perk pages: the citizen's below `/perks` and `/codes`, the console's, the operators' queue."""

from django.urls import URLPattern, URLResolver, include, path

from perks.web import citizen, make_goods, operator, ways
from perks.web.merchant.urls import urlpatterns as merchant_pages

citizen_pages = [
    path("perks", citizen.PerkList.as_view(), name="perk_list"),
    path("perks/<str:perk_id>", citizen.PerkPage.as_view(), name="perk"),
    path("perks/<str:perk_id>/path", ways.PathPage.as_view(), name="path"),
    path("perks/<str:perk_id>/take", citizen.Take.as_view(), name="take"),
    path("me/badge", ways.BadgePage.as_view(), name="badge"),
    path("make-goods", make_goods.MakeGoods.as_view(), name="make_goods"),
    path("make-goods/<str:make_good_id>", make_goods.MakeGoodPage.as_view(), name="make_good"),
    path("make-goods/<str:make_good_id>/take", make_goods.TakeMakeGood.as_view(), name="take_make_good"),
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
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((citizen_pages, "perks"))),
    path("", include((merchant_pages, "merchant"))),
    path("", include((operator_pages, "operator"))),
]
