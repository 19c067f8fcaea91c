"""Turns the records of a run into one state for each criterion, and reconciles the independent records.

May import `model`, `steps` and `recording`. It reads files; it never runs a scenario.
Start with `evaluate` (the whole evaluation), then `coverage` (the five states) and `reconcile` (finds a lost pass).
"""
