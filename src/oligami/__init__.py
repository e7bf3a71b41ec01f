"""Runs a randomized clinical trial end to end from one versioned protocol folder.

The storeys, top to bottom (imports look down only)::

    cli > reports > simulation > analysis > data > trial > journal > protocol | stats
"""

__version__ = "0.1.0"
