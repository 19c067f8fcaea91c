"""Lambda in this process: deployed packages, their sandbox, and results as Lambda reports them.

Imported by `simulator.simulator` and by EventBridge's targets.
Start with `functions`.
"""
