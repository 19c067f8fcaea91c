"""Every replacement of a part of moto or botocore, for speed or for correctness.

Lowest layer beside `time`. `patching` installs and removes a replacement; each module says what it replaces and why.
Start with `patching`.
"""
