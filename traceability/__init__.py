"""From requirement to proof: the criteria catalogue, the evidence a scenario leaves, and the report of a run.

Who they are, how they meet: the suite attaches what it saw (`evidence`), the formatter writes it down as Allure
results, behave's own JUnit reporter keeps a second, independent record; `coverage` judges each criterion from both, and
`reconcile` refuses a run whose records do not agree with each other, with the features and with the catalogue.
"""
