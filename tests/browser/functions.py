"""The page's plain functions, called from a test."""

from typing import Any

from playwright.sync_api import Page


def call(page: Page, module: str, expression: str) -> Any:
    """The value of `expression`, in which `m` is the module."""
    return page.evaluate(
        f"""async () => {{
          const m = await import(
            new URL("{module}", document.querySelector("[type=module]").src));
          return {expression};
        }}"""
    )
