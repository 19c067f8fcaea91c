"""Deploys the engine into an AWS account and removes it: stack, function package, parameters, retained data, sweep.

May import `engine.aws` and `engine.core`. The client and the command line import it; it never runs in Lambda.
Start with `deployment`.
"""
