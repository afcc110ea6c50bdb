"""Turns what was logged into pushes: a Snapshot, a count or many groups become an Alert.

Nothing here sends, waits or keeps state, and nothing raises because of what a record holds.
"""
