"""A simulated AWS: moto with its own model of DRS, on a virtual clock, with Lambda in this process.

from simulator import Simulator
with Simulator() as aws:
    print(aws.session().client("drs").describe_source_servers())

Start with `simulator.py`, then `drs/models.py`, which decides how DRS behaves.
"""

from simulator.patches.light_imports import light_imports

with light_imports():
    from simulator.gateway.faults import Fault
    from simulator.gateway.journal import JournalEntry
    from simulator.simulator import ConditionTimeout, Simulator
    from simulator.snapshot import Snapshot
    from simulator.time.clock import Deadlock, SimulatorDefect

__all__ = ["ConditionTimeout", "Deadlock", "Fault", "JournalEntry", "Simulator", "SimulatorDefect", "Snapshot"]
