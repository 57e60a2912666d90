"""Pages that come in place of the page: consent walls, robot checks, paywalls, a server's own error page."""

from __future__ import annotations

import re
from html import unescape

_TITLE = re.compile(r"<title[^>]{0,500}>([^<]{0,500})", re.IGNORECASE)
_HEADING = re.compile(r"<h[12][^>]{0,500}>([^<]{0,300})", re.IGNORECASE)

_BY_TITLE: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (what, re.compile("|".join(patterns), re.IGNORECASE))
    for what, patterns in (
        (
            "robot check",
            (
                r"just a moment|attention required|are you (?:a )?(?:human|robot)|robot check|human verification",
                r"captcha",
                r"security check|verify you|checking your browser|ddos.guard|pardon our interruption|bot protection",
                r"sicherheitsüberprüfung|bist du ein mensch|проверка браузера|вы не робот",
            ),
        ),
        (
            "consent page",
            (
                r"before you continue|we value your privacy|your privacy choices|cookie consent|privacy consent",
                r"^consent$|bevor sie fortfahren|privatsphäre.{0,20}einstellung|zustimmung|mit werbung weiterlesen",
                r"avant de continuer|antes de continuar|prima di continuare",
            ),
        ),
        (
            "paywall",
            (
                r"subscribe to (?:continue|read|keep)|subscription required|sign in to (?:continue|read)",
                r"log in to (?:continue|read)|to continue reading|jetzt weiterlesen|réservé aux abonnés",
            ),
        ),
        (
            "server's error page",
            (
                r"^(?:error )?[45]\d\d\b|access denied|forbidden|page not found|not found|bad gateway",
                r"gateway time-?out",
                r"service (?:temporarily )?unavailable|internal server error|temporarily unavailable",
                r"under maintenance|maintenance mode|wartungsarbeiten|seite nicht gefunden|страница не найдена",
            ),
        ),
    )
)
_MARKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "robot check",
        ("g-recaptcha", "h-captcha", "cf-challenge", "challenge-platform", "px-captcha", "datadome", "_incapsula_"),
    ),
    (
        "consent page",
        ("consent.yahoo", "consent.google", "collectconsent", "consent-page", "sp_message_container", "cmp-wall"),
    ),
    ("paywall", ("paywall", "piano-offer", "subscription-wall", "regwall")),
)
_LITTLE_TEXT = 3_000  # visible characters: with more, a mark is only a part of a real page


def name_error_page(html: str) -> str | None:
    """What kind of page stands in place of the real one; None where nothing says that it is one.

    Asked only of pages in which nothing else was recognised: a real page may carry a consent banner too.
    """
    head = html[:200_000]
    titles = [unescape(m.group(1)).strip() for m in (*_TITLE.finditer(head), *_HEADING.finditer(head))][:6]
    for what, pattern in _BY_TITLE:
        if any(pattern.search(title) for title in titles):
            return what
    lowered = head.lower()
    if _visible_length(html) < _LITTLE_TEXT:
        for what, marks in _MARKS:
            if any(mark in lowered for mark in marks):
                return what
    return None


def _visible_length(html: str) -> int:
    """About how many characters a reader sees: what stands outside tags, scripts and styles."""
    length, hidden = 0, False
    for piece in html[:400_000].split("<"):
        name = piece[:8].lower()
        if name.startswith(("script", "style", "noscript")):
            hidden = True
        elif name.startswith(("/script", "/style", "/noscrip")):
            hidden = False
        if not hidden:
            length += len(piece.partition(">")[2].strip())
    return length
