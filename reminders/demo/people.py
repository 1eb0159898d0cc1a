"""The forty invented patients of the demonstration.

Every number is one that no regulator will ever give to anybody:

* +1 NXX 555 0100 to 0199: kept for fiction by the administrator of the North American plan (NANPA, "555 line numbers").
* +44 7700 900xxx (mobile) and +44 20 7946 0xxx (London): Ofcom, "Telephone numbers for drama use".
* +33 6 39 98 xx xx: ARCEP, national numbering plan (decision 2018-0881), numbers for audiovisual works.
* +49 171 39200 00 to 99: Bundesnetzagentur, notice 148/2021, numbers for media productions.
* +61 491 570 156: ACMA, "Fictitious numbers for radio, books, film and TV".

Spain, China and Brazil set no such range aside, so their patients carry a number of one of the countries above.
The last four digits decide how the sandbox's phone behaves: 0193 is switched off, 0195 no longer in use, 0196 a
landline (reminders/sandbox/behaviours.py).
"""

from __future__ import annotations

from dataclasses import dataclass

MADRID = "Centro Retiro"
CHICAGO = "Lakeside Health"


@dataclass(frozen=True, slots=True)
class Person:
    """One patient. ``venue`` is where the person is usually seen; ``time_zone`` is set for whoever lives elsewhere."""

    name: str
    phone: str | None
    language: str
    venue: str
    birth_year: int
    time_zone: str | None = None


#: Said "stop" at the desk before the story begins.
STOPPED = "Gloria Jenkins"
#: Has no phone; the desk has to write or wait.
WITHOUT_PHONE = "Manuel Prieto"

PEOPLE: tuple[Person, ...] = (
    Person("Lucía Romero", "+447700900101", "es", MADRID, 1988),
    Person("Javier Ortega", "+447700900102", "es", MADRID, 1975),
    Person("Carmen Navarro", "+447700900103", "es", MADRID, 1951),
    Person("Marta Gil Serrano", "+447700900104", "es", MADRID, 1993),
    Person("Álvaro Castillo", "+447700900105", "es", MADRID, 1982),
    Person("Rosa Molina", "+447700900106", "es", MADRID, 1967),
    Person("Diego Fuentes", "+447700900107", "es", MADRID, 1990, "Atlantic/Canary"),
    Person("Isabel Cano", "+447700900108", "es", MADRID, 1959),
    Person("Nuria Vega", "+447700900109", "es", MADRID, 1984),  # one phone for mother and son
    Person("Hugo Vega", "+447700900109", "es", MADRID, 2016),
    Person(WITHOUT_PHONE, None, "es", MADRID, 1944),
    Person("Camille Bernard", "+33639980101", "fr", MADRID, 1991),
    Person("Julien Moreau", "+33639980102", "fr", MADRID, 1979),
    Person("Claire Lambert", "+33639980103", "fr", MADRID, 1963),
    Person("Thomas Girard", "+33639980104", "fr", MADRID, 1986),
    Person("Sabine Krüger", "+491713920011", "de", MADRID, 1972),
    Person("Martin Weber", "+491713920012", "de", MADRID, 1958),
    Person("Stefanie Busch", "+491713920013", "de", MADRID, 1995),
    Person("Mariana Souza", "+447700900120", "pt_BR", MADRID, 1987),
    Person("Rafael Almeida", "+447700900121", "pt_BR", MADRID, 1970),
    Person("Margaret Hughes", "+442079460196", "en", MADRID, 1948),
    Person("Chloe Bennett", "+61491570156", "en", MADRID, 1999),
    Person("孙丽华", "+447700900130", "zh_Hans", MADRID, 1981),
    Person("Emily Carter", "+13125550101", "en", CHICAGO, 1985),
    Person("Daniel Brooks", "+13125550102", "en", CHICAGO, 1977),
    Person("Grace Miller", "+13125550103", "en", CHICAGO, 1996),
    Person("Hannah Price", "+13125550104", "en", CHICAGO, 1969),
    Person("Marcus Reed", "+13125550195", "en", CHICAGO, 1992),
    Person("Olivia Foster", "+13125550106", "en", CHICAGO, 1980),
    Person("Walter Simmons", "+13125550196", "en", CHICAGO, 1946),
    Person("Ruth Coleman", "+13125550108", "en", CHICAGO, 1955),
    Person("Kevin Doyle", "+13125550193", "en", CHICAGO, 1989),
    Person("Andrea Walsh", "+13125550110", "en", CHICAGO, 1983),  # one phone for mother and son
    Person("Nathan Walsh", "+13125550110", "en", CHICAGO, 2014),
    Person(STOPPED, "+13125550111", "en", CHICAGO, 1964),
    Person("José Hernández", "+17735550120", "es", CHICAGO, 1971),
    Person("Guadalupe Torres", "+17735550121", "es", CHICAGO, 1994),
    Person("王秀英", "+17735550130", "zh_Hans", CHICAGO, 1953),
    Person("陈建国", "+17735550132", "zh_Hans", CHICAGO, 1966),
    Person("Beatriz Cardoso", "+17735550140", "pt_BR", CHICAGO, 1998),
)
