"""Short ways through parsing give what the long ones give: each is held to the long way it spares."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.parse import BadInput, ParsedFeed, feeds, markup, media, parse, sanitising, text, urls
from processors.parse.feed_pictures import MARK, PictureGroups
from processors.parse.feed_slices import Slices
from processors.parse.markup import decode_entities
from processors.parse.sanitising import sanitise
from processors.parse.text import read_markup
from processors.parse.urls import all_plain, canonical, is_plain
from wirewatch.events import ParseDefinition

BASE = "https://news.example/a/b"
NEVER = re.compile(r"(?!)")
ADDRESSES = st.sampled_from(
    [
        "https://n.example/1",
        "http://a-b.c.co.uk/x?y=1&amp;z=%zz#f",
        "https://1.2.example/",
        "https://pixel.wp.com/x",
        "https://xn--80ak6aa92e.example/",
        "https://1.2.3.999/",
        "https://n.example:99999/",
        "//n.example/",
    ]
)
WORDS = st.sampled_from(
    [
        "river",
        " ",
        "\n",
        "x &amp; y",
        "&lt;b&gt;",
        "&nbsp;",
        "\xa0",
        "Tom's",
        '"q"',
        "é",
        "5 > 4",
        " />",
        "&",
        "&quot;",
        "\u200b",
        "  ",
        "The  river ",
    ]
)
TEXT = st.lists(WORDS, max_size=3).map("".join)
BREAKS = st.sampled_from(["<br>", "<br/>", "<br />", "<br >"])


@st.composite
def picture(draw: st.DrawFn) -> str:
    quote = draw(st.sampled_from("\"'"))
    alt = draw(st.sampled_from(["", f" alt={quote}The river{quote}", f" alt={quote}x=y{quote}"]))
    size = draw(st.sampled_from(["", f" width={quote}1{quote}", f" width={quote}10{quote} height={quote}9{quote}"]))
    return f"<img src={quote}{draw(ADDRESSES)}{quote}{alt}{size}{draw(st.sampled_from(['>', '/>', ' />', ' >']))}"


def inside(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from(["p", "p", "b", "strong", "i", "em", "h2", "ul", "li", "blockquote", "a", "div"])
    link = st.builds(
        '<a{0} href="{1}"{2}>{3}</a>'.format,
        st.sampled_from(["", ' target="_blank"']),
        ADDRESSES,
        st.sampled_from(["", ' rel="x"', ' class="a b"', ' title="t"']),
        inner,
    )
    return st.one_of(st.builds("<{0}>{1}</{0}>".format, names, inner), link, st.lists(inner, max_size=3).map("".join))


MARKUP = st.recursive(st.one_of(TEXT, BREAKS, picture()), inside, max_leaves=8)


@settings(max_examples=400, deadline=None)
@given(MARKUP)
def test_markup_that_is_taken_as_it_stands_is_what_the_sanitiser_would_have_written(marked: str) -> None:
    short = sanitise(marked, BASE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sanitising, "_LONGEST_SAFE", -1)
        assert short == sanitise(marked, BASE)


def test_plain_paragraphs_with_links_and_pictures_need_no_sanitiser() -> None:
    shown = "<img src='https://n.example/1.jpg' alt='x'/>"
    marked = f"<p>They <a href='https://n.example/1' target=\"_blank\">said</a> so.</p>{shown}"
    assert sanitising._SAFE.fullmatch(marked)
    assert sanitise(marked, BASE) == (
        '<p>They <a href="https://n.example/1" rel="noopener noreferrer nofollow">said</a> so.</p>'
        '<img src="https://n.example/1.jpg" alt="x">'
    )


@pytest.mark.parametrize(
    "marked",
    [
        "<p>a<p>b</p>",
        "<b><p>a</p></b>",
        '<a href="javascript:x">a</a>',
        '<a href="https://n.example/"><a href="https://n.example/">a</a></a>',
        '<p onclick="x">a</p>',
        "<script>a</script>",
        '<img src="https://n.example/x" onerror="x">',
        "<p>a</b></p>",
        "<!-- a -->",
        "<ul>\xa0</ul>",
    ],
)
def test_what_a_browser_would_read_otherwise_or_run_is_never_taken_as_it_stands(marked: str) -> None:
    assert sanitising._SAFE.fullmatch(marked) is None


@settings(max_examples=400, deadline=None)
@given(MARKUP)
def test_lines_and_pictures_of_the_usual_form_are_read_as_any_others(marked: str) -> None:
    short = read_markup(marked, BASE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_are_lines", lambda _: False)
        patch.setattr(media, "_USUAL_IMAGE", NEVER)
        assert short == read_markup(marked, BASE)


ENTITIES = st.sampled_from(
    [
        "&",
        "&amp;",
        "&amp",
        "&#39;",
        "&#x27;",
        "&#X2019;",
        "#",
        "x",
        ";",
        "a",
        "é",
        "&#0;",
        "&#128;",
        "&#99999999;",
        "&#999999999999;",
        "&#",
        "&#;",
        "&#xD800;",
        "&notit;",
        "&not",
        "&Ａ",
        "&nbsp;",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(ENTITIES, max_size=8).map("".join))
def test_entities_read_piece_by_piece_are_those_read_in_one_go(written: str) -> None:
    assert decode_entities(written) == html.unescape(markup._LONG_NUMBER.sub("\ufffd", written))


@settings(max_examples=400, deadline=None)
@given(
    st.builds(
        "{0}{1}{2}{3}".format,
        st.sampled_from(["http://", "https://", "HTTPS://"]),
        st.sampled_from(
            ["www.n.example", "m.co.uk", "N.example", "n.example:80", "x-org.cdn.ampproject.org", "u:p@n.example"]
        ),
        st.lists(
            st.sampled_from(["/", "//", "/c/s/n.example", "/a", "/amp", ".amp", "/index.html", " "]), max_size=4
        ).map("".join),
        st.sampled_from(["", "?", "?utm_x=1", "?b=2&a=1", "?b=2&amp;a=1&ref=x", "#block-12a4", "?a#b", "?x=/"]),
    )
)
def test_an_address_of_the_usual_form_is_brought_to_one_form_as_any_other(url: str) -> None:
    short = canonical(url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urls, "_PARTED", NEVER)
        assert short == canonical(url)


PARTS = st.sampled_from(
    ["https://n.example/", "https://n.example", "http://m.example/", "a", "/", "?b=1", " ", "é", "\ud800", "&"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(PARTS, min_size=1, max_size=4).map("".join), min_size=1, max_size=4))
def test_addresses_are_plain_together_only_where_each_is_plain(addresses: list[str]) -> None:
    assert not all_plain(addresses) or all(map(is_plain, addresses))


PICTURES = st.sampled_from(
    [
        '<media:content medium="image" url="https://n.example/1.jpg" height="9" width="16" type="image/jpeg" />',
        '<media:content medium="image" url="https://n.example/2.jpg" height="9" width="16" type="image/jpeg" />',
        '<media:content medium="image" url="https://n.example/3.jpg" height="1" width="1"/>',
        '\n<media:content medium="image" url="https://m.example/4.jpg" type="a\nb" />',
        '<media:content url="https://n.example/5.jpg" medium="image" />',
        '<media:content medium="image" url="https://n.example/6.jpg" title="The river" />',
        '<media:content medium="image" url="https://n.example/7.jpg" url="https://n.example/8.jpg" />',
        '<media:content medium="image" url="https://n.example/9.jpg?a=1&amp;b=2" />',
        '<media:content medium="image" url="https://n.example/a&b" />',
        '<media:content medium="image" url="//n.example/10.jpg" />',
        '<media:content medium="image" url="" />',
        '<media:content medium="image" url="https://n.example/é.jpg" />',
        '<media:content medium="video" url="https://n.example/11.mp4" />',
        '<media:content medium="image" xml:lang="de" url="https://n.example/12.jpg" />',
        '<media:content medium="image" xmlns="x" url="https://n.example/13.jpg" />',
        '<media:content medium="image" url="https://n.example/14.jpg"></media:content>',
        "<media:content medium='image' url='https://n.example/15.jpg' />",
        "<media:title>The river</media:title>",
        '<other:content medium="image" url="https://n.example/16.jpg" />',
        "<!-- x -->",
        "<",
        "text",
        "\x0b",
        "\x1c",
        "\xa0",
        f'<media:group {MARK}="0"/>',
    ]
)
GROUP = st.builds(
    "{0}{1}{2}".format,
    st.sampled_from(["<media:group>"] * 6 + ["<media:group >", "<other:group>", "<undeclared:group>"]),
    st.one_of(
        st.lists(PICTURES, max_size=4).map("".join),
        st.builds(
            lambda n, prefix, space: "".join(
                f'{space}<{prefix}:content medium="image" url="https://n.example/{i}.jpg" />{space}' for i in range(n)
            ),
            st.integers(1, 4),
            st.sampled_from(["media"] * 6 + ["other"]),
            st.sampled_from(["", "\n ", "\x0b", "\x1c"]),
        ),
    ),
    st.sampled_from(["</media:group>"] * 6 + ["</media:group >", "</other:group>", "</undeclared:group>", ""]),
)
PLACED = st.builds(
    str.format,
    st.sampled_from(
        ["{0}"] * 4
        + [
            "<title><![CDATA[{0}]]></title>",
            "<!-- {0} -->",
            "<description>{0}</description>",
            "{0}{0}",
            f'{{0}}<media:group {MARK}="0"/>',
        ]
    ),
    GROUP,
)


@settings(max_examples=600, deadline=None)
@given(st.lists(PLACED, min_size=1, max_size=3))
def test_pictures_read_from_the_bytes_are_those_of_the_tree(groups: list[str]) -> None:
    items = "".join(f"<item>{group}<title>A {n}</title></item>" for n, group in enumerate(groups))
    spaces = 'xmlns:media="http://search.yahoo.com/mrss/" xmlns:other="http://other.example/"'
    body = f"<rss {spaces}><channel><title>News</title>{items}</channel></rss>".encode()
    short = _parsed(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Slices, "reduced", lambda *_: None)
        assert short == _parsed(body)


def _parsed(body: bytes) -> ParsedFeed | str:
    try:
        return parse(body, ParseDefinition(url=BASE), fetched_at_ms=0)
    except BadInput as error:
        return f"{error.reason}: {error}"


def test_plain_groups_of_pictures_are_not_built_as_elements() -> None:
    picture = '<media:content url="https://n.example/{0}.jpg" medium="image" width="{0}"/>'
    group = "<media:group>" + "".join(picture.format(n) for n in range(3)) + "\n</media:group>"
    entry = f"<item>{group}<title>A</title>".encode()
    groups = PictureGroups(entry, entry)
    assert groups.taken_from(entry) == f'<item><media:group {MARK}="0"/><title>A</title>'.encode()
    assert groups.addresses == [[f"https://n.example/{n}.jpg" for n in range(3)]]


def test_a_group_is_taken_out_whatever_letters_its_entry_is_written_in() -> None:
    entry = '<item><title>Caf\u00e9</title><media:group><media:content url="https://n.example/1.jpg" medium="image"/>'
    groups = PictureGroups(b":group>", b":group>")
    assert groups.taken_from(f"{entry}</media:group>".encode()) is not None


TITLES = (
    "<title type='html'>The &lt;b&gt;river&lt;/b&gt;</title>",
    "<title type='text'>The &lt;b&gt;river&lt;/b&gt;</title>",
    "<title> The\n river &amp;amp; &lt;i&gt;more&lt;/i&gt; </title>",
    "<title><b>The river</b></title>",
    "<title/>",
    "<title>1</title>",
    "<media:title>The lake</media:title>",
)
TEXTS = (
    "<description/>",
    "<description type='text'>&lt;b&gt;It&lt;/b&gt; rose.</description>",
    "<description>It <b>rose</b>.</description>",
    "<description><![CDATA[<p>It <a href='/x'>rose</a>.</p><img src='https://n.example/1.jpg'>]]></description>",
    "<content:encoded>It rose, and more.</content:encoded>",
    "<content:encoded/><description>It rose.</description>",
    "<media:description>It rises.</media:description>",
)
LINKS = (
    "<link> https://n.example/1?a=b&amp;c=d\n</link>",
    "<link>/1</link>",
    "<link/>",
    "<link href='https://n.example/2'/>",
    "<link href='https://n.example/2'>https://n.example/1</link>",
    "<link>https://n.example/<b/>1</link>",
)
IDS = (
    "<guid isPermaLink='false'>n 1</guid>",
    "<guid>A 1</guid>",
    "<guid>n\u00ad1</guid>",
    "<guid>&lt;b&gt;1&lt;/b&gt;</guid>",
    "<guid><b>1</b></guid>",
    "<guid/>",
)
DATES = (
    "<pubDate>Fri, 07 Jan 2022 20:31:04 +0100</pubDate>",
    "<pubDate>\u00adFr, 07 Jan 2022 20:31:04 GMT</pubDate>",
    "<pubDate>Fri, 07 Jan 2022 24:00:00 GMT</pubDate>",
    "<pubDate><b>Fri</b>, 07 Jan 2022 20:31:04 GMT</pubDate>",
    "<pubDate>soon</pubDate>",
    "<pubDate>2022-01-07T20:31:04Z</pubDate>",
    "<dc:date>2022-01-07T20:31:04Z</dc:date>",
)
FURTHER = (
    "<link rel='enclosure' type='image/jpeg' href='https://n.example/3.jpg'/>",
    "<dc:identifier>n1</dc:identifier>",
    "<dc:language>de</dc:language>",
    "<atom:updated>2022-01-07T21:31:04Z</atom:updated>",
    "<dc:creator>A. Person</dc:creator>",
    "<author>a@n.example (A. Person)</author>",
    "<category>Weather</category>",
    "<media:keywords>river, lake</media:keywords>",
    "<media:credit>A. Person</media:credit>",
    "<media:description>It rises.</media:description>",
    "<media:content url='https://n.example/6.jpg' medium='image'/>",
    "<media:thumbnail url='https://n.example/4.jpg'/>",
    "<media:group><media:description>It rises.</media:description></media:group>",
    "<enclosure url='https://n.example/5.mp3' type='audio/mpeg'/>",
    "<comments>https://n.example/1#c</comments>",
    "<title>A further title</title>",
)
USUAL = [
    "<title>A 1</title>",
    "<description>B 1</description>",
    "<link>https://n.example/1</link>",
    "<guid>1</guid>",
    "<pubDate>Fri, 07 Jan 2022 20:31:04 GMT</pubDate>",
]


@st.composite
def nearly_usual(draw: st.DrawFn) -> str:
    """An entry as usual but for one or two of its elements, in some order."""
    parts = [*USUAL]
    for place in draw(st.lists(st.integers(0, 4), max_size=2)):
        parts[place] = draw(st.sampled_from((TITLES, TEXTS, LINKS, IDS, DATES)[place]))
    parts += draw(st.lists(st.sampled_from(FURTHER), max_size=2))
    said = draw(st.sampled_from(["", "", "", "", ' xml:lang="de"', ' xml:base="https://m.example/"']))
    return f"<item{said}>{''.join(draw(st.permutations(parts)))}</item>"


@settings(max_examples=800, deadline=None)
@given(st.lists(nearly_usual(), min_size=1, max_size=3))
def test_an_entry_read_in_one_go_is_what_asking_for_everything_gives(entries: list[str]) -> None:
    body = f"<rss {SPACES}><channel><title>News</title>{''.join(entries)}</channel></rss>".encode()
    short = _parsed(body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feeds, "read_usual", lambda *_, **__: None)
        assert short == _parsed(body)


SPACES = (
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom"'
)


def test_a_usual_entry_is_read_in_one_go() -> None:
    body = f"<rss><channel><title>News</title><item>{''.join(USUAL)}</item></channel></rss>".encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feeds, "read_entry", None)
        parsed = parse(body, ParseDefinition(url=BASE), fetched_at_ms=0)
    assert [(e.native_id, e.headline, e.body, e.url) for e in parsed.entries] == [
        ("1", "A 1", "B 1", "https://n.example/1")
    ]
