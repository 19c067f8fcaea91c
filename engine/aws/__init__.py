"""The engine's calls to AWS; each call goes through `engine.aws.caller`, which retries and logs it.

May import `engine.core`. Start with `executor` (from action to call), then `caller` and `execution_history`.
"""
