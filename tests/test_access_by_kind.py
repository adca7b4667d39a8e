"""Who may do what, beyond the right request of `tests.test_access`: every kind of id and every kind of operator.

A caller whom an address is not for learns nothing from an id: the answer is the same for a right one, somebody else's,
one that is missing and one that is none. For everybody else the last three are one answer, 404. New callers
(`CALLERS`), endpoints (`RIGHT`) and pages (`PAGES`) are asked here by themselves; a new operator's page without its
roles fails.
"""

from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from citizen_app.models import OperatorRole
from tests.attacks.test_foreign_ids import FOREIGN, NO_OBJECTS, PERKS, foreign_id, missing, taking_ids
from tests.factories.people import api_client_of, browser_for, operator_with
from tests.factories.right_requests import RIGHT, send
from tests.factories.scores import NOW
from tests.factories.world import CALLERS, DEVICES, World, make_world
from tests.test_access import API, PAGES, PEOPLE, rows_of

NAMES_NOTHING = ("x", "ent_" + "z" * 13, "key_" + "z" * 26)
"""Malformed: a word, and bodies beyond what a key can be. (NUL is 404 for everybody, before anybody is asked.)"""
Role = OperatorRole.Role

# Which roles a page of the back office is for; the longest beginning that fits decides.
OPERATORS = {
    "operator": set(Role),  # whose work is elsewhere is sent there
    "operator/approve": {Role.MERCHANTS},
    "operator/refuse": {Role.MERCHANTS},
    "operator/merchants": {Role.MERCHANTS},
    "operator/reports": {Role.MERCHANTS},
    "operator/claims": {Role.DISPUTES},
    "operator/disputes": {Role.DISPUTES},
    "operator/batches": {Role.DISPUTES},
    "operator/files": {Role.DISPUTES, Role.MERCHANTS, Role.SUPPORT},
    "operator/document-check": {Role.SUPPORT, Role.SCORING},
    "operator/messages": {Role.SUPPORT},
    "operator/seeds": {Role.SCORING},
    "operator/sources": {Role.SCORING},
    "operator/scorecards": {Role.SCORING},
}


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def world(db):
    return make_world()


def undone(call: Any) -> Any:
    """Make a call and undo what it did."""
    before = transaction.savepoint()
    try:
        return call()
    finally:
        transaction.savepoint_rollback(before)


def asked(world: World, right: Any, caller: str, **changes: Any) -> tuple[int, str]:
    answer = undone(lambda: send(world, right, caller=caller, **changes))
    is_problem = answer.headers.get("Content-Type") == "application/problem+json"
    return answer.status_code, answer.json()["code"] if is_problem else ""


def test_no_caller_tells_a_stranger_s_id_from_a_missing_one_or_one_that_is_none(world):
    """Every endpoint with an id × every kind of caller × every kind of id."""
    rows = {(row.method, row.path): dict(zip(CALLERS, row.statuses, strict=True)) for row in rows_of(API)}
    wrong: dict[str, Any] = {}
    count = 0
    for right, name in taking_ids():
        ids = [missing(name), *NAMES_NOTHING]
        for caller in (*CALLERS, *DEVICES):
            # Of the two houses and the two guests, the other's things are the other's own: `rival`'s above all.
            foreign = [] if name in NO_OBJECTS or caller == "rival" else [foreign_id(world, right, name)]
            answers = {
                asked(world, right, caller, path=right.path.replace(f"{{{name}}}", one)) for one in (*ids, *foreign)
            }
            count += len(ids) + len(foreign)
            status = rows[right.method, right.path].get(caller)
            code = asked(world, right, caller)[1] if status in (401, 403) else ""
            # Whom the address is not for hears that, whatever they name; anybody else hears that there is nothing.
            if code in ("not_authenticated", "wrong_caller", "role_required", "mfa_required"):
                expected = {(status, code)}
            else:
                expected = {(404, "not_found"), (404, "not_enrolled"), (403, "not_enrolled"), (403, "wrong_caller")}
            if len(answers) > 1 or not answers <= expected:
                wrong[f"{right.method} {right.path} {{{name}}} by {caller}"] = sorted(answers)
    assert wrong == {}, sorted(wrong.items())
    assert count > 3_000  # it does go through all of them


def test_a_machine_s_token_without_a_scope_opens_what_anybody_may_read_and_nothing_else(world):
    public = {(row.method, row.path) for row in rows_of(API) if row.statuses[0] < 400}
    servers = {
        "scan_server": world.hotel.scan_server.application,
        "perk_server": world.hotel.perk_server.application,
        "bank": world.source.application,
    }
    for caller, application in servers.items():
        world.clients[caller] = api_client_of(application, scope="")
    wrong = {}
    for right in RIGHT:
        for caller in servers:
            answer = asked(world, right, caller)
            if (right.method, right.path) in public:
                if answer[0] >= 400:
                    wrong[f"{right.method} {right.path} by {caller}"] = answer
            elif answer != (403, "wrong_caller"):
                wrong[f"{right.method} {right.path} by {caller}"] = answer
    assert wrong == {}, sorted(wrong.items())


def page(path: str) -> str:
    return "/" + path.removeprefix("/")


def looked_at(browser: Client, method: str, path: str) -> int:
    return int(undone(lambda: browser.generic(method, path)).status_code)


def test_a_page_answers_a_missing_id_and_one_that_is_none_alike_and_never_shows_or_breaks(world):
    """Every page with an id × every kind of person × every kind of id."""
    browsers = {one: Client() if one == "nobody" else browser_for(world.people[one]) for one in PEOPLE}
    wrong = {}
    for row in rows_of(PAGES):
        named = [name for name in world.ids if f"{{{name}}}" in row.path]
        for name in named:
            for person in PEOPLE:
                ids = [missing(name), *NAMES_NOTHING]
                if person != "rival" and (name in FOREIGN or name in PERKS) and not is_everybodys(row.path, name):
                    ids.append(foreign_on_page(world, row.path, name))
                paths = [page(row.path.replace(f"{{{name}}}", one).format(**world.ids)) for one in ids]
                answers = {looked_at(browsers[person], row.method, path) for path in paths}
                if len(answers) > 1 or not answers <= {302, 403, 404}:
                    wrong[f"{row.method} {row.path} {{{name}}} by {person}"] = sorted(answers)
    assert wrong == {}, sorted(wrong.items())


def is_everybodys(path: str, name: str) -> bool:
    """Whether a page shows this thing to operators whosever it is, or to everybody."""
    return path.startswith("operator/") or (name == "merchant" and path.startswith("merchants/"))


def foreign_on_page(world: World, path: str, name: str) -> str:
    if name in PERKS:
        state = name.removeprefix("perk_") if path.startswith("merchant/") else "draft"
        return str(world.rival.perks[state].public_id)
    return str(FOREIGN[name](world))


def roles_of(path: str) -> set[str]:
    fitting = [one for one in OPERATORS if path == one or path.startswith(f"{one}/")]
    closest = max(fitting, key=len)
    assert closest != "operator" or path == "operator", f"{path} has no roles in OPERATORS"
    return {str(role) for role in OPERATORS[closest]}


def test_each_page_of_the_back_office_is_for_its_roles_and_closed_to_every_other(world):
    """One operator of each role, each with a second factor; and one who has lost every role since."""
    rows = [row for row in rows_of(PAGES) if row.path.startswith("operator")]
    operators = {str(role): operator_with(role) for role in Role.values}
    former = operator_with(*Role.values)
    browsers = {role: browser_for(one) for role, one in operators.items()} | {"none": browser_for(former)}
    former.operator_roles.all().delete()
    wrong = {}
    for row in rows:
        admitted = roles_of(row.path)
        for role, browser in browsers.items():
            status = looked_at(browser, row.method, page(row.path.format(**world.ids)))
            if "{opening}" in row.path and role in admitted:
                # Open to the one operator who opened it, whatever role another holds.
                if status != 404:
                    wrong[f"{row.method} {row.path} by {role}"] = status
                continue
            if (status == 403) == (role in admitted) or status >= 500 or (role in admitted and status >= 400):
                wrong[f"{row.method} {row.path} by {role}"] = status
    assert wrong == {}, sorted(wrong.items())


def test_every_page_of_the_back_office_is_named_in_the_table_of_roles():
    rows = [row.path for row in rows_of(PAGES) if row.path.startswith("operator")]
    assert all(roles_of(path) for path in rows)
    assert [one for one in OPERATORS if not any(f"{path}/".startswith(f"{one}/") for path in rows)] == []
