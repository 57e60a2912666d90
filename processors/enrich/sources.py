"""Who can say something: persons with a title, institutions and media, and how a name is read from their words."""

from __future__ import annotations

import re

from msgspec import Struct

from processors.enrich.text import word_set

# "media", "reports", "sources": whoever they are, they are not named
_GENERIC = word_set(
    "media reports report sources source outlets press medien berichte bericht quellen quelle medias presse "
    "medios prensa informes fuentes fuente сми источник источники сообщения"
)
# what a named medium is called: the name stands beside it
_MEDIUM = word_set(
    "agency channel broadcaster newspaper daily station website portal network outlet magazine tv radio news "
    "times post tribune herald gazette television agence chaine journal zeitung sender nachrichtenagentur agencia "
    "cadena diario periodico агентство агентства телеканал газета издание портал newswire wire"
)
_AGENCIES = word_set(
    "reuters afp ap dpa efe ansa tass interfax xinhua kyodo bloomberg cnn bbc sputnik ria upi anadolu pti yonhap "
    "apa rfe jazeera тасс интерфакс риа spiegel nyt rferl ukrinform belta kazinform ntv skynews rtve"
)
# one of them alone after "the" speaks of someone named before
_TITLES = word_set(
    "president minister secretary spokesperson spokesman spokeswoman chief commander general colonel major "
    "captain governor mayor chairman chairwoman director premier chancellor king queen prince senator congressman "
    "ambassador prosecutor sheriff judge bishop pope archbishop commissioner envoy leader head diplomat official "
    "officer präsident minister ministerin sprecher sprecherin kanzler kanzlerin bürgermeister gouverneur "
    "président ministre porte-parole maire gouverneur préfet presidente ministro ministra portavoz alcalde "
    "gobernador президент министр губернатор глава мэр секретарь премьер представитель lieutenant sergeant "
    "professor dr inspector superintendent vice-president lawmaker analyst expert doctor cleric undersecretary"
)
_INSTITUTIONS = word_set(
    "police authorities officials ministry government army military prosecutors department dept office committee "
    "council court agency administration service services forces navy parliament senate embassy kremlin pentagon "
    "commission union nato un eu osce csto who unicef mod mfa mvd fire rescuers firefighters hospital hospitals "
    "doctors witnesses residents activists lawmakers investigators coastguard guard operator company airline "
    "railway police's bank polizei behörden ministerium regierung armee feuerwehr staatsanwaltschaft "
    "innenministerium auswärtiges amt außenministerium verteidigungsministerium rettungskräfte gericht police "
    "autorités ministère gouvernement armée préfecture parquet pompiers policía autoridades ministerio gobierno "
    "ejército fiscalía bomberos мвд мид минобороны мчс полиция полиции власти властей министерство министерства "
    "прокуратура прокуратуры генпрокуратура правительство минздрав кремль кремля фсб ministers firm party "
    "campaign organisation organization group authority bureau state militants rebels hamas hezbollah taliban "
    "regulator opposition"
)
_DOCUMENTS = word_set(
    "figures data statement statements estimates estimate report document documents numbers statistics agreement "
    "law plan survey study poll tally count information rules schedule press release website letter results "
    "records"
)
_PRONOUNS = word_set(
    "he she they it i we you who which that this these those there er sie es il elle ils el ella ellos он она они "
    "что this one all"
)
_ARTICLES = word_set("the a an der die das dem den des le la les l un une el los las una del")
_ANAPHORA = _MEDIUM | _TITLES | word_set("correspondent ministry department statement company court office")
_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_CORRESPONDENT = word_set("correspondent correspondents reporter reporters korrespondent correspondant corresponsal")


class Source(Struct, frozen=True):
    """Who said something: the name as it is told, whether it names nobody, and whether it is a medium."""

    who: str
    start: int
    end: int
    generic: bool = False
    medium: bool = False
    own: bool = False
    institution: bool = False


def read_source(text: str, start: int, end: int) -> Source | None:
    """The one whom ``text[start:end]`` names; None for pronouns, documents and words that name nobody.

    "the national channel Karst 24" is Karst 24, "US Secretary of State Ann Lee" is Ann Lee, "Interior Ministry
    figures" are the Interior Ministry's, "the authorities of the Tarn Region" stay as they are.
    """
    spans = [match.span() for match in _WORD.finditer(text, start, end)]
    words = [text[a:b] for a, b in spans]
    low = [word.lower() for word in words]
    while low and (low[0] in _ARTICLES or low[0] in {"some", "several", "its", "their", "local"}) and len(low) > 1:
        dropped_article = low[0] != "local"
        if not dropped_article and low[1] in _GENERIC:
            break
        spans, words, low = spans[1:], words[1:], low[1:]
    had_article = bool(spans) and spans[0][0] > start and text[start : start + 4].lower() == "the "
    while low and low[-1] in _DOCUMENTS and not (len(low) == 1 and low[0] in _GENERIC):
        spans, words, low = spans[:-1], words[:-1], low[:-1]
    if not low or len(low) > 10 or low[0] in _PRONOUNS or low[-1] in _PRONOUNS:
        return None
    if any(word in _CORRESPONDENT for word in low):
        return _correspondent(words, low, spans)
    if low[-1] in _GENERIC and not any(word[0].isupper() and word.lower() in _AGENCIES for word in words):
        who = " ".join(words) if len(words) > 1 else low[0]
        return Source(who, spans[0][0], spans[-1][1], generic=True, medium=True)
    if len(low) == 1 and had_article and words[0][0].islower() and low[0] in _ANAPHORA:
        return None
    return _named(text, words, low, spans)


def _correspondent(words: list[str], low: list[str], spans: list[tuple[int, int]]) -> Source | None:
    """The source's own reporting: "a Karst correspondent", "a correspondent of Karst"; not "the correspondent"."""
    for index, word in enumerate(words):
        if word[0].isupper() and low[index] not in _CORRESPONDENT | _ARTICLES:
            return Source(word, *spans[index], medium=True, own=True)
    return None


def _named(text: str, words: list[str], low: list[str], spans: list[tuple[int, int]]) -> Source | None:
    medium = any(word in _MEDIUM or word in _AGENCIES for word in low)
    first, last = 0, len(words)
    heads = [index for index, word in enumerate(low) if word in _TITLES or (word in _MEDIUM or word in _COMPANIES)]
    if heads:
        name = _name_after(words, low, heads[-1] + 1)
        if name is not None:
            first = name
        elif low[heads[-1]] in _MEDIUM and heads[-1] > 0:
            last = _before_description(words, low)
    known = any(word in _INSTITUTIONS or word in _TITLES for word in low[first:last])
    if not known and not any(word[0].isupper() for word in words[first:last]):
        return None
    if not known and not medium and first == 0 and not all(_name_like(word) for word in words):
        return None
    start, end = spans[first][0], spans[last - 1][1]
    institution = any(word in _INSTITUTIONS for word in low[first:last]) and first == 0
    return Source(text[start:end], start, end, medium=medium and not institution, institution=institution)


_COMPANIES = word_set("company operator airline firm group party movement organisation organization")


def _name_after(words: list[str], low: list[str], index: int) -> int | None:
    """Where the proper name after a title or description begins; "of State" and "of Tarn" belong to the title."""
    if index < len(words) and low[index] in {"of", "for"}:
        index += 2 if index + 1 < len(low) and low[index + 1] not in _ARTICLES else 3
    if index >= len(words):
        return None
    rest = words[index:]
    name_like = all(_name_like(word) for word in rest)
    return index if name_like and rest[0][0].isupper() and not any(w.lower() in _INSTITUTIONS for w in rest) else None


def _name_like(word: str) -> bool:
    return word[0].isupper() or word[0].isdigit() or word in _SMALL_IN_NAMES


_SMALL_IN_NAMES = word_set("al von der de la le du del di bin van of the and for el und fur für den et des")


def _before_description(words: list[str], low: list[str]) -> int:
    """In "Karst 24 news channel": the name ends where its description in small letters begins."""
    last = len(words)
    while last > 1 and words[last - 1][0].islower() and (low[last - 1] in _MEDIUM or low[last - 1].islower()):
        last -= 1
    return last


def without_nationality(who: str, nationality: str) -> str:
    """Such as "Tarnish Interior Ministry" without the nationality; a name of one word stays as it is."""
    rest = who.removeprefix(nationality).lstrip()
    return rest if rest and rest != who and " " in rest else who
