"""Runs inside the logging call: finds a record's group, counts repeats, queues new alerts.

Nothing here takes a lock, waits, or loads a module that ``logging`` has not loaded.
"""
