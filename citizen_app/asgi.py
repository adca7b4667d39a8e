"""Django behind ASGI, for deployments that stand on it; the relay runs as a process of its own there."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")

application = get_asgi_application()
