"""How programs of the JVM log: Logback, Log4j, Tomcat, Spark, HDFS, Kafka, Elasticsearch."""

from __future__ import annotations

import logging
from typing import Final

from .format import Format, L, M, N, Sample, T

FORMATS: Final = (
    Format(
        "spring boot",
        rf"{T} +{L} \d+ --- (?:\[[^\]]{{0,80}}\] ){{1,4}}(?P<logger>\S{{1,150}}) +: {M}",
        (
            Sample(
                "2026-01-05T10:00:00.123Z ERROR 4711 --- [shop] [nio-8080-exec-1] "
                "o.a.c.c.C.[.[.[/].[dispatcherServlet]    : Servlet.service() threw",
                *(logging.ERROR, "o.a.c.c.C.[.[.[/].[dispatcherServlet]"),
                *("2026-01-05T10:00:00.123Z", "Servlet.service() threw"),
            ),
            Sample(
                "2026-01-05 10:00:02.123  WARN 4711 --- [           main] o.s.b.a.Thing  : careful",
                *(logging.WARNING, "o.s.b.a.Thing", "2026-01-05 10:00:02.123", "careful"),
            ),
        ),
        begins="0-9",
        hint=" --- ",
    ),
    Format(
        "java.util.logging, first line",
        r"(?P<time>[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M) "
        r"(?P<logger>[\w.$]{1,150})(?: [\w<>$]{1,80})?\s*\Z",
        (
            Sample(
                "Jan 05, 2026 10:00:00 AM org.apache.catalina.core.StandardService startInternal",
                *(None, "org.apache.catalina.core.StandardService", "Jan 05, 2026 10:00:00 AM"),
                "Jan 05, 2026 10:00:00 AM org.apache.catalina.core.StandardService startInternal",
            ),
        ),
        begins="A-Z",
        hint="M ",
    ),
    Format(
        "tomcat",
        rf"{T} {L} \[[^\]]{{0,80}}\] {N}(?: |: ){M}",
        (
            Sample(
                "05-Jan-2026 10:00:00.123 SEVERE [main] org.apache.catalina.Lifecycle.start No",
                *(logging.ERROR, "org.apache.catalina.Lifecycle.start"),
                *("05-Jan-2026 10:00:00.123", "No"),
            ),
        ),
    ),
    Format(
        "log4j",
        rf"{T} +\[?{L} *\]? +(?:\[[^\]]{{0,80}}\] +)?{N}(?::| -) {M}",
        (
            Sample(
                "2026-01-05 10:00:00,123 ERROR [main] com.example.Shop: no stock",
                *(logging.ERROR, "com.example.Shop", "2026-01-05 10:00:00,123", "no stock"),
            ),
        ),
    ),
    Format(
        "logback",
        rf"{T} \[[^\]]{{0,80}}\] {L} +{N} - {M}",
        (
            Sample(
                "10:00:00.123 [http-nio-8080-exec-1] ERROR com.example.Shop - no stock",
                *(logging.ERROR, "com.example.Shop", "10:00:00.123", "no stock"),
            ),
        ),
    ),
    Format(
        "spark, hdfs",
        rf"{T} (?:\d+ )?{L} {N}: {M}",
        (
            Sample(
                "26/01/05 10:00:00 ERROR executor.Executor: Exception in task 0.0",
                *(logging.ERROR, "executor.Executor", "26/01/05 10:00:00", "Exception in task 0.0"),
            ),
            Sample(
                "260105 100000 148 WARN dfs.DataNode$DataXceiver: Got exception",
                *(logging.WARNING, "dfs.DataNode$DataXceiver", "260105 100000", "Got exception"),
            ),
        ),
    ),
    Format(
        "kafka",
        rf"\[{T}\] {L} (?P<message>.*?) ?\((?P<logger>[\w.$]+)\)\s*\Z",
        (
            Sample(
                "[2026-01-05 10:00:00,123] ERROR [KafkaServer id=0] Fatal error during startup. "
                "Prepare to shutdown (kafka.server.KafkaServer)",
                *(logging.ERROR, "kafka.server.KafkaServer", "2026-01-05 10:00:00,123"),
                "[KafkaServer id=0] Fatal error during startup. Prepare to shutdown",
            ),
        ),
    ),
    Format(
        "elasticsearch",
        rf"\[{T}\]\[{L} *\]\[(?P<logger>[\w.$]+) *\] {M}",
        (
            Sample(
                "[2026-01-05T10:00:00,123][WARN ][o.e.d.c.s.Settings       ] [node-1] old setting",
                *(logging.WARNING, "o.e.d.c.s.Settings", "2026-01-05T10:00:00,123"),
                "[node-1] old setting",
            ),
        ),
        begins=r"\[",
        hint="][",
    ),
)
