"""Renders the article's pages: templates, citations, formulas, lessons and the static export."""
