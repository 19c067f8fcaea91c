"""Every replacement of a part of moto or botocore, for speed or for correctness.

Lowest layer beside `time`. `patching` installs and removes replacements; each `Patch` states its target and reason.
Start with `patching`.
"""
