"""The commands of `python -m traceability`, one module for each kind of user.

`suite` is for authors of scenarios, `runs` for engineers who run the suite, `owner` for product owners, `audit` for
auditors, `exports` for the tools of both. Each module adds its commands to `group.main`, which imports the module of a
called command only. Start with `runs`.
"""
