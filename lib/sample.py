"""A made-up register to try the program with: believable Finnish prospects, none of them real.

Every phone number holds 555, every address is under example.com, example.org or example.net (RFC 2606), and the
organisations are put together from common words. The same seed and day give the same rows.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from typing import Any, Protocol

from lib.retention import add_years
from lib.schema import BY_CODE, CODES, DATE_CODES, SEPARATOR
from lib.search import fold

YEARS = 8
RETENTION_YEARS = 5  # what a hold of the sample reaches past
DUPLICATES = 0.02
BY = "sample"
DAY = dt.timedelta(days=1)

USERS = ("anna.lehto", "mikko.saari", "johanna.berg", "petri.kallio")


def _words(text: str) -> list[str]:
    return text.split()


WOMEN = _words(
    "Aino Anna Arja Elina Emmi Hanna Henna Inka Jenni Johanna Kaisa Katja Kirsi Kristiina Laura Leena Liisa Marja "
    "Merja Minna Mirja Niina Noora Outi Päivi Pirjo Reetta Riikka Saara Sanna Satu Sirpa Tiina Tuula Ulla Åsa "
    "Märta"
)
MEN = _words(
    "Antti Eero Erkki Heikki Ilkka Jaakko Jani Janne Jari Juha Jukka Kari Lasse Marko Matti Mika Oskari Pekka "
    "Petri Raimo Risto Sami Seppo Tapio Teemu Timo Tuomas Väinö Ville Björn Göran"
)
LAST_NAMES = _words(
    "Aalto Ahonen Anttila Eskola Hakala Halonen Heikkilä Heinonen Hiltunen Hirvonen Hämäläinen Jokinen Järvinen "
    "Kallio Karjalainen Kettunen Kinnunen Koivisto Korhonen Koskinen Laaksonen Lahtinen Laine Laitinen Lehtonen "
    "Leppänen Lindqvist Mäkelä Mäkinen Manninen Miettinen Mustonen Niemi Nieminen Nurmi Nyström Ojala Peltonen "
    "Pitkänen Rantanen Räsänen Saarinen Salminen Salonen Savolainen Sjöberg Toivonen Tuominen Turunen Vainio "
    "Virtanen Väisänen Öhman Åberg"
)
TITLES = _words(
    "Toimitusjohtaja Myyntijohtaja Ostopäällikkö Hankintapäällikkö Kehityspäällikkö Talousjohtaja "
    "Tuotantopäällikkö IT-päällikkö Markkinointipäällikkö Toimistopäällikkö Projektipäällikkö Rehtori Yrittäjä "
    "Kiinteistöpäällikkö"
)
_ORGANISATION_FIRST = _words(
    "Järvi Koivu Metsä Pohjan Etelä Kuusi Honka Lumi Kallio Ranta Saimaan Lakeuden Aurinko Revontuli Tunturi "
    "Kanerva Vuori Sinilinna Karhu Ilves Havu Meri Niitty Kaski Virran Tähti Länsi Käpy Salpa Myrsky Harju Saari "
    "Pelto Suvi Routa Koski Lahden Kivi Sammal Haapa Tervas Joutsen Kurki Susi"
)
_ORGANISATION_LAST = _words(
    "tekniikka rakennus logistiikka konsultointi palvelut kauppa teollisuus energia puu metalli ohjelmistot "
    "huolto leipomo kuljetus suunnittelu kiinteistöt sähkö hoiva media pakkaus automaatio kalusteet vesi lasi "
    "maalaus tekstiili"
)
_COMPANY = ("{} Oy", "{} Oy", "{} Oy", "{} Oyj", "Oy {} Ab", "{} Ky", "Tmi {}", "{} ry")
INTERESTS = (
    "verkkokauppa",
    "huoltosopimus",
    "koulutus",
    "laitehankinta",
    "ohjelmistolisenssit",
    "tietoturva",
    "energiatehokkuus",
    "kiinteistöautomaatio",
    "etähallinta",
    "varaosat",
    "vuokraus",
    "kunnossapidon suunnittelu",
)
# Source: how often it is met, and what its detail says.
_SOURCES: dict[str, tuple[int, tuple[str, ...]]] = {
    "phone": (34, ("", "", "", "Vaihde", "Soittopyyntö")),
    "email": (24, ("", "", "Myynnin postilaatikko", "Vastaus uutiskirjeeseen")),
    "web_form": (20, ("Yhteydenottolomake", "Tarjouspyyntölomake", "Oppaan lataus")),
    "meeting": (
        14,
        ("Alihankinta-messut, Tampere", "FinnBuild-messut, Helsinki", "Asiakastilaisuus", "Aamiaisseminaari"),
    ),
    "public": (
        8,
        ("Kaupparekisteri", "Yrityksen verkkosivut", "Kunnan verkkosivut", "Messujen näytteilleasettajaluettelo"),
    ),
}
_STREETS = ("Hämeenkatu", "Kauppakatu", "Rantatie", "Teollisuuskatu", "Koulukatu", "Asemakatu", "Myllytie")
_CITIES = (
    ("00100", "Helsinki"),
    ("33100", "Tampere"),
    ("20100", "Turku"),
    ("90100", "Oulu"),
    ("40100", "Jyväskylä"),
    ("70100", "Kuopio"),
    ("65100", "Vaasa"),
    ("28100", "Pori"),
    ("60100", "Seinäjoki"),
    ("06100", "Porvoo"),
)
_NOTES = (
    "Toivoo soittoa aamupäivällä.",
    "Pyysi hinnaston sähköpostiin.",
    "Nykyinen sopimus päättyy vuodenvaihteessa.",
    "Vertailee kolmea toimittajaa.",
    "Päätöksen tekee johtoryhmä.\nPalataan asiaan kokouksen jälkeen.",
    "Kiinnostunut, mutta budjetti on jo käytetty.",
    "Ei ajankohtainen nyt, uusi yhteydenotto puolen vuoden päästä.",
    "Haluaa esittelyn etänä.",
    "Lähetetty esite ja referenssit.",
    "Ohjasi hankinnasta vastaavalle.",
)
_MOBILE = ("40", "41", "44", "45", "46", "50")
_LANDLINE = ("9", "2", "3", "8", "6")
# Weight of each weekday from Monday, and of each month: hardly anybody writes on a weekend or in July.
_WEEKDAYS = (10, 11, 11, 10, 7, 0.5, 0.3)
_MONTHS = (1.0, 1.05, 1.1, 1.0, 1.1, 0.8, 0.3, 0.9, 1.2, 1.2, 1.15, 0.65)
_OLDEST_WEIGHT = 0.1  # how many came eight years ago for each one today


class Register(Protocol):
    """What `fill` needs of a store."""

    def add_many(self, rows: list[dict[str, Any]], *, by: str) -> list[str]: ...


def fill(store: Register, rows: int, seed: int, today: dt.date | None = None) -> int:
    """Add made-up prospects to a store and return how many were added."""
    return len(store.add_many(_Maker(seed, today or dt.date.today()).rows(rows), by=BY))


def rows(n: int, seed: int, today: dt.date) -> list[dict[str, Any]]:
    """Made-up prospects in order of entry: every column except `id` and `expires`.

    Nothing lies after `today` except next contacts and the ends of holds; the oldest rows are eight years older. About
    two in a hundred repeat an earlier person.
    """
    return _Maker(seed, today).rows(n)


class _Maker:
    def __init__(self, seed: int, today: dt.date) -> None:
        self.random = random.Random(seed)  # noqa: S311 - made-up data, no secret
        self.today = today

    def rows(self, n: int) -> list[dict[str, Any]]:
        # Drawn without repeats, or many strangers would share a phone; a longer number once the short ones run out.
        digits = 4 if n <= 5_000 else 5
        phones = self.random.sample(range(len(_MOBILE) * 10**digits), n) if n <= len(_MOBILE) * 10**digits else None
        made: list[dict[str, Any]] = []
        for i, received in enumerate(self._received(n)):
            number = phones[i] if phones else self.random.randrange(len(_MOBILE) * 10**digits)
            if i > 20 and self._chance(DUPLICATES):
                person = self._again(made[self.random.randrange(i)])
            else:
                area, end = divmod(number, 10**digits)
                person = self._person(area, f"{end:0{digits}}")
            made.append(self._row(person, received))
        return made

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _later(self, date: dt.date, most: int, least: int = 0) -> dt.date | None:
        """A day after `date`; None where it would be in the future, so that it has not happened yet."""
        day = date + DAY * self.random.randint(least, most)
        return day if day <= self.today else None

    def _received(self, n: int) -> list[dt.date]:
        first = add_years(self.today, -YEARS)
        days = [first + DAY * i for i in range((self.today - first).days + 1)]
        trend = (1 - _OLDEST_WEIGHT) / len(days)
        weights = [
            (_OLDEST_WEIGHT + trend * i) * _WEEKDAYS[day.weekday()] * _MONTHS[day.month - 1]
            for i, day in enumerate(days)
        ]
        return sorted(self.random.choices(days, weights, k=n))

    def _person(self, area: int, number: str) -> dict[str, str]:
        pick = self.random.choice
        stem = pick(_ORGANISATION_FIRST) + pick(_ORGANISATION_LAST)
        names = pick((WOMEN, MEN))
        first, last = pick(names), pick(LAST_NAMES)
        named = self._chance(0.96)
        organised = not named or self._chance(0.92)
        if not organised or self._chance(0.1):  # with a name of their own, or strangers would look like the same person
            first = f"{first}-{pick(names)}"
        domain = f"{fold(stem)}.example.{self.random.choices(('com', 'org', 'net'), (8, 1, 1))[0]}"
        box = f"{fold(first)}.{fold(last)}" if named else "info"
        code, city = pick(_CITIES)
        return {
            "organisation": pick(_COMPANY).format(stem) if organised else "",
            "name": f"{first} {last}" if named else "",
            "title": pick(TITLES) if named and self._chance(0.6) else "",
            "phone": self._phone(area, number) if self._chance(0.85) else "",
            "email": f"{box}@{domain if organised else 'example.com'}" if self._chance(0.8) else "",
            "address": f"{pick(_STREETS)} {self.random.randint(1, 60)}, {code} {city}" if self._chance(0.25) else "",
        }

    def _phone(self, area: int, number: str) -> str:
        kind = self.random.random()
        if kind < 0.01:
            return f"+37255{number:0>6}"  # Estonian mobile
        if kind < 0.15:
            return f"+358{_LANDLINE[area % len(_LANDLINE)]}555{number}"
        return f"+358{_MOBILE[area]}555{number}"

    def _again(self, earlier: Mapping[str, Any]) -> dict[str, str]:
        """The same person met another time: something is always the same, something often missing or misspelt."""
        person = {code: earlier[code] for code in ("organisation", "name", "title", "phone", "email", "address")}
        if person["name"] and self._chance(0.3):
            first, last = person["name"].split(" ")
            person["name"] = f"{last} {first}"
        elif len(person["name"]) > 6 and self._chance(0.3):
            cut = self.random.randint(1, 4)
            person["name"] = person["name"][:cut] + person["name"][cut + 1 :]
        if person["phone"] and person["email"]:
            person[self.random.choice(("phone", "email"))] = ""
        return person

    def _row(self, person: Mapping[str, str], received: dt.date) -> dict[str, Any]:
        row: dict[str, Any] = {
            code: None if code in DATE_CODES else "" for code in CODES if code not in ("id", "expires")
        }
        source = self.random.choices(list(_SOURCES), [weight for weight, _ in _SOURCES.values()])[0]
        user = self.random.choices(USERS, (4, 3, 2, 1))[0]
        row |= {
            **person,
            "received": received,
            "source": source,
            "source_detail": self.random.choice(_SOURCES[source][1]),
            "interests": SEPARATOR.join(
                self.random.sample(INTERESTS, self.random.choices((0, 1, 2, 3), (3, 4, 2, 1))[0])
            ),
            "owner": user if self._chance(0.95) else "",
            "notes": self.random.choice(_NOTES) if self._chance(0.35) else "",
            "created_at": self._moment(self._later(received, 1) or received),
            "created_by": user,
        }
        self._follow(row, received)
        self._rights(row, received)
        self._change(row)
        return row

    def _moment(self, date: dt.date) -> dt.datetime:
        return dt.datetime.combine(date, dt.time(self.random.randint(8, 15), self.random.randint(0, 59)))

    def _follow(self, row: dict[str, Any], received: dt.date) -> None:
        """How far it went, step by step; a step that would lie in the future has not been taken."""
        row["status"], last = "new", received
        steps = (("contacted", "contacted", 14, 0.88), ("offer", "offered", 45, 0.7), ("", "decided", 60, 0.75))
        for status, code, most, share in steps:
            day = self._later(last, most)
            if day is None or not self._chance(share):
                break
            row[code] = last = day
            row["status"] = status or ("customer" if self._chance(0.4) else "closed")
        if row["status"] == "closed" and self._chance(0.5):
            row["offered"] = None  # closed without an offer
        if row["contacted"]:
            row["last_contact"] = self._later(last, 30) or last
        recent = (self.today - received).days < 365
        if recent and row["status"] in ("new", "contacted", "offer") and self._chance(0.6):
            row["next_contact"] = max(self.today + DAY * self.random.randint(-10, 60), received)

    def _rights(self, row: dict[str, Any], received: dt.date) -> None:
        """What the law asks of a row: the notice, objections, restrictions, requests, holds."""
        if self._chance(0.85):
            row["informed"] = self._later(received, 30 if row["source"] == "public" else 5)
        if self._chance(0.015):
            row["objected"] = self._later(received, 400)
        if self._chance(0.005):
            row["restricted"] = self._later(received, 400)
        if self._chance(0.004):
            row["removal_requested"] = max(received, self.today - DAY * self.random.randint(0, 20))
        if self._chance(0.01):
            row["hold_reason"] = self.random.choice(list(BY_CODE["hold_reason"].choices))
            row["hold_until"] = max(self.today, add_years(received, RETENTION_YEARS)) + DAY * self.random.randint(
                30, 700
            )

    def _change(self, row: dict[str, Any]) -> None:
        """Changed when something last happened to it after it was entered, by whom it belongs to."""
        happened = max(
            (row[code] for code in ("last_contact", "objected", "restricted", "removal_requested") if row[code]),
            default=None,
        )
        if happened and happened > row["created_at"].date():
            row["changed_at"], row["changed_by"] = self._moment(happened), row["owner"] or row["created_by"]
