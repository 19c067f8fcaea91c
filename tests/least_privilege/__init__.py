"""Least privilege, proven: what the template allows, what the suite used of it, and what goes red without it.

Every run on the simulator notes each access that IAM granted (`features.targets.granted_accesses`). From these notes and the deployed roles
`python -m tests.least_privilege` judges each mutation of each policy with the simulator's own judge (`mutations`,
`replay`), runs a real scenario without each action (`trials`), and writes docs/least-privilege.md (`page`).
"""
