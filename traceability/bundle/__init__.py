"""Keeps runs: manifest with digests, archive for an auditor, history, and checks that a run is unchanged.

May import `model` to `mutation`. `reporting` shows these runs.
Start with `manifest` (digests), then `bundle` (make, verify) and `integrity` (is the run in reports/ unchanged?).
"""
