"""Runs the suite: checks the features, starts behave in several processes, evaluates and writes the report.

May import every other package but `cli`. Only the command line imports it.
Start with `run` (all steps of a run).
"""
