"""The search index on OpenSearch for those who read it: pages, API and commands."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, Literal, TypeVar

import msgspec

from sinks.search.interface import MAX_LIMIT, DayCount, NoIndexError, Order, SearchPage
from sinks.search.opensearch import read
from sinks.search.opensearch.address import Address
from sinks.search.opensearch.client import INDEX_MISSING, Client, Refusal, fate_of
from sinks.search.opensearch.generations import find_current
from sinks.search.opensearch.layout import alias_of
from sinks.search.opensearch.state import require_log
from wirewatch.errors import UserError
from wirewatch.events import EntryEvent
from wirewatch.query.parser import parse_query
from wirewatch.times import format_ms

T = TypeVar("T", read.SearchAnswer, read.DaysAnswer)
_TOO_MANY: Final = frozenset({"too_many_clauses", "too_many_nested_clauses", "runtime_exception"})
_GRACE: Final = 5.0  # seconds that the way there and back may take beside the search


class OpenSearchIndex:
    """Implements `SearchIndex` on the alias of this program's layout, whatever generation stands behind it.

    A search that takes longer than ``deadline`` seconds is stopped there.
    """

    def __init__(self, address: Address, *, deadline: float = 10.0) -> None:
        self._client = Client(address, seconds=deadline + _GRACE)
        self._deadline = deadline
        self._found = False
        self._closed = False
        self._path = (
            f"/{alias_of(address)}/_search?allow_partial_search_results=false&cancel_after_time_interval="
            f"{max(1, int(deadline * 1000))}ms"
        )

    async def search(
        self,
        query_text: str,
        *,
        now_ms: int,
        since: int | None = None,
        until: int | None = None,
        limit: int = 50,
        cursor: str | None = None,
        as_of: int | None = None,
        order: Order = "newest",
        count: bool = False,
    ) -> SearchPage:
        """See `SearchIndex`."""
        query = parse_query(query_text)
        body = read.search_body(
            query,
            now_ms=now_ms,
            since_ms=since,
            until_ms=until,
            as_of_ms=as_of,
            limit=limit,
            cursor=cursor,
            order=order,
            count=count,
        )
        return read.page_of(await self._ask(body, read.SearchAnswer), query, read.bounded(limit))

    async def latest(
        self,
        *,
        feed_id: str | None = None,
        limit: int = 50,
        before: str | None = None,
        order: Literal["newest", "oldest"] = "newest",
    ) -> SearchPage:
        """See `SearchIndex`."""
        body = read.latest_body(feed_id, limit=limit, cursor=before, oldest=order == "oldest")
        return read.page_of(await self._ask(body, read.SearchAnswer), None, read.bounded(limit))

    async def lead(self, feed_id: str) -> EntryEvent | None:
        """See `SearchIndex`."""
        return next(iter(await self._events(read.lead_body(feed_id))), None)

    async def entry(self, entry_id: str) -> list[EntryEvent]:
        """See `SearchIndex`."""
        out: list[EntryEvent] = []
        while True:
            page = await self._events(read.entry_body(entry_id, out[-1].seq if out else None))
            out += page
            if len(page) < MAX_LIMIT:
                return out

    async def event(self, event_id: str) -> EntryEvent | None:
        """See `SearchIndex`."""
        return next(iter(await self._events(read.event_body(event_id))), None)

    async def events(self, feed_id: str, *, after_seq: int = 0, limit: int = 500) -> list[EntryEvent]:
        """See `SearchIndex`."""
        return await self._events(read.events_body(feed_id, after_seq, limit))

    async def count_by_day(
        self, query_text: str, *, now_ms: int, since: int = 0, until: int | None = None
    ) -> list[DayCount]:
        """See `SearchIndex`."""
        query = parse_query(query_text)
        entries: Counter[int] = Counter()
        quiet: Counter[int] = Counter()
        after: dict[str, Any] | None = None
        while True:
            answer = await self._ask(read.days_body(query, now_ms=now_ms, after=after), read.DaysAnswer)
            for day, was_quiet in read.days_of(answer, since, now_ms if until is None else until):
                entries[day] += 1
                quiet[day] += was_quiet
            after = answer.aggregations.told.after_key
            if after is None:
                break
        return [DayCount(format_ms(day * read.DAY_MS)[:10], entries[day], quiet[day]) for day in sorted(entries)]

    async def require_log(self, log_id: str) -> None:
        """See `SearchIndex`."""
        try:
            current = await find_current(self._client)
            if current is None:
                raise self._missing()
            await require_log(self._client, current.generation, log_id)
        except Refusal as refusal:
            raise self._in_words(refusal) from refusal

    async def ready(self) -> str | None:
        """See `SearchIndex`."""
        try:
            await self._events(read.event_body(""))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            return str(error)
        return None

    async def close(self) -> None:
        """See `SearchIndex`."""
        self._closed = True
        await self._client.close()

    async def _events(self, body: dict[str, Any]) -> list[EntryEvent]:
        answer = await self._ask(body, read.SearchAnswer)
        return [hit.source.read() for hit in answer.hits.hits]

    async def _ask(self, body: dict[str, Any], into: type[T]) -> T:
        if self._closed:
            raise UserError("the search index is closed")
        try:
            await self._look()
            answer = await self._client.ask("POST", self._path, msgspec.json.encode(body), into=into)
        except Refusal as refusal:
            raise self._in_words(refusal) from refusal
        if answer.timed_out:
            raise self._too_long()
        return answer

    async def _look(self) -> None:
        """See once that there is an index and that it is ours."""
        if self._found:
            return
        if await find_current(self._client) is None:
            raise self._missing()
        self._found = True

    def _in_words(self, refusal: Refusal) -> Exception:
        if refusal.kind == INDEX_MISSING:
            self._found = False
            return self._missing()
        if refusal.kind == "task_cancelled_exception":
            return self._too_long()
        reason = refusal.reason.lower()
        if refusal.kind in _TOO_MANY or "clause" in reason or "expansions" in reason:
            return UserError(
                "the search is too wide for OpenSearch: the beginning of a word near another stands for too many "
                "words, or there are too many clauses; write more letters, or fewer clauses"
            )
        return fate_of(refusal)

    def _missing(self) -> NoIndexError:
        address = self._client.address
        return NoIndexError(
            f"there is no search index {alias_of(address)} on {address.shown} yet: start wirewatch run, which writes it"
        )

    def _too_long(self) -> UserError:
        return UserError(
            f"the search took longer than {self._deadline:g} s and was stopped:"
            " narrow it, with more words, feed: or since:"
        )
