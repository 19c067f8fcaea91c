"""Presents a run: the Allure report, the matrix, the terminal output, and the results of other targets.

May import `model` to `bundle`. Only `running` and the command line import it.
Start with `outputs` (which files a run writes), then `matrix` and `allure_report`.
"""
