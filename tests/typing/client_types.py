"""What mypy must make of programs that use the client; checked, never run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from typing_extensions import assert_type

from pushover_logging import (
    EMERGENCY,
    APIError,
    Application,
    EmergencyMessage,
    Message,
    Priority,
    PushoverError,
    TransportError,
    User,
    client,
    pushover,
    pushover_defaults,
)
from pushover_logging.client import (
    Acknowledgement,
    Allowance,
    Answer,
    Group,
    GroupUser,
    RateLimitError,
    Receipt,
    Transport,
    Validation,
)

app = Application("token", api_url="http://127.0.0.1:8765/1/", timeout=(1.0, 2.5))
Application("token", transport=Transport())
assert_type(app.token, str)
assert_type(app.limit, int | None)
assert_type(app.remaining, int | None)
assert_type(app.reset, datetime | None)
assert_type(app.is_authenticated, bool)
assert_type(app.sounds, dict[str, str] | None)
assert_type(app.get_user("user"), User)
assert_type(app.get_user(["one", "two"]), User)
Application(5)  # type: ignore[arg-type]
Application("token", "https://api")  # type: ignore[call-arg]

user = User(app, "user")
assert_type(user.devices, set[str] | None)
assert_type(user.is_authenticated, bool)
message = user.create_message("hi", True, "title", datetime.now(), priority=1)
assert_type(message, Message)
user.send_message("hi", timestamp=1790000000.5, device=["phone", "watch"], priority=EMERGENCY)
user.send_message("hi", ttl=60, tags=["a"], monospace=True, params={"new": 1})
user.send_message("hi", attachment=Path("a.png"), attachment_type="image/png")
user.send_message("hi", attachment=b"...", encryption_key="00")
user.create_message("hi", ttl="soon")  # type: ignore[arg-type]
user.create_message("hi", unheard_of=1)  # type: ignore[call-arg]
user.create_message(5)  # type: ignore[arg-type]

assert_type(message.message, str)
assert_type(message.html, bool)
assert_type(message.title, str | None)
assert_type(message.timestamp, datetime | None)
assert_type(message.device, str | None)
assert_type(message.priority, Priority)
assert_type(message.tags, tuple[str, ...])
assert_type(message.error, PushoverError | None)
assert_type(message.send(), bool)
message.timestamp = 1790000000
message.timestamp = datetime.now()
message.timestamp = []  # type: ignore[assignment]
message.device = ["phone", "watch"]
message.priority = 1
message.title = 5  # type: ignore[assignment]

emergency = EmergencyMessage(user, "hi", callback="https://a", retry=60, expire=600)
assert_type(emergency.poll(), bool | None)
assert_type(emergency.cancel(), bool)
assert_type(emergency.acknowledged_by, User | None)
assert_type(emergency.retry, int)
assert_type(emergency.receipt, str | None)

assert_type(app.send({"user": ["one", "two"], "message": "hi", "html": True}), Answer)
assert_type(app.limits(), Allowance)
assert_type(app.validate("user"), Validation)
assert_type(app.receipt("receipt"), Receipt)
assert_type(app.cancel_by_tag("tag"), int)
assert_type(app.glance("user", text="hi", percent=5), Answer)
assert_type(app.groups, tuple[Group, ...])
assert_type(app.create_group("ops").users, tuple[GroupUser, ...])
assert_type(app.get_group("group").rename("other"), Group)
assert_type(app.migrate_subscription("subscription", "user"), str)
assert_type(app.assign_license(user="user", os="iOS"), int)
assert_type(app.license_credits(), int)
app.assign_license("user")  # type: ignore[call-arg]

try:
    app.cancel("receipt")
except RateLimitError as limited:
    assert_type(limited.reset, datetime | None)
except APIError as refused:
    assert_type(refused.bad_inputs, dict[str, str])
    assert_type(refused.errors, list[str])
    assert_type(refused.http_status, int)
except TransportError as broken:
    assert_type(broken.may_have_arrived, bool)
    assert_type(broken.retryable, bool)

assert_type(Acknowledgement.from_form(b"receipt=x"), Acknowledgement)
assert_type(Acknowledgement.from_form({"receipt": "x"}), Acknowledgement)
assert_type(Acknowledgement.from_form({"receipt": ["x"]}), Acknowledgement)

assert_type(pushover("hi", user="user", brand_new=1), bool)
pushover_defaults["user"] = "user"
client.unheard_of()  # type: ignore[attr-defined]
