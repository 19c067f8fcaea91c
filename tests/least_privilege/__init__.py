"""Proof of least privilege: the rights of the template, the rights that the suite used, and the tests that need them.

Every run on the simulator records each access that IAM granted (`features.targets.granted_accesses`).
`python -m tests.least_privilege` reads these records and the deployed roles. It evaluates each mutation of each policy
with the simulator's policy evaluation (`mutations`, `replay`), runs one scenario without each action (`trials`), and
writes docs/least-privilege.md (`page`).
"""
