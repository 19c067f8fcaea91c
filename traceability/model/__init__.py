"""The facts that every other package judges by: criteria, scenarios, states, sign-offs, settings, paths.

Lowest layer: it imports no other package of traceability, and every package may import it.
Start with `catalogue` (the criteria) and `verdict` (how one scenario ended).
"""
