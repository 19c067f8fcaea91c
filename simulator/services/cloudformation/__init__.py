"""CloudFormation: resource types that moto lacks, and stacks that fail as on AWS.

Imported by `simulator.simulator`.
Start with `resource_types`.
"""
