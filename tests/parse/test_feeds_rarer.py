"""Feeds in rarer forms, which the suites of several readers hold: what is read of each."""

from __future__ import annotations

import pytest

from tests.parse.conftest import Read, rss

MEDIA = "<title>News</title>"
ITEM = "<title>Bridge closed</title>"


def with_namespaces(item: str) -> str:
    names = {
        "media": "http://search.yahoo.com/mrss/",
        "dcterms": "http://purl.org/dc/terms/",
        "prism": "http://prismstandard.org/namespaces/basic/2.0/",
        "pheedo": "http://www.pheedo.com/namespace/pheedo",
    }
    declared = " ".join(f'xmlns:{name}="{address}"' for name, address in names.items())
    return rss(item).replace('version="2.0"', f'version="2.0" {declared}')


def atom(entry: str, *, feed: str = "") -> str:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{feed}'
        f"<entry><id>t:1</id><title>Bridge closed</title>{entry}</entry></feed>"
    )


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("<link>www.news.example/a</link>", "http://www.news.example/a"),
        ("<link>https://news.example/a b</link>", "https://news.example/a%20b"),
        ("<link>first</link>", None),
        ("<link xml:base='https://news.example/x/'>first</link>", "https://news.example/x/first"),
        ("<link>tag:news.example,2024:1</link>", None),
    ],
)
def test_a_link_of_text_leads_where_a_reader_would_go(read: Read, link: str, url: str | None) -> None:
    assert read(rss(ITEM + link)).entries[0].url == url


@pytest.mark.parametrize(
    "link",
    [
        "<link rel='Alternate' href='/a'/>",
        "<link rel='enclosure' href='/v.mp4'/><link type='text/html; charset=utf-8' href='/a'/>",
        "<link type='application/json' href='/a.json'/><link type='TEXT/HTML' href='/a'/>",
        "<content type='text/html' src='/a'/>",
    ],
)
def test_an_atom_entry_leads_to_its_page_however_the_link_is_declared(read: Read, link: str) -> None:
    assert read(atom(link)).entries[0].url == "https://news.example/a"


@pytest.mark.parametrize(
    ("written", "author"),
    [
        ("desk@news.example (The Desk)", "The Desk"),
        ("The Desk &lt;desk@news.example&gt;", "The Desk"),
        ("The Desk (desk@news.example)", "The Desk"),
        ("The Desk desk@news.example", "The Desk"),
        ("mailto:desk@news.example", "desk@news.example"),
        ("@desk", "@desk"),
        ("a@news.example, b@news.example", "a@news.example, b@news.example"),
    ],
)
def test_an_author_is_a_name_and_an_address_only_where_there_is_none(read: Read, written: str, author: str) -> None:
    assert read(rss(f"{ITEM}<author>{written}</author>")).entries[0].authors == (author,)


def test_an_entry_taken_over_from_elsewhere_was_written_by_its_sources_authors(read: Read) -> None:
    source = "<source><id>s</id><title>Wire</title><author><name>Wire desk</name></author></source>"
    feed = "<author><name>Our desk</name></author>"
    assert read(atom(source, feed=feed)).entries[0].authors == ("Wire desk",)
    assert read(atom(f"{source}<author><name>She</name></author>", feed=feed)).entries[0].authors == ("She",)
    assert read(atom("<source><id>s</id></source>", feed=feed)).entries[0].authors == ("Our desk",)


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        ('<media:content url="https://n.example/1" width="640" height="390"/>', "image"),
        ('<media:content url="https://n.example/1" type="application/x-shockwave-flash" width="640"/>', "embed"),
        ('<media:content url="https://n.example/1" type="text/html" medium="video"/>', "embed"),
        ('<media:player url="https://n.example/1"/>', "embed"),
        ('<media:group><media:player url="https://n.example/1"/></media:group>', "embed"),
        ('<enclosure url="https://n.example/1" type="mp3"/>', "audio"),
        ('<media:content url="https://n.example/1" type="application/pdf" width="640"/>', None),
        ('<media:content url="https://n.example/1"/>', None),
    ],
)
def test_media_are_told_by_what_says_of_which_kind_they_are(read: Read, element: str, kind: str | None) -> None:
    told = [(media.kind, media.url) for media in read(with_namespaces(ITEM + element)).entries[0].media]
    assert told == ([(kind, "https://n.example/1")] if kind else [])


def test_a_picture_that_is_atoms_content_is_media_and_no_text(read: Read) -> None:
    here = read(atom("<link href='/a'/><content type='image/png'>iVBORw0KGgo=</content>")).entries[0]
    assert (here.body, here.media) == ("", ())
    elsewhere = read(atom("<link href='/a'/><content type='image/png' src='/1.png'/>")).entries[0]
    assert [(media.kind, media.url) for media in elsewhere.media] == [("image", "https://news.example/1.png")]
    assert elsewhere.url == "https://news.example/a"


def test_publishers_own_modules_give_times_ids_texts_and_first_addresses(read: Read) -> None:
    entry = read(
        with_namespaces(
            f"{ITEM}<dcterms:identifier>n-1</dcterms:identifier><dcterms:abstract>All of it.</dcterms:abstract>"
            "<dcterms:language>fr</dcterms:language><prism:publicationDate>2022-01-07T20:31:04Z</prism:publicationDate>"
            "<pheedo:origLink>https://news.example/first</pheedo:origLink>"
        )
    ).entries[0]
    assert (entry.native_id, entry.body, entry.language) == ("n-1", "All of it.", "fr")
    assert (entry.published_ms, entry.aliases) == (1_641_587_464_000, ("https://news.example/first",))


def test_all_channels_of_a_document_are_read(read: Read) -> None:
    body = rss(ITEM).replace(
        "</rss>", "<channel><title>More</title><item><title>Mill open</title></item></channel></rss>"
    )
    assert [entry.headline for entry in read(body).entries] == ["Bridge closed", "Mill open"]


@pytest.mark.parametrize("url", ["", "https://feed.invalid/"])
def test_where_nobody_says_where_a_feed_is_from_it_is_asked_itself(read: Read, url: str) -> None:
    own = "<title>News</title><link>https://news.example/</link>"
    assert read(rss(f"{ITEM}<link>/a</link>", channel=own), url=url).entries[0].url == "https://news.example/a"
    json_feed = (
        '{"version": "https://jsonfeed.org/version/1.1", "feed_url": "https://news.example/f.json",'
        ' "items": [{"id": "1", "title": "x", "url": "/a"}, {}]}'
    )
    entries = read(json_feed, url=url).entries
    assert [entry.url for entry in entries] == ["https://news.example/a"], "an empty object is no entry"


def test_a_single_atom_entry_is_a_feed_of_one(read: Read) -> None:
    body = '<entry xmlns="http://www.w3.org/2005/Atom"><id>t:1</id><title>Bridge closed</title></entry>'
    assert [(entry.native_id, entry.headline) for entry in read(body).entries] == [("t:1", "Bridge closed")]


def test_a_warning_that_a_program_printed_before_the_feed_is_left_out_and_told(read: Read) -> None:
    warning = "<br />\n<b>Warning</b>: Undefined index in <b>/srv/feed.php</b> on line <b>3</b><br />\n"
    feed = read(warning + rss(ITEM))
    assert feed.entries[0].headline == "Bridge closed"
    assert feed.notes


@pytest.mark.parametrize(
    "attributes",
    ["url=https://n.example/1.mp3 type=audio/mpeg", "url='https://n.example/1.mp3'type='audio/mpeg'"],
)
def test_attributes_without_quotes_or_spaces_are_mended(read: Read, attributes: str) -> None:
    section = "<description><![CDATA[<a href=b>5 < 6</a>]]></description>"
    entry = read(rss(f"{ITEM}{section}<enclosure {attributes}/>")).entries[0]
    assert [(media.kind, media.url) for media in entry.media] == [("audio", "https://n.example/1.mp3")]
    assert entry.body == "5 < 6"


def test_an_attribute_without_a_value_is_empty(read: Read) -> None:
    assert read(rss(ITEM).replace('version="2.0"', "version")).entries[0].headline == "Bridge closed"


def test_the_sets_of_entities_that_w3c_publishes_are_known_and_never_fetched(read: Read) -> None:
    doctype = (
        '<!DOCTYPE rss [<!ENTITY % latin PUBLIC "-//W3C//ENTITIES Latin 1 for XHTML//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml-lat1.ent">]>'
    )
    body = rss("<title>Caf&eacute;</title>").replace("<rss", f"{doctype}<rss")
    assert read(body).entries[0].headline == "Café"


@pytest.mark.parametrize(
    ("language", "charset", "text"),
    [
        ("ru", "cp1251", "Мост закрыт"),
        ("ja", "cp932", "橋は閉鎖されています"),
        ("ja", "euc_jp", "橋は閉鎖されています"),
        ("zh-cn", "gbk", "大桥关闭"),
        ("zh-TW", "big5", "大橋關閉"),
        ("ko", "cp949", "다리가 폐쇄되었습니다"),
        ("fr", "cp1252", "Pont fermé"),
    ],
)
def test_text_in_no_declared_charset_is_read_as_is_usual_in_its_language(
    read: Read, language: str, charset: str, text: str
) -> None:
    body = f"<rss><channel><language>{language}</language><item><title>{text}</title></item></channel></rss>"
    feed = read(body.encode(charset))
    assert feed.entries[0].headline == text
    assert any("usual in the language" in note or "windows-1252" in note for note in feed.notes)


@pytest.mark.parametrize(("label", "charset"), [("windows-31J", "cp932"), ("windows-949", "cp949")])
def test_charsets_are_known_by_the_names_that_browsers_know(read: Read, label: str, charset: str) -> None:
    text = "橋" if charset == "cp932" else "다리"
    body = f'<?xml version="1.0" encoding="{label}"?><rss><channel><item><title>{text}</title></item></channel></rss>'
    assert read(body.encode(charset)).entries[0].headline == text
