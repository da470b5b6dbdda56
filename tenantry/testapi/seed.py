"""The shop's data at start: the same everywhere and every day, so that examples have one right answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

Record: TypeAlias = dict[str, Any]

FIRST_ORDER_ID: Final = 5001
_OPENED: Final = datetime(2025, 1, 6, 9, tzinfo=UTC)
_STATUSES: Final = ("delivered", "shipped", "open", "delivered", "cancelled", "open", "shipped")
_DISCOUNT_PERCENT: Final = {"free": 0, "pro": 10, "enterprise": 15}


class _Person(NamedTuple):
    name: str
    tier: str
    country: str
    city: str
    postal_code: str


class _Good(NamedTuple):
    sku: str
    name: str
    category: str
    price_cents: int
    weight_grams: int
    available: int


class _Paper(NamedTuple):
    id: str
    kind: str
    language: str
    text: str


class _Meter(NamedTuple):
    id: str
    place: str
    kind: str
    value: float
    unit: str


_PEOPLE: Final = (
    _Person("Ada Lindqvist", "pro", "SE", "Stockholm", "111 22"),
    _Person("Bruno Carvalho", "free", "PT", "Porto", "4000-322"),
    _Person("Chen Wei", "enterprise", "SG", "Singapore", "018956"),
    _Person("Dana Okafor", "pro", "NG", "Lagos", "101233"),
    _Person("Elif Demir", "free", "TR", "İzmir", "35210"),
    _Person("Farah Haddad", "pro", "AE", "Dubai", "00000"),
    _Person("Grace Murphy", "enterprise", "IE", "Dublin", "D02 X285"),
    _Person("Hiro Tanaka", "free", "JP", "Osaka", "530-0001"),
    _Person("Ines Moreau", "pro", "FR", "Lyon", "69002"),
    _Person("Jonas Weber", "free", "DE", "Leipzig", "04109"),
    _Person("Kavya Rao", "enterprise", "IN", "Bengaluru", "560001"),
    _Person("Liam Novak", "free", "CZ", "Brno", "602 00"),
)

_GOODS: Final = (
    _Good("KB-104", "Mechanical keyboard", "peripherals", 11900, 980, 42),
    _Good("MS-220", "Wireless mouse", "peripherals", 4900, 120, 130),
    _Good("MN-270", '27" monitor', "displays", 32900, 6100, 9),
    _Good("DK-011", "USB-C dock", "peripherals", 18900, 420, 25),
    _Good("HS-310", "Noise-cancelling headset", "audio", 24900, 310, 17),
    _Good("CB-002", "USB-C cable, 2 m", "accessories", 1500, 60, 900),
    _Good("WC-080", "Webcam, 1080p", "video", 7900, 150, 0),
    _Good("ST-500", "Laptop stand", "accessories", 5900, 1400, 61),
    _Good("SS-1TB", "Portable SSD, 1 TB", "storage", 13900, 90, 38),
    _Good("CH-100", "Charger, 100 W", "accessories", 6900, 230, 74),
)

_PAPERS: Final = (
    _Paper("doc-1", "invoice", "en", "Invoice 881 for two docks. Amount due 37800. Thank you, good work."),
    _Paper("doc-2", "contract", "en", "The parties agree to deliver and to pay within thirty days."),
    _Paper("doc-3", "letter", "de", "Sehr geehrte Damen und Herren, die Lieferung kam zu spät."),
    _Paper("doc-4", "invoice", "en", "Invoice 882 for one monitor. Amount due 32900."),
    _Paper("doc-5", "letter", "en", "The headset arrived broken and late, and I want a refund."),
    _Paper("doc-6", "invoice", "fr", "Facture 883 pour trois cables. Montant 4500."),
)

_METERS: Final = (
    _Meter("kitchen-temperature", "kitchen", "temperature", 21.5, "C"),
    _Meter("kitchen-humidity", "kitchen", "humidity", 48, "%"),
    _Meter("bedroom-temperature", "bedroom", "temperature", 17, "C"),
    _Meter("bedroom-humidity", "bedroom", "humidity", 71, "%"),
    _Meter("car-tyres", "car", "tyre-pressure", 1.7, "bar"),
    _Meter("car-oil", "car", "oil-pressure", 2.9, "bar"),
    _Meter("car-coolant", "car", "coolant-level", 93, "%"),
    _Meter("car-battery", "car", "battery", 12.4, "V"),
)


def _user(index: int) -> Record:
    person = _PEOPLE[index]
    return {
        "id": index + 1,
        "name": person.name,
        "email": f"{person.name.split()[0].lower()}@customers.example",
        "tier": person.tier,
        "active": index != len(_PEOPLE) - 1,
        "memberSince": (_OPENED - timedelta(days=71 * index)).date().isoformat(),
        "address": {"city": person.city, "postalCode": person.postal_code, "country": person.country},
    }


def _order(index: int) -> Record:
    goods = [_GOODS[(index * 3 + step * 4) % len(_GOODS)] for step in range(1 + index % 3)]
    lines: list[Record] = [
        {"sku": good.sku, "quantity": 1 + (index + step) % 3, "unitPriceCents": good.price_cents}
        for step, good in enumerate(goods)
    ]
    return {
        "id": FIRST_ORDER_ID + index,
        "customerId": 1 + (index * 5) % (len(_PEOPLE) - 1),
        "status": _STATUSES[index % len(_STATUSES)],
        "placedAt": (_OPENED + timedelta(hours=31 * index)).isoformat().replace("+00:00", "Z"),
        "currency": "EUR",
        "lines": lines,
        "totalCents": sum(line["quantity"] * line["unitPriceCents"] for line in lines),
    }


def _product(index: int) -> Record:
    good = _GOODS[index]
    return {
        "sku": good.sku,
        "name": good.name,
        "category": good.category,
        "unitPriceCents": good.price_cents,
        "weightGrams": good.weight_grams,
    }


def _stock(index: int) -> Record:
    good = _GOODS[index]
    restock = None if good.available else (_OPENED + timedelta(days=20)).date().isoformat()
    return {
        "sku": good.sku,
        "available": good.available,
        "warehouse": ("Rotterdam", "Gdańsk")[index % 2],
        "restockDate": restock,
    }


def _reviews(index: int) -> Record:
    return {
        "sku": _GOODS[index].sku,
        "count": 11 + 17 * index % 90,
        "averageStars": 3.5 + (index * 3 % 15) / 10,
        "latest": [
            {"stars": 5 - index % 2, "text": "Does what it says."},
            {"stars": 4, "text": "Well packed."},
        ],
    }


USERS: Final = {index + 1: _user(index) for index in range(len(_PEOPLE))}
ORDERS: Final = {FIRST_ORDER_ID + index: _order(index) for index in range(40)}
PRODUCTS: Final = {good.sku: _product(index) for index, good in enumerate(_GOODS)}
STOCK: Final = {good.sku: _stock(index) for index, good in enumerate(_GOODS)}
REVIEWS: Final = {good.sku: _reviews(index) for index, good in enumerate(_GOODS)}

DOCUMENTS: Final[dict[str, Record]] = {paper.id: paper._asdict() for paper in _PAPERS}
SENSORS: Final[dict[str, Record]] = {meter.id: meter._asdict() for meter in _METERS}


def price(sku: str, tier: str) -> Record | None:
    """What a customer of that tier pays for one; `None` when the shop does not sell it."""
    product = PRODUCTS.get(sku)
    if product is None:
        return None
    discount = _DISCOUNT_PERCENT[tier]
    listed: int = product["unitPriceCents"]
    net = listed * (100 - discount) // 100
    return {
        "sku": sku,
        "currency": "EUR",
        "listCents": listed,
        "discountPercent": discount,
        "netCents": net,
    }
