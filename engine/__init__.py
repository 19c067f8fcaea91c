"""The Execution Engine: wave-based disaster recovery on AWS Elastic Disaster Recovery (DRS).

`engine.core` decides (pure), `engine.aws` acts, `engine.wiring` joins them, `engine.handler` is the Lambda
function, `engine.client` is what other programs use, `engine.cli` is what operators use.
"""
