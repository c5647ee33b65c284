"""What the article may load, from where: its content security policy."""

DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "manifest-src 'self'",
)
CONTENT_POLICY = "; ".join(DIRECTIVES)
# For a page that no server of ours sends. Who may frame it is all that it can't say itself.
META_POLICY = "; ".join(each for each in DIRECTIVES if not each.startswith("frame-ancestors"))
