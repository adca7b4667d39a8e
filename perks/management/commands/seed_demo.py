"""Fill an empty product with the demo, once, and print who can sign in and where."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from citizen_app.accounts.demo import demo_account, demo_operator
from citizen_app.demo import BANK, DemoSecrets, demo_secrets, refuse_in_production, secrets_path
from citizen_app.models import Citizen, OperatorRole
from perks.management.commands.load_sample_perks import OPERATOR, OPERATOR_ROLES
from perks.models import Merchant
from perks.sample.loading import OTHER_DESKS, WITH_DESK, email_of_owner, seat_cashier
from perks.sample.reading import merchants, shown_name

SCORING_OPERATOR = "operator.scoring"
SCORING_ROLES = (OperatorRole.Role.SCORING, OperatorRole.Role.DISPUTES)


class Command(BaseCommand):
    help = (
        "Load the sample (people with real card payments, merchants, their perks) and print the demo's log-ins; a "
        "second run changes nothing. With --citizens, make an invented population of that size instead."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--citizens", metavar="N", help="make a linked, scored population of N people instead")
        parser.add_argument("--entries", metavar="M", help="with M records in all (default: 18 for each)")
        parser.add_argument("--people", type=int, metavar="N", help="load only the two guests and N others")

    def handle(self, *_args: Any, **options: Any) -> None:
        refuse_in_production()
        if options["citizens"] is None:
            if options["entries"] is not None:
                raise CommandError("--entries says how many records --citizens have; name both.")
            self.load_sample(options)
        else:
            sizes = [f"--citizens={options['citizens']}"]
            sizes += [f"--entries={options['entries']}"] if options["entries"] is not None else []
            call_command("load_population", *sizes, verbosity=options["verbosity"])

    def load_sample(self, options: dict[str, Any]) -> None:
        said = {"verbosity": options["verbosity"], "stdout": self.stdout}
        with demo_secrets() as held:
            # The accounts come first: the guests' records are then loaded into theirs.
            ana = demo_account("ana", first_name="Ana", password=held.password)
            rui = demo_account("rui", first_name="Rui", password=held.password)
            owner = demo_account("owner", first_name="Olga", password=held.password)
            cashier = demo_account("cashier", first_name="Caio", password=held.password)
            others = [
                (demo_account(email_of_owner(key), first_name="Olga", password=held.password), what)
                for key, what in OTHER_DESKS.items()
            ]
            operators = [
                demo_operator(OPERATOR, first_name="Oskar", password=held.password, roles=OPERATOR_ROLES),
                demo_operator(SCORING_OPERATOR, first_name="Odete", password=held.password, roles=SCORING_ROLES),
            ]
        call_command("load_sample", people=options["people"], **said)
        call_command("load_sample_perks", **said)
        desk = next(merchant for merchant in merchants() if merchant["key"] == WITH_DESK)
        merchant = Merchant.objects.filter(is_demo=True, name=shown_name(desk)).first()
        if merchant is not None:
            seat_cashier(cashier=cashier, merchant=merchant, now=timezone.now())
        if options["verbosity"]:
            with demo_secrets() as held:
                self.tell([ana, rui], [owner, cashier], others, operators, held, shown_name(desk))

    def tell(
        self,
        guests: list[Citizen],
        team: list[Citizen],
        others: list[tuple[Citizen, str]],
        operators: list[tuple[Citizen, str]],
        held: DemoSecrets,
        desk: str,
    ) -> None:
        """Say who can sign in, and where; `held` stays in one file of this deployment."""
        site = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
        ana, rui = guests
        owner, cashier = team
        bank = held.clients[BANK]
        lines = [
            "",
            "Nobody here is real; only the figures of the payments are. Sign in with",
            f"  password     {held.password}   (the same for all; kept in {secrets_path()})",
            "",
            f"Citizens       {site}{_address('account_login')}",
            f"  {ana.email:<26}paid late once and caught up: a perk to take, one a few points away",
            f"  {rui.email:<26}always on time, keeps bookings: nearly everything is open",
            "",
            f"{desk}   {site}{_address('merchant:scan')} (after signing in)",
            f"  {owner.email:<26}the owner: perks, team, branches",
            f"  {cashier.email:<26}the desk: scan what a citizen shows",
            "",
            f"Others         {site}{_address('merchant:home')} (after signing in)",
            *(f"  {person.email:<37}the owner of {what}" for person, what in others),
            "",
            f"Operators      {site}{_address('operator:queue')} (authenticator app; also {_address('admin:index')})",
            *(f"  {person.email:<37}TOTP secret {secret}" for person, secret in operators),
            "",
            f"Demo bank      {site}/api/docs (a furnisher's machine client)",
            f"  client id      {bank['client_id']}",
            f"  client secret  {bank['client_secret']}",
            "",
        ]
        for line in lines:
            self.stdout.write(line)


def _address(name: str) -> str:
    """The path of a page; the home page's where this deployment has no such page."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return "/"
