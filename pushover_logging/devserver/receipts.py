"""Asking for receipts, and cancelling what rings."""

from __future__ import annotations

from pushover_logging.devserver.calls import Call, Fields


def get_receipt(call: Call) -> Fields:
    """What became of an emergency. Asked for too often it still answers, and counts that."""
    if not call.emergency.note_poll(call.now):
        call.account.impolite += 1
    return call.emergency.as_answer(call.now)


def cancel_receipt(call: Call) -> Fields:
    """Stop one emergency's ringing; one that doesn't ring any more stays as it is."""
    call.emergency.cancel(call.now)
    return {}


def cancel_by_tag(call: Call) -> Fields:
    """Stop every emergency that was sent with a tag, and count those that still rang."""
    tagged = [each for each in call.account.emergencies.values() if call.path["tag"] in each.tags]
    return {"canceled": sum(each.cancel(call.now) for each in tagged)}
