"""The Celery application of production: `celery -A citizen_app worker` and `celery -A citizen_app beat`.

Only these speak to the broker, never a web process: what it would say is a row by then.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citizen_app.settings")

app = Celery("citizen_app")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    broker_connection_timeout=3,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # a worker waits for as long as the broker is away
    broker_heartbeat=10,  # a broker that froze is noticed
    broker_transport_options={"write_timeout": 5},
    # Beat keeps one connection for ever: without a second try it would not open another after the broker's restart.
    task_publish_retry=True,
    task_publish_retry_policy={"max_retries": 2, "interval_start": 0, "interval_step": 0.5},
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=300,
    task_ignore_result=True,
    # Calls that hang must not keep other effects: a worker of their own (`-Q webhooks`); one without -Q does both.
    task_queues={name: {"exchange": name, "routing_key": name} for name in ("celery", "webhooks")},
    task_routes={"citizen_app.tasks.deliver_webhooks": {"queue": "webhooks", "routing_key": "webhooks"}},
)
app.autodiscover_tasks()
