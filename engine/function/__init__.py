"""The Lambda function: one handler for clients, state machine and EventBridge, and the operations behind it.

May import `engine.aws` and `engine.core`; it runs in Lambda only, and no other package imports it.
Start with `handler` (the routing of events), then `stepping` (load, decide, perform, save) and `wiring` (all objects).
"""
