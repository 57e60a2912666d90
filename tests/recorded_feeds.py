"""How each recorded source is read: what a user would write into its feed."""

from __future__ import annotations

NSW = """listing = "full"
kind = "json"
[json]
items = "features"
id = "properties.guid"
headline = "properties.title"
body = "properties.description"
url = "properties.link"
published = "properties.pubDate"
time_format = "%d/%m/%Y %I:%M:%S %p"
timezone = "UTC"
"""
USGS = """kind = "json"
listing = "window"
[json]
items = "features"
id = "properties.url"
headline = "properties.title"
url = "properties.url"
published = "properties.time"
"""
HN = """kind = "json"
[json]
items = "@"
id = "id"
headline = "title"
url = "url"
published = "dt"
body = "join(' ', [to_string(points), to_string(numComments)])"
"""
HEISE = """kind = "html"
[html]
items = "article[data-cid]"
id = "@data-cid"
headline = "header"
body = "a"
url = "a@href"
"""
GUARDIAN = """kind = "json"
listing = "window"
[json]
items = "blocks"
id = "id"
headline = "title"
body = "join(' ', elements[].html)"
published = "blockFirstPublished"
updated = "blockLastUpdated"
"""
NEWS = 'kind = "auto"\n'

DEFINITIONS = {
    "nsw_rfs_raw_202003": NSW,
    "usgs_all_hour": USGS,
    "hn_domain_a": HN,
    "html_heise_de_newsticker": HEISE,
    "guardian_liveblog_mars": GUARDIAN,
    "quirk_fox_truncated": NEWS,
    "rss_bbc_20210920": NEWS,
    "rss_smh_20210920": NEWS,
    "rss_cnn_20210920": NEWS,
    "rss_rnz_20210920": NEWS,
}
