"""What the engine knows and decides. Pure: no AWS, no clock, no randomness; time is always an argument."""
