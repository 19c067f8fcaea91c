"""IAM: AWS's managed policies, and the policies of roles and users in templates.

May import `patches` and below. `simulator.py` installs it.
Start with `managed_policies`.
"""
