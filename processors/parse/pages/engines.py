"""The live-blog engines whose markup is known: how their blocks, ids, times, pins and key events look."""

from __future__ import annotations

from msgspec import Struct


class Engine(Struct, frozen=True):
    """Selectors of one engine. ``id``, ``time`` are ``selector@attribute`` alternatives, tried in order;
    ``strip`` is cut off the front of ids; ``drop`` is not part of the text. Where ``body`` matches nothing, all else in
    the item is the body.
    """

    name: str
    items: str
    id: tuple[str, ...]
    headline: str
    body: str
    time: tuple[str, ...]
    updated: tuple[str, ...] = ()
    authors: str = ""
    pinned: str = ""
    key_event: str = ""
    strip: tuple[str, ...] = ()
    drop: str = ""


ENGINES: tuple[Engine, ...] = (
    Engine(
        "Guardian",
        "article.block[id^=block-], #pinned-post article.block, [data-gu-name=pinned-post] article.block, "
        "gu-island[name=PinnedPost] article.block, div.block[data-block-id], div.block[itemprop=liveBlogUpdate]",
        ("@data-block-id", "@id", "a[href*='block-']@href"),
        "header h2, h2.block-title",
        "",
        ("time@datetime", ".block-time time@datetime", "time@data-timestamp"),
        updated=(".updated-time time@datetime", "footer time@datetime"),
        pinned="#pinned-post, .pinned-block, [data-gu-name=pinned-post], gu-island[name=PinnedPost]",
        key_event=".is-key-event, .is-summary",
        strip=("block-",),
        drop="header, footer, .block-share, .block-time, .block-title, .updated-time, aside",
    ),
    Engine(
        "BBC",
        "article.lx-stream-post, li.lx-stream__post-container > article, article[data-testid=content-post], "
        "article.qa-post",
        ("@data-post-id", "@id", "@data-id"),
        ".lx-stream-post__header-text, .lx-stream-post__header-title, header h3, h3",
        ".lx-stream-post-body, .lx-stream-post__body, [data-testid=content-post-body]",
        ("time@datetime", ".qa-post-auto-meta", ".qa-meta-time", "[data-testid=timestamp]", "time"),
        authors=".qa-contributor-name, .lx-stream-post__contributor-name",
        pinned=".lx-stream-post--pinned, [data-testid=pinned-post], .qa-pinned-post",
        key_event=".lx-stream-post--key-event",
        strip=("post_", "asset:"),
        drop="header, footer, time, .qa-post-auto-meta, .qa-meta-time, .lx-share-tools, [class*=share]",
    ),
    Engine(
        "CNN",
        "article.live-story-post, div.live-story-post[id], article.liveStoryPost",
        ("@id", "@data-id", "@data-uri"),
        ".live-story-post__headline, h2",
        ".live-story-post__content, .live-story-post__body",
        ("@data-first-publish", "time@datetime", "@data-last-updated", ".live-story-post__timestamp", "time"),
        updated=("@data-last-updated",),
        authors=".live-story-post__byline",
        pinned=".live-story-post--pinned, .pinned",
    ),
    Engine(
        "New York Times",
        "[data-testid=live-blog-post], [data-test-id=live-blog-post], [data-testid=reporter-update], "
        "div.live-blog-post, .live-blog-reporter-update",
        ("@id", "@data-post-id", "@data-url", "a[id]@id"),
        ".live-blog-post-headline, [itemprop=headline], h2, h3",
        "[itemprop=articleBody], .live-blog-post-content",
        ("time@datetime", "[itemprop=datePublished]@content", "time"),
        updated=("[itemprop=dateModified]@content",),
        authors="[itemprop=author] [itemprop=name], .live-blog-byline",
        pinned=".pinned-post, [data-testid=pinned-post]",
        strip=("link-",),
        drop="header, time, h2, h3, [itemprop=headline], [class*=share], [data-testid=live-blog-byline], "
        "[data-testid=copy-link], [data-testid=share-tools]",
    ),
    Engine(
        "Brightspot",
        ".LiveBlogPost[data-post-id], bsp-liveblog-post, .LiveBlogPost[data-posted-date-timestamp]",
        ("@data-post-id", "@id"),
        ".LiveBlogPost-headline",
        ".LiveBlogPost-body",
        ("@data-posted-date-timestamp", "bsp-timestamp@data-timestamp", "time@datetime", ".LiveBlogPost-dateTime"),
        authors=".LiveBlogPost-authors a, .LiveBlogPost-authorName",
        pinned=".LiveBlogPost-pinned, [data-pinned], [data-is-pinned]",
    ),
    Engine(
        "Liveblog.pro (Sourcefabric)",
        "article.lb-post, article[data-js-post-id], .lb-timeline article[data-post-id]",
        ("@data-post-id", "@data-js-post-id", "@data-urn"),
        ".lb-post-headline, .lb-item--headline, .lb-post-title, h2, h3",
        ".lb-item, .items-container, .lb-post-content, .lb-post-body",
        (".lb-post-date@data-js-timestamp", "time@datetime", "@data-sort-time", ".lb-post-date"),
        updated=("@data-js-updated",),
        authors=".lb-author__name",
        pinned=".lb-post--pinned, .lb-post-pinned, .lb-pinned, .sticky-container .lb-post, .mod--pinned",
        key_event=".lb-post--highlighted, .lb-highlighted, .mod--highlighted",
        strip=("urn:newsml:localhost:",),
        drop=".lb-post-header, .lb-author, .lb-post-shareBox",
    ),
    Engine(
        "Norkon Live Center",
        ".ncpost-list-post, .ncpost-container[data-ncpost-id]",
        (".ncpost-container@data-ncpost-id", "@data-ncpost-id", "@aria-labelledby"),
        ".ncpost-title",
        ".ncpost-content",
        ("time.ncpost-timestamp@datetime", ".ncpost-timestamp@data-timestamp", ".ncpost-timestamp"),
        authors=".ncpost-byline",
        pinned=".ncpost-pinned, .ncpost-is-pinned",
        key_event=".ncpost-important, .ncpost-highlighted",
        strip=("ncpost-list-post-title-",),
    ),
    Engine(
        "Times of Israel",
        "[id^=liveblog-entry-]",
        ("@id",),
        ".liveblog-paragraph h4",
        "",
        (".liveblog-date [data-timestamp]@data-timestamp",),
        authors=".liveblog-paragraph .byline a",
        strip=("liveblog-entry-",),
        drop=".liveblog-date, .byline, .liveblog-social",
    ),
    Engine(
        "WordPress liveblog (Automattic)",
        "[id^=liveblog-entry-], article.liveblog-entry",
        ("@id", "@data-id"),
        ".liveblog-entry-title, .liveblog-entry-text > h2:first-child, .liveblog-entry-text > h3:first-child, "
        ".liveblog-entry-content > h2:first-child, .liveblog-entry-content > h3:first-child",
        ".liveblog-entry-text, .liveblog-entry-content",
        ("@data-timestamp", "time@datetime", ".liveblog-meta-time time@datetime", ".liveblog-meta-time"),
        authors=".liveblog-author-name, .liveblog-meta-author-name",
        pinned=".liveblog-pinned, .is-pinned",
        key_event=".type-key, .is-key-event, .liveblog-entry-class-key",
        strip=("liveblog-entry-", "id_"),
        drop=".liveblog-entry-actions, .liveblog-entry-title",
    ),
    Engine(
        "Easy Liveblogs",
        "li.elb-liveblog-post, .elb-liveblog-post[data-elb-post-id]",
        ("@data-elb-post-id",),
        ".elb-liveblog-post-heading",
        ".elb-liveblog-post-content",
        ("@data-elb-post-datetime", ".elb-liveblog-post-time time@datetime"),
        authors=".elb-liveblog-post-author",
        pinned=".elb-liveblog-highlighted-post",
    ),
    Engine(
        "Financial Times",
        "article.x-live-blog-post, [data-x-component=live-blog-post]",
        ("@id",),
        ".x-live-blog-post__title, h2",
        ".x-live-blog-post__body, .n-content-body",
        (".x-live-blog-post__timestamp@datetime", "time@datetime"),
        authors=".x-live-blog-post__byline",
        pinned=".x-live-blog-post--pinned, .x-live-blog-pinned-post",
        strip=("post-",),
    ),
    Engine(
        "AMP live list",
        "amp-live-list [data-sort-time]:not([data-tombstone])",
        ("@id",),
        "[itemprop=headline], h2, h3",
        "",
        ("time@datetime", "@data-sort-time"),
        updated=("@data-update-time",),
        drop="time, [class*=share], amp-social-share",
    ),
    Engine(
        "ScribbleLive",
        ".scrbbl-post, li.scribble-post",
        ("@data-post-id", "@id"),
        ".scrbbl-post-title, h2, h3",
        ".scrbbl-post-content, .scribble-post-content",
        ("time@datetime", "@data-timestamp", ".scrbbl-post-timestamp", ".scrbbl-post-date"),
        authors=".scrbbl-post-author, .scrbbl-post-creator-name",
        pinned=".scrbbl-post--pinned, .scrbbl-pinned",
    ),
    Engine(
        "Tickaroo",
        ".tik4-event, .tik3-event-item, .tik4-live-event",
        ("@data-event-id", "@id"),
        ".tik4-title, .tik4-headline, .tik3-event-item__headline, h2, h3",
        ".tik4-content, .tik4-event-content, .tik3-event-item-content",
        ("time@datetime", ".tik4-time", ".tik3-time", "time"),
        authors=".tik4-author, .tik4-by__name",
        pinned=".tik4-event--pinned, .tik4-sticky",
        key_event=".tik4-event--highlight, .tik4-event--key",
    ),
    Engine(
        "Arena",
        ".arena-post, .arena-liveblog [data-post-id], .arena-liveblog article",
        ("@data-post-id", "@id"),
        ".arena-post-title, .post-title, h2, h3",
        ".arena-post-content, .post-content, .message-text",
        ("time@datetime", "@data-timestamp", "time"),
        authors=".arena-post-author, .post-author",
        pinned=".arena-post--pinned, .pinned",
    ),
    Engine(
        "24liveblog",
        ".lb24-liveblog-news, .lb24-news-list-item, .lb24-base-news",
        ("@data-nid", "@data-news-id", "@id"),
        ".lb24-news-title, .lb24-base-news-title, h2, h3",
        ".lb24-news-content, .lb24-base-news-contents",
        ("time@datetime", "@data-created", ".lb24-news-time", ".lb24-base-news-time"),
        authors=".lb24-news-author",
        pinned=".lb24-pinned, .lb24-news-pinned",
    ),
)
"""In order of trying. The first whose items stand on the page is taken."""

EMBEDS: tuple[tuple[str, str], ...] = (
    ("embed.arena.im", "Arena"),
    ("go.arena.im/public/js", "Arena"),
    ("arena-liveblog", "Arena"),
    ("v.24liveblog.com", "24liveblog"),
    ("embed.scribblelive.com", "ScribbleLive"),
    ("livecenter.norkon.net", "Norkon Live Center"),
    ("livecentercdn.norkon.net", "Norkon Live Center"),
    ("tickaroo.com", "Tickaroo"),
    ("tickaroo-liveblog", "Tickaroo"),
    ("liveblog.pro", "Liveblog.pro"),
)
"""Hosts and marks of engines that draw the entries in the reader's browser, so that they are not in the page itself."""
