"""Requirement traceability for behave suites: the criteria, the evidence of their scenarios, and the report of a run.

The suite attaches evidence (`recording.evidence`), the formatter writes it as Allure results, and behave's JUnit
reporter writes a second, independent record. `evaluation.coverage` derives the state of each criterion from both.
`evaluation.reconcile` rejects a run whose records contradict each other, the features or the catalogue.
"""
