"""The engine's state and decisions. Pure: no AWS, no clock, no randomness; time is always an argument.

Start with `decisions`, then `state` (the values) and `outcomes` (the effect of each AWS answer on the state).
"""
