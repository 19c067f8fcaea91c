"""The simulator as a server: any AWS client in any process calls it over HTTP.

Roles
-----
- The main thread enters the simulator and drives its clock: `Driver` lets virtual time go on at a `TimeMode`.
- Each request has a thread of werkzeug's, which is an actor of the clock while the call lasts: one actor at a time
  runs, so moto, which is not thread-safe, never meets two callers.
- `Control` answers below `/_simulator`, to this machine only: faults, clock, call journal, next event, more servers.
- `RemoteSimulator` is the other end of that: what a test in another process holds.
"""

from simulator.serving.remote import RemoteSimulator

__all__ = ["RemoteSimulator"]
