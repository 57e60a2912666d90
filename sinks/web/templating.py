"""Templates, and the answers made from them."""

from __future__ import annotations

from typing import Any

import jinja2
from aiohttp import web

from sinks.web.view import shown_time


class Templates:
    """The pages' templates; what is put into them is always escaped."""

    def __init__(self) -> None:
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("sinks.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["shown"] = shown_time

    def text(self, template: str, **values: Any) -> str:
        """A template filled in."""
        return self._templates.get_template(template).render(**values)

    def page(self, template: str, *, status: int = 200, here: str = "", **values: Any) -> web.Response:
        """A page; ``here`` is the entry of the main navigation that it stands under."""
        return web.Response(text=self.text(template, here=here, **values), content_type="text/html", status=status)

    def message(self, title: str, text: str, status: int) -> web.Response:
        """A page that says one thing."""
        return self.page("message.html", status=status, title=title, text=text)
