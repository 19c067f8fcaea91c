"""The Execution Engine: wave-based disaster recovery on AWS Elastic Disaster Recovery (DRS).

`core` decides (pure), `aws` calls AWS, `function` is the Lambda function that joins them. `deploy` installs the engine,
`client` is the API for other programs, `cli` is the operators' command line. The contracts in `pyproject.toml` enforce
these layers. Start with `engine/core/decisions.py`, then `engine/function/handler.py`.
"""
