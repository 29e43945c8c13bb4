"""What registering costs a company: once, however many campaigns it registers.

Source: rule R13 of the console: US$89 or CA$121 plus tax when registering, as an adjustment on the next bill; the
monthly campaign fee is absorbed by the provider.

Not here: bills.
"""

from collections.abc import Mapping
from typing import Any, Final

from registry.flows.desk import Desk
from registry.records import Application, Fee, Tenant
from registry.tables import fees

KIND: Final = "registration"
#: Before tax, in cents.
PRICES: Final[Mapping[str, int]] = {"USD": 8_900, "CAD": 12_100}
TERMS: Final = (
    "Once, plus tax, as an adjustment on your next bill; the monthly campaign fee is absorbed by the provider."
)


def price(tenant: Tenant) -> tuple[int, str]:
    """Return what a company owes in cents, and the currency: that of its bills, else that of its country."""
    currency = tenant.currency.upper()
    if currency not in PRICES:
        currency = "CAD" if tenant.country.upper() == "CA" else "USD"
    return PRICES[currency], currency


async def charge(desk: Desk, application: Application) -> None:
    """Note the fee with the company's first campaign, in the same transaction; it is owed once."""
    if await desk.all(Fee, *_fee_of(desk.tenant)):
        return
    tenant = await desk.one(Tenant, desk.tenant)
    if tenant is None:
        raise ValueError("a company that is not there submits nothing")
    cents, currency = price(tenant)
    fee = Fee(tenant=tenant.id, kind=KIND, at=desk.now, cents=cents, currency=currency, application=application.id)
    await desk.save([fee])


async def shown(desk: Desk) -> dict[str, Any]:
    """Show what a company owes or owed, before it submits as well as afterwards."""
    tenant = await desk.one(Tenant, desk.tenant)
    if tenant is None:
        raise ValueError("a company that is not there asks for nothing")
    charged = next(iter(await desk.all(Fee, *_fee_of(desk.tenant))), None)
    cents, currency = price(tenant) if charged is None else (charged.cents, charged.currency)
    return {
        "kind": KIND,
        "cents": cents,
        "currency": currency,
        "terms": TERMS,
        "charged_at": None if charged is None else charged.at,
        "application": None if charged is None else charged.application,
    }


def _fee_of(tenant: str) -> tuple[Any, ...]:
    return (fees.c.tenant == tenant, fees.c.kind == KIND)
