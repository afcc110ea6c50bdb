"""Speaks Pushover: applications, users, messages; knows nothing of logging or threads."""
