"""The only room that knows HTTP: it turns a log into a page and a stream."""
