"""A simulated AWS: moto with a DRS of its own, on a virtual clock, with Lambda in this process.

from simulator import Simulator
with Simulator() as aws:
    print(aws.session().client("drs").describe_source_servers())
"""

from simulator.clock import Deadlock, SimulatorDefect
from simulator.facade import Simulator, WaitTimeout
from simulator.faults import Fault
from simulator.journal import Call

__all__ = ["Call", "Deadlock", "Fault", "Simulator", "SimulatorDefect", "WaitTimeout"]
