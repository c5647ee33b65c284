"""Why Does Batch Normalization Work? An article whose figures train while you read."""

import sys

# Any Python can read these lines, and says so in one instead of a traceback.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("This needs Python 3.11 or later, and here is " + sys.version.split()[0])

__version__ = "0.2.0"
