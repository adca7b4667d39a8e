"""The sandbox's addresses: those of the real thing under `/sandbox/`, and what sets its stage."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.accounts.clients import SANDBOX
from citizen_app.api import codes
from citizen_app.api.authentication import Credential, KnownDevice, recognise_device
from citizen_app.api.permissions import Caller, MachineWith, client_of
from citizen_app.api.problems import answer_of
from citizen_app.api.serializers import Instant, NoBody, StrictSerializer, read_body
from citizen_app.api.throttles import LIMITS, add_limit
from citizen_app.api.views import ApiView
from citizen_app.errors import FieldError, InvalidInput, NotFound
from perks.api.apps import FoundBoostsSerializer, LookupBody, ReadBoostSerializer, told
from perks.models import Sandbox, SandboxCitizen
from perks.services import sandbox as service
from perks.services.boost_reads import MOST_SUBJECTS

REFUSAL = "Sandbox-Refusal"
RETRY_AFTER = 1
add_limit("sandbox", "120/minute")


def _by_token(token: str) -> KnownDevice | None:
    citizen = service.citizen_by(token)
    return KnownDevice(citizen, f"sandbox:{citizen.sandbox.application.client_id}") if citizen is not None else None


recognise_device(service.TOKEN_PREFIX, _by_token)


class IsTestCitizen(Caller):
    """The app with the token of a test citizen of its sandbox."""

    credentials = ("testToken",)
    headers = {REFUSAL: "A code of the catalogue of errors: the answer is that refusal."}

    def admits(self, request: Request, credential: Credential) -> bool:
        return credential.kind == "device" and isinstance(credential.device, SandboxCitizen)


class IsSandboxClient(MachineWith(SANDBOX)):  # type: ignore[misc]
    """A sandbox's own client."""

    headers = IsTestCitizen.headers


class SandboxView(ApiView):
    """Answers any refusal it is asked for, as its real counterpart would give it."""

    rate_limit = "sandbox"

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, _Provoked):
            response: Response = answer_of(exc.code, self.request, **exc.facts)
            response.exception = True
            return response
        return super().handle_exception(exc)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        wanted = request.headers.get(REFUSAL)
        if wanted is None:
            return
        code = next((one for one in codes.catalogue() if one.code == wanted), None)
        if code is None:
            raise InvalidInput(FieldError("", "invalid", f"{REFUSAL} names no code of the catalogue of errors."))
        raise _Provoked(code)


class _Provoked(Exception):
    def __init__(self, code: codes.Code) -> None:
        super().__init__(code.code)
        self.code = code
        self.facts: dict[str, Any] = {"retry_after": RETRY_AFTER} if code.status in (429, 503) else {}


class TestCitizenSerializer(serializers.Serializer):
    case = serializers.ChoiceField(SandboxCitizen.Case.values)
    subject = serializers.CharField(help_text="Fixed: a reset leaves it.")
    connected = serializers.BooleanField(source="is_connected")


class SandboxLimitsSerializer(serializers.Serializer):
    requests = serializers.CharField(help_text="Of each client and address kind, in a moving window.")
    subjects = serializers.IntegerField(help_text="In one look-up.")
    token_seconds = serializers.IntegerField()


class SandboxSerializer(serializers.Serializer):
    now = serializers.DateTimeField(help_text="What its clock says.")
    began_at = serializers.DateTimeField()
    citizens = TestCitizenSerializer(many=True)
    limits = SandboxLimitsSerializer()
    refusals = serializers.ListField(child=serializers.CharField(), help_text=f"What `{REFUSAL}` may name.")


class ClockBody(StrictSerializer):
    now = Instant()


class GivenTokenSerializer(serializers.Serializer):
    subject = serializers.CharField()
    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField()


class StageView(SandboxView):
    """Your sandbox: five test citizens who are nobody."""

    permission_classes = [IsSandboxClient]

    @extend_schema(operation_id="read_sandbox", responses=SandboxSerializer)
    def get(self, request: Request) -> Response:
        """Return the test citizens, what the clock says, the limits, and which refusals can be provoked."""
        return _stage(_sandbox_of(request))


class ResetView(SandboxView):
    """Begin again."""

    permission_classes = [IsSandboxClient]

    @extend_schema(operation_id="reset_sandbox", request=NoBody, responses={200: SandboxSerializer})
    def post(self, request: Request) -> Response:
        """Put everybody back as they were made; subjects stay, tokens end, the clock goes with the world's."""
        read_body(request, NoBody)
        return _stage(service.reset(sandbox=_sandbox_of(request)))


class ClockView(SandboxView):
    """The sandbox's clock."""

    permission_classes = [IsSandboxClient]

    @extend_schema(operation_id="set_sandbox_clock", request=ClockBody, responses={200: SandboxSerializer})
    def put(self, request: Request) -> Response:
        """Let it be this instant there, until you set it anew or reset."""
        said = read_body(request, ClockBody)
        return _stage(service.set_clock(sandbox=_sandbox_of(request), at=said["now"]))


class TestConnectionView(SandboxView):
    """A test citizen's connection: what a consent page and a person are for real."""

    permission_classes = [IsSandboxClient]

    @extend_schema(operation_id="connect_test_citizen", request=None, responses={200: GivenTokenSerializer})
    def put(self, request: Request, case: str) -> Response:
        """Connect one and get a token for ten minutes of the clock; `wrong_state` for who connects no app."""
        given = service.connect_test_citizen(case=_case(case), sandbox=_sandbox_of(request))
        return Response(
            {
                "subject": given.citizen.subject,
                "access_token": given.token,
                "token_type": "Bearer",
                "expires_in": int(service.TOKEN_LIFE.total_seconds()),
            }
        )

    @extend_schema(operation_id="disconnect_test_citizen", responses={204: None})
    def delete(self, request: Request, case: str) -> Response:
        """Disconnect one: the token is 401 and the boost gone from the next request on. Again is 204, too."""
        service.disconnect_test_citizen(case=_case(case), sandbox=_sandbox_of(request))
        return Response(status=204)


class TestBoostView(SandboxView):
    """`GET /boost`, of a test citizen."""

    permission_classes = [IsTestCitizen]

    @extend_schema(operation_id="read_test_boost", responses=ReadBoostSerializer)
    def get(self, request: Request) -> Response:
        """Return the test citizen's boost, as the real address does."""
        return Response(told(service.read_test_boost(cast(SandboxCitizen, cast(Credential, request.auth).device))))


class TestLookupView(SandboxView):
    """`POST /boosts/lookup`, of test citizens."""

    permission_classes = [IsSandboxClient]

    @extend_schema(operation_id="look_up_test_boosts", request=LookupBody, responses={200: FoundBoostsSerializer})
    def post(self, request: Request) -> Response:
        """Return the running boosts among the test citizens named, as the real address does."""
        said = read_body(request, LookupBody)
        found = service.look_up_test_boosts(
            sandbox=_sandbox_of(request), subjects=list(dict.fromkeys(said["subjects"]))
        )
        return Response({"boosts": {subject: told(reading) for subject, reading in found.items()}})


def _sandbox_of(request: Request) -> Sandbox:
    return service.sandbox_of(client_of(request))


def _case(case: str) -> str:
    if case not in SandboxCitizen.Case.values:
        raise NotFound
    return case


def _stage(sandbox: Sandbox) -> Response:
    limits = {
        "requests": LIMITS["sandbox"],
        "subjects": MOST_SUBJECTS,
        "token_seconds": int(service.TOKEN_LIFE.total_seconds()),
    }
    shown = {
        "now": service.now_in(sandbox),
        "began_at": sandbox.began_at,
        "citizens": service.citizens_in(sandbox),
        "limits": limits,
        "refusals": sorted({code.code for code in codes.catalogue()}),
    }
    return Response(SandboxSerializer(shown).data)
