"""How the tests draw their examples.

The gate must say the same of the same commit, so examples are drawn from the test itself; `HYPOTHESIS_PROFILE=explore` looks for
new ones by hand. What it finds becomes an `@example` or a test of its own.
"""

import os

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
