"""What claims about speed rest on: ratios, both sides measured turn about in one run."""

from app import standard_streams

# All of bench is programs: each prints in any terminal.
standard_streams.make_encoding_safe()
