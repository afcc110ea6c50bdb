"""Python logging to your phone: a PushoverHandler, and a complete Pushover client under it."""

__version__ = "0.1.0"
