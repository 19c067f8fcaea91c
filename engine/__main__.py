"""`python -m engine`: the operators' command line."""

from engine.cli import main

main()
