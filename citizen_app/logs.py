"""How this process logs: structured lines with the request's id, and never a secret or a person.

Nothing here or elsewhere may log tokens, codes, passes, subjects, e-mail addresses or score values.
"""

import logging

import structlog

TELLS_SECRETS = ("oauthlib", "django.template")
"""Loggers that write at DEBUG what they work on: authorization codes, and the pages that lead back with them."""


def without_traces_of_refusals(record: logging.LogRecord) -> bool:
    """Django logs a refused page (403) with a traceback, as if something had failed; let the line alone say it."""
    if record.name == "django.request" and record.levelno < logging.ERROR:
        record.exc_info = None
    return True


def configure_logs(*, level: str, as_json: bool) -> None:
    """Send the standard library's and structlog's events to stderr in one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        # Plain: the richer tracebacks print local variables, and with them tokens and codes.
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler()
    handler.addFilter(without_traces_of_refusals)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([structlog.processors.format_exc_info] if as_json else []),
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in TELLS_SECRETS:
        logging.getLogger(name).setLevel(logging.INFO)
    # Stripe's writes at DEBUG what is sent and answered, and at INFO every address with its query.
    logging.getLogger("stripe").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
