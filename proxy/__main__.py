"""`python -m proxy` is `pratique`."""

import sys

from proxy.cli import main

sys.exit(main())
