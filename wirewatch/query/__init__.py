"""The query language: one tokenizer, one parser, one meaning, for search and for alerts. Pure: no I/O, no clock."""

from wirewatch.query.before import before_of, matches_before
from wirewatch.query.document import Document
from wirewatch.query.evaluate import Match, MatchContext, highlights, holds, matches
from wirewatch.query.index import QueryIndex
from wirewatch.query.match_lines import LineMatch, match_lines, read_event_line, read_searches
from wirewatch.query.maxima import FeedMaxima
from wirewatch.query.parser import parse_query
from wirewatch.query.syntax import Query, QueryError

__all__ = [
    "Document",
    "FeedMaxima",
    "LineMatch",
    "Match",
    "MatchContext",
    "Query",
    "QueryError",
    "QueryIndex",
    "before_of",
    "highlights",
    "holds",
    "match_lines",
    "matches",
    "matches_before",
    "parse_query",
    "read_event_line",
    "read_searches",
]
