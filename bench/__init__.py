"""What claims about speed rest on: ratios, both sides measured turn about in one run."""
