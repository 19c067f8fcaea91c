"""The times of DRS in tests of the engine, as arguments of `set_launch`.

A usual job takes 7 to 10 minutes, of which the engine polls most. Where no test looks at these polls, jobs are short: a
drill takes a quarter of the processor time.
"""

SHORT_JOBS = {"launch_seconds": 45, "boot_seconds": 3, "terminate_seconds": 10}
USUAL_JOBS: dict[str, int] = {}
