"""A simulated AWS: moto with a DRS of its own, on a virtual clock, with Lambda in this process.

from simulator import Simulator
with Simulator() as aws:
    print(aws.session().client("drs").describe_source_servers())
"""

from simulator.gateway.faults import Fault
from simulator.gateway.journal import Call
from simulator.simulator import Simulator, WaitTimeout
from simulator.time.clock import Deadlock, SimulatorDefect

__all__ = ["Call", "Deadlock", "Fault", "Simulator", "SimulatorDefect", "WaitTimeout"]
