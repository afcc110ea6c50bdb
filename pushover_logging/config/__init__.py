"""Stand-in until the real package lands."""
