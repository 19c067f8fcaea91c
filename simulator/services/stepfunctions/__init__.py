"""Step Functions: moto's interpreter on the virtual clock, under the role of the state machine.

Imported by `simulator.simulator`.
Start with `interpreter`.
"""
