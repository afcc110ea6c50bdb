"""The server starts and ends fast, leaves nothing behind, and leaves its host program alone."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import pytest
import requests

from pushover_logging.devserver import DevServer, serve

from .conftest import Client


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_end_leaves_no_thread_and_nobody_connected() -> None:
    before = threading.enumerate()

    with DevServer() as server, Client(server).session:
        Client(server).send()
        assert len(threading.enumerate()) == len(before) + 1
        started = time.monotonic()

    assert time.monotonic() - started < 5
    assert threading.enumerate() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=10)


def test_what_came_can_be_read_after_the_end() -> None:
    with DevServer() as server:
        Client(server).send("still here")

    assert server.messages[0].params["message"] == "still here"
    assert len(server.requests) == 1


def test_stopping_twice_is_no_error() -> None:
    server = DevServer().start()

    server.stop()
    server.stop()


def test_it_has_no_address_before_it_runs() -> None:
    with pytest.raises(RuntimeError, match="not running"):
        _ = DevServer().url


def test_starting_and_stopping_takes_less_than_a_tenth_of_a_second() -> None:
    def seconds() -> float:
        started = time.perf_counter()
        with DevServer():
            pass
        return time.perf_counter() - started

    assert min(seconds() for _ in range(5)) < 0.1


@pytest.mark.parametrize("port", [-1, 65_536, 70_000])
def test_an_impossible_port_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match=f"port is {port}; it must be from 0 to 65535"):
        DevServer(port)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "127.255.255.254", "::1", "localhost"])
def test_every_loopback_address_works(host: str) -> None:
    try:
        server = DevServer(host=host).start()
    except OSError as error:
        pytest.skip(f"this machine has no {host}: {error}")
    with server.changed:
        address = server.base_url
    try:
        answer = Client(server).send()
        own_page = {"Origin": address, "Sec-Fetch-Site": "same-origin"}
        reset = requests.post(f"{address}/dev/reset", headers=own_page, timeout=10)
    finally:
        server.stop()

    assert (answer.status_code, reset.status_code) == (200, 200)


def test_starting_twice_is_refused(server: DevServer) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        server.start()


def test_started_again_it_keeps_its_port_and_what_it_has() -> None:
    server = DevServer()
    with server:
        first = server.url
        server.fault("delay", seconds=0.01)
        Client(server).send("before")

    with server:
        server.fault("delay", seconds=0.01)
        Client(server).send("after")

        assert server.url == first
        assert server.requests[1].ended_at - server.requests[1].started_at >= 0.01
    assert [message.params["message"] for message in server.messages] == ["before", "after"]


def test_a_port_in_use_is_said_at_once(server: DevServer) -> None:
    with pytest.raises(OSError, match=f"cannot listen on port {server.port} of 127.0.0.1"):
        DevServer(server.port).start()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", ""])
def test_it_binds_to_nothing_but_loopback(host: str) -> None:
    with pytest.raises(ValueError, match="loopback only"):
        DevServer(host=host)


@pytest.mark.parametrize("name", ["token", "user"])
def test_a_key_that_is_none_is_refused_without_repeating_it(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} has 9 characters") as refused:
        DevServer(**{name: "my-secret"})

    assert "my-secret" not in str(refused.value)


def test_credentials_of_ones_own_are_the_valid_ones() -> None:
    with DevServer(token="t" * 30, user="u" * 30, devices=["desk"]) as server:
        body = Client(server).post("users/validate.json", user="u" * 30).json()

    assert (body["status"], body["devices"]) == (1, ["desk"])


def test_users_groups_and_sounds_can_be_added(server: DevServer, client: Client) -> None:
    alone = server.add_user(devices=())
    group = server.add_group("Ops", [server.user, alone])
    server.add_sound("moo", "Moo")

    nowhere = client.post("messages.json", user=alone, message="x").json()
    client.post("messages.json", user=group, message="x")

    assert nowhere["info"] == "no active devices to send to"
    assert server.messages[1].recipients == {server.user: ("phone",)}
    assert client.get("sounds.json").json()["sounds"]["moo"] == "Moo"
    with pytest.raises(LookupError, match="1 of the group's members"):
        server.add_group("Strangers", ["nobody"])


def test_waiting_in_vain_says_what_arrived(server: DevServer, client: Client) -> None:
    client.send("only this")

    with pytest.raises(TimeoutError, match=r"1 of 2 messages within 0\.01 s: \['only this'\]"):
        server.wait_for(2, timeout=0.01)
    with pytest.raises(TimeoutError, match=r"1 of 2 requests.*POST /1/messages\.json 200"):
        server.wait_for_requests(2, timeout=0.01)


def test_it_runs_from_any_thread_and_leaves_signals_and_logging_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(1)
    signals = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    loggers = {name: logging.getLogger(name) for name in ("uvicorn", "uvicorn.access")}
    before = {name: (each.handlers[:], each.propagate) for name, each in loggers.items()}
    statuses: list[int] = []

    def use() -> None:
        with DevServer() as server:
            fields = {"token": server.token, "user": server.user, "message": "x"}
            files = {"attachment": ("c.png", b"png", "image/png")}
            client = Client(server)
            url = f"{server.url}messages.json"
            statuses.append(client.session.post(url, fields, files=files, timeout=9).status_code)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(10)

    ours = ("urllib3", "asyncio")
    said = [record for record in caplog.records if not record.name.startswith(ours)]
    assert statuses == [200]
    assert said == []
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == signals
    assert {name: (each.handlers, each.propagate) for name, each in loggers.items()} == before


def test_a_bug_of_its_own_is_a_500_and_a_traceback_on_stderr() -> None:
    process = run(
        """
        import requests
        from pushover_logging.devserver import DevServer

        times = [0.0]
        with DevServer(clock=lambda: times.pop()) as server:
            print(requests.get(server.url + "sounds.json", timeout=9).status_code)
        """
    )

    assert process.stdout == "500\n"
    assert "IndexError: pop from empty list" in process.stderr


def test_serving_prints_nothing_and_calls_when_ready() -> None:
    process = run(
        """
        import _thread, requests
        from pushover_logging.devserver import serve

        def ready(server):
            requests.get(server.url + "sounds.json", timeout=9)
            _thread.interrupt_main()

        try:
            serve(port=0, token="t" * 30, on_ready=ready)
        except KeyboardInterrupt:
            raise SystemExit(7)
        """
    )

    assert (process.returncode, process.stdout, process.stderr) == (7, "", "")


def test_serving_refuses_what_is_not_loopback() -> None:
    with pytest.raises(ValueError, match="loopback only"):
        serve("0.0.0.0", 0)


@pytest.mark.parametrize(
    "library", ["starlette", "uvicorn", "python_multipart", "nh3", "sse_starlette"]
)
def test_a_missing_library_is_named_with_the_way_to_get_it(library: str) -> None:
    process = run(
        f"""
        import sys
        sys.modules[{library!r}] = None
        try:
            import pushover_logging.devserver
        except ImportError as error:
            print(error)
        """
    )

    assert process.stdout == (
        f"The dev server needs {library}: pip install 'pushover-logging[devserver]'\n"
    )


def test_an_exit_without_stop_does_not_hang() -> None:
    process = run(
        """
        from pushover_logging.devserver import DevServer
        server = DevServer().start()
        print(server.port > 0)
        """
    )

    assert (process.returncode, process.stdout, process.stderr) == (0, "True\n", "")
