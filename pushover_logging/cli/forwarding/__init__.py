"""Existing log files as records: what a line says, which lines are one record, where to go on."""
