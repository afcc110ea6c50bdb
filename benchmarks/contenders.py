"""The handlers that are compared: each opened, given records, and asked what became of them."""

from __future__ import annotations

import logging
import logging.handlers
import os
import queue
from collections.abc import Callable
from typing import Any

__all__ = ["CONTENDERS", "OURS", "Contender", "Pass", "missing", "ours"]


class Pass(logging.Handler):
    """The reference: a handler that does nothing, as ``logging`` would have it written."""

    def emit(self, record: logging.LogRecord) -> None:
        pass


class Contender:
    """One way to get records off the calling thread; ``close`` ends it and waits for the rest."""

    def __init__(self, handler: logging.Handler, end: Callable[[], object]) -> None:
        self.handler = handler
        self._end = end
        self.arrived = 0
        """How many records are known to have come out at the other end, once it is closed."""

    def close(self) -> None:
        self._end()
        self.handler.close()

    def arrive(self, count: int = 1) -> None:
        self.arrived += count


def ours() -> Contender:
    from pushover_logging import PushoverHandler

    handler = PushoverHandler()
    return Contender(handler, handler.flush)


def stdlib_queue() -> Contender:
    class Sink(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            contender.arrive()

    way: queue.SimpleQueue[Any] = queue.SimpleQueue()
    listener = logging.handlers.QueueListener(way, Sink())
    listener.start()
    contender = Contender(logging.handlers.QueueHandler(way), listener.stop)
    return contender


def sentry() -> Contender:
    import sentry_sdk
    from sentry_sdk.integrations.logging import EventHandler

    base = os.environ["PUSHOVER_API_URL"].removesuffix("/1/")
    sentry_sdk.init(base.replace("//", "//key@") + "/1", default_integrations=False)
    client = sentry_sdk.get_client()
    contender = Contender(EventHandler(), lambda: client.close(timeout=30))
    transport: Any = client.transport
    send = transport._send_request

    def counted(*args: Any, **kwargs: Any) -> Any:
        contender.arrive()
        return send(*args, **kwargs)

    transport._send_request = counted
    return contender


def watchtower() -> Contender:
    import boto3
    from watchtower import CloudWatchLogHandler

    client: Any = boto3.client(
        "logs",
        region_name="us-east-1",
        endpoint_url=os.environ["PUSHOVER_API_URL"].removesuffix("/1/"),
        aws_access_key_id="example",
        aws_secret_access_key="example",
    )
    handler = CloudWatchLogHandler(
        boto3_client=client, create_log_group=False, create_log_stream=False
    )
    contender = Contender(handler, handler.flush)
    put = client.put_log_events

    def counted(**kwargs: Any) -> Any:
        contender.arrive(len(kwargs["logEvents"]))
        return put(**kwargs)

    client.put_log_events = counted
    return contender


def opentelemetry() -> Contender:
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import (
        BatchLogRecordProcessor,
        LogRecordExporter,
        LogRecordExportResult,
    )

    class Sink(LogRecordExporter):
        def export(self, batch: Any) -> Any:
            contender.arrive(len(batch))
            return LogRecordExportResult.SUCCESS

        def shutdown(self) -> None: ...

        def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002
            return True

    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(Sink()))
    contender = Contender(LoggingHandler(logger_provider=provider), provider.shutdown)
    return contender


def logbook() -> Contender:
    from logbook.compat import RedirectLoggingHandler
    from logbook.handlers import Handler as LogbookHandler
    from logbook.queues import ThreadedWrapperHandler

    class Sink(LogbookHandler):  # type: ignore[misc]
        def emit(self, _record: Any) -> None:
            contender.arrive()

    wrapper = ThreadedWrapperHandler(Sink())
    wrapper.push_application()
    contender = Contender(RedirectLoggingHandler(), wrapper.close)
    return contender


OURS = "PushoverHandler"

CONTENDERS: dict[str, tuple[Callable[[], Contender], str]] = {
    OURS: (ours, "pushover_logging"),
    "stdlib QueueHandler": (stdlib_queue, "logging"),
    "sentry-sdk": (sentry, "sentry_sdk"),
    "watchtower": (watchtower, "watchtower"),
    "OpenTelemetry batch processor": (opentelemetry, "opentelemetry.sdk"),
    "logbook ThreadedWrapper": (logbook, "logbook"),
}
"""By the name in the table: what opens it, and the module that must be installed for it."""


def missing(name: str) -> str | None:
    """The module that is not installed; None if the contender can run."""
    from importlib.util import find_spec

    module = CONTENDERS[name][1]
    try:
        return None if find_spec(module) else module
    except ModuleNotFoundError:
        return module
