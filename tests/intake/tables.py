"""Lifelike foreign tables, each with what must come out of it and the corrections by hand that it needs.

People are made up; addresses are under example.com, example.org and example.net, and phone numbers hold 555.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter

from lib.intake.matching import Matching

TODAY = dt.date(2026, 11, 23)
USERS = {"aino": "Aino Kokeilija", "matti.m": "Matti Meikäläinen"}
D = dt.date


@dataclass(frozen=True)
class Case:
    """A file and what comes out: the values of each row that are not empty, and under "+" the columns that are kept."""

    name: str
    file: str
    make: Callable[[], bytes]
    rows: list[dict[str, Any]]
    corrections: Sequence[Callable[[Matching], Matching]] = ()
    warned: dict[int, set[str]] = field(default_factory=dict)  # index of the row -> codes with a warning
    says: Sequence[str] = ()  # what the table's notes must hold
    numbers: Sequence[int] = ()  # of the rows in the file, where they are not those from 2


def stated(**values: Any) -> Callable[[Matching], Matching]:
    return lambda matching: matching.stating(**values)


def target(position: int, code: str) -> Callable[[Matching], Matching]:
    return lambda matching: matching.with_target(position, code)


def order(position: int, which: str) -> Callable[[Matching], Matching]:
    return lambda matching: matching.with_order(position, which)


@dataclass(frozen=True)
class F:
    """A number and its number format, or the same of a date."""

    value: Any
    form: str


def xlsx(
    rows: Sequence[Sequence[Any]],
    *,
    merged: Sequence[str] = (),
    hidden: Sequence[int] = (),
    before: Callable[[Any], None] | None = None,
    name: str = "Taul1",
) -> bytes:
    """A workbook of one sheet, and of what `before` puts in front of it. Dates look as they do in Finland."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_urls": False})
    if before:
        before(book)
    sheet = book.add_worksheet(name)
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if isinstance(cell, F):
                sheet.write(r, c, cell.value, book.add_format({"num_format": cell.form}))
            elif isinstance(cell, (dt.date, dt.datetime)):
                sheet.write_datetime(r, c, cell, book.add_format({"num_format": "d.m.yyyy"}))
            elif cell is not None:
                sheet.write(r, c, cell)
    for area in merged:
        sheet.merge_range(area, "")
        first = area.partition(":")[0]
        sheet.write(first, rows[int("".join(filter(str.isdigit, first))) - 1][ord(first[0]) - 65])
    for number in hidden:
        sheet.set_row(number - 1, None, None, {"hidden": True})
    book.close()
    return buffer.getvalue()


def text(rows: Sequence[Sequence[str]], separator: str, encoding: str, end: str = "\r\n") -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=separator, lineterminator=end).writerows(rows)
    return buffer.getvalue().encode(encoding)


def ods(rows: Sequence[Sequence[Any]], sheet: str = "Taulukko1") -> bytes:
    """A sheet as LibreOffice writes it: numbers with what is shown beside them, repeated empty cells at the end."""
    lines = []
    for row in rows:
        cells = []
        for cell in row:
            if cell is None:
                cells.append("<table:table-cell/>")
            elif isinstance(cell, F):
                cells.append(
                    f'<table:table-cell office:value-type="float" office:value="{cell.value}">'
                    f"<text:p>{cell.form}</text:p></table:table-cell>"
                )
            elif isinstance(cell, dt.date):
                cells.append(
                    f'<table:table-cell office:value-type="date" office:date-value="{cell:%Y-%m-%d}">'
                    f"<text:p>{cell.day}.{cell.month}.{cell.year}</text:p></table:table-cell>"
                )
            else:
                paragraphs = "".join(f"<text:p>{escape(line)}</text:p>" for line in str(cell).split("\n"))
                cells.append(f'<table:table-cell office:value-type="string">{paragraphs}</table:table-cell>')
        cells.append('<table:table-cell table:number-columns-repeated="16000"/>')
        lines.append(f"<table:table-row>{''.join(cells)}</table:table-row>")
    end = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row>'
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content office:version="1.3" '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="{sheet}">{"".join(lines)}{end}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return buffer.getvalue()


def _help_and_chart(book: Any) -> None:
    sheet = book.add_worksheet("Ohje")
    sheet.write(0, 0, "Täytä lista aina samana päivänä.")
    sheet.write(1, 0, "Kysy epäselvissä tapauksissa myyntipäälliköltä.")
    numbers = book.add_worksheet("Luvut")
    numbers.write_column(0, 0, [1, 2, 3])
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "=Luvut!$A$1:$A$3"})
    book.add_chartsheet("Kaavio").set_chart(chart)


OLD_LIST = Case(
    "an old Finnish list: title, two rows of headings, joined cells",
    "Liidit.xlsx",
    lambda: xlsx(
        [
            ["Liidilista 2019–2023, päivitetty 3.4.2023"],
            [],
            ["Saatu", "Yritys", "Yhteyshenkilö", None, None, "Osoite", "Huom."],
            [None, None, "Nimi", "Puhelin", "Sähköposti"],
            [
                D(2019, 3, 4),
                "Koivupuu Oy",
                "Äijälä Östen",
                F(405550101, "0000000000"),
                "osten@example.com",
                "Katu 1, Oulu",
            ],
            [D(2023, 4, 3), "Lumityö Ky", "Åberg Maj", F(95550102, "00 000 0000"), None, None, "soita iltapäivällä"],
        ],
        merged=["A1:G1", "A3:A4", "B3:B4", "C3:E3", "F3:F4", "G3:G4"],
    ),
    [
        {
            "received": D(2019, 3, 4),
            "source": "phone",
            "organisation": "Koivupuu Oy",
            "name": "Äijälä Östen",
            "phone": "+358405550101",
            "email": "osten@example.com",
            "address": "Katu 1, Oulu",
        },
        {
            "received": D(2023, 4, 3),
            "source": "phone",
            "organisation": "Lumityö Ky",
            "name": "Åberg Maj",
            "phone": "+35895550102",
            "notes": "soita iltapäivällä",
        },
    ],
    [stated(source="phone")],
    says=["Liidilista 2019–2023"],
    numbers=[5, 6],
)

ADDRESSES = Case(
    "a list of addresses, as for letters: street, postcode as a number, town",
    "osoitteet.xlsx",
    lambda: xlsx(
        [
            ["Yritys", "Yhteyshenkilö", "Katuosoite", "Postinumero", "Paikkakunta", "Puhelin"],
            ["Metsätyö Oy", "Laine Eero", "Kuusitie 4", 120, "Helsinki", "09 555 0103"],
            ["Kivityö Oy", "Salo Ulla", "Rantakatu 5 B", "33100", "TAMPERE", "+358 40 555 0104"],
            ["Rautatyö Oy", None, None, "90100", "Oulu", None],
        ]
    ),
    [
        {
            "received": D(2024, 5, 6),
            "source": "meeting",
            "organisation": "Metsätyö Oy",
            "name": "Laine Eero",
            "address": "Kuusitie 4, 00120 Helsinki",
            "phone": "+35895550103",
        },
        {
            "received": D(2024, 5, 6),
            "source": "meeting",
            "organisation": "Kivityö Oy",
            "name": "Salo Ulla",
            "address": "Rantakatu 5 B, 33100 TAMPERE",
            "phone": "+358405550104",
        },
        {"received": D(2024, 5, 6), "source": "meeting", "organisation": "Rautatyö Oy", "address": "90100 Oulu"},
    ],
    [stated(source="meeting"), stated(received=D(2024, 5, 6))],
)

TWO_NAMES = Case(
    "last and first name in two columns, the last one first",
    "kontaktit.xlsx",
    lambda: xlsx(
        [
            ["Sukunimi", "Etunimi", "Titteli", "Firma", "Gsm", "Meili", "Kirjattu", "Lähde"],
            [
                "Mäki",
                "Liisa",
                "Ostaja",
                "Sähkötyö Oy",
                "0405550105",
                "liisa.maki@example.com",
                D(2022, 1, 31),
                "puhelu",
            ],
            ["Öhman", "Åke", None, "Vesityö Ab", "050-555 0106", None, D(2022, 2, 1), "Sähköposti"],
        ]
    ),
    [
        {
            "received": D(2022, 1, 31),
            "source": "phone",
            "organisation": "Sähkötyö Oy",
            "name": "Liisa Mäki",
            "title": "Ostaja",
            "phone": "+358405550105",
            "email": "liisa.maki@example.com",
        },
        {
            "received": D(2022, 2, 1),
            "source": "email",
            "organisation": "Vesityö Ab",
            "name": "Åke Öhman",
            "phone": "+358505550106",
        },
    ],
)

PHONES = Case(
    "phones that Excel took for numbers, with formats that tell and without",
    "puhelimet.xlsx",
    lambda: xlsx(
        [
            ["Pvm", "Nimi", "Puhelinnumero", "Mistä"],
            [D(2021, 5, 1), "Ahti Yksi", F(405550107, "0000000000"), "puhelin"],
            [D(2021, 5, 2), "Ahti Kaksi", F(358405550108, '"+"0'), "puhelin"],
            [D(2021, 5, 3), "Ahti Kolme", F(405550109, '"+358 "00 000 0000'), "puhelin"],
            [D(2021, 5, 4), "Ahti Neljä", F(405550110, "000-000 0000"), "puhelin"],
            [D(2021, 5, 5), "Ahti Viisi", 405550111, "puhelin"],
            [D(2021, 5, 6), "Ahti Kuusi", F(358405550112, "0.00E+00"), "puhelin"],
            [D(2021, 5, 7), "Ahti Seitsemän", "3,58405550113E+11", "puhelin"],
        ]
    ),
    [
        {"received": D(2021, 5, n), "source": "phone", "name": f"Ahti {word}", "phone": f"+3584055501{n + 6:02}"}
        for n, word in enumerate(("Yksi", "Kaksi", "Kolme", "Neljä", "Viisi", "Kuusi", "Seitsemän"), 1)
    ],
    warned={4: {"phone"}, 5: {"phone"}, 6: {"phone"}},
)

DATES = Case(
    "dates as dates, texts in three languages, numbers of days",
    "päivät.xlsx",
    lambda: xlsx(
        [
            ["Saapunut", "Yritys", "Kanava", "Seuraava yhteydenotto"],
            [D(2021, 2, 1), "Yhtiö Yksi", "Web", "15.12.2026"],
            ["1.2.2021", "Yhtiö Kaksi", "Web", "2027-01-02"],
            ["1.2.21", "Yhtiö Kolme", "Web", None],
            [44228, "Yhtiö Neljä", "Web", None],
            ["1. helmikuuta 2021", "Yhtiö Viisi", "Web", None],
            ["2021-02-01", "Yhtiö Kuusi", "Web", None],
            ["Feb 1, 2021", "Yhtiö Seitsemän", "Web", None],
            ["1.2.2021 klo 14.30", "Yhtiö Kahdeksan", "Web", None],
            ["01.02.1999", "Yhtiö Yhdeksän", "Web", None],
        ]
    ),
    [
        {
            "received": D(2021, 2, 1),
            "source": "web_form",
            "organisation": "Yhtiö Yksi",
            "next_contact": D(2026, 12, 15),
        },
        {"received": D(2021, 2, 1), "source": "web_form", "organisation": "Yhtiö Kaksi", "next_contact": D(2027, 1, 2)},
        *(
            {"received": D(2021, 2, 1), "source": "web_form", "organisation": f"Yhtiö {word}"}
            for word in ("Kolme", "Neljä", "Viisi", "Kuusi", "Seitsemän", "Kahdeksan")
        ),
        {"received": D(1999, 2, 1), "source": "web_form", "organisation": "Yhtiö Yhdeksän"},
    ],
)

HUBSPOT = Case(
    "contacts of HubSpot, English, UTF-8 with commas",
    "hubspot-crm-exports-all-contacts-2026-03-02.csv",
    lambda: text(
        [
            [
                "Record ID",
                "First Name",
                "Last Name",
                "Email",
                "Phone Number",
                "Contact owner",
                "Company name",
                "Last Activity Date",
                "Lead Status",
                "Create Date",
                "Job Title",
                "Street Address",
                "City",
                "Postal Code",
                "Original Traffic Source",
                "Unsubscribed from all email",
            ],
            [
                "51",
                "Päivi",
                "Äyräs",
                "paivi@example.com",
                "+358 40 555 0114",
                "Matti Meikäläinen",
                "Harjutyö Oy",
                "2025-11-02 10:12",
                "In Progress",
                "2024-02-29 09:15",
                "CEO",
                "Pihatie 2",
                "Espoo",
                "02100",
                "Organic Search",
                "false",
            ],
            [
                "52",
                "Bo",
                "Ek",
                "bo@example.org",
                "",
                "",
                "",
                "",
                "New",
                "2025-01-07 23:59",
                "",
                "",
                "",
                "",
                "Direct Traffic",
                "true",
            ],
        ],
        ",",
        "utf-8",
        "\n",
    ),
    [
        {
            "received": D(2024, 2, 29),
            "source": "web_form",
            "source_detail": "Organic Search",
            "organisation": "Harjutyö Oy",
            "name": "Päivi Äyräs",
            "title": "CEO",
            "phone": "+358405550114",
            "email": "paivi@example.com",
            "address": "Pihatie 2, 02100 Espoo",
            "status": "contacted",
            "last_contact": D(2025, 11, 2),
            "owner": "matti.m",
            "+": {"Record ID": "51"},
        },
        {
            "received": D(2025, 1, 7),
            "source": "web_form",
            "source_detail": "Direct Traffic",
            "name": "Bo Ek",
            "email": "bo@example.org",
            "status": "new",
            "objected": TODAY,
            "+": {"Record ID": "52"},
        },
    ],
    [stated(source="web_form")],
    warned={1: {"objected"}},
)

HUBSPOT_FI = Case(
    "contacts of HubSpot, Finnish",
    "hubspot-crm-exports-kaikki.xlsx",
    lambda: xlsx(
        [
            [
                "Tietueen tunnus",
                "Etunimi",
                "Sukunimi",
                "Sähköposti",
                "Puhelinnumero",
                "Yhteyshenkilön omistaja",
                "Yrityksen nimi",
                "Luontipäivämäärä",
                "Liidin tila",
                "Alkuperäinen lähde",
            ],
            [
                7,
                "Esa",
                "Niemi",
                "esa@example.net",
                "0405550115",
                "Aino Kokeilija",
                "Saarityö Oy",
                dt.datetime(2023, 6, 5, 8, 0),
                "Yhdistetty",
                "Sähköposti",
            ],
        ]
    ),
    [
        {
            "received": D(2023, 6, 5),
            "source": "email",
            "organisation": "Saarityö Oy",
            "name": "Esa Niemi",
            "phone": "+358405550115",
            "email": "esa@example.net",
            "status": "contacted",
            "owner": "aino",
            "+": {"Tietueen tunnus": 7},
        }
    ],
)

PIPEDRIVE = Case(
    "people of Pipedrive: two phones, name twice",
    "people-14229.xlsx",
    lambda: xlsx(
        [
            [
                "Person - Name",
                "Person - First name",
                "Person - Last name",
                "Person - Label",
                "Person - Organization",
                "Person - Email - Work",
                "Person - Phone - Work",
                "Person - Phone - Mobile",
                "Person - Person created",
                "Person - Owner",
                "Person - Won deals",
            ],
            [
                "Ville Virta",
                "Ville",
                "Virta",
                "Hot lead",
                "Virtatyö Oy",
                "ville@example.com",
                "09 555 0116",
                "040 555 0117",
                "2022-09-13 07:00:01",
                "Pekka Poissa",
                0,
            ],
            [
                "Sari Suo",
                "Sari",
                "Suo",
                None,
                "Suotyö Oy",
                None,
                None,
                "040 555 0118",
                "2022-10-14 07:00:01",
                "aino",
                2,
            ],
        ]
    ),
    [
        {
            "received": D(2022, 9, 13),
            "source": "meeting",
            "organisation": "Virtatyö Oy",
            "name": "Ville Virta",
            "phone": "+35895550116",
            "email": "ville@example.com",
            "interests": "Hot lead",
            "notes": "Person - Owner: Pekka Poissa\nPerson - Phone - Mobile: 040 555 0117",
            "+": {"Person - Won deals": 0},
        },
        {
            "received": D(2022, 10, 14),
            "source": "meeting",
            "organisation": "Suotyö Oy",
            "name": "Sari Suo",
            "owner": "aino",
            "notes": "Person - Phone - Mobile: 040 555 0118",
            "+": {"Person - Won deals": 2},
        },
    ],
    [stated(source="meeting")],
    warned={0: {"owner"}},
)

SALESFORCE = Case(
    "a report of Salesforce, American dates, Windows-1252",
    "report1700000000000.csv",
    lambda: text(
        [
            [
                "First Name",
                "Last Name",
                "Title",
                "Company / Account",
                "Email",
                "Phone",
                "Street",
                "City",
                "Zip/Postal Code",
                "Country",
                "Lead Source",
                "Lead Status",
                "Create Date",
                "Lead Owner",
                "Email Opt Out",
            ],
            [
                "Jörgen",
                "Sjö",
                "VD",
                "Sjötyö Ab",
                "jorgen@example.com",
                "(09) 555 0119",
                "Strandgatan 1",
                "Esbo",
                "02100",
                "Finland",
                "Web",
                "Open - Not Contacted",
                "2/25/2023",
                "Aino Kokeilija",
                "0",
            ],
            [
                "Kerttu",
                "Löf",
                "",
                "Löftyö Oy",
                "",
                "0405550120",
                "",
                "",
                "",
                "",
                "Phone Inquiry",
                "Working - Contacted",
                "3/4/2023",
                "Aino Kokeilija",
                "0",
            ],
        ],
        ",",
        "cp1252",
    ),
    [
        {
            "received": D(2023, 2, 25),
            "source": "web_form",
            "organisation": "Sjötyö Ab",
            "name": "Jörgen Sjö",
            "title": "VD",
            "phone": "+35895550119",
            "email": "jorgen@example.com",
            "address": "Strandgatan 1, 02100 Esbo, Finland",
            "status": "new",
            "owner": "aino",
        },
        {
            "received": D(2023, 3, 4),
            "source": "phone",
            "organisation": "Löftyö Oy",
            "name": "Kerttu Löf",
            "phone": "+358405550120",
            "status": "contacted",
            "owner": "aino",
        },
    ],
)

ODOO = Case(
    "leads of Odoo",
    "crm.lead.xlsx",
    lambda: xlsx(
        [
            [
                "Created on",
                "Opportunity",
                "Contact Name",
                "Company Name",
                "Job Position",
                "Email",
                "Phone",
                "City",
                "Country",
                "Salesperson",
                "Stage",
                "Tags",
                "Source",
                "Notes",
            ],
            [
                dt.datetime(2024, 8, 9, 10, 11, 12),
                "Uusi varasto",
                "Ilta Aho",
                "Ahotyö Oy",
                "Rehtori",
                "ilta@example.com",
                "+358 50 555 0121",
                "Kuopio",
                "Finland",
                "Matti Meikäläinen",
                "Proposition",
                "Lämpö,Vesi",
                "Website",
                "Soita\nmaanantaina",
            ],
            [
                dt.datetime(2024, 8, 10, 10, 11, 12),
                "Katto",
                "Yö Oja",
                None,
                None,
                None,
                "+358 50 555 0122",
                None,
                None,
                None,
                "New",
                None,
                "Website",
                None,
            ],
        ]
    ),
    [
        {
            "received": D(2024, 8, 9),
            "source": "web_form",
            "organisation": "Ahotyö Oy",
            "name": "Ilta Aho",
            "title": "Rehtori",
            "phone": "+358505550121",
            "email": "ilta@example.com",
            "address": "Kuopio, Finland",
            "interests": "Lämpö; Vesi",
            "status": "offer",
            "owner": "matti.m",
            "notes": "Soita\nmaanantaina",
            "+": {"Opportunity": "Uusi varasto"},
        },
        {
            "received": D(2024, 8, 10),
            "source": "web_form",
            "name": "Yö Oja",
            "phone": "+358505550122",
            "status": "new",
            "+": {"Opportunity": "Katto"},
        },
    ],
)

ESPO = Case(
    "leads of EspoCRM, Finnish, semicolons, UTF-8 with a mark",
    "Liidit.csv",
    lambda: text(
        [
            [
                "Nimi",
                "Tila",
                "Lähde",
                "Tilin nimi",
                "Sähköposti",
                "Puhelin",
                "Titteli",
                "Luotu",
                "Määritetty käyttäjä",
                "Kuvaus",
            ],
            [
                "Saija Särkkä",
                "Uusi",
                "Web-lomake",
                "Särkkätyö Oy",
                "saija@example.com",
                "+358405550123",
                "Johtaja",
                "14.03.2025 09:05",
                "aino",
                'Kysyi hintaa; "heti"',
            ],
        ],
        ";",
        "utf-8-sig",
    ),
    [
        {
            "received": D(2025, 3, 14),
            "source": "web_form",
            "organisation": "Särkkätyö Oy",
            "name": "Saija Särkkä",
            "title": "Johtaja",
            "phone": "+358405550123",
            "email": "saija@example.com",
            "status": "new",
            "owner": "aino",
            "notes": 'Kysyi hintaa; "heti"',
        }
    ],
)

SEMICOLONS = Case(
    "an old list saved by a Finnish Excel: semicolons, Windows-1252, decimal commas",
    "vanha lista.csv",
    lambda: text(
        [
            ["Päiväys", "Asiakas", "Yht.hlö", "Puh.", "Lähde", "Arvo €"],
            ["3.1.2020", "Hämeen Työ Oy", "Äkäslompolo Pöllö", "0405550124", "Puhelu", "1 234,50"],
            ["28.2.2020", "Åbotyö Ab", "Östersjö Åsa", "02 555 0125", "Tapaaminen", "0,5"],
        ],
        ";",
        "cp1252",
    ),
    [
        {
            "received": D(2020, 1, 3),
            "source": "phone",
            "organisation": "Hämeen Työ Oy",
            "name": "Äkäslompolo Pöllö",
            "phone": "+358405550124",
            "+": {"Arvo €": "1 234,50"},
        },
        {
            "received": D(2020, 2, 28),
            "source": "meeting",
            "organisation": "Åbotyö Ab",
            "name": "Östersjö Åsa",
            "phone": "+35825550125",
            "+": {"Arvo €": "0,5"},
        },
    ],
)

COMMAS = Case(
    "commas and quotation marks, UTF-8 without a mark, zeros already lost",
    "export.csv",
    lambda: text(
        [
            ["name", "company", "phone", "e-mail", "date added", "comments", "source"],
            ["Törmä, Jyrki", "Törmätyö, Oy", "405550126", "jyrki@example.com", "2021-12-31", 'sanoi "ehkä"', "email"],
            ["Räme, Kaija", "Rämetyö Oy", "3.58405550127E+11", "", "2022-01-01", "rivi 1\nrivi 2", "email"],
        ],
        ",",
        "utf-8",
    ),
    [
        {
            "received": D(2021, 12, 31),
            "source": "email",
            "organisation": "Törmätyö, Oy",
            "name": "Törmä, Jyrki",
            "phone": "+358405550126",
            "email": "jyrki@example.com",
            "notes": 'sanoi "ehkä"',
        },
        {
            "received": D(2022, 1, 1),
            "source": "email",
            "organisation": "Rämetyö Oy",
            "name": "Räme, Kaija",
            "phone": "+358405550127",
            "notes": "rivi 1\nrivi 2",
        },
    ],
    warned={0: {"phone"}, 1: {"phone"}},
)

TABS = Case(
    "text with tabs in UTF-16, as Excel saves Unicode text",
    "lista.txt",
    lambda: text(
        [
            ["Vastaanotettu", "Lähde", "Organisaatio", "Nimi", "Sähköpostiosoite"],
            ["5.5.2025", "Verkkolomake", "Työ & Poika Oy", "Čeda Žižka", "ceda@example.com"],
        ],
        "\t",
        "utf-16",
    ),
    [
        {
            "received": D(2025, 5, 5),
            "source": "web_form",
            "organisation": "Työ & Poika Oy",
            "name": "Čeda Žižka",
            "email": "ceda@example.com",
        }
    ],
)

MACINTOSH = Case(
    "text of an old Macintosh",
    "mac.csv",
    lambda: text(
        [
            ["Päivä", "Yritys", "Lähde"],
            ["6.6.2018", "Käärmetyö Öljy Oy", "Sähköposti"],
            ["7.6.2018", "Ääni ja Åland Ab", "Sähköposti"],
        ],
        ";",
        "mac_roman",
        "\r",
    ),
    [
        {"received": D(2018, 6, 6), "source": "email", "organisation": "Käärmetyö Öljy Oy"},
        {"received": D(2018, 6, 7), "source": "email", "organisation": "Ääni ja Åland Ab"},
    ],
)

TOTALS = Case(
    "hidden rows, a repeated heading, a row of totals and a line below",
    "summat.xlsx",
    lambda: xlsx(
        [
            ["Pvm", "Yritys", "Nimi", "Lähde", "Tarjous €"],
            [D(2022, 3, 1), "Aaltotyö Oy", "Ari Aalto", "Puhelu", 1200],
            [D(2022, 3, 2), "Beetatyö Oy", "Berta Bee", "Puhelu", 800],
            ["Pvm", "Yritys", "Nimi", "Lähde", "Tarjous €"],
            [D(2022, 3, 3), "Yhteensä Oy", "Cia Cee", "Puhelu", 5],
            ["Yhteensä", None, None, None, 2005],
            [],
            ["Tulostettu 4.3.2022"],
        ],
        hidden=[3],
    ),
    [
        {
            "received": D(2022, 3, n),
            "source": "phone",
            "organisation": organisation,
            "name": name,
            "+": {"Tarjous €": value},
        }
        for n, organisation, name, value in (
            (1, "Aaltotyö Oy", "Ari Aalto", 1200),
            (2, "Beetatyö Oy", "Berta Bee", 800),
            (3, "Yhteensä Oy", "Cia Cee", 5),
        )
    ],
    says=["Hidden rows are read, too: 1", "Row 6 was left out: Yhteensä | 2005", "Row 8 was left out", "Row 4 was"],
    numbers=[2, 3, 5],
)

TWO_PHONES = Case(
    "two phones, and headings that stand there twice",
    "kaksi.xlsx",
    lambda: xlsx(
        [
            ["Pvm", "Nimi", "Puhelin", "Puhelin", "Koodi", "Koodi", "Lähde"],
            [D(2023, 7, 8), "Tuija Kaksi", "040 555 0128", "09 555 0129", "A1", "B2", "Puhelu"],
            [D(2023, 7, 9), "Toni Kaksi", None, "09 555 0130", None, "B3", "Puhelu"],
        ]
    ),
    [
        {
            "received": D(2023, 7, 8),
            "source": "phone",
            "name": "Tuija Kaksi",
            "phone": "+358405550128",
            "notes": "Puhelin: 09 555 0129",
            "+": {"Koodi": "A1", "Koodi (2)": "B2"},
        },
        {
            "received": D(2023, 7, 9),
            "source": "phone",
            "name": "Toni Kaksi",
            "notes": "Puhelin: 09 555 0130",
            "+": {"Koodi (2)": "B3"},
        },
    ],
)

NO_HEADINGS = Case(
    "no headings at all",
    "lista ilman otsikoita.xlsx",
    lambda: xlsx(
        [
            [D(2020, 10, 1), "Pihlajatyö Oy", "Pia Pihlaja", "0405550131", "pia@example.com", "Puhelu"],
            [D(2020, 10, 2), "Tammityö Oy", "Timo Tammi", "0405550132", "timo@example.com", "Tapaaminen"],
            [D(2020, 10, 3), "Leppätyö Oy", "Lea Leppä", "0405550133", None, "Puhelu"],
        ]
    ),
    [
        {
            "received": D(2020, 10, 1),
            "source": "phone",
            "organisation": "Pihlajatyö Oy",
            "name": "Pia Pihlaja",
            "phone": "+358405550131",
            "email": "pia@example.com",
        },
        {
            "received": D(2020, 10, 2),
            "source": "meeting",
            "organisation": "Tammityö Oy",
            "name": "Timo Tammi",
            "phone": "+358405550132",
            "email": "timo@example.com",
        },
        {
            "received": D(2020, 10, 3),
            "source": "phone",
            "organisation": "Leppätyö Oy",
            "name": "Lea Leppä",
            "phone": "+358405550133",
        },
    ],
    numbers=[1, 2, 3],
)

FREE_SOURCE = Case(
    "the source in free words, a received date that nobody wrote down",
    "messuliidit.xlsx",
    lambda: xlsx(
        [
            ["Nimi", "Yritys", "Mistä tuli", "Sposti"],
            ["Kai Kari", "Karityö Oy", "Rakennusmessut 2023, osasto B12", "kai@example.com"],
            ["Kia Kari", "Kiatyö Oy", "naapurin vinkki", "kia@example.com"],
        ]
    ),
    [
        {
            "received": D(2023, 4, 20),
            "source": "meeting",
            "source_detail": "Rakennusmessut 2023, osasto B12",
            "organisation": "Karityö Oy",
            "name": "Kai Kari",
            "email": "kai@example.com",
        },
        {
            "received": D(2023, 4, 20),
            "source": "meeting",
            "source_detail": "naapurin vinkki",
            "organisation": "Kiatyö Oy",
            "name": "Kia Kari",
            "email": "kia@example.com",
        },
    ],
    [stated(source="meeting"), stated(received=D(2023, 4, 20))],
)

TICKS = Case(
    "interests in several columns that are ticked, below one joined heading",
    "kiinnostus.xlsx",
    lambda: xlsx(
        [
            ["Pvm", "Yritys", "Kiinnostus", None, None, "Lähde"],
            [None, None, "Lämpöpumppu", "Aurinkosähkö", "Varaston siivous", None],
            [D(2024, 11, 11), "Puutyö Oy", "x", None, "X", "Puhelu"],
            [D(2024, 11, 12), "Savityö Oy", None, "x", None, "Puhelu"],
            [D(2024, 11, 13), "Lasityö Oy", None, None, None, "Puhelu"],
        ],
        merged=["A1:A2", "B1:B2", "C1:E1", "F1:F2"],
    ),
    [
        {
            "received": D(2024, 11, 11),
            "source": "phone",
            "organisation": "Puutyö Oy",
            "interests": "Lämpöpumppu; Varaston siivous",
        },
        {"received": D(2024, 11, 12), "source": "phone", "organisation": "Savityö Oy", "interests": "Aurinkosähkö"},
        {"received": D(2024, 11, 13), "source": "phone", "organisation": "Lasityö Oy"},
    ],
    numbers=[3, 4, 5],
)

SHEETS = Case(
    "sheets with help and a chart before the list; notes with line breaks; a status in own words",
    "liidirekisteri.xlsx",
    lambda: xlsx(
        [
            [None, None, "Päivitetty 1.2.2026"],
            ["Nro", "Luotu", "Yritys", "Kontakti", "Tila", "Lisätiedot", "Kanava"],
            [
                1,
                D(2025, 9, 1),
                "Hiekkatyö Oy",
                "Hilla Hiekka",
                "kuuma",
                "Soitettu 2.9.\nPalataan\n– ensi vuonna",
                "Messut",
            ],
            [2, D(2025, 9, 2), "Sorotyö Oy", "Sampo Soro", "haalea", None, "Puhelin"],
        ],
        before=_help_and_chart,
        name="Liidit",
    ),
    [
        {
            "received": D(2025, 9, 1),
            "source": "meeting",
            "source_detail": "Messut",
            "organisation": "Hiekkatyö Oy",
            "name": "Hilla Hiekka",
            "notes": "Soitettu 2.9.\nPalataan\n– ensi vuonna",
            "+": {"Nro": 1, "Tila (2)": "kuuma"},
        },
        {
            "received": D(2025, 9, 2),
            "source": "phone",
            "organisation": "Sorotyö Oy",
            "name": "Sampo Soro",
            "+": {"Nro": 2, "Tila (2)": "haalea"},
        },
    ],
    says=["Päivitetty 1.2.2026"],
    numbers=[3, 4],
)

OPEN_DOCUMENT = Case(
    "a list of LibreOffice: numbers that look like phones, empty rows to the end of the sheet",
    "lista.ods",
    lambda: ods(
        [
            ["Päivämäärä", "Yhtiö", "Henkilö", "Matkapuhelin", "Viesti", "Lähde"],
            [D(2022, 8, 15), "Jäätyö Oy", "Jaana Jää", F(405550134, "0405550134"), "Tule & katso", "Lomake"],
            [D(2022, 8, 16), "Sulatyö Oy", "Simo Sula", F(358405550135, "+358 40 5550135"), "a\nb", "Lomake"],
        ]
    ),
    [
        {
            "received": D(2022, 8, 15),
            "source": "web_form",
            "organisation": "Jäätyö Oy",
            "name": "Jaana Jää",
            "phone": "+358405550134",
            "notes": "Tule & katso",
        },
        {
            "received": D(2022, 8, 16),
            "source": "web_form",
            "organisation": "Sulatyö Oy",
            "name": "Simo Sula",
            "phone": "+358405550135",
            "notes": "a\nb",
        },
    ],
)

AMBIGUOUS = Case(
    "dates that can be two days: asked once for the column",
    "leads.csv",
    lambda: text(
        [
            ["Date", "Company", "Contact person", "Channel", "Follow-up"],
            ["01/02/2021", "Unotyö Oy", "Uuno Uno", "phone", "05/06/2027"],
            ["03/04/2021", "Duotyö Oy", "Daavid Duo", "phone", "25/06/2027"],
        ],
        ",",
        "utf-8",
    ),
    [
        {
            "received": D(2021, 2, 1),
            "source": "phone",
            "organisation": "Unotyö Oy",
            "name": "Uuno Uno",
            "next_contact": D(2027, 6, 5),
        },
        {
            "received": D(2021, 4, 3),
            "source": "phone",
            "organisation": "Duotyö Oy",
            "name": "Daavid Duo",
            "next_contact": D(2027, 6, 25),
        },
    ],
    [order(0, "dmy")],
)

CASES = [
    OLD_LIST, ADDRESSES, TWO_NAMES, PHONES, DATES, HUBSPOT, HUBSPOT_FI, PIPEDRIVE, SALESFORCE, ODOO, ESPO, SEMICOLONS,
    COMMAS, TABS, MACINTOSH, TOTALS, TWO_PHONES, NO_HEADINGS, FREE_SOURCE, TICKS, SHEETS, OPEN_DOCUMENT, AMBIGUOUS,
]  # fmt: skip
