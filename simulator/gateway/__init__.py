"""The single path of every AWS call: caller, permissions, validation, faults, latency, moto's response, journal.

May import `time`, `patches`, `iam` and `drs`. The services and the server use it.
Start with `gateway` (the order of these steps for one call).
"""
