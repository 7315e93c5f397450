"""`python -m presight`, which is also what torchrun starts."""

import sys

from presight.cli.main import main

sys.exit(main())
