"""The text one agrees to, for anybody to read before."""

from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from citizen_app.api.etags import etagged
from citizen_app.api.permissions import Anyone
from citizen_app.api.views import ApiView
from scores.api.serializers import ConsentTextSerializer
from scores.services.consents import FALLBACK_LANGUAGE, current_text


class CurrentConsentTextView(ApiView):
    """What being scored means, in numbered words."""

    permission_classes = [Anyone]

    @extend_schema(operation_id="get_current_consent_text", responses=ConsentTextSerializer)
    @etagged
    def get(self, request: Request) -> Response:
        """Return the consent text in force, in your language where there is one."""
        return Response(ConsentTextSerializer(current_text(language=get_language() or FALLBACK_LANGUAGE)).data)
