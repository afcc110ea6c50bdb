"""``pushover-logging send``: what it says arrives, and scripts learn how it ended."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pushover_logging import RetryPolicy
from pushover_logging.cli import main
from pushover_logging.devserver import DevServer

Capture = pytest.CaptureFixture[str]
Pipe = Callable[[bytes], None]


def test_text_arrives_with_the_options_given_and_no_others(server: DevServer) -> None:
    code = main(
        ["send", "The backup is done", "--title", "nas", "--priority", "low", "--ttl", "1h"]
    )

    assert code == 0
    assert dict(server.messages[0].params) == {
        "user": server.user,
        "message": "The backup is done",
        "title": "nas",
        "priority": "-1",
        "ttl": "3600",
    }


def test_every_option_reaches_the_service(server: DevServer) -> None:
    options = {
        "title": "t",
        "url": "https://example.org/x",
        "url-title": "more",
        "timestamp": "1700000000",
        "device": "phone",
        "sound": "siren",
        "retry": "45",
        "expire": "600",
        "callback": "https://example.org/called",
        "tags": "nas,backup",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]

    code = main(["send", "x", "--priority", "emergency", "--monospace", *words])

    params = dict(server.messages[0].params)
    assert code == 0
    assert {
        name.replace("-", "_"): value for name, value in options.items()
    }.items() <= params.items()
    assert params["monospace"] == "1"


def test_standard_input_is_sent_where_no_text_is_given(server: DevServer, pipe: Pipe) -> None:
    pipe(b"line one\nline two \xff\n")

    code = main(["send"])

    assert code == 0
    assert server.messages[0].params["message"] == "line one\nline two \N{REPLACEMENT CHARACTER}"


def test_text_that_is_too_long_is_sent_with_both_ends_and_stderr_says_so(
    server: DevServer, pipe: Pipe, capsys: Capture
) -> None:
    pipe(b"first line\n" + b"x" * 5000 + b"\nlast line\n")

    code = main(["send"])

    message = server.messages[0].params["message"]
    assert code == 0
    assert len(message) == 1024
    assert message.startswith("first line\n")
    assert message.endswith("\nlast line")
    assert "characters \N{HORIZONTAL ELLIPSIS}" in message
    assert "the text is 5021 characters; at most 1024 fit" in capsys.readouterr().err


def test_markup_that_is_too_long_stays_well_formed(server: DevServer) -> None:
    code = main(["send", f"<b>{'x' * 2000}</b>", "--html"])

    message = server.messages[0].params["message"]
    assert code == 0
    assert message.startswith("<b>x")
    assert message.endswith("x</b>")


def test_bytes_that_are_not_utf_8_are_sent_as_replacement_characters(server: DevServer) -> None:
    code = main(
        ["send", "a\udcff", "--title", "b\udcff", "--url-title", "c\udcff", "--url", "http://x/"]
    )

    params = server.messages[0].params
    assert code == 0
    assert (params["message"], params["title"]) == ("a\ufffd", "b\ufffd")


def test_closed_standard_input_is_one_line(
    server: DevServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    without_text, with_text = main(["send"]), main(["send", "text"])

    assert (without_text, with_text) == (2, 0)
    assert capsys.readouterr().err == (
        "pushover-logging send: there is no text: standard input is closed;"
        " give it as an argument\n"
    )


def test_emergency_rings_without_further_options_and_says_its_receipt(
    server: DevServer, capsys: Capture
) -> None:
    code = main(["send", "fire", "-p", "2"])

    assert code == 0
    assert server.messages[0].receipt
    assert server.messages[0].receipt in capsys.readouterr().out


def test_html_and_monospace_exclude_each_other(server: DevServer) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["send", "x", "--html", "--monospace"])

    assert ending.value.code == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["send", " \n"], "blank"),
        (["send", "x" * 1025, "--no-cut"], "1025 characters; at most 1024 fit"),
        (["send", "x", "--retry", "60"], "--retry belongs to --priority emergency"),
        (["send", "x", "--token", "env:NOT_SET"], "NOT_SET, which is not set"),
        (["send", "x", "--user", "short"], "user is of length 5; expected 30"),
        (["send", "x", "--api-url", "http://example.org/1/"], "api_url"),
    ],
)
def test_wrong_usage_is_one_line_and_sends_nothing(
    server: DevServer, capsys: Capture, words: list[str], reason: str
) -> None:
    code = main(words)

    complaint = capsys.readouterr().err
    assert code == 2
    assert reason in complaint
    assert complaint.count("\n") == 1
    assert server.requests == []


@pytest.mark.parametrize(
    "words", [["-p", "urgent"], ["-p", "3"], ["--ttl", "soon"], ["--ttl", "0"]]
)
def test_options_that_make_no_sense_are_refused_by_name(
    server: DevServer, capsys: Capture, words: list[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        main(["send", "x", *words])

    assert ending.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_refusal_is_exit_1_with_the_words_of_the_service(
    server: DevServer, capsys: Capture
) -> None:
    stranger = "u" * 30

    code = main(["send", "x", "--user", stranger])

    complaint = capsys.readouterr().err
    assert code == 1
    assert "user identifier is not a valid user" in complaint
    assert complaint.count("\n") == 1
    assert stranger not in complaint


def test_failure_of_the_service_is_exit_75(server: DevServer) -> None:
    server.fault("status", status=503)

    assert main(["send", "x"]) == 75


def test_no_messages_left_is_exit_75(server: DevServer, capsys: Capture) -> None:
    server.set_quota(remaining=0)

    code = main(["send", "x"])

    assert code == 75
    assert "exceeded" in capsys.readouterr().err


def test_no_server_is_exit_75(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    with DevServer(port=0) as gone:
        url, token, user = gone.url, gone.token, gone.user

    code = main(["send", "x", "--api-url", url, "--token", token, "--user", user])

    complaint = capsys.readouterr().err
    assert code == 75
    assert complaint.count("\n") == 1
    assert token not in complaint


def test_accepted_for_nobody_is_said(server: DevServer, capsys: Capture) -> None:
    lonely = server.add_user(devices=())

    code = main(["send", "x", "--user", lonely])

    assert code == 0
    assert "no active devices" in capsys.readouterr().err


def test_secrets_come_from_files_too(server: DevServer, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(f"{server.token}\n", "utf-8")

    code = main(["send", "x", "--token", f"file:{secret}", "--user", "env:PUSHOVER_USER"])

    assert code == 0


@pytest.mark.parametrize("command", ["send", "check", "serve", "demo"])
def test_help_shows_an_example(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ending:
        main([command, "--help"])

    assert ending.value.code == 0
    assert re.search(rf"example:\n.*pushover-logging {command}", capsys.readouterr().out)


def test_installed_as_a_module_too(server: DevServer) -> None:
    command = [sys.executable, "-m", "pushover_logging", "send", "-"]

    run = subprocess.run(command, input="from a pipe", text=True, timeout=30, capture_output=True)

    assert run.returncode == 0, run.stderr
    assert server.messages[0].params["message"] == "from a pipe"


def test_importing_the_command_line_loads_no_http() -> None:
    script = (
        "import sys, pushover_logging.cli; print(*{'requests', 'uvicorn'} & sys.modules.keys())"
    )

    run = subprocess.run([sys.executable, "-c", script], text=True, timeout=30, capture_output=True)

    assert run.stdout.split() == []
    assert run.returncode == 0, run.stderr


@pytest.mark.slow
def test_with_wait_it_is_tried_again_while_the_service_is_away(server: DevServer) -> None:
    server.fault("status", status=503)

    assert main(["send", "the backup is done", "--wait", "1m"]) == 0

    assert [request.status for request in server.requests] == [503, 200]
    between = server.requests[1].started_at - server.requests[0].started_at
    assert between >= 5


def test_with_wait_a_refusal_is_not_repeated(server: DevServer) -> None:
    server.fault("status", status=400)

    assert main(["send", "the backup is done", "--wait", "1m"]) == 1

    assert len(server.requests) == 1


def test_waiting_is_the_retry_policys(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """One loop for all: the command line has none."""
    policies: list[RetryPolicy] = []

    def call(policy: RetryPolicy, send: Callable[[], object]) -> object:
        policies.append(policy)
        return send()

    monkeypatch.setattr(RetryPolicy, "call", call)
    monkeypatch.setenv("PUSHOVER_API_URL", "http://127.0.0.1:9/1/")
    monkeypatch.setenv("PUSHOVER_TOKEN", "a" * 30)
    monkeypatch.setenv("PUSHOVER_USER", "u" * 30)

    assert main(["send", "hi", "--wait", "10m"]) == 75
    assert main(["run", "--try-for", "2m", "--", "false"]) == 1

    assert policies == [RetryPolicy(give_up_after=600), RetryPolicy(give_up_after=120)]
    assert "not pushed" in capsys.readouterr().err


KEY = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"


@pytest.mark.parametrize(
    "words",
    [
        [KEY],
        ["send", "hi", KEY],
        ["send", "hi", "--usr", KEY],
        ["send", "hi", "--priority", KEY],
        ["send", "hi", f"{KEY[:15]}-{KEY[16:]}"],
        ["send", "hi", f"--usr={KEY[:-1]}"],
        ["send", "hi", "--token", f"{KEY}x"],
        ["send", "hi", "--token", f"{KEY[:12]}-{KEY[13:]}"],
        ["send", "hi", "--token", f"env:{KEY}"],
        ["receipt", KEY[:-1]],
    ],
)
def test_a_mistyped_key_is_not_echoed(server: DevServer, capsys: Capture, words: list[str]) -> None:
    try:
        ending = main(words)
    except SystemExit as exit_:
        ending = int(str(exit_.code))

    said = capsys.readouterr()
    assert ending != 0
    assert said.err
    for at in range(len(KEY) - 12):
        assert KEY[at : at + 12] not in said.out + said.err
