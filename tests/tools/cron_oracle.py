#!/usr/bin/env python3
"""Next times of cron expressions, found the slow way: every UTC minute of a stretch of time is shown on the zone's clock by Python's zoneinfo.

A line for each question: cron|zone|after|next, in UTC seconds. A nominal time is due when the clock first shows it or a later one: skipped
times come at the end of the gap, repeated ones once."""
import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/Dublin", "America/Sao_Paulo", "Africa/Casablanca",
         "Pacific/Apia", "America/St_Johns", "UTC"]
CRONS = ["0 * * * *", "*/15 * * * *", "30 2 * * *", "15 1,2,3 * * *", "0 0 * * *", "59 23 * * *", "45 1 * * 0", "0 2 1-7 * sun", "5-50/9 0-3 * * *", "10 2 29 3 *",
         "0 3 * mar,apr,oct,nov *", "7 */5 * * 1-5"]
FIELDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
NAMES = {**{m: i + 1 for i, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())},
         **{d: i for i, d in enumerate("sun mon tue wed thu fri sat".split())}}


def values(text, field):
    low, high = FIELDS[field]
    out = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            a, b = low, high
        else:
            a, _, b = span.partition("-")
            a = NAMES[a] if a in NAMES else int(a)
            b = (NAMES[b] if b in NAMES else int(b)) if b else (high if step else a)
        out |= set(range(a, b + 1, int(step or 1)))
    return {0 if field == 4 and v == 7 else v for v in out}


def fits(cron, t):
    minute, hour, dom, month, dow = cron.split()
    day, weekday = t.day in values(dom, 2), (t.isoweekday() % 7) in values(dow, 4)
    days = (day and weekday) if dom == "*" or dow == "*" else (day or weekday)
    return days and t.minute in values(minute, 0) and t.hour in values(hour, 1) and t.month in values(month, 3)


def due(cron, zone, start, end):
    """Every moment at which the cron is due in the stretch."""
    out, shown = [], None
    at = start
    while at < end:
        wall = at.astimezone(zone).replace(tzinfo=None)
        if shown is None or wall > shown:
            t = wall if shown is None else shown + timedelta(minutes=1)
            hit = False
            while t <= wall:
                hit = hit or fits(cron, t)
                t += timedelta(minutes=1)
            if hit:
                out.append(at)
            shown = wall
        at += timedelta(minutes=1)
    return out


def main():
    rng = random.Random(5)
    for name in ZONES:
        zone = ZoneInfo(name)
        # days on which the offset changes, in a near year, a far one and a past one
        starts = []
        for year in (2011, 2026, 2047):
            at = datetime(year, 1, 1, tzinfo=timezone.utc)
            was = None
            while at.year == year:
                off = at.astimezone(zone).utcoffset()
                if was is not None and off != was:
                    starts.append(at - timedelta(days=2))
                was = off
                at += timedelta(hours=1)
        starts = starts[:5] or [datetime(2026, 3, 1, tzinfo=timezone.utc)]
        for start in starts:
            for cron in rng.sample(CRONS, 2):
                times = due(cron, zone, start, start + timedelta(days=4))
                for a, b in list(zip(times, times[1:]))[:400:3]:
                    between = a + timedelta(seconds=rng.randrange(int((b - a).total_seconds())))
                    for after in {a, between, b - timedelta(seconds=1)}:
                        print(f"{cron}|{name}|{int(after.timestamp())}|{int(b.timestamp())}")


main()
