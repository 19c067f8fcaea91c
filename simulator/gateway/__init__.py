"""The one way of every AWS call: caller, rights, validation, faults, latency, moto's answer, journal.

May import `time`, `patches`, `iam` and `drs`. The services and the server use it.
Start with `gateway` (the order of these steps for one call).
"""
