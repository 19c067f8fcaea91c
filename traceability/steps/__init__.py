"""Step definitions and the steps of scenarios: the phrase book, the checks of a step, the scaffold of a scenario.

May import `model`. The formatter, the failure story and the command line read steps through it.
Start with `step_definitions` (which sentences exist), then `step_lint` (which sentence is wrong).
"""
