"""The closed sets of TCR that forms are held against: entity types, verticals, use cases and who may have them.

Source: TCR CSP API, and the enums of its partners: entity types, verticals, use cases with the number of their
sub-use-cases. A form names one of these words, or is wrong.
"""

from dataclasses import dataclass
from typing import Final

SOLE_PROPRIETOR: Final = "SOLE_PROPRIETOR"
PUBLIC_PROFIT: Final = "PUBLIC_PROFIT"
NON_PROFIT: Final = "NON_PROFIT"
ENTITY_TYPES: Final = ("PRIVATE_PROFIT", PUBLIC_PROFIT, NON_PROFIT, "GOVERNMENT", SOLE_PROPRIETOR)
VERTICALS: Final = tuple(
    """PROFESSIONAL REAL_ESTATE HEALTHCARE HUMAN_RESOURCES ENERGY ENTERTAINMENT RETAIL TRANSPORTATION AGRICULTURE
    INSURANCE POSTAL EDUCATION HOSPITALITY FINANCIAL POLITICAL GAMBLING LEGAL CONSTRUCTION NGO MANUFACTURING GOVERNMENT
    TECHNOLOGY COMMUNICATION""".split()
)
RELATIONSHIPS: Final = ("BASIC_ACCOUNT", "SMALL_ACCOUNT", "MEDIUM_ACCOUNT", "LARGE_ACCOUNT", "KEY_ACCOUNT")
STOCK_EXCHANGES: Final = ("NASDAQ", "NYSE", "OTHER")
BUSINESS_ID_TYPES: Final = ("NONE", "DUNS", "GIIN", "LEI")
#: What a use case can be made of: the ten dedicated ones.
SUB_USE_CASES: Final = tuple(
    """2FA ACCOUNT_NOTIFICATION CUSTOMER_CARE DELIVERY_NOTIFICATION FRAUD_ALERT HIGHER_EDUCATION MARKETING
    POLLING_VOTING PUBLIC_SERVICE_ANNOUNCEMENT SECURITY_ALERT""".split()
)
#: Canadian provinces and territories.
PROVINCES: Final = frozenset("AB BC MB NB NL NS NT NU ON PE QC SK YT".split())

_SUB_USE_CASES_MAX: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCase:
    """What TCR asks of a use case."""

    #: How many sub-use-cases it has.
    least: int = 0
    most: int = 0
    #: Carriers look at it before it is registered: the provider has to note their leave first.
    needs_leave: bool = False


def _mixed(least: int) -> UseCase:
    return UseCase(least=least, most=_SUB_USE_CASES_MAX)


_ON_LEAVE: Final = UseCase(needs_leave=True)
_ON_LEAVE_MIXED: Final = UseCase(most=_SUB_USE_CASES_MAX, needs_leave=True)

#: Every use case that can be asked for. UCAAS_* are for cloud phone systems, which is what the provider is.
USE_CASES: Final[dict[str, UseCase]] = (
    dict.fromkeys((*SUB_USE_CASES, "M2M", "UCAAS_LOW", "UCAAS_HIGH", SOLE_PROPRIETOR), UseCase())
    | {"LOW_VOLUME": _mixed(1), "MIXED": _mixed(2)}
    | {"CARRIER_EXEMPT": UseCase(least=1, most=_SUB_USE_CASES_MAX, needs_leave=True)}
    | dict.fromkeys(("PROXY", "SOCIAL", "CHARITY", "POLITICAL"), _ON_LEAVE_MIXED)
    | dict.fromkeys(
        "AGENTS_FRANCHISES CONVERSATIONAL EMERGENCY K12_EDUCATION PUBLIC_SAFETY_RESTRICTED SWEEPSTAKE TRIAL".split(),
        _ON_LEAVE,
    )
)
