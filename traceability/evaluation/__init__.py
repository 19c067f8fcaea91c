"""Turns the records of a run into one state for each criterion, and reconciles the independent records.

May import `model`, `steps` and `recording`; it reads files and never runs a scenario.
Start with `evaluate` (the whole judgement), then `coverage` (five states) and `reconcile` (a lost green is found here).
"""
