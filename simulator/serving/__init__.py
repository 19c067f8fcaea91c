"""The simulator as a server: any AWS client in any process calls it over HTTP.

Roles
-----
- The main thread enters the simulator and drives its clock: `Driver` advances virtual time according to a `TimeMode`.
- werkzeug runs each request in a thread, which is an actor on the clock during the call. Only one actor runs at a time,
  so moto, which is not thread-safe, never has two callers.
- `Control` answers below `/_simulator`, for this machine only: faults, clock, call journal, next event, more servers.
- `RemoteSimulator` is the client of the control, for a test in another process.

Start with `server.py`.
"""

from simulator.serving.remote import RemoteSimulator

__all__ = ["RemoteSimulator"]
