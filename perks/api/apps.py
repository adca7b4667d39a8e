"""What dating apps read: the boosts of people who connected them, and nothing else about anybody."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.permissions import ConnectedWith, MachineWith, client_of
from citizen_app.api.serializers import StrictSerializer, Text, read_body
from citizen_app.api.views import ApiView
from citizen_app.models import Citizen
from perks.errors import TooManySubjects
from perks.services.boost_reads import MOST_SUBJECTS, SCOPE, Reading, look_up_boosts, read_boost

LOOKUP: Final = "boost:lookup"
LONGEST_SUBJECT: Final = 128


class ReadBoostSerializer(serializers.Serializer):
    boost = serializers.CharField(help_text='"1.01" to "1.50"; "1.00" is no boost, whatever the reason.')
    expires_at = serializers.DateTimeField(
        help_text="The next midnight in UTC, the same for everybody: ask again then."
    )


class FoundBoostsSerializer(serializers.Serializer):
    boosts = serializers.DictField(child=ReadBoostSerializer(), help_text="By subject; who is left out has no boost.")


class LookupBody(StrictSerializer):
    subjects = serializers.ListField(
        child=Text(max_length=LONGEST_SUBJECT), help_text="At most 1,000 of the app's own names for people (`sub`)."
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        named = data.get("subjects") if isinstance(data, dict) else None
        if isinstance(named, list) and len(named) > MOST_SUBJECTS:
            raise TooManySubjects(most=MOST_SUBJECTS)
        return super().to_internal_value(data)


class BoostView(ApiView):
    """The boost of the person who connected the app."""

    permission_classes = [ConnectedWith(SCOPE)]

    @extend_schema(operation_id="read_boost", responses=ReadBoostSerializer)
    def get(self, request: Request) -> Response:
        """Return the person's boost at this app; `"1.00"` where none runs, whatever the reason."""
        citizen = request.user
        assert isinstance(citizen, Citizen)  # noqa: S101  (`ConnectedWith` admits nobody else)
        return Response(told(read_boost(citizen=citizen, application=client_of(request))))


class BoostLookupView(ApiView):
    """The boosts of many people at once, for the app's own server."""

    permission_classes = [MachineWith(LOOKUP)]

    @extend_schema(operation_id="look_up_boosts", request=LookupBody, responses={200: FoundBoostsSerializer})
    def post(self, request: Request) -> Response:
        """Return the running boosts among the people named; who is left out has none, whatever the reason."""
        said = read_body(request, LookupBody)
        found = look_up_boosts(application=client_of(request), subjects=list(dict.fromkeys(said["subjects"])))
        return Response({"boosts": {subject: told(reading) for subject, reading in found.items()}})


def told(reading: Reading) -> dict[str, Any]:
    """A reading in the shape of the contract."""
    return dict(ReadBoostSerializer({"boost": reading.boost, "expires_at": reading.expires_at}).data)
