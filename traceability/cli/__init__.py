"""The commands of `python -m traceability`, a module for each reader.

`suite` is for who writes scenarios, `runs` for who runs and proves them, `owner` for who asks what is covered, `audit`
for who must believe it. Each module adds its commands to `group.main`; `traceability.__main__` brings them together.
"""
