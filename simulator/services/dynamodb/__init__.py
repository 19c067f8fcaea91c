"""DynamoDB: sizes, capacity units and limits, transactions, and tables that are filled below the API.

Imported by `simulator.simulator` and by SNS and SQS.
Start with `metering`.
"""
