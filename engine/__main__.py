"""`python -m engine`: the operators' command line."""

import sys

try:
    from engine.cli import main

    main()
except KeyboardInterrupt:
    # Before the command has begun.
    sys.exit(130)
