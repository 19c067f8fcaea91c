"""Writes down a run while it happens: evidence of each step, Allure results, timeline, redaction.

May import `model` and `steps`. A suite calls `evidence`; behave calls `allure_formatter`.
Start with `evidence` (where a scenario's evidence is attached).
"""
