"""The web process: Django behind WSGI, and the relay thread of the embedded default."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")

application = get_wsgi_application()

from citizen_app.relay import start_relay_thread  # noqa: E402  (needs the apps loaded)

# What is loaded stays: looking for rubbish among it, as a large batch makes Python do, takes longer than the batch.
gc.collect()
gc.freeze()

start_relay_thread()
