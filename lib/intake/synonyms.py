"""What columns are called elsewhere: heading -> code, in old Finnish lists and in the exports of other programs.

The schema's own headings, in all languages, are known beside these. Headings are compared folded: without case,
accents, and what is neither letter nor digit. A heading that may mean something else in the register is left out.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TypeVar

from lib import schema
from lib.search import fold

# By code, one heading a line; where an export has its own name for it, the program stands behind.
_HEADINGS = {
    "received": """
        Vastaanotettu | Vastaanottopäivä | Saatu | Saatu pvm | Saapunut | Saapumispäivä | Saapumispvm
        Tullut | Tuli
        Liidi saatu | Liidin pvm | Liidipäivä | Yhteydenottopäivä | Yhteydenottopvm | Pvm | Päivä | Päiväys
        Päivämäärä
        Kirjattu | Kirjauspäivä | Kirjauspvm | Lisäyspäivä | Lisätty pvm | Lisätty | Rekisteröity
        Rekisteröintipäivä
        Luotu | Luontipäivä | Luontipäivämäärä | Luontiaika | Luonti pvm | Luontihetki | Luotu pvm | Perustettu
        Date | Received on | Received date | Date received | Lead date | Date added | Added on | Added date
        Entry date
        Create Date | Created | Created At | Created On | Created Date | Date Created | Creation date | Add time
        Lead created | Person created | Organization created | Deal created | Record created | Lead - Lead created
        Person - Person created | Mottagen | Datum | Skapad | Inkommen | Inkom | Registrerad
    """,
    "source": """
        Lähde | Liidin lähde | Liidilähde | Mistä | Mistä saatu | Mistä tuli | Kanava | Tulokanava
        Yhteydenottotapa
        Yhteystapa | Tapa | Alkuperä | Alkuperäinen lähde | Hankintakanava | Lead Source | LeadSource
        Source | Channel
        Original Source | Original Traffic Source | Latest Source | Origin | Source channel | Lead origin
        Leadkälla
        Källa | Kanal | Ursprung | Medium | Tietolähde | Yhteydenoton tapa | Liidin alkuperä | Source name
    """,
    "source_detail": """
        Lähteen tarkenne | Lähde tarkemmin | Lähteen lisätieto | Lähteen kuvaus | Lead Source Detail | Source detail
        Source description | Original Source Drill-Down 1 | Original source data 1 | Kampanja | Campaign
        Source campaign | Kampanjan nimi | Campaign name | Messut | Tapahtuma | Alkuperäisen lähteen tarkenne 1
        Source origin ID | Source channel ID | Referred By | Suosittelija | Refererare
    """,
    "organisation": """
        Yritys | Yrityksen nimi | Yritysnimi | Yhtiö | Firma | Organisaatio | Organisaation nimi | Yhteisö
        Toimipaikka
        Asiakas | Asiakasyritys | Asiakkaan nimi | Prospekti | Työnantaja | Company | Company name | Account
        Organization
        Account name | Organization name | Organisation name | Business | Business name | Employer | Tili
        Tilin nimi
        Person - Organization | Organization - Name | Lead - Organization | Deal - Organization | Related Company
        Associated Company | Primary Associated Company | Asiakkuus | Företag | Företagsnamn | Firmanamn | Bolag
        Yritys / yhteisö | Yritys/organisaatio | Partner name | Emoyhtiö / Yritys | Yhteisön nimi | Kunta | Koulu
        Liitetty yritys | Organisation | Customer company | Asunto-osakeyhtiö | Taloyhtiö
    """,
    "name": """
        Nimi | Henkilö | Henkilön nimi | Yhteyshenkilö | Yhteyshenkilön nimi | Kontakti | Kontaktihenkilö
        Koko nimi
        Kontaktin nimi | Yhteystieto | Vastuuhenkilö asiakkaalla | Päättäjä | Name | Full name | Contact
        Contact name
        Contact person | Person | Person name | Person - Name | Lead name | Customer name | Lead - Contact person
        Deal - Contact person | Namn | Kontaktperson | Fullständigt namn | Yhteyshlö | Yht.hlö
        Yhteyshenkilöt | Liidin nimi
        Display name | Näyttönimi | Contact full name
    """,
    "title": """
        Titteli | Tehtävänimike | Tehtävä | Asema | Rooli | Nimike | Ammatti | Virka | Toimi | Job Title | Title
        Job position | Position | Role | Person - Job title | Function | Occupation | Roll | Befattning
        Yrke | Titel
        Työtehtävä | Työnimike | Asema yrityksessä | Account title | Ammattinimike
    """,
    "phone": """
        Puhelin | Puh | Puh. | Puh.nro | Puhelinnumero | Puhelinnro | Puhelin nro | Puhelinnumerot | P. | Numero
        Gsm | GSM-numero | Matkapuhelin | Matkapuhelinnumero | Matkapuh. | Mobiili | Kännykkä | Känny
        Työpuhelin | Puhelin työ | Puhelin (työ) | Puhelin, työ | Puhelin (matka) | Kotipuhelin
        Puhelin koti | Vaihde
        Lankapuhelin | Yrityksen puhelin | Suora numero | Toinen puhelin | Puhelin 1 | Puhelin 2 | Puhelin 3
        Phone | Phone number | Telephone | Tel | Tel. | Mobile | Mobile phone | Mobile Phone Number | Cell
        Cell phone
        Business phone | Work phone | Home phone | Office phone | Other phone | Phone - Work | Phone - Mobile
        Direct phone
        Person - Phone | Person - Phone - Work | Person - Phone - Mobile | Person - Phone - Home
        Person - Phone - Other
        Main phone | Company phone | Assistant phone | Asst. Phone | Mobil | Mobiltelefon | Telefon | Telefonnummer
        Tfn | Arbetstelefon | Phone 1 | Phone 2 | Phone Number (Work) | Matkapuhelimen numero | Office phone number
        Puhelin matka | Yhteysnumero | Soittonumero | Puhelin - Työ | Puhelin - Matkapuhelin | Phone mobile
        Phone work
    """,
    "email": """
        Sähköposti | Sähköpostiosoite | S-posti | Sposti | Meili | Maili | E-maili | Sähköpostit | Sähköposti 1
        Email | E-mail | E-mail address | Email address | Mail | Work email | Person - Email | Person - Email - Work
        Primary email | Contact email | E-post | E-postadress | Epost | Epostadress | Sähköposti (työ)
        Sähköposti työ
        Työsähköposti | Email - Work | Email (Work) | Yrityksen sähköposti | Email 1 | Toinen sähköposti | Email 2
        Person - Email - Home | Person - Email - Other | Secondary email | Additional email addresses | Sähköposti 2
        Lead email | Sähköposti - Työ | Email - Home | Email - Other
    """,
    "address": """
        Osoite | Postiosoite | Käyntiosoite | Lähiosoite ja postitoimipaikka | Osoitetiedot
        Muut yhteystiedot | Adress
        Address | Full address | Mailing address | Complete address | Organization - Address
        Person - Postal address
        Kotiosoite | Toimitusosoite | Laskutusosoite | Postadress | Contact address | Osoite kokonaisuudessaan
    """,
    "interests": """
        Kiinnostus | Kiinnostuksen kohde | Kiinnostuksen kohteet | Kiinnostunut | Tuote | Tuotteet | Tuotekiinnostus
        Aihe | Palvelu | Palvelut | Tarve | Tunnisteet | Tägit | Interest | Interests | Interested in
        Product interest
        Product | Products | Tag | Tags | Topics | Label | Labels | Person - Label | Lead - Label | Intressen
        Intresse
        Produkt | Etiketter | Mistä kiinnostunut | Kiinnostuksenkohteet | Tuoteryhmä | Products of interest
    """,
    "status": """
        Tila | Status | Vaihe | Tilanne | Liidin tila | Liidin vaihe | Myyntivaihe | Lead Status | Stage
        Lead stage
        Lifecycle Stage | Deal stage | Pipeline stage | Elinkaaren vaihe | Lead - Status | Asiakkuuden tila
        Läge | Fas
        Deal - Stage | Deal - Status | Kontaktin tila
    """,
    "last_contact": """
        Viimeisin yhteydenotto | Viimeksi yhteydessä | Viimeisin kontakti | Viim. yhteydenotto | Viimeisin yhteys
        Edellinen yhteydenotto | Soitettu | Soitettu viimeksi | Viimeisin soitto | Viimeisin aktiviteetti
        Last contact
        Last contacted | Last Activity Date | Last activity | Last contacted date | Last touch | Senast kontaktad
        Person - Last activity date | Last Activity | Viimeksi otettu yhteyttä | Kontaktoitu viimeksi
        Viim. kontakti
    """,
    "next_contact": """
        Seuraava yhteydenotto | Seuraava kontakti | Seuraava soitto | Soita | Soitetaan | Muistutus
        Seuranta | Jatko pvm
        Next contact | Next activity date | Next Activity Date | Follow-up | Follow up | Follow-up date
        Next step date
        Seuraava yhteys | Seuraava toimenpide pvm | Seuraavan aktiviteetin päivämäärä | Person - Next activity date
        Next Activity Deadline | Nästa kontakt | Uppföljning | Yhteydenotto seuraavan kerran | Palataan
    """,
    "owner": """
        Vastuumyyjä | Myyjä | Vastuuhenkilö | Omistaja | Hoitaja | Vastuu | Meidän yhteyshenkilö
        Yhteyshenkilö meillä
        Owner | Contact owner | Lead Owner | Account Owner | Sales rep | Salesperson | Assigned to | Assigned User
        Person - Owner | Lead - Owner | Deal owner | Ansvarig | Säljare | Ägare | Yhteyshenkilön omistaja
        Kontaktin omistaja
        Liidin omistaja | Määritetty käyttäjä | Osoitettu | Sales person | Käsittelijä
    """,
    "notes": """
        Muistiinpanot | Muistiinpano | Huom | Huom. | Huomautus | Huomautukset | Huomioita | Huomiot
        Kommentti | Muuta
        Kommentit | Lisätieto | Lisätiedot | Lisätietoja | Viesti | Keskustelu | Selite | Kuvaus | Asia
        Muut tiedot
        Muistio | Note | Notes | Comment | Comments | Description | Remarks | Remark | Message | Memo
        Additional info
        Internal Notes | Person - Notes | Anteckningar | Anteckning | Kommentar | Anmärkning | Övrigt
        Sisäiset muistiinpanot
        Muut huomiot | Vapaa teksti | Lead - Notes
    """,
    "informed": """
        Tietosuojaseloste annettu | Informoitu | Tietosuojaseloste | Privacy notice given | Informed on | Informerad
        Tietosuojaseloste lähetetty
    """,
    "objected": """
        Suoramarkkinointikielto | Markkinointikielto | Kielto | Ei markkinointia | Ei saa markkinoida | No marketing
        Markkinoinnin kielto | Email Opt Out | HasOptedOutOfEmail | Unsubscribed from all email | Opted out
        Opt-out
        Opted out of email | Do not contact | Marketing opt-out | Unsubscribed | Opt out | Sähköpostikielto
        Blacklist
        Ei suoramarkkinointia | Direktmarknadsföringsförbud | Marknadsföringsförbud | Reklamförbud
        Peruuttanut kaikkien sähköpostien tilauksen | Kielletty markkinointi | Ei saa ottaa yhteyttä | Do not mail
    """,
}

# Columns that are parts of one value, in the order in which they stand in it.
NAME_PARTS = ("first", "middle", "last")
ADDRESS_PARTS = ("street", "street2", "box", "postcode", "town", "region", "country")
_PARTS = {
    ("name", "first"): """
        Etunimi | Etunimet | First name | Firstname | Given name | Förnamn | Person - First name | Kutsumanimi | Etu
        Contact first name | FirstName | Henkilön etunimi | Yhteyshenkilön etunimi
    """,
    ("name", "middle"): "Middle name | Toinen nimi | Mellannamn | MiddleName",
    ("name", "last"): """
        Sukunimi | Last name | Lastname | Surname | Family name | Efternamn | Person - Last name | LastName | Suku
        Contact last name | Henkilön sukunimi | Yhteyshenkilön sukunimi
    """,
    ("address", "street"): """
        Katuosoite | Lähiosoite | Katu | Street | Street address | Address line 1 | Mailing Street | Address Street
        Billing Street | Gatuadress | Gata | Address 1 | Street 1 | MailingStreet | Company Street | Jakeluosoite
        Osoite (katu) | Osoiterivi 1 | Osoite katu | Katuosoite 1
    """,
    ("address", "street2"): "Street 2 | Street2 | Address line 2 | Osoiterivi 2 | Address 2 | Katuosoite 2 | Katu 2",
    ("address", "box"): "Postilokero | PL | PO Box | P.O. Box | Postbox",
    ("address", "postcode"): """
        Postinumero | Postinro | Post.nro | Postinr | Posti nro | Zip | Zip code | Postal code | Postcode
        Postnummer
        Mailing Zip/Postal Code | Zip/Postal Code | Postal / zip code | Address Postal Code | MailingPostalCode
        ZIP/Postal code of Address | Billing Zip/Postal Code | Pnro | PostalCode
    """,
    ("address", "town"): """
        Paikkakunta | Postitoimipaikka | Kaupunki | Kotipaikka | Toimipaikka (posti) | Postitmp | Ptp | City | Town
        Mailing City | Address City | Ort | Postort | Stad | Billing City | MailingCity | City/town/village/locality
        Kaupunki/kunta | Kotikunta | PTMP
    """,
    ("address", "region"): """
        Maakunta | Lääni | State | State/Region | State/Province | Mailing State/Province | Address State
        Osavaltio | Län
        Osavaltio/alue | Lääni/maakunta
    """,
    ("address", "country"): """
        Maa | Country | Country/Region | Mailing Country | Address Country | Land | Maa/alue
        Billing Country | Country code
    """,
}

# What the choices are called elsewhere; their labels in all languages are known beside these.
_CHOICES = {
    ("source", "phone"): """
        Puhelin | Puhelu | Puhelinsoitto | Soitto | Soitti | Puhelimitse | Puh | Call | Phone | Telephone
        Inbound call
        Phone Inquiry | Incoming call | Telefon | Telefonsamtal | Samtal | Saapuva puhelu | Puhelintiedustelu
    """,
    ("source", "email"): """
        Sähköposti | S-posti | Sposti | Meili | Sähköpostitse | Email | E-mail | Mail | Inbound email
        E-post | Epost
        Sähköpostiviesti | Saapuva sähköposti
    """,
    ("source", "web_form"): """
        Verkkolomake | Lomake | Nettilomake | Web-lomake | Www-lomake | Yhteydenottolomake | Verkkosivu
        Verkkosivut | Web
        Kotisivut | Nettisivut | Netti | Www | Internet | Website | Web site | Web form | Webform
        Online form | Form
        Contact form | Contact us form | Webformulär | Webbformulär | Webbplats | Hemsida | Formulär | Verkkosivusto
        Sivusto | Tarjouspyyntölomake | Web form lead
    """,
    ("source", "meeting"): """
        Tapaaminen | Palaveri | Kokous | Asiakaskäynti | Käynti | Tavattu | Meeting | Visit | In person
        Face to face
        Möte | Besök | Messut | Messutapaaminen | Trade show | Tradeshow | Event | Tapahtuma | Seminaari | Seminar
        Conference | Konferenssi | Mässa | Evenemang | Näyttely | Exhibition
    """,
    ("source", "public"): """
        Julkinen lähde | Julkinen | Julkinen rekisteri | Kaupparekisteri | YTJ | PRH | Public source | Public
        Rekisteri
        Public register | Offentlig källa | Offentlig | Handelsregistret | Yritystietojärjestelmä | Kauppalehti
    """,
    ("status", "new"): """
        Uusi | New | Open | Avoin | Open - Not Contacted | Not contacted | Ei kontaktoitu | Uusi liidi
        New lead | Lead
        Ny | Öppen | Unassigned | Liidi | Prospekti | Prospect | Kontaktoimaton | Not started | Avaamaton
    """,
    ("status", "contacted"): """
        Kontaktoitu | Contacted | Working - Contacted | Working | In Progress | Attempted to contact
        Connected | Assigned
        Yhteydessä | Työn alla | Kesken | Käynnissä | Otettu yhteyttä | Soitettu | Open deal | In process
        Qualified
        Kontaktad | Pågående | Yritetty tavoittaa | Yhdistetty | Meneillään | Kvalifioitu
        Tavattu
    """,
    ("status", "offer"): """
        Tarjous | Tarjottu | Tarjous jätetty | Tarjous lähetetty | Tarjousvaihe | Offer | Proposal | Quote
        Quoted | Offert
        Proposal sent | Proposition | Offer sent | Quotation | Proposal/Price Quote | Offererad | Neuvottelu
        Negotiation | Negotiation/Review | Contract sent | Proposal Made | Negotiations Started
    """,
    ("status", "customer"): """
        Asiakas | Customer | Won | Closed Won | Voitettu | Kauppa | Kaupat | Kauppa tehty | Tilaus | Tilannut
        Converted
        Closed - Converted | Kund | Vunnen | Muunnettu | Tilattu | Asiakkaaksi | Client
    """,
    ("status", "closed"): """
        Päättynyt | Päätetty | Suljettu | Closed | Lost | Closed Lost | Hävitty | Menetetty | Ei kiinnostunut
        Hylätty
        Not interested | Unqualified | Disqualified | Closed - Not Converted | Dead | Avslutad | Förlorad
        Ei kauppaa | Ei tarvetta | Loppu | Rejected | Ei ajankohtainen | Peruttu | Hylätyt
    """,
}

_T = TypeVar("_T")
# Words of a source that say more than the choice they mean: they are kept as its detail.
_TELLING = """
    Messut | Messutapaaminen | Trade show | Tradeshow | Event | Tapahtuma | Seminaari | Seminar | Conference
    Konferenssi
    Mässa | Evenemang | Näyttely | Exhibition | Kaupparekisteri | YTJ | PRH | Handelsregistret | Kauppalehti
    Yritystietojärjestelmä | Tarjouspyyntölomake
"""
_LONGEST = 200  # characters of a heading that can be known
_NO_LETTER = re.compile(r"[^0-9a-z]+")
TICKS = frozenset(("x", "v", "✓", "✔", "☑", "1", "kyllä", "k", "on", "yes", "y", "true", "tosi", "ja", "sant"))
NO_TICKS = frozenset(("", "-", "–", "0", "ei", "e", "no", "n", "false", "epätosi", "nej", "falskt", "☐"))


def key(text: str) -> str:
    """A heading or label as it is compared."""
    return _NO_LETTER.sub(" ", fold(text)).strip()


def _listed(text: str) -> list[str]:
    return [key(word) for line in text.splitlines() for word in line.split(" | ") if word.strip()]


@cache
def _codes() -> dict[str, str]:
    known = {heading: code for code, text in _HEADINGS.items() for heading in _listed(text)}
    return {**known, **{key(heading): code for heading, code in schema.headings().items() if "_" not in heading}}


@cache
def _parts() -> dict[str, tuple[str, str]]:
    return {heading: part for part, text in _PARTS.items() for heading in _listed(text)}


@cache
def _choices(code: str) -> dict[str, str]:
    known = {word: choice for (of, choice), text in _CHOICES.items() if of == code for word in _listed(text)}
    return {**known, **{key(label): choice for label, choice in schema.choice_codes(code).items()}}


def code_of(heading: str) -> str | None:
    """The code of a column with this heading; None where it is unknown. Of joined headings the lower one decides."""
    return _looked_up(_codes(), heading) or (part[0] if (part := part_of(heading)) else None)


def part_of(heading: str) -> tuple[str, str] | None:
    """The code and the part of it that a column holds, such as ("name", "first"); None where it is no part."""
    return _looked_up(_parts(), heading)


def choice_of(code: str, text: str) -> str | None:
    """The choice that a word means; None where it is unknown."""
    return schema.choice_of(code, text) or _choices(code).get(key(text))


def rank(code: str, heading: str) -> int:
    """How far behind a heading stands among the words of its code; the first are the plainest."""
    folded = key(heading)
    return next((n for n, (word, of) in enumerate(_codes().items()) if of == code and word == folded), 0)


@cache
def says_more(text: str) -> bool:
    """Whether a source's word says more than the choice that it means."""
    return key(text) in _listed(_TELLING)


def own_code(heading: str) -> str | None:
    """The code of a column whose heading is one of the schema's own."""
    return schema.code_of_heading(heading)


def _looked_up(known: dict[str, _T], heading: str) -> _T | None:
    folded = key(heading) if len(heading) <= _LONGEST else ""
    if not folded:
        return None
    found = known.get(folded)
    if found is None and " / " in heading:
        found = known.get(key(heading.rpartition(" / ")[2]))
    if found is None:  # "Puhelin (työ)", "Päivä *", "Nimi:"
        short = re.sub(r"\([^)]*\)|\[[^]]*\]|\*", "", heading)
        found = known.get(key(short))
    return found
