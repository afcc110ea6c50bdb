"""Stage one: the part of a handler that runs inside the logging call."""
