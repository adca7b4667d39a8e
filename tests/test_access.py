"""Who may do what: every endpoint and page, every method, every kind of caller. A new address without a row fails."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from citizen_app.api.codes import catalogue
from tests.architecture.test_house import endpoints
from tests.factories.people import browser_for
from tests.factories.right_requests import RIGHT, send
from tests.factories.scores import NOW
from tests.factories.world import APPS, CALLERS, DEVICES, make_world

METHODS = ("get", "post", "put", "patch", "delete")

# Each row is sent as a right request (`tests.factories.right_requests`), so that nothing but who is asking decides.
# Names in braces are things of one hotel, its guest and its bank (`World.ids`).
#                                                    nobody          manager         perk_server
#                                                        newcomer        owner           bank
#                                                            citizen         rival           operator
#                                                                cashier         scan_server     full_operator
API = """
GET    me                                            401 200 200 200 200 200 200 403 403 403 200 200
PATCH  me                                            401 200 200 200 200 200 200 403 403 403 200 200
GET    me/connections                                401 200 200 200 200 200 200 403 403 403 200 200
DELETE me/connections/{connection}                   401 404 204 404 404 404 404 403 403 403 404 404
GET    oauth/authorize?{asked}                       401 403 200 403 403 403 403 403 403 403 403 403
POST   oauth/authorize?{asked}                       401 403 200 403 403 403 403 403 403 403 403 403
DELETE me                                            401 200 409 200 200 200 200 403 403 403 409 409
POST   me/exports                                    401 202 202 202 202 202 202 403 403 403 202 202
GET    me/exports/{export}                           401 404 200 404 404 404 404 403 403 403 404 404
GET    me/exports/{export}/download                  401 404 200 404 404 404 404 403 403 403 404 404
GET    me/notifications                              401 200 200 200 200 200 200 403 403 403 200 200
POST   me/notifications/read-all                     401 200 200 200 200 200 200 403 403 403 200 200
POST   me/notifications/{notification}/read          401 404 200 404 404 404 404 403 403 403 404 404
GET    me/notification-settings                      401 200 200 200 200 200 200 403 403 403 200 200
PUT    me/notification-settings                      401 200 200 200 200 200 200 403 403 403 200 200
GET    me/devices                                    401 200 200 200 200 200 200 403 403 403 200 200
POST   me/devices                                    401 201 201 201 201 201 201 403 403 403 201 201
DELETE me/devices/{push_device}                      401 404 204 404 404 404 404 403 403 403 404 404
DELETE me/phone                                      401 204 204 204 204 204 204 403 403 403 204 204
GET    consent-texts/current                         200 200 200 200 200 200 200 200 200 200 200 200
GET    me/enrolment                                  401 404 200 404 404 404 404 403 403 403 404 404
POST   me/enrolment                                  401 201 200 201 201 201 201 403 403 403 201 201
DELETE me/enrolment                                  401 200 200 200 200 200 200 403 403 403 200 200
POST   me/enrolment/pause                            401 404 200 404 404 404 404 403 403 403 404 404
POST   me/enrolment/resume                           401 404 200 404 404 404 404 403 403 403 404 404
GET    me/score                                      401 404 200 404 404 404 404 403 403 403 404 404
GET    me/score/history                              401 404 200 404 404 404 404 403 403 403 404 404
GET    me/score/explanation                          401 404 200 404 404 404 404 403 403 403 404 404
POST   me/score/what-if                              401 404 200 404 404 404 404 403 403 403 404 404
GET    me/entries                                    401 404 200 404 404 404 404 403 403 403 404 404
GET    me/entries/{entry}                            401 404 200 404 404 404 404 403 403 403 404 404
GET    me/sources                                    401 404 200 404 404 404 404 403 403 403 404 404
PUT    me/sources/{source}                           401 404 200 404 404 404 404 403 403 403 404 404
DELETE me/sources/{source}                           401 404 204 404 404 404 404 403 403 403 404 404
POST   me/sources/{source}/link                      401 404 201 404 404 404 404 403 403 403 404 404
GET    me/inquiries                                  401 404 200 404 404 404 404 403 403 403 404 404
GET    me/consents                                   401 200 200 200 200 200 200 403 403 403 200 200
GET    me/consents/{consent}                         401 404 200 404 404 404 404 403 403 403 404 404
GET    me/disputes                                   401 404 200 404 404 404 404 403 403 403 404 404
POST   me/disputes                                   401 404 201 404 404 404 404 403 403 403 404 404
GET    me/disputes/{dispute}                         401 404 200 404 404 404 404 403 403 403 404 404
POST   me/disputes/{dispute}/withdraw                401 404 200 404 404 404 404 403 403 403 404 404
POST   me/disputes/{rejected}/appeal                 401 404 200 404 404 404 404 403 403 403 404 404
POST   me/vouch-requests                             401 404 201 404 404 404 404 403 403 403 404 404
GET    me/vouches                                    401 404 200 404 404 404 404 403 403 403 404 404
DELETE me/vouches/{vouch}                            401 404 204 404 404 404 404 403 403 403 404 404
POST   vouch-requests/{vouch_token}/give             401 404 201 404 404 404 404 403 403 403 404 404
GET    furnishers                                    200 200 200 200 200 200 200 200 200 200 200 200
GET    furnishers/{furnisher}                        200 200 200 200 200 200 200 200 200 200 200 200
GET    sources/links                                 401 403 403 403 403 403 403 403 403 200 403 403
POST   sources/links                                 401 403 403 403 403 403 403 403 403 201 403 403
POST   sources/entries                               401 403 403 403 403 403 403 403 403 200 403 403
DELETE sources/entries/{external}?subject=ana-7      401 403 403 403 403 403 403 403 403 204 403 403
GET    sources/keys                                  401 403 403 403 403 403 403 403 403 200 403 403
POST   sources/keys                                  401 403 403 403 403 403 403 403 403 201 403 403
DELETE sources/keys/{source_key}                     401 403 403 403 403 403 403 403 403 204 403 403
GET    sources/webhook-endpoints                     401 403 403 403 403 403 403 403 403 200 403 403
POST   sources/webhook-endpoints                     401 403 403 403 403 403 403 403 403 201 403 403
GET    sources/webhook-endpoints/{source_endpoint}   401 403 403 403 403 403 403 403 403 200 403 403
PATCH  sources/webhook-endpoints/{source_endpoint}   401 403 403 403 403 403 403 403 403 200 403 403
DELETE sources/webhook-endpoints/{source_endpoint}   401 403 403 403 403 403 403 403 403 204 403 403
GET    sources/webhook-endpoints/{source_endpoint}/deliveries 401 403 403 403 403 403 403 403 403 200 403 403
POST   sources/webhook-endpoints/{source_endpoint}/rotate-secret 401 403 403 403 403 403 403 403 403 200 403 403
POST   sources/webhook-endpoints/{source_endpoint}/replay 401 403 403 403 403 403 403 403 403 202 403 403
POST   sources/webhook-endpoints/{source_endpoint}/test 401 403 403 403 403 403 403 403 403 202 403 403
POST   sources/deliveries/{source_delivery}/redeliver 401 403 403 403 403 403 403 403 403 202 403 403
GET    webhook-events                                200 200 200 200 200 200 200 200 200 200 200 200
GET    sources/disputes                              401 403 403 403 403 403 403 403 403 200 403 403
POST   sources/disputes/{dispute}/answer             401 403 403 403 403 403 403 403 403 200 403 403
GET    sources/disputes/{dispute}/evidence/{evidence} 401 403 403 403 403 403 403 403 403 200 403 403
GET    perks                                         401 200 200 200 200 200 200 403 403 403 200 200
GET    perks/{perk_published}                        401 200 200 200 200 200 200 403 403 403 200 200
GET    perks/{perk_published}/path                   401 404 200 404 404 404 404 403 403 403 404 404
POST   perks/{perk_free}/redemptions                 401 403 201 403 403 403 403 403 403 403 403 403
POST   perks/{perk_published}/reports                401 201 201 201 201 201 201 403 403 403 201 201
GET    me/reports                                    401 200 200 200 200 200 200 403 403 403 200 200
GET    me/badge                                      401 404 200 404 404 404 404 403 403 403 404 404
GET    me/badge.png                                  401 404 200 404 404 404 404 403 403 403 404 404
GET    me/redemptions                                401 200 200 200 200 200 200 403 403 403 200 200
GET    me/redemptions/{reserved}                     401 404 200 404 404 404 404 403 403 403 404 404
POST   me/redemptions/{reserved}/cancel              401 404 200 404 404 404 404 403 403 403 404 404
GET    me/redemptions/{reserved}/qr.svg              401 404 200 404 404 404 404 403 403 403 404 404
GET    me/redemptions/{reserved}/qr.png              401 404 200 404 404 404 404 403 403 403 404 404
GET    me/deposits                                   401 200 200 200 200 200 200 403 403 403 200 200
GET    me/deposits/{deposit_claimed}                 401 404 200 404 404 404 404 403 403 403 404 404
POST   me/deposits/{deposit_offered}/accept          401 404 200 404 404 404 404 403 403 403 404 404
POST   me/deposits/{deposit_offered}/hold            401 404 409 404 404 404 404 403 403 403 404 404
POST   me/deposits/{deposit_claimed}/contest         401 404 200 404 404 404 404 403 403 403 404 404
GET    me/deposits/{deposit_claimed}/files/{deposit_file} 401 404 200 404 404 404 404 403 403 403 404 404
GET    me/make-goods                                 401 200 200 200 200 200 200 403 403 403 200 200
GET    me/gift-cards                                 401 200 200 200 200 200 200 403 403 403 200 200
GET    me/gift-cards/{card}                          401 404 200 404 404 404 404 403 403 403 404 404
POST   me/make-goods/{make_good}/take                401 404 201 404 404 404 404 403 403 403 404 404
GET    boost                                         401 403 403 403 403 403 403 403 403 403 403 403
POST   boosts/lookup                                 401 403 403 403 403 403 403 403 403 403 403 403
GET    sandbox                                       401 403 403 403 403 403 403 403 403 403 403 403
POST   sandbox/reset                                 401 403 403 403 403 403 403 403 403 403 403 403
PUT    sandbox/clock                                 401 403 403 403 403 403 403 403 403 403 403 403
PUT    sandbox/citizens/{test_case}/connection           401 403 403 403 403 403 403 403 403 403 403 403
DELETE sandbox/citizens/{test_case}/connection           401 403 403 403 403 403 403 403 403 403 403 403
GET    sandbox/boost                                 401 403 403 403 403 403 403 403 403 403 403 403
POST   sandbox/boosts/lookup                         401 403 403 403 403 403 403 403 403 403 403 403
POST   merchants                                     401 201 201 201 201 201 201 403 403 403 201 201
GET    merchants/{merchant}                          200 200 200 200 200 200 200 200 200 200 200 200
GET    merchant/perks                                401 403 403 403 200 200 200 403 200 403 403 403
POST   merchant/perks                                401 403 403 403 201 201 400 403 201 403 403 403
GET    merchant/perks/{perk_published}               401 403 403 403 200 200 404 403 200 403 403 403
PATCH  merchant/perks/{perk_published}               401 403 403 403 200 200 404 403 200 403 403 403
POST   merchant/perks/{perk_draft}/submit            401 403 403 403 200 200 404 403 200 403 403 403
POST   merchant/perks/{perk_approved}/publish        401 403 403 403 200 200 404 403 200 403 403 403
POST   merchant/perks/{perk_published}/pause         401 403 403 403 200 200 404 403 200 403 403 403
POST   merchant/perks/{perk_paused}/resume           401 403 403 403 200 200 404 403 200 403 403 403
POST   merchant/perks/{perk_published}/end           401 403 403 403 200 200 404 403 200 403 403 403
GET    merchant/perks/{perk_published}/images        401 403 403 403 200 200 404 403 200 403 403 403
POST   merchant/perks/{perk_published}/images        401 403 403 403 201 201 404 403 201 403 403 403
PATCH  merchant/perks/{perk_published}/images/{image} 401 403 403 403 200 200 404 403 200 403 403 403
DELETE merchant/perks/{perk_published}/images/{image} 401 403 403 403 204 204 404 403 204 403 403 403
POST   merchant/scans                                401 403 403 201 201 201 400 201 403 403 403 403
GET    merchant/redemptions                          401 403 403 200 200 200 200 200 200 403 403 403
GET    merchant/redemptions/{used}                   401 403 403 200 200 200 404 404 200 403 403 403
POST   merchant/redemptions/{used}/reverse           401 403 403 200 200 200 404 404 403 403 403 403
GET    merchant/code-lists                           401 403 403 403 200 200 200 403 200 403 403 403
POST   merchant/code-lists                           401 403 403 403 202 202 202 403 202 403 403 403
GET    merchant/code-lists/{code_list}               401 403 403 403 200 200 404 403 200 403 403 403
DELETE merchant/code-lists/{code_list}               401 403 403 403 202 202 404 403 202 403 403 403
GET    merchant/code-lists/{code_list}/codes.csv     401 403 403 403 200 200 404 403 200 403 403 403
GET    merchant/reports                              401 403 403 403 200 200 200 403 200 403 403 403
GET    merchant/reports.csv                          401 403 403 403 200 200 200 403 200 403 403 403
GET    merchant/reach?purpose=travel&min_score=600   401 403 403 403 200 200 200 403 200 403 403 403
POST   merchant/gift-cards/{card}/refund             401 403 403 403 200 200 404 200 403 403 403 403
GET    merchant/gift-cards/liability                 401 403 403 403 200 200 200 403 200 403 403 403
GET    merchant/deposits                             401 403 403 200 200 200 200 200 200 403 403 403
GET    merchant/deposits/{deposit_returned}          401 403 403 200 200 200 404 200 200 403 403 403
POST   merchant/deposits/{deposit_accepted}/pick-up  401 403 403 200 200 200 404 200 403 403 403 403
POST   merchant/deposits/{deposit_active}/return     401 403 403 200 200 200 404 200 403 403 403 403
POST   merchant/deposits/{deposit_returned}/claim    401 403 403 403 200 200 404 403 403 403 403 403
POST   merchant/deposits/{deposit_returned}/refund   401 403 403 403 409 409 404 403 403 403 403 403
GET    merchant/deposits/{deposit_claimed}/files/{deposit_file} 401 403 403 403 200 200 404 403 403 403 403 403
GET    merchant/members                              401 403 403 403 403 200 200 403 403 403 403 403
POST   merchant/members                              401 403 403 403 403 201 201 403 403 403 403 403
DELETE merchant/members/{member}                     401 403 403 403 403 204 404 403 403 403 403 403
POST   invitations/{token}/accept                    401 201 403 403 403 403 403 403 403 403 403 403
GET    merchant/branches                             401 403 403 403 200 200 200 403 403 403 403 403
POST   merchant/branches                             401 403 403 403 201 201 201 403 403 403 403 403
GET    merchant/branches/{branch}                    401 403 403 403 200 200 404 403 403 403 403 403
PATCH  merchant/branches/{branch}                    401 403 403 403 200 200 404 403 403 403 403 403
DELETE merchant/branches/{branch}                    401 403 403 403 204 204 404 403 403 403 403 403
GET    merchant/webhook-endpoints                    401 403 403 403 200 200 200 403 403 403 403 403
POST   merchant/webhook-endpoints                    401 403 403 403 201 201 201 403 403 403 403 403
GET    merchant/webhook-endpoints/{endpoint}         401 403 403 403 200 200 404 403 403 403 403 403
PATCH  merchant/webhook-endpoints/{endpoint}         401 403 403 403 200 200 404 403 403 403 403 403
DELETE merchant/webhook-endpoints/{endpoint}         401 403 403 403 204 204 404 403 403 403 403 403
GET    merchant/webhook-endpoints/{endpoint}/deliveries 401 403 403 403 200 200 404 403 403 403 403 403
POST   merchant/webhook-endpoints/{endpoint}/rotate-secret 401 403 403 403 200 200 404 403 403 403 403 403
POST   merchant/webhook-endpoints/{endpoint}/replay  401 403 403 403 202 202 404 403 403 403 403 403
POST   merchant/webhook-endpoints/{endpoint}/test    401 403 403 403 202 202 404 403 403 403 403 403
POST   merchant/deliveries/{delivery}/redeliver      401 403 403 403 202 202 404 403 403 403 403 403
GET    merchant/clients                              401 403 403 403 403 200 200 403 403 403 403 403
POST   merchant/clients                              401 403 403 403 403 201 201 403 403 403 403 403
DELETE merchant/clients/{server}                     401 403 403 403 403 204 404 403 403 403 403 403
GET    merchant/billing                              401 403 403 403 403 200 200 403 403 403 403 403
POST   merchant/billing/checkout                     401 403 403 403 403 409 409 403 403 403 403 403
POST   merchant/billing/portal                       401 403 403 403 403 409 409 403 403 403 403 403
POST   merchant/billing/onboarding                   401 403 403 403 403 409 409 403 403 403 403 403
GET    merchant/billing/usage                        401 403 403 403 403 200 200 403 403 403 403 403
GET    merchant/billing/usage.csv                    401 403 403 403 403 200 200 403 403 403 403 403
GET    merchant/arrivals                             401 403 403 200 200 200 200 200 403 403 403 403
GET    merchant/devices                              401 403 403 403 200 200 200 403 403 403 403 403
POST   merchant/devices                              401 403 403 403 201 201 400 403 403 403 403 403
DELETE merchant/devices/{till}                       401 403 403 403 204 204 404 403 403 403 403 403
PUT    merchant/pin                                  401 403 403 204 204 204 204 403 403 403 403 403
POST   devices/pair                                  201 201 201 201 201 201 201 201 201 201 201 201
GET    devices/self                                  401 403 403 403 403 403 403 403 403 403 403 403
POST   devices/shift                                 401 403 403 403 403 403 403 403 403 403 403 403
DELETE devices/shift                                 401 403 403 403 403 403 403 403 403 403 403 403
"""

# What a paired till reaches by its own token, and with somebody at work on it. Everything else is not theirs (403), but
# for what anybody may read.
AT_TILLS = """
POST   merchant/scans                                403 201
GET    merchant/redemptions                          403 200
GET    merchant/redemptions/{used}                   403 200
POST   merchant/redemptions/{used}/reverse           403 200
GET    merchant/arrivals                             200 200
GET    merchant/deposits                             403 200
GET    merchant/deposits/{deposit_returned}          403 200
POST   merchant/deposits/{deposit_accepted}/pick-up  403 200
POST   merchant/deposits/{deposit_active}/return     403 200
GET    devices/self                                  200 200
POST   devices/shift                                 201 201
DELETE devices/shift                                 204 204
"""

# What a dating app reaches with the token of somebody who connected it, and its own server; what its sandbox's client
# does, and the app with a test citizen's token. Everything else is not theirs (403), but for what anybody may read.
OF_APPS = """
GET    boost                                         200 403 403 403
POST   boosts/lookup                                 403 200 403 403
GET    sandbox                                       403 403 200 403
POST   sandbox/reset                                 403 403 200 403
PUT    sandbox/clock                                 403 403 200 403
PUT    sandbox/citizens/{test_case}/connection           403 403 200 403
DELETE sandbox/citizens/{test_case}/connection           403 403 204 403
GET    sandbox/boost                                 403 403 403 200
POST   sandbox/boosts/lookup                         403 403 200 403
"""

# Somebody signed in without a second factor is asked for it (302), like a stranger for signing in.
#                                                    nobody          manager         full_operator
#                                                        newcomer        owner
#                                                            citizen         rival
#                                                                cashier         operator
PAGES = """
GET    /                                             200 302 302 302 302 302 302 302 302
GET    me                                            302 200 200 200 200 200 200 200 200
POST   me                                            302 200 200 200 200 200 200 200 200
GET    me/apps                                       302 200 200 200 200 200 200 200 200
GET    me/apps/{connection}/end                      302 404 200 404 404 404 404 404 404
POST   me/apps/{connection}/end                      302 404 302 404 404 404 404 404 404
GET    me/close                                      302 200 200 200 200 200 200 200 200
POST   me/close                                      302 200 200 200 200 200 200 200 200
GET    me/data                                       302 200 200 200 200 200 200 200 200
POST   me/data                                       302 302 302 302 302 302 302 302 302
GET    me/data/{export}                              302 404 200 404 404 404 404 404 404
GET    me/inbox                                      302 200 200 200 200 200 200 200 200
POST   me/inbox                                      302 302 302 302 302 302 302 302 302
POST   me/inbox/{notification}/open                  302 404 302 404 404 404 404 404 404
GET    me/inbox/settings                             302 200 200 200 200 200 200 200 200
POST   me/inbox/settings                             302 302 302 302 302 302 302 302 302
POST   me/inbox/browsers/{push_device}/remove        302 404 302 404 404 404 404 404 404
GET    mails/off/{mail_token}                        200 200 200 200 200 200 200 200 200
POST   mails/off/{mail_token}                        200 200 200 200 200 200 200 200 200
GET    me/phone                                      302 200 200 200 200 200 200 200 200
POST   me/phone                                      302 302 302 302 302 302 302 302 302
POST   me/devices/{device}/end                       302 404 302 404 404 404 404 404 404
GET    operator/document-check                       302 403 403 403 403 403 403 302 200
POST   operator/document-check                       302 403 403 403 403 403 403 302 200
GET    operator/messages                             302 403 403 403 403 403 403 302 200
POST   operator/messages/replay                      302 403 403 403 403 403 403 302 302
POST   operator/messages/drop                        302 403 403 403 403 403 403 302 302
GET    operator/disputes                             302 403 403 403 403 403 403 302 200
GET    operator/disputes/{dispute}                   302 403 403 403 403 403 403 302 200
POST   operator/disputes/{dispute}/decide            302 403 403 403 403 403 403 302 200
POST   operator/disputes/{raised_again}/admit        302 403 403 403 403 403 403 302 302
GET    operator/disputes/{dispute}/evidence/{evidence} 302 403 403 403 403 403 403 302 200
GET    operator/files                                302 403 403 403 403 403 403 302 200
POST   operator/files                                302 403 403 403 403 403 403 302 200
POST   operator/files/more                           302 403 403 403 403 403 403 302 200
POST   operator/files/more/{allowance}               302 403 403 403 403 403 403 302 302
GET    operator/files/{opening}                      302 403 403 403 403 403 403 302 200
POST   operator/files/{opening}/show                 302 403 403 403 403 403 403 302 404
POST   operator/files/{opening}/close                302 403 403 403 403 403 403 302 302
GET    operator/batches                              302 403 403 403 403 403 403 302 200
POST   operator/batches                              302 403 403 403 403 403 403 302 200
POST   operator/batches/{proposal}/confirm           302 403 403 403 403 403 403 302 302
POST   operator/batches/{proposal}/drop              302 403 403 403 403 403 403 302 302
GET    operator/seeds                                302 403 403 403 403 403 403 302 200
POST   operator/seeds                                302 403 403 403 403 403 403 302 200
GET    operator/seeds/{seed}/confirm                 302 403 403 403 403 403 403 302 302
POST   operator/seeds/{seed}/confirm                 302 403 403 403 403 403 403 302 302
GET    operator/seeds/{seed}/remove                  302 403 403 403 403 403 403 302 302
POST   operator/seeds/{seed}/remove                  302 403 403 403 403 403 403 302 302
GET    operator/sources                              302 403 403 403 403 403 403 302 200
POST   operator/sources                              302 403 403 403 403 403 403 302 200
POST   webhooks/document-check                       403 403 403 403 403 403 403 403 403
GET    score                                         302 302 200 302 302 302 302 302 302
GET    score/sum                                     302 302 200 302 302 302 302 302 302
GET    score/history                                 302 302 200 302 302 302 302 302 302
GET    score/what-if                                 302 302 200 302 302 302 302 302 302
POST   score/what-if                                 302 302 200 302 302 302 302 302 302
GET    records                                       302 302 200 302 302 302 302 302 302
GET    records/{entry}                               302 302 200 302 302 302 302 302 302
GET    sources                                       302 302 200 302 302 302 302 302 302
GET    sources/{source}/switch                       302 302 200 302 302 302 302 302 302
POST   sources/{source}/switch                       302 302 302 302 302 302 302 302 302
GET    sources/{source}/link                         302 302 200 302 302 302 302 302 302
POST   sources/{source}/link                         302 302 200 302 302 302 302 302 302
GET    vouches                                       302 302 200 302 302 302 302 302 302
POST   vouches                                       302 302 200 302 302 302 302 302 302
GET    vouches/{vouch}/end                           302 302 302 302 302 302 302 302 302
POST   vouches/{vouch}/end                           302 302 302 302 302 302 302 302 302
GET    vouch-requests/{vouch_token}                  302 302 200 302 302 302 302 302 302
POST   vouch-requests/{vouch_token}                  302 302 302 302 302 302 302 302 302
GET    furnishers                                    200 200 200 200 200 200 200 200 200
GET    furnishers/{furnisher}                        200 200 200 200 200 200 200 200 200
GET    document-check                                302 302 200 302 302 302 302 302 302
POST   document-check                                302 302 200 302 302 302 302 302 302
GET    who-asked                                     302 302 200 302 302 302 302 302 302
GET    consents                                      302 200 200 200 200 200 200 200 200
GET    consents/{consent}                            302 404 200 404 404 404 404 404 404
GET    disputes                                      302 302 200 302 302 302 302 302 302
GET    disputes/new                                  302 302 200 302 302 302 302 302 302
POST   disputes/new                                  302 302 302 302 302 302 302 302 302
GET    disputes/{dispute}                            302 302 200 302 302 302 302 302 302
POST   disputes/{dispute}/withdraw                   302 302 302 302 302 302 302 302 302
POST   disputes/{rejected}/appeal                    302 302 302 302 302 302 302 302 302
GET    disputes/{dispute}/evidence/{evidence}        302 302 200 302 302 302 302 302 302
GET    enrol                                         302 200 302 200 200 200 200 200 200
POST   enrol                                         302 200 200 200 200 200 200 200 200
GET    pause                                         302 302 200 302 302 302 302 302 302
POST   pause                                         302 302 302 302 302 302 302 302 302
POST   resume                                        302 302 302 302 302 302 302 302 302
GET    leave                                         302 302 200 302 302 302 302 302 302
POST   leave                                         302 200 200 200 200 200 200 200 200
GET    perks                                         302 200 200 200 200 200 200 200 200
GET    perks/{perk_published}                        302 200 200 200 200 200 200 200 200
GET    perks/{perk_published}/path                   302 302 200 302 302 302 302 302 302
GET    perks/{perk_published}/report                 302 200 200 200 200 200 200 200 200
POST   perks/{perk_published}/report                 302 200 200 200 200 200 200 200 200
GET    me/reports                                    302 200 200 200 200 200 200 200 200
GET    merchants/{merchant}                          200 200 200 200 200 200 200 200 200
GET    register                                      200 200 200 200 200 200 200 200 200
GET    register/{enterprise}                         200 200 200 200 200 200 200 200 200
GET    me/badge                                      302 302 200 302 302 302 302 302 302
GET    perks/{perk_free}/take                        302 302 302 302 302 302 302 302 302
POST   perks/{perk_free}/take                        302 302 302 302 302 302 302 302 302
GET    make-goods                                    302 200 200 200 200 200 200 200 200
GET    make-goods/{make_good}                        302 404 200 404 404 404 404 404 404
POST   make-goods/{make_good}/take                   302 404 302 404 404 404 404 404 404
GET    gift-cards                                    302 200 200 200 200 200 200 200 200
GET    gift-cards/{card}                             302 404 200 404 404 404 404 404 404
GET    deposits                                      302 200 200 200 200 200 200 200 200
GET    deposits/{deposit_claimed}                    302 404 200 404 404 404 404 404 404
POST   deposits/{deposit_offered}/accept             302 404 302 404 404 404 404 404 404
POST   deposits/{deposit_offered}/hold               302 404 302 404 404 404 404 404 404
POST   deposits/{deposit_claimed}/contest            302 404 200 404 404 404 404 404 404
GET    deposits/{deposit_claimed}/files/{deposit_file} 302 404 200 404 404 404 404 404 404
GET    codes                                         302 200 200 200 200 200 200 200 200
GET    codes/{reserved}                              302 404 200 404 404 404 404 404 404
GET    codes/{reserved}/qr.svg                       302 404 200 404 404 404 404 404 404
GET    codes/{reserved}/state                        302 404 200 404 404 404 404 404 404
POST   codes/{reserved}/cancel                       302 404 302 404 404 404 404 404 404
GET    merchant                                      302 302 302 302 200 200 200 302 302
GET    merchant/apply                                302 200 200 200 200 200 200 200 200
POST   merchant/apply                                302 200 200 200 200 200 200 200 200
GET    merchant/choose                               302 302 302 200 200 200 200 302 302
POST   merchant/choose                               302 404 404 404 404 404 404 404 404
GET    merchant/scan                                 302 302 302 200 200 200 200 302 302
POST   merchant/scan                                 302 302 302 200 200 200 200 302 302
POST   merchant/scan/{used}/undo                     302 302 302 302 302 302 404 302 302
GET    merchant/perks                                302 302 302 403 200 200 200 302 302
GET    merchant/perks/new                            302 302 302 403 200 200 200 302 302
POST   merchant/perks/new                            302 302 302 403 200 200 200 302 302
GET    merchant/perks/{perk_published}               302 302 302 403 200 200 404 302 302
GET    merchant/perks/{perk_published}/edit          302 302 302 403 200 200 404 302 302
POST   merchant/perks/{perk_published}/edit          302 302 302 403 200 200 404 302 302
POST   merchant/perks/{perk_published}/pause         302 302 302 403 302 302 404 302 302
POST   merchant/perks/{perk_published}/images        302 302 302 403 200 200 404 302 302
POST   merchant/perks/{perk_published}/images/{image} 302 302 302 403 200 200 404 302 302
GET    merchant/offers                               302 302 302 403 200 200 200 302 302
POST   merchant/offers/{make_good}                   302 302 302 403 302 302 404 302 302
GET    merchant/redemptions                          302 302 302 200 200 200 200 302 302
GET    merchant/redemptions/{used}                   302 302 302 200 200 200 404 302 302
POST   merchant/redemptions/{used}/reverse           302 302 302 302 302 302 404 302 302
GET    merchant/reports                              302 302 302 403 200 200 200 302 302
GET    merchant/reports/file                         302 302 302 403 200 200 200 302 302
GET    merchant/code-lists                           302 302 302 403 200 200 200 302 302
POST   merchant/code-lists                           302 302 302 403 200 200 200 302 302
GET    merchant/code-lists/{code_list}               302 302 302 403 200 200 404 302 302
POST   merchant/code-lists/{code_list}               302 302 302 403 302 302 404 302 302
GET    merchant/code-lists/{code_list}/file          302 302 302 403 200 200 404 302 302
POST   merchant/redemptions/{card_redemption}/refund 302 302 302 403 200 200 404 302 302
GET    merchant/gift-cards                           302 302 302 403 200 200 200 302 302
GET    merchant/deposits                             302 302 302 200 200 200 200 302 302
GET    merchant/deposits/{deposit_returned}          302 302 302 200 200 200 404 302 302
POST   merchant/deposits/{deposit_accepted}/pick-up  302 302 302 302 302 302 404 302 302
POST   merchant/deposits/{deposit_active}/return     302 302 302 302 302 302 404 302 302
POST   merchant/deposits/{deposit_returned}/claim    302 302 302 403 200 200 404 302 302
POST   merchant/deposits/{deposit_returned}/refund   302 302 302 403 200 200 404 302 302
GET    merchant/deposits/{deposit_claimed}/files/{deposit_file} 302 302 302 403 200 200 404 302 302
GET    merchant/branches                             302 302 302 403 200 200 200 302 302
POST   merchant/branches                             302 302 302 403 200 200 200 302 302
GET    merchant/team                                 302 302 302 403 403 200 200 302 302
POST   merchant/team                                 302 302 302 403 403 200 200 302 302
GET    merchant/clients                              302 302 302 403 403 200 200 302 302
POST   merchant/clients                              302 302 302 403 403 200 200 302 302
GET    merchant/billing                              302 302 302 403 403 200 200 302 302
GET    merchant/billing/usage                        302 302 302 403 403 200 200 302 302
POST   merchant/billing/checkout                     302 302 302 403 403 302 302 302 302
POST   merchant/billing/onboarding                   302 302 302 403 403 302 302 302 302
POST   merchant/billing/portal                       302 302 302 403 403 302 302 302 302
GET    merchant/webhooks                             302 302 302 403 200 200 200 302 302
POST   merchant/webhooks                             302 302 302 403 200 200 200 302 302
GET    merchant/webhooks/{endpoint}                  302 302 302 403 200 200 404 302 302
POST   merchant/webhooks/{endpoint}                  302 302 302 403 302 302 404 302 302
GET    merchant/tills                                302 302 302 403 200 200 200 302 302
POST   merchant/tills                                302 302 302 403 200 200 200 302 302
GET    merchant/pin                                  302 302 302 200 200 200 200 302 302
POST   merchant/pin                                  302 302 302 200 200 200 200 302 302
GET    merchant/conflicts                            302 302 302 403 200 200 200 302 302
GET    till/state                                    200 200 200 200 200 200 200 200 200
POST   till/pair                                     400 400 400 400 400 400 400 400 400
POST   till/shift                                    401 401 401 401 401 401 401 401 401
DELETE till/shift                                    401 401 401 401 401 401 401 401 401
POST   till/undo                                     401 401 401 401 401 401 401 401 401
GET    till/arrivals                                 401 401 401 401 401 401 401 401 401
POST   till/scans                                    401 401 401 401 401 401 401 401 401
GET    invitations/{token}                           302 200 404 404 404 404 404 404 404
POST   invitations/{token}                           302 302 404 404 404 404 404 404 404
GET    operator                                      302 403 403 403 403 403 403 302 200
POST   operator/approve                              302 403 403 403 403 403 403 302 200
POST   operator/refuse                               302 403 403 403 403 403 403 302 200
GET    operator/merchants                            302 403 403 403 403 403 403 302 200
GET    operator/merchants/{merchant}                 302 403 403 403 403 403 403 302 200
POST   operator/merchants/{merchant}/act             302 403 403 403 403 403 403 302 200
GET    operator/reports                              302 403 403 403 403 403 403 302 200
POST   operator/reports/{case}/decide                302 403 403 403 403 403 403 302 200
GET    operator/claims                               302 403 403 403 403 403 403 302 200
GET    operator/claims/{deposit_contested}           302 403 403 403 403 403 403 302 200
POST   operator/claims/{deposit_contested}/decide    302 403 403 403 403 403 403 302 200
GET    operator/claims/{deposit_contested}/files/{contest_file} 302 403 403 403 403 403 403 302 200
GET    scorecards                                    200 200 200 200 200 200 200 200 200
GET    scorecards/{version}                          200 200 200 200 200 200 200 200 200
GET    scorecards/{version}/document.yaml            200 200 200 200 200 200 200 200 200
GET    scorecards/{version}/document.json            200 200 200 200 200 200 200 200 200
GET    operator/scorecards                           302 403 403 403 403 403 403 302 200
POST   operator/scorecards                           302 403 403 403 403 403 403 302 302
GET    operator/scorecards/rescoring                 302 403 403 403 403 403 403 302 200
GET    operator/scorecards/{draft}                   302 403 403 403 403 403 403 302 200
GET    operator/scorecards/{draft}/edit              302 403 403 403 403 403 403 302 200
POST   operator/scorecards/{draft}/edit              302 403 403 403 403 403 403 302 200
POST   operator/scorecards/{draft}/check             302 403 403 403 403 403 403 302 200
GET    operator/scorecards/{draft}/yaml              302 403 403 403 403 403 403 302 200
POST   operator/scorecards/{draft}/yaml              302 403 403 403 403 403 403 302 200
GET    operator/scorecards/{draft}/run               302 403 403 403 403 403 403 302 200
POST   operator/scorecards/{draft}/run               302 403 403 403 403 403 403 302 302
GET    operator/scorecards/{draft}/run/state         302 403 403 403 403 403 403 302 200
POST   operator/scorecards/{draft}/run/cancel        302 403 403 403 403 403 403 302 302
POST   operator/scorecards/{draft}/submit            302 403 403 403 403 403 403 302 302
POST   operator/scorecards/{draft}/publish           302 403 403 403 403 403 403 302 302
POST   operator/scorecards/{draft}/refuse            302 403 403 403 403 403 403 302 302
POST   operator/scorecards/{draft}/withdraw          302 403 403 403 403 403 403 302 302
"""


class Row(NamedTuple):
    method: str
    path: str
    statuses: tuple[int, ...]


def rows_of(table: str) -> list[Row]:
    read = [line.split() for line in table.strip().splitlines()]
    return [Row(method, path, tuple(map(int, statuses))) for method, path, *statuses in read]


def route(path: str) -> str:
    """An address without the names of its parameters, to compare a row with the URLconf."""
    return re.sub(r"<[^>]+>|\{\w+\}", "<>", path.partition("?")[0])


def pages(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every page of ours with its view."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if not path.startswith(("api/", "_allauth/", "accounts/", "o/", "admin/")):
                yield from pages(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and getattr(pattern.callback, "view_class", None):
            yield path, pattern.callback.view_class


def methods_of(view: Any) -> list[str]:
    return [name.upper() for name in METHODS if hasattr(view, name)]


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW):
        yield


@pytest.mark.django_db
def test_each_endpoint_answers_each_caller_as_the_table_says():
    world, codes = make_world(), {code.code for code in catalogue()}
    rights = {(right.method, right.path): right for right in RIGHT}
    wrong = {}
    for row in rows_of(API):
        right = rights[row.method, row.path]
        answers = []
        for caller in CALLERS:
            before = transaction.savepoint()
            answer = send(world, right, caller=caller)
            transaction.savepoint_rollback(before)
            answers.append(answer.status_code)
            if answer.status_code >= 400:
                assert answer.headers["Content-Type"] == "application/problem+json", (row, caller)
                assert answer.json()["code"] in codes, (row, caller)
            assert (answer.status_code == 401) == ("WWW-Authenticate" in answer.headers), (row, caller)
        if tuple(answers) != row.statuses:
            wrong[f"{row.method} {row.path}"] = " ".join(map(str, answers))
    assert wrong == {}


@pytest.mark.django_db
@pytest.mark.parametrize(("callers", "table"), [(DEVICES, AT_TILLS), (APPS, OF_APPS)], ids=["tills", "apps"])
def test_tills_and_apps_reach_what_is_theirs_and_nothing_else(callers, table):
    world = make_world()
    rows = {(row.method, row.path): row.statuses for row in rows_of(API)}
    own = {(row.method, row.path): row.statuses for row in rows_of(table)}
    wrong = {}
    for right in RIGHT:
        name, public = (right.method, right.path), rows[right.method, right.path][0]
        answers = []
        for caller in callers:
            before = transaction.savepoint()
            answers.append(send(world, right, caller=caller).status_code)
            transaction.savepoint_rollback(before)
        if tuple(answers) != own.pop(name, (public if public < 400 else 403,) * len(callers)):
            wrong[name] = answers
    assert (wrong, own) == ({}, {})


def test_each_endpoint_has_its_rows_and_its_right_request():
    built = {(name, route(path.removeprefix("api/v1/"))) for path, view in endpoints() for name in methods_of(view)}
    assert {(row.method, route(row.path)) for row in rows_of(API)} == built
    assert {(right.method, right.path) for right in RIGHT} == {(row.method, row.path) for row in rows_of(API)}


PEOPLE = tuple(caller for caller in CALLERS if caller not in ("scan_server", "perk_server", "bank"))


@pytest.mark.django_db
def test_each_page_answers_each_person_as_the_table_says():
    world = make_world()
    browsers = {one: browser_for(world.people[one], second_factor=one != "operator") for one in PEOPLE[1:]}
    browsers["nobody"] = Client()
    wrong = {}
    for row in rows_of(PAGES):
        answers = []
        for person in PEOPLE:
            browser = browsers[person]
            before = transaction.savepoint()
            answer = browser.generic(row.method, "/" + row.path.format(**world.ids).removeprefix("/"))
            transaction.savepoint_rollback(before)
            answers.append(answer.status_code)
        if tuple(answers) != row.statuses:
            wrong[f"{row.method} {row.path}"] = " ".join(map(str, answers))
    assert wrong == {}


def test_each_page_has_its_rows():
    listed = {route(row.path.replace("}/pause", "}/{act}")).removeprefix("/") for row in rows_of(PAGES)}
    assert listed == {route(path) for path, _ in pages()} - {"favicon.ico"}
