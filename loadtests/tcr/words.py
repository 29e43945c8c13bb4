"""The closed sets of TCR: what GET /enum/... lists and what forms are held against."""

from types import MappingProxyType
from typing import Any, Final

ENTITY_TYPES: Final = ("PRIVATE_PROFIT", "PUBLIC_PROFIT", "NON_PROFIT", "GOVERNMENT", "SOLE_PROPRIETOR")
RELATIONSHIPS: Final = ("BASIC_ACCOUNT", "SMALL_ACCOUNT", "MEDIUM_ACCOUNT", "LARGE_ACCOUNT", "KEY_ACCOUNT")
IDENTITY_STATUSES: Final = ("SELF_DECLARED", "UNVERIFIED", "VERIFIED", "VETTED_VERIFIED")
VERTICALS: Final = tuple(
    """PROFESSIONAL REAL_ESTATE HEALTHCARE HUMAN_RESOURCES ENERGY ENTERTAINMENT RETAIL TRANSPORTATION AGRICULTURE
    INSURANCE POSTAL EDUCATION HOSPITALITY FINANCIAL POLITICAL GAMBLING LEGAL CONSTRUCTION NGO MANUFACTURING GOVERNMENT
    TECHNOLOGY COMMUNICATION""".split()
)
#: The dedicated use cases, which are the sub-use-cases of the others.
DEDICATED: Final = tuple(
    """2FA ACCOUNT_NOTIFICATION CUSTOMER_CARE DELIVERY_NOTIFICATION FRAUD_ALERT HIGHER_EDUCATION MARKETING
    POLLING_VOTING PUBLIC_SERVICE_ANNOUNCEMENT SECURITY_ALERT""".split()
)
#: Use case to how many sub-use-cases it wants at least and at most.
USE_CASES: Final = MappingProxyType(
    dict.fromkeys((*DEDICATED, "M2M"), (0, 0))
    | {"LOW_VOLUME": (1, 5), "MIXED": (2, 5), "CARRIER_EXEMPT": (1, 5)}
    | dict.fromkeys(("PROXY", "SOCIAL", "CHARITY", "POLITICAL"), (0, 5))
    | dict.fromkeys(
        """AGENTS_FRANCHISES CONVERSATIONAL EMERGENCY K12_EDUCATION SOLE_PROPRIETOR SWEEPSTAKE TRIAL UCAAS_HIGH
        UCAAS_LOW""".split(),
        (0, 0),
    )
)
OPERATION_STATUSES: Final = ("REVIEW", "APPROVED", "REJECTED", "SUSPENDED")
#: Network id to name and bit in the OSR status. Only the first two ids are from a source.
CARRIERS: Final = MappingProxyType(
    {
        10017: ("AT&T", 0),
        10035: ("T-Mobile", 2),
        10038: ("Verizon Wireless", 3),
        10037: ("US Cellular", 1),
    }
)
#: The partner with which campaigns are shared, an aggregator.
UPSTREAM: Final = MappingProxyType({"cnpId": "SAGGR01", "displayName": "The aggregator", "dca": True})
CATEGORIES: Final = ("BRAND", "CAMPAIGN", "VETTING", "CSP")
#: Event type to its category.
EVENT_TYPES: Final = MappingProxyType(
    dict.fromkeys(
        """BRAND_ADD BRAND_UPDATE BRAND_DELETE BRAND_SCORE_UPDATE BRAND_IDENTITY_STATUS_UPDATE
        BRAND_IDENTITY_VET_UPDATE BRAND_REVET BRAND_FEEDBACK""".split(),
        "BRAND",
    )
    | dict.fromkeys(
        """CAMPAIGN_ADD CAMPAIGN_UPDATE CAMPAIGN_BILLED CAMPAIGN_EXPIRED CAMPAIGN_RESUBMISSION CAMPAIGN_NUDGE
        CAMPAIGN_SHARE_ADD CAMPAIGN_SHARE_ACCEPT CAMPAIGN_SHARE_DELETE CAMPAIGN_DCA_COMPLETE
        MNO_CAMPAIGN_OPERATION_APPROVED MNO_CAMPAIGN_OPERATION_REJECTED MNO_CAMPAIGN_OPERATION_REVIEW
        MNO_CAMPAIGN_OPERATION_SUSPENDED MNO_CAMPAIGN_OPERATION_UNSUSPENDED MNO_COMPLAINT""".split(),
        "CAMPAIGN",
    )
    | dict.fromkeys("EVP_REPORT_SCORE EVP_REPORT_UNSCORE EVP_REPORT_UPDATE EVP_REPORT_FAIL".split(), "VETTING")
    | dict.fromkeys("CSP_ACTIVE CSP_APPROVE CSP_SUSPEND".split(), "CSP")
)


def enums() -> dict[str, Any]:
    """Return what GET /enum/{name} answers, by name."""
    return {
        "entityType": list(ENTITY_TYPES),
        "vertical": list(VERTICALS),
        "usecase": list(USE_CASES),
        "campaignStatus": ["ACTIVE", "EXPIRED"],
        "brandStatus": ["ACTIVE", "DELETED"],
        "brandIdentityStatus": list(IDENTITY_STATUSES),
        "operationStatus": list(OPERATION_STATUSES),
        "mno": [
            {"networkId": number, "displayName": name, "osrBitmaskIndex": bit}
            for number, (name, bit) in CARRIERS.items()
        ],
        "dca": [dict(UPSTREAM)],
        "cnp": [dict(UPSTREAM)],
        "vettingClass": ["STANDARD", "ENHANCED", "POLITICAL"],
        "vettingStatus": ["PENDING", "ACTIVE", "EXPIRED", "ERROR", "CONTACT_VENDOR", "SIMULATION"],
        "extVettingProvider": ["AEGIS", "WMC", "CV"],
        "brandRelationship": list(RELATIONSHIPS),
        "altBusinessIdType": ["NONE", "DUNS", "GIIN", "LEI"],
        "optionalAttributeNames": [
            "russell3000",
            "taxExemptStatus",
            "politicalCommitteeLocale",
            "section527",
            "governmentEntity",
        ],
        "stockExchange": ["NASDAQ", "NYSE", "OTHER"],
    }
