"""``python -m jmeb_plugin.cli``."""

import sys

from jmeb_plugin.cli import main

sys.exit(main())
