"""Runs on the worker thread: decides what is pushed and when, pushes it, and keeps the counts."""
