"""The article's content security policy."""

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
# For a <meta> element in statically hosted pages, where `frame-ancestors` is not allowed.
META_POLICY = "; ".join(each for each in DIRECTIVES if not each.startswith("frame-ancestors"))
