"""An application of ours that answers on one address."""

from __future__ import annotations

from aiohttp import web

from wirewatch.errors import UserError
from wirewatch.settings.declared import read_listen


class Listening:
    """Serves ``app`` on ``listen`` (``host:port``; port 0 takes a free one) from `start` until `close`.

    ``setting`` is the address's name among the settings and ``advice`` what else may be done where its port is taken.
    Callers that are still being answered have ``patience`` seconds when it closes; with ``end_with_caller`` a handler
    is cancelled as soon as who called it is gone. `UserError` where ``listen`` is no address.
    """

    def __init__(
        self,
        app: web.Application,
        listen: str,
        *,
        setting: str,
        advice: str,
        patience: float,
        end_with_caller: bool = False,
    ) -> None:
        self._host, self._port = read_listen(listen)
        self._app = app
        self._setting = setting
        self._advice = advice
        self._patience = patience
        self._end_with_caller = end_with_caller
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen, and return the URL. Raises `UserError` in words where the port is taken."""
        self._runner = web.AppRunner(
            self._app,
            access_log=None,  # who reads what is nobody's business
            shutdown_timeout=self._patience,
            handler_cancellation=self._end_with_caller,
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self.close()
            raise UserError(
                f"{self._setting}: cannot listen on {self._host}:{self._port}: {error.strerror or error}. "
                f"Stop what uses it or choose another{self._advice}"
            ) from error
        host, port = self._runner.addresses[0][:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    async def close(self) -> None:
        """Stop listening; blocks for ``patience`` at most. Safe to call twice."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
