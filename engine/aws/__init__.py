"""The only part of the engine that talks to AWS: each call goes through `engine.aws.caller`."""
