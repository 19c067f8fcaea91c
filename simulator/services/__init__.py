"""Services that moto lacks or simplifies: Lambda, Step Functions, DynamoDB, CloudFormation, EventBridge, SNS and SQS.

May import `gateway` and the layers below it. Only `simulator.simulator` wires them together.
Start with the folder of the service in question.
"""
