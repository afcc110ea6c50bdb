import logging
import logging.config

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

old_factory = logging.getLogRecordFactory()


def with_trace(*args, **kwargs):
    record = old_factory(*args, **kwargs)
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        record.trace_id = trace.format_trace_id(context.trace_id)
    return record


logging.setLogRecordFactory(with_trace)
logging.config.dictConfig(
    {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {
            "console": {"class": "logging.StreamHandler"},
            "phone": {
                "class": "pushover_logging.PushoverHandler",
                "level": "ERROR",
                "url": "https://traces.example.com/trace/{trace_id}",
                "url_title": "Trace {trace_id}",
            },
        },
        "root": {"level": "INFO", "handlers": ["console", "phone"]},
    }
)
trace.set_tracer_provider(TracerProvider())

with trace.get_tracer("shop").start_as_current_span("checkout") as span:
    print("trace", trace.format_trace_id(span.get_span_context().trace_id))
    logging.getLogger("shop").error("order %d is not paid", 1)
logging.getLogger("shop").critical("closing")
