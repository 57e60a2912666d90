"""Times in all the ways that sources write them."""

from __future__ import annotations

from typing import Any

import pytest

from processors.parse.dates import parse_time
from wirewatch.times import format_ms

NOW = 1_746_366_018_110  # 2025-05-04T13:40:18Z


def at(raw: object, **keys: object) -> str | None:
    found = parse_time(raw, **keys)
    return None if found is None else f"{format_ms(found.ms)[:19]} {found.precision}"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2022-01-07T20:31:04Z", "2022-01-07T20:31:04 second"),
        ("2022-01-07T20:31:04.123456+05:30", "2022-01-07T15:01:04 second"),
        ("2022-01-07 20:31", "2022-01-07T20:31:00 minute"),
        ("2022-01-07 20:31:04 Europe/Berlin", "2022-01-07T19:31:04 second"),
        ("20220107T20:31:04Z", "2022-01-07T20:31:04 second"),
        ("/Date(1641587464000)/", "2022-01-07T20:31:04 second"),
        ("/Date(1641587464000+0100)/", "2022-01-07T20:31:04 second"),
        ("Fri, 07 01 2022 20:31:04 +0100", "2022-01-07T19:31:04 second"),
        ("Fri, 07 Jan 2022 08:31 PM", "2022-01-07T20:31:00 minute"),
        ("Fri, 07 Jan 2022 20:31:04 +0200CET", "2022-01-07T18:31:04 second"),
        ("2022. 01. 07. 20:31", "2022-01-07T20:31:00 minute"),
        ("07 Oca 2022 20:31:04 +0300", "2022-01-07T17:31:04 second"),
        ("07 Μάρ 2022 20:31:04 +0200", "2022-03-07T18:31:04 second"),
        ("2022-01-07", "2022-01-07T00:00:00 day"),
        ("2022-01-07T24:00:00Z", "2022-01-08T00:00:00 second"),
        ("2022-01-07T23:59:60Z", "2022-01-08T00:00:00 second"),
        ("2022-01-07T20:31:04.974+01:00", "2022-01-07T19:31:04 second"),
        ("2022-02-30T20:31:04Z", None),
        ("Fri, 07 Jan 2022 20:31:04 -0930", "2022-01-08T06:01:04 second"),
        ("Fri, 07 Jan 2022 20:31:04 +9900", None),
        ("Fri, 07 Jan 2022 20:61:04 GMT", None),
        ("Fri, 07 Jan 2022 20:31:04 GMT", "2022-01-07T20:31:04 second"),
        ("7 Jan 2022 20:31 EST", "2022-01-08T01:31:00 minute"),
        ("Friday, 07 January 2022 20:31:04 +0000", "2022-01-07T20:31:04 second"),
        ("Friday, January 7, 2022 at 3:05 p.m. EDT", "2022-01-07T19:05:00 minute"),
        ("Fri, 07 Jan 2022 20:31:04 AEST", "2022-01-07T10:31:04 second"),
        ("Fri, 07 Jan 2022 20:31:04 CET", "2022-01-07T19:31:04 second"),
        ("Fri, 07 Jan 2022 20:31:04 GMT+2", "2022-01-07T18:31:04 second"),
        ("Thu Aug 30 2012 17:26:16 +0200", "2012-08-30T15:26:16 second"),
        ("Sun Jan  4 16:29:06 2004", "2004-01-04T16:29:06 second"),
        ("20:29 GMT 07.01.2022", "2022-01-07T20:29:00 minute"),
        ("12. März 2020, 14:05 Uhr", "2020-03-12T14:05:00 minute"),
        ("19h05 le 3 mai 2022", "2022-05-03T19:05:00 minute"),
        ("7 января 2022, 20:31", "2022-01-07T20:31:00 minute"),
        ("2004年05月28日 01:31:15", "2004-05-28T01:31:15 second"),
        ("25/03/2020 3:27:00 PM", "2020-03-25T15:27:00 second"),
        ("03/25/2020 3:27:00 PM", "2020-03-25T15:27:00 second"),
        ("Fri, 05/03/2024 - 11:42", "2024-05-03T11:42:00 minute"),
        ("Fri, 03/05/2024 - 11:42", "2024-05-03T11:42:00 minute"),
        ("Friday, May 3, 2024 - 11:42", "2024-05-03T11:42:00 minute"),
        ("3 maggio 2024 - 11:42", "2024-05-03T11:42:00 minute"),
        ("3 de maio de 2024 às 11h42", "2024-05-03T11:42:00 minute"),
        ("fre 03. maj 2024 kl. 11.42", "2024-05-03T11:42:00 minute"),
        ("perjantai 3.5.2024 klo 11.42", "2024-05-03T11:42:00 minute"),
        ("pá, 03 kvě 2024 11:42:00 +0200", "2024-05-03T09:42:00 second"),
        ("3. 5. 2024 11:42", "2024-05-03T11:42:00 minute"),
        ("3 травня 2024, 11:42", "2024-05-03T11:42:00 minute"),
        ("3 Μαΐου 2024, 11:42", "2024-05-03T11:42:00 minute"),
        ("٣ مايو ٢٠٢٤", "2024-05-03T00:00:00 day"),
        ("2024. 5. 3. 오전 11:42", "2024-05-03T11:42:00 minute"),
        ("2024年05月03日(金) 11時42分", "2024-05-03T11:42:00 minute"),
        ("Fri May 03 2024 11:42:00 GMT+0200 (Central European Summer Time)", "2024-05-03T09:42:00 second"),
        ("20240718T120000Z", "2024-07-18T12:00:00 second"),
        (1_746_366_018, "2025-05-04T13:40:18 second"),
        (1_746_366_018_110, "2025-05-04T13:40:18 second"),
        ("1746366018", "2025-05-04T13:40:18 second"),
        ("1746366018110", "2025-05-04T13:40:18 second"),
        (1746366018.5, "2025-05-04T13:40:18 second"),
        ("03/05/2024 11:42", None),
        ("Wed, 03/05/2024 11:42", None),
    ],
)
def test_a_time_in_any_common_form_is_read_and_no_zone_means_utc(raw: Any, expected: Any) -> None:
    assert at(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "rubbish",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "1970-01-01T00:00:00Z",
        "2022-13-07",
        "2022-02-30T10:00:00Z",
        "2022-01-07T25:00:00Z",
        "2022-01-07T10:61:00Z",
        "Fri, 99 Jan 2022 10:00:00 GMT",
        "Sun, 16 zzz 2012 11:47:32 GMT",
        "Sun, 16 Dec 2012 1:2:3:4 GMT",
        "Sun, 16 Dec 2012 11:47:32 +zz:00",
        "2013-01-28T11:30:00-06:00Textra",
        "10/03/2020 3:27:00 AM",  # October or March?
        "5",
        "-1",
        "nan",
        "9" * 400,
        "1" * 100,
        0,
        -5,
        True,
        float("nan"),
        float("inf"),
        10**30,
    ],
)
def test_h40_what_cannot_be_believed_is_none(raw: Any) -> None:
    assert at(raw) is None


def test_h41_a_date_ten_years_ahead_is_given_as_it_is() -> None:
    assert at("2035-05-04T00:00:00Z") == "2035-05-04T00:00:00 second"


def test_a_format_of_the_owners_decides_between_day_and_month() -> None:
    keys = {"time_format": "%d/%m/%Y %I:%M:%S %p", "timezone": "Australia/Sydney"}
    assert at("10/03/2020 3:27:00 AM", **keys) == "2020-03-09T16:27:00 second"
    assert at("10/03/2020", time_format="%d/%m/%Y", timezone="Asia/Tokyo") == "2020-03-10T00:00:00 day"


def test_a_format_that_no_longer_fits_falls_back_to_the_standards() -> None:
    assert at("2020-03-10T03:27:00Z", time_format="%d/%m/%Y") == "2020-03-10T03:27:00 second"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "CET", "+01:00", "GMT+1"])
def test_the_owners_zone_holds_where_the_text_names_none(zone: str) -> None:
    assert at("2022-01-07 20:31", timezone=zone) == "2022-01-07T19:31:00 minute"
    assert at("2022-01-07 20:31Z", timezone=zone) == "2022-01-07T20:31:00 minute"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("3m ago", "2025-05-04T13:37:18 minute"),
        ("an hour ago", "2025-05-04T12:40:18 minute"),
        ("vor 5 Minuten", "2025-05-04T13:35:18 minute"),
        ("just now", "2025-05-04T13:40:18 minute"),
        ("13:15", "2025-05-04T13:15:00 minute"),
        ("23:50", "2025-05-03T23:50:00 minute"),
        ("yesterday at 14:30", "2025-05-03T14:30:00 minute"),
        ("Sep 19, 14:05", "2024-09-19T14:05:00 minute"),
        ("3 May", "2025-05-03T00:00:00 day"),
        ("5月3日11時42分", "2025-05-03T11:42:00 minute"),
        ("5 min. fa", "2025-05-04T13:35:18 minute"),
        ("för 5 minuter sedan", "2025-05-04T13:35:18 minute"),
        ("5 хвилин тому", "2025-05-04T13:35:18 minute"),
        ("5分前", "2025-05-04T13:35:18 minute"),
        ("منذ 5 دقائق", "2025-05-04T13:35:18 minute"),
        ("04/05/2025 11:42", "2025-05-04T11:42:00 minute"),
    ],
)
def test_relative_times_are_read_against_the_snapshot_and_only_then(raw: Any, expected: Any) -> None:
    assert at(raw, now_ms=NOW) == expected
    assert at(raw) is None
