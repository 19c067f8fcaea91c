"""The commands of `python -m traceability`, one module for each kind of reader.

`suite` is for authors of scenarios, `runs` for engineers who run the suite, `owner` for product owners, `audit` for
auditors, `exports` for the tools of both, `mutation` for the
proofs that scenarios can fail. Each module adds its commands to `group.main`, which imports the module of a
called command only. Start with `runs`.
"""
