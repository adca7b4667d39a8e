"""Two apps of two merchants that everybody connected, read for sixty days, and an adversary who holds all they read.

Each app reads everybody once a day, by its server, and its merchant changes the value of its boost on the way, so that
the day on which each person is judged again shows. The adversary guesses who is whom.
"""

import math
import random
from datetime import timedelta

import time_machine

from citizen_app.models import Citizen, Connection, PairwiseSubject
from citizen_app.public_ids import uuid7
from perks.models import BoostGrant, Perk, PerkVersion, Redemption
from perks.services import boosts
from scores.models import Enrolment, Score
from tests.factories.boosts import dating_app
from tests.factories.people import api_client_of
from tests.factories.scores import NOW, EnrolmentFactory

DAYS = 60
BOUND = 0.01
"""How unlikely under chance what is seen must not be."""


class Town:
    """The people of both apps, each with a boost at each, and what the apps were answered."""

    def __init__(self, count: int, *, seed: int) -> None:
        self.count = count
        self.lot = random.Random(seed)
        self.apps = [dating_app("Amora", boost="1.20"), dating_app("Zusammen", boost="1.20")]
        self.people = people_of(count)
        self.names = [self._connect(app) for app in self.apps]
        # Three in ten fall below the threshold one day, each on a day of their own.
        falling = self.lot.sample(range(count), count * 3 // 10)
        self.falls = {person: self.lot.randrange(DAYS) for person in falling}
        self.seen: list[dict[str, list[str | None]]] = [{name: [] for name in names} for names in self.names]
        self.ends: list[set[str]] = [set(), set()]

    def _connect(self, app):
        """Everybody connects the app and takes its boost; the rows are those of the product, written at once."""
        sector = app.application.sector_or_own
        PairwiseSubject.objects.bulk_create(PairwiseSubject(citizen=one, sector=sector) for one in self.people)
        Connection.objects.bulk_create(
            Connection(
                citizen=one, application=app.application, scopes=["boost:read"], connected_at=NOW, renewed_at=NOW
            )
            for one in self.people
        )
        model = app.given_to(self.people[0], now=NOW)
        rest = [copied(model, one, number) for number, one in enumerate(self.people[1:])]
        Redemption.objects.bulk_create(rest)
        Perk.objects.filter(pk=app.perk.pk).update(taken_count=self.count)
        BoostGrant.objects.filter(merchant=app.merchant).delete()
        BoostGrant.objects.bulk_create(
            BoostGrant(
                redemption=redemption,
                merchant=app.merchant,
                citizen_id=redemption.citizen_id,
                boost="1.20",
                granted_at=NOW,
                term_ends_at=NOW + boosts.TERM,
                judged_again_at=boosts._draw(NOW),
            )
            for redemption in [model, *rest]
        )
        found = PairwiseSubject.objects.filter(sector=sector).values_list("citizen_id", "subject")
        named = dict(found)
        return [named[one.pk] for one in self.people]

    def live(self) -> None:
        """Let the days pass: scores fall, boosts are judged again, both apps read everybody."""
        for day in range(DAYS):
            with time_machine.travel(NOW + timedelta(days=day), tick=False):
                fell = [self.people[person].pk for person, on in self.falls.items() if on == day]
                for score in Score.objects.filter(pk__in=fell):
                    score.purposes["dating"]["value"] = 500
                    score.save(update_fields=["purposes"])
                if day == boosts.TERM.days - 1:
                    # Both merchants change what they give: from then on the day of each person's judging shows.
                    for app in self.apps:
                        version = PerkVersion.objects.get(pk=app.perk.in_force_id)
                        version.tiers[0]["benefit"]["boost"] = "1.30"
                        version.save()
                while boosts.judge_boosts_again(now=NOW + timedelta(days=day)):
                    pass
                self._read()

    def _read(self) -> None:
        for app, names, seen, ends in zip(self.apps, self.names, self.seen, self.ends, strict=True):
            server = api_client_of(app.server)
            answer = server.post("/api/v1/boosts/lookup", {"subjects": names}, format="json").json()["boosts"]
            ends |= {one["expires_at"] for one in answer.values()}
            for name in names:
                seen[name].append(answer[name]["boost"] if name in answer else None)

    def story_of(self, app: int, person: int) -> tuple[str | None, int]:
        """What one app saw of one person: how it was in the end, and on which day it changed (`DAYS`: on none)."""
        days = self.seen[app][self.names[app][person]]
        changed = [day for day in range(1, DAYS) if days[day] != days[day - 1]]
        assert len(changed) <= 1
        return days[-1], changed[0] if changed else DAYS


def people_of(count):
    """So many people who reach both boosts: one made as the product makes them, the rest written like them."""
    first = EnrolmentFactory(document=True)
    score = Score.objects.get(pk=first.pk)
    score.state, score.value = Score.State.SCORED, 640
    score.purposes["dating"] = {"state": "assessable", "value": 640}
    score.as_of = score.as_of.replace(year=score.as_of.year + 10)
    score.save()
    rest = Citizen.objects.bulk_create(
        Citizen(email=f"dater{number}@example.org", first_name="Dater", password="!") for number in range(count - 1)
    )
    enrolments = []
    for one in rest:
        enrolment = Enrolment.objects.get(pk=first.pk) if not enrolments else copy_of(enrolments[0])
        enrolment.pk, enrolment.person_key = one.pk, f"key of {one.pk}"
        enrolments.append(enrolment)
    Enrolment.objects.bulk_create(enrolments)
    scores = []
    for one in rest:
        scored = copy_of(score)
        scored.pk = one.pk
        scores.append(scored)
    Score.objects.bulk_create(scores)
    return [first.citizen, *rest]


def copy_of(row):
    return type(row)(**{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields})


def copied(model, citizen, number):
    redemption = copy_of(model)
    redemption.pk, redemption.citizen, redemption.code_hash = uuid7(), citizen, f"{model.pk.hex[:20]}-{number}"
    return redemption


def pairs_joined(town):
    """How many of the adversary's pairs are right, and how many a guess that knows only the outcomes gets right.

    The adversary pairs people whose stories fit: the same outcome, and the days of change in the same order. The
    outcomes themselves (a boost kept, a boost lost) are what each person showed both apps.
    """
    classes: dict[str | None, tuple[list[int], list[int]]] = {}
    for app in (0, 1):
        for person in range(town.count):
            outcome, _ = town.story_of(app, person)
            classes.setdefault(outcome, ([], []))[app].append(person)
    right, expected = 0, 0.0
    for ours, theirs in classes.values():
        town.lot.shuffle(ours)  # no order of rows helps, but that of the days
        town.lot.shuffle(theirs)
        ours.sort(key=lambda person: town.story_of(0, person)[1])
        theirs.sort(key=lambda person: town.story_of(1, person)[1])
        right += sum(one == other for one, other in zip(ours, theirs, strict=False))
        expected += len(set(ours) & set(theirs)) / max(len(ours), len(theirs))
    return right, expected


def chance_of(right, expected):
    """How likely a guess is right so often or oftener: a Poisson law, as for the fixed points of a permutation."""
    below = sum(math.exp(-expected) * expected**count / math.factorial(count) for count in range(right))
    return 1 - below


def chance_of_days(town, tries=500):
    """How likely, if the days at two apps have nothing to do with one another, they lie as near as this or nearer."""
    ours, theirs = ([town.story_of(app, person)[1] for person in range(town.count)] for app in (0, 1))
    apart = sum(abs(one - other) for one, other in zip(ours, theirs, strict=True))
    as_near = 0
    for _ in range(tries):
        town.lot.shuffle(theirs)
        as_near += sum(abs(one - other) for one, other in zip(ours, theirs, strict=True)) <= apart
    return (as_near + 1) / (tries + 1)


def judged_on_one_day(town):
    """What must not be: one lot for each person instead of one for each person and app."""
    first, second = (BoostGrant.objects.filter(merchant=app.merchant) for app in town.apps)
    days = dict(first.values_list("citizen_id", "judged_again_at"))
    grants = list(second)
    for grant in grants:
        grant.judged_again_at = days[grant.citizen_id]
    BoostGrant.objects.bulk_update(grants, ["judged_again_at"], batch_size=300)


def assert_nothing_is_joined(town):
    """What the two apps read is alike for everybody but for what chance made different."""
    everybody = range(town.count)
    days = {town.story_of(app, person)[1] for app in (0, 1) for person in everybody}
    assert len(days) > 25  # the days are there to be seen
    assert {"1.30", None} <= {town.story_of(0, person)[0] for person in everybody}
    # Names: no two are alike, whole or in part, and they are as long for everybody.
    ours, theirs = map(set, town.names)
    assert not ours & theirs
    assert {len(name) for name in ours | theirs} == {32}
    assert not {name[:8] for name in ours} & {name[:8] for name in theirs}
    # Values and ends: the same few for everybody.
    assert {value for seen in town.seen for story in seen.values() for value in story} == {"1.20", "1.30", None}
    assert town.ends[0] == town.ends[1]
    assert len(town.ends[0]) == DAYS
    # Days of change: as near as two lots are, and what they join is as often right as a guess.
    assert chance_of_days(town) > BOUND
    right, expected = pairs_joined(town)
    assert expected < 4
    assert chance_of(right, expected) > BOUND


def assert_people_are_joined(town):
    """The adversary is awake: what is there to be found, it finds."""
    assert chance_of_days(town) < BOUND
    right, expected = pairs_joined(town)
    assert right > 15
    assert chance_of(right, expected) < BOUND / 1000
