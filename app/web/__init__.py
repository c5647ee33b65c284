"""HTTP: routes, middleware and event streams. Only this package and `app.main` import FastAPI."""
