"""A page as lines: what both plain text and HTML are brought to, so that both give the same entries."""

from __future__ import annotations

import re

from msgspec import Struct

from processors.parse.pages.labels import sounds_live, split_label
from processors.parse.pages.times import read_stamp
from processors.parse.text import clean_characters

MOST_LINES = 100_000


class Line(Struct):
    """A line that a reader sees. ``apart``: empty lines stand around it (text); ``heading``: 1 to 6 (HTML), else 0.

    ``href`` is where it leads, if the whole line is one link; ``strong`` that all of it is set out (bold, a class
    that says title); ``moment`` the machine-readable time of a ``time`` element.
    """

    text: str
    apart: bool = False
    heading: int = 0
    href: str = ""
    strong: bool = False
    moment: str = ""


def lines_of_text(text: str) -> list[Line]:
    """Plain text as lines, white space collapsed, empty lines gone."""
    found: list[Line] = []
    after_gap: list[bool] = []
    gap = True
    for raw in text.split("\n")[:MOST_LINES]:
        line = " ".join(clean_characters(raw).split())
        if line:
            found.append(Line(line))
            after_gap.append(gap)
        gap = not line
    for line_, before, behind in zip(found, after_gap, [*after_gap[1:], True], strict=False):
        line_.apart = before and behind
    return found


_PHRASES = re.compile(
    r"news ?feed|chats?|comments? ?\(?\d*\)?|\d+ comments?|post a comment|loader|loading\W*|log ?in|sign ?in|log ?out|"
    r"register|sign ?up|create (?:an )?account|(?:to )?(?:participate|take part) in the discussion|"
    r"(?:to )?join the (?:conversation|discussion)|subscribe(?: now)?|follow(?: us)?|share(?: this)?(?: on)?|"
    r"copy link|link copied|print|e-?mail|facebook|twitter|whats ?app|telegram|linkedin|reddit|pinterest|bluesky|"
    r"advertisement|sponsored|promoted|skip to (?:main )?content|(?:read|show|load|see|view) more(?: updates| posts)?|"
    r"more updates|related(?: articles| stories| topics)?|recommended|most (?:read|popular|viewed)|popular|trending|"
    r"newsletters?|all rights reserved|table of contents|(?:newe?s?t?|old(?:est)?|latest) first|sort by|"
    r"key events?|auto-?refresh|back to top|terms(?: of (?:use|service))?|privacy(?: policy)?|cookies?|feedback|"
    r"anmelden|registrieren|einloggen|kommentare?(?: schreiben)?|kommentieren|teilen|drucken|mehr (?:laden|anzeigen)|"
    r"weiterlesen|anzeige|werbung|inhalts(?:verzeichnis|übersicht)|inhalt|(?:neueste|älteste|neue|alte) zuerst|"
    r"newsticker|abonnieren|um an der diskussion teilzunehmen|(?:loggen|melden) sie sich (?:ein|an)|"
    r"registrieren sie sich|nachrichten-?feed|folgen|impressum|datenschutz|"
    r"лента новостей|чаты?|комментари[ийев]+|войти|вход|авторизуйтесь|зарегистрируйтесь|регистрация|"
    r"чтобы (?:участвовать|принять участие) в (?:дискуссии|обсуждении)|подписаться|подпишитесь|поделиться|оглавление|"
    r"сначала (?:новые|старые)|реклама|заголовок открываемого материала|загрузка|показать ещ[её]|"
    r"connectez-vous|se connecter|inscrivez-vous|s'inscrire|s'abonner|partager|commentaires?|publicité|sommaire|"
    r"(?:les )?plus (?:récents?|anciens?) (?:d'abord|en premier)|pour participer à la discussion|fil d'actualités?|"
    r"inici[ea]r? sesión|regístrese|registrarse|suscr[ií]ba?i?r?se|compartir|comentarios?|publicidad|índice|"
    r"(?:más )?(?:nuevos|recientes|antiguos|viejos) primero|para participar en la (?:conversación|discusión)|"
    r"entrar|cadastre-se|assinar|compartilhar|comentários?|publicidade|sumário|"
    r"accedi|registrati|abbonati|condividi|commenti|pubblicità|indice|(?:più )?(?:recenti|vecchi) prima",
    re.IGNORECASE,
)
_JOINING = re.compile(r"\b(?:or|and|oder|und|ou|et|o|y|e|или|и|by|on|in|to|with|via)\b|[\W\d_]+", re.IGNORECASE)
_BEGINS = re.compile(rf"[\W_]*+(?:\d|{_JOINING.pattern}|{_PHRASES.pattern})", re.IGNORECASE).match
"""How a line of controls begins. Asked first: to look for phrases all through a line takes thirty times as long."""
_CALL = re.compile(
    r"(?:please )?(?:follow|subscribe|stay (?:tuned|with)|join|click|read (?:more|also|the)|watch (?:our|the|live)|"
    r"find out|learn more|check out|download|sign up|keep up|don'?t miss|folgen sie|folge|abonnieren|lesen sie|"
    r"bleiben sie|verfolgen sie|следите|подписывайтесь|подпишитесь|читайте|смотрите|suivez|abonnez|lisez|restez|"
    r"sig[au](?:nos|e)?|suscr[ií]b|lea |no se pierda|segu(?:ite|i)|acompanhe|leia)\b",
    re.IGNORECASE,
)
_BYLINE = re.compile(r"(?:by|von|par|por|di|автор:?)\s+\S+(?:\s+\S+){0,6}", re.IGNORECASE)
_ENDS = tuple(".!?…。！？।؟\"”»'’)")
_CONTENTS = re.compile(
    r"table of contents|contents|inhalts(?:verzeichnis|übersicht)|оглавление|sommaire|índice|sumário|indice",
    re.IGNORECASE,
)


def is_furniture(text: str) -> bool:
    """Whether a line is made of a page's controls and notices alone, in any of the languages known, or is a counter."""
    if len(text) > 120:
        return False
    if text.isdigit():
        return True
    if _BEGINS(text) is None:
        return False
    rest = _PHRASES.sub("", text)
    return rest != text and not _JOINING.sub("", rest)


def is_contents(text: str) -> bool:
    """Whether a line heads a table of contents."""
    return _CONTENTS.fullmatch(text.strip(" :")) is not None


def is_call(text: str) -> bool:
    """Whether a line asks the reader to follow, subscribe or read elsewhere."""
    return len(text) <= 90 and (_CALL.match(text) is not None) and not text.endswith((":", '"', "”"))


def is_prose(text: str) -> bool:
    """Whether a line reads like a sentence of a text, not like a title, button or notice."""
    return len(text) > 100 or (text.endswith(_ENDS) and (len(text.split()) >= 5 or len(text) >= 24))


def without_furniture(lines: list[Line]) -> list[Line]:
    """Without the controls that stand inside entries (share buttons, counters)."""
    return [line for line in lines if not is_furniture(line.text)]


def without_tail(lines: list[Line]) -> list[Line]:
    """The lines of the page's last entry, without what follows it: comments, log-in, feeds of other news.

    Everything from the first line of controls on is not the entry's; nor is a run of two or more lines at the
    end that are no sentences.
    """
    for index, line in enumerate(lines):
        if is_furniture(line.text):
            lines = lines[:index]
            break
    end = len(lines)
    while end and not is_prose(lines[end - 1].text):
        end -= 1
    return lines[:end] if len(lines) - end >= 2 else lines


class Lead(Struct, frozen=True):
    """A page's own headline and what stands under it."""

    title: str = ""
    label: str | None = None
    summary: str = ""
    body: str = ""
    section: str | None = None


_IMAGE_NOTE = re.compile(
    r"^[-–—] |, \d{3,4}, \d{1,2}[./]\d{1,2}[./]\d{2,4}$|^(?:photo|image|foto|фото)\b", re.IGNORECASE
)
_AS_OF = re.compile(
    r"(?:stand|(?:last |zuletzt )?(?:updated|modified|aktualisiert)|(?:posted|published|veröffentlicht)|"
    r"mis à jour|publié|actualizado|publicado|aggiornato|обновлено|опубликовано)\b.{0,12}\d.{0,40}",
    re.IGNORECASE,
)
_SITE_SUFFIX = re.compile(r"\s[-–—|]\s[^-–—|]{3,40}$")


def read_lead(lines: list[Line], entry_headlines: set[str]) -> Lead:
    """The page's headline, summary and text out of the lines before its first entry."""
    at = _headline_at(lines)
    if at is None:
        return Lead()
    label, title = split_label(lines[at].text)
    under: list[Line] = []
    for line in lines[at + 1 :]:
        if is_contents(line.text):
            break
        under.append(line)
    kept = [
        line.text
        for line in under
        if not is_furniture(line.text)
        and line.text not in entry_headlines
        and not _BYLINE.fullmatch(line.text)
        and not _IMAGE_NOTE.search(line.text)
        and not _AS_OF.fullmatch(line.text)
        and not line.moment
        and read_stamp(line.text, fetched_at_ms=0) is None
        and (is_prose(line.text) or len(line.text.split()) > 3)
    ]
    while kept and is_call(kept[-1]):
        kept.pop()
    return Lead(title, label, kept[0] if kept else "", "\n".join(kept[1:]), _section(lines[:at]))


def _headline_at(lines: list[Line]) -> int | None:
    """Where the headline is: the first top heading; else a labelled line; else what looks most like one."""
    for level in (1, 2):
        for index, line in enumerate(lines):
            if line.heading == level and not is_furniture(line.text):
                return index
    best, best_score = None, 0
    site = [m.group() for line in lines if (m := _SITE_SUFFIX.search(line.text))]
    for index, line in enumerate(lines):
        if is_furniture(line.text) or _IMAGE_NOTE.search(line.text) or is_call(line.text):
            continue
        score = _headline_score(line, lines[index + 1 :], site)
        if score >= max(best_score, 3):
            best, best_score = index, score
    return best


def _headline_score(line: Line, after: list[Line], site: list[str]) -> int:
    words = len(line.text.split())
    score = 8 if split_label(line.text)[0] is not None else 3 if sounds_live(line.text) else 0
    score += 2 if line.apart else 0
    score += 2 if 4 <= words <= 30 else -2
    score += -4 if line.text.endswith(".") or len(line.text) > 250 else 0
    suffix = _SITE_SUFFIX.search(line.text)
    score -= 4 if suffix is not None and any(suffix.group() == other for other in site) else 0
    following = next((other for other in after if not is_furniture(other.text)), None)
    return score + (2 if following is not None and is_prose(following.text) else 0)


def _section(before: list[Line]) -> str | None:
    """The part of the site: the last line before the headline that is one to four plain words."""
    for line in reversed(before):
        words = line.text.split()
        plain = all(word.replace("-", "").replace("&", "a").isalpha() for word in words)
        if len(words) <= 4 and plain and line.text[:1].isupper() and not is_furniture(line.text):
            return line.text
    return None
