"""The Celery application of production: `celery -A citizen_app worker` and `celery -A citizen_app beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")

app = Celery("citizen_app")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
