"""An alert in one sentence, for people in a hurry: what is so now, what was said before, and who says it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sinks.alerts.bounds import cut
from wirewatch.events import AlertFeed, AlertType, Attribution, Change, Enrichment, EntryEvent, Figure, ToldBefore

_LINE: Final = 240
_QUALIFIERS: Final = {
    "at-most": "up to ",
    "at-least": "at least ",
    "over": "more than ",
    "about": "about ",
    "exact": "",
}
_FEED_OPS: Final = {"gap": "GAP", "source-error": "SOURCE ERROR", "source-recovered": "SOURCE RECOVERED"}
_LABELS: Final = {
    "opened": "NEW",
    "corrected": "CORRECTION",
    "unmatched": "NO LONGER MATCHES",
    "rematched": "MATCHES AGAIN",
    "withdrawn": "WITHDRAWN",
    "restored": "RESTORED",
}


def describe(type_: AlertType, event: EntryEvent, feed: AlertFeed, told_before: ToldBefore | None) -> str:
    """The alert's ``text``."""
    if event.op in _FEED_OPS:
        said = _line(event.evidence.text) or _line(event.headline)
        return f"{_FEED_OPS[event.op]}: {feed.title or feed.id}{': ' + said if said else ''}"
    headline = _title(event)
    if type_ == "withdrawn":
        why = _line(event.evidence.text)
        return f"WITHDRAWN: {headline}{f' ({why})' if why else ''}"
    if type_ == "unmatched":
        before = told_before.headline if told_before else ""
        was = f" (was “{_line(before)}”)" if before and before != event.headline else ""
        return f"NO LONGER MATCHES: now “{headline}”{was}"
    if type_ in {"restored", "rematched"}:
        changed = describe_changes(event)
        return f"{_LABELS[type_]}: {headline}{f'; {changed}' if changed else ''}"
    return f"{_label(type_, event)}: {describe_changes(event) or headline}"


def _label(type_: AlertType, event: EntryEvent) -> str:
    if type_ == "corrected":
        return "CORRECTION" if event.grade == "major" else "UPDATE"
    if event.op == "withdrawn":
        return "NEW (withdrawn by its source)"
    return "NEW (late)" if "late" in event.flags else "NEW"


def describe_changes(event: EntryEvent) -> str:
    """What changed, the gravest first: ``now up to 4,000 arrested (was 3,000), media citing Interior Ministry``."""
    if not event.changes:
        return ""
    change = next((one for one in event.changes if one.grade == "major"), event.changes[0])
    known = event.enrichment or Enrichment(version="0")
    said_by = say_who(known.attribution)
    figured = _figures_changed(event.changes, known.figures)
    if figured:
        return f"{figured}, {said_by}" if said_by else figured
    if change.class_ == "attribution":
        return f"{f'now {said_by}' if said_by else 'now without attribution'}: {_title(event)}"
    if change.class_ == "hedge":
        return f"{'now stated as fact' if known.hedge == 'none' else f'now {known.hedge}'}: {_title(event)}"
    return _text_changed(change, _title(event))


def _text_changed(change: Change, headline: str) -> str:
    if change.class_ == "correction":
        return f"the source corrects itself: {_added(change) or headline}"
    if change.field == "headline":
        return f"now “{_line(change.after)}” (was “{_line(change.before)}”)"
    return _body_changed(change, headline)


def _body_changed(change: Change, headline: str) -> str:
    added, removed = _added(change), _removed(change)
    if added and removed:
        return f"{headline}: now “{added}” (was “{removed}”)"
    if added:
        return f"{headline}: added “{added}”"
    return f"{headline}: no longer says “{removed}”" if removed else headline


def _figures_changed(changes: Sequence[Change], figures: Sequence[Figure]) -> str:
    """Each kind and number once, though headline and body both tell it; rather with what it was before."""
    now: dict[tuple[str, float], float | None] = {}
    gone: list[tuple[str, float]] = []
    for change in changes:
        detail = change.detail or {}
        if "figures" not in change.classes or not {"kind", "to"} <= detail.keys():
            continue
        kind, before, after = str(detail["kind"]), _number(detail.get("from")), _number(detail["to"])
        if after is not None:
            now[kind, after] = before if now.get((kind, after)) is None else now[kind, after]
        elif before is not None and (kind, before) not in gone:
            gone.append((kind, before))
    told = [_figure_told(kind, after, before, figures) for (kind, after), before in now.items()]
    replaced = {(kind, before) for (kind, _after), before in now.items()} | now.keys()
    told += [
        f"no longer says {format_number(value)}{_of(kind)}" for kind, value in gone if (kind, value) not in replaced
    ]
    return "; ".join(told)


def _figure_told(kind: str, after: float, before: float | None, figures: Sequence[Figure]) -> str:
    figure = next((one for one in figures if one.value == after and one.kind == kind), None)
    qualifier = _QUALIFIERS[figure.qualifier] if figure else ""
    was = f" (was {format_number(before)})" if before is not None else ""
    return f"now {qualifier}{format_number(after)}{_of(kind)}{was}"


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _of(kind: str) -> str:
    return "" if kind == "other" else f" {kind}"


def format_number(value: float | None) -> str:
    """``4000.0`` -> ``4,000``."""
    if value is None:
        return "none"
    return f"{int(value):,}" if value == int(value) else f"{value:,}"


def say_who(chain: Sequence[Attribution]) -> str:
    """The chain of who said it: ``media citing Interior Ministry``; empty where it is the source's own reporting."""
    named = [link for link in chain if link.role != "own-reporting"]
    relays = [link.who for link in named if link.role == "relay"]
    origins = [link.who for link in named if link.role in {"origin", "speaker"}]
    if relays and origins:
        return f"{_line(relays[0])} citing {_line(origins[-1])}"
    if origins:
        return f"according to {_line(origins[0])}"
    return f"according to {_line(relays[0])}" if relays else ""


def _added(change: Change) -> str:
    return _line(" … ".join(piece.strip() for sign, piece in change.diff if sign == "+" and piece.strip()))


def _removed(change: Change) -> str:
    return _line(" … ".join(piece.strip() for sign, piece in change.diff if sign == "-" and piece.strip()))


def _title(event: EntryEvent) -> str:
    body = event.entry.body if event.entry else ""
    return _line(event.headline) or _line(body) or "(no text)"


def _line(text: str) -> str:
    """Text as one line of bounded length."""
    return cut(" ".join(text[: 4 * _LINE].split()), _LINE)
