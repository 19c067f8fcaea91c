"""The virtual clock, and the actors that take turns on it.

Lowest layer: it imports no other package of the simulator.
Start with `clock` (when time moves), then `actors` (which thread may act).
"""
