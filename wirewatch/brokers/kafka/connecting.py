"""How long a client of the library may take to connect to one broker."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiokafka.client import ConnectionGroup

CONNECT_SECONDS: Final = 5.0


def give_up_connecting_soon(client: Any) -> None:
    """Let the library's client give a broker up that does not let it in within `CONNECT_SECONDS`.

    Of its own accord it waits as long as for any request, and connects to nobody else meanwhile: a machine that
    has gone silent would keep it from the others for a minute. To be called before the client is started.
    """
    connect = client._get_conn  # noqa: SLF001 - the client has no such setting

    async def connected(node: Any, *, group: Any = ConnectionGroup.DEFAULT, no_hint: bool = False) -> Any:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await connect(node, group=group, no_hint=no_hint)
        except TimeoutError:
            client.force_metadata_update()  # as after any other failure to connect: it may be known to be away by now
            return None

    client._get_conn = connected  # noqa: SLF001 - as above
