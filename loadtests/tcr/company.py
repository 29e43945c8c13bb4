"""Knows a company's brands and campaigns from the start, as if they had been registered long ago.

What reviewers add (suspended, rejected, pending) is no state of the registry itself: such a campaign is ACTIVE here.
What is known already stays as it is.
"""

from pathlib import Path
from typing import Any, Final

import orjson

from loadtests.tcr import words
from loadtests.tcr.book import Book, Brand, Campaign, renewed_on, rfc3339
from loadtests.tcr.reviews import CARRIERS, new_vetting

_ENDED: Final = ("expired", "deactivated")
_FORMAT: Final = "a2p-company/1"


class BadCompanyError(ValueError):
    """The file is no company file."""


def know(book: Book, file: Path) -> None:
    """Add the brands and campaigns of a company file (a2p-company/1).

    Raises:
        BadCompanyError: it is none.
        OSError: it cannot be read.
    """
    try:
        company = orjson.loads(file.read_bytes())
        if company["format"] != _FORMAT:
            raise BadCompanyError(f"{file}: not of the format {_FORMAT}")
        for row in company.get("brands", []):
            if row["id"] not in book.brands:
                book.brands[row["id"]] = _brand(book, row)
        for row in company.get("campaigns", []):
            if row["id"] not in book.campaigns and row["brand_id"] in book.brands:
                book.campaigns[row["id"]] = _campaign(book, row)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise BadCompanyError(f"{file}: not a company file") from error


def _brand(book: Book, row: dict[str, Any]) -> Brand:
    status = row["status"].upper()
    name = row.get("legal_name") or row["id"]
    fields = {
        "brandId": row["id"],
        "cspId": book.csp_id,
        "entityType": "GOVERNMENT" if row.get("government") else "PRIVATE_PROFIT",
        "displayName": name,
        "companyName": name,
        "identityStatus": status if status in words.IDENTITY_STATUSES else "UNVERIFIED",
        "referenceId": f"company-{row['id']}",
        "mock": False,
        "createDate": rfc3339(book.now()),
    }
    brand = Brand(fields=fields, deleted=status == "DELETED")
    if row.get("vetting_score") is not None:
        record = new_vetting("AEGIS", "STANDARD", book.now())
        brand.vettings.append(record | {"vettingStatus": "ACTIVE", "vettingScore": row["vetting_score"]})
    return brand


def _campaign(book: Book, row: dict[str, Any]) -> Campaign:
    now = rfc3339(book.now())
    fields = {
        "campaignId": row["id"],
        "cspId": book.csp_id,
        "brandId": row["brand_id"],
        "usecase": row["use_case"].upper(),
        "subUsecases": [one.upper() for one in row.get("sub_use_cases", [])],
        "description": row.get("description", ""),
        "referenceId": f"company-{row['id']}",
        "status": "EXPIRED" if row["status"] in _ENDED else "ACTIVE",
        "mock": row.get("mock", False),
        "createDate": now,
        "billedDate": now,
        "autoRenewal": True,
        "nextRenewalOrExpirationDate": renewed_on(book.now()),
    }
    sharing = row.get("sharing", "pending")
    shared = {
        "downstreamCnpId": book.csp_id,
        "upstreamCnpId": words.UPSTREAM["cnpId"],
        "sharingStatus": sharing.upper(),
        "explanation": "",
        "sharedDate": now,
        "statusDate": now,
    }
    carriers = row.get("carriers", {})
    operations = {str(number): carriers.get(name, "review").upper() for name, number in CARRIERS.items()}
    return Campaign(
        fields=fields, sharing=shared if sharing else None, operations=operations if row.get("dca_complete") else {}
    )
