"""What registering costs a company: once, however many campaigns it registers.

Source: rule R13 of the console: US$89 or CA$121 plus tax when registering, as an adjustment on the next bill; the
monthly campaign fee is absorbed by the provider.

It is booked when the form of the first campaign is submitted, and owed from when it is handed to TCR: whoever withdraws
before owes nothing, if it is not on a bill yet. What was handed over stays owed, whatever comes of it, and is not owed
again with another form.

Not here: bills, and what is to be put on them (adjustments.py).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from registry.flows.desk import Desk
from registry.records import Application, Fee, Tenant
from registry.tables import applications, fees

KIND: Final = "registration"
#: Before tax, in cents.
PRICES: Final[Mapping[str, int]] = {"USD": 8_900, "CAD": 12_100}
TERMS: Final = (
    "Once, plus tax, as an adjustment on your next bill; the monthly campaign fee is absorbed by the provider."
)

#: What becomes of it with a form that is withdrawn.
WITHDRAWN: Final = (
    "Withdraw the form before it is handed to TCR and nothing is owed; what was handed over stays owed, once, even if"
    " TCR turns it down."
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


async def take_back(desk: Desk, application: Application) -> None:
    """Owe nothing for a form that was withdrawn before TCR was asked.

    If another campaign's form was submitted meanwhile, it is for that one from now on. What is on a bill stays.
    """
    booked = next(iter(await desk.all(Fee, *_fee_of(desk.tenant))), None)
    if booked is None or booked.billed_at is not None or booked.application != application.id:
        return
    forms = applications.c
    sent = (forms.tenant == desk.tenant, forms.kind == "campaign", forms.submitted_at.is_not(None))
    another = await desk.all(Application, *sent, forms.id != application.id, most=1)
    if another:
        await desk.save([replace(booked, application=another[0].id)])
    else:
        await desk.save(remove=[(Fee, (booked.tenant, booked.kind))])


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
        "if_withdrawn": WITHDRAWN,
        "charged_at": None if charged is None else charged.at,
        "application": None if charged is None else charged.application,
        "billed_at": None if charged is None else charged.billed_at,
    }


def _fee_of(tenant: str) -> tuple[Any, ...]:
    return (fees.c.tenant == tenant, fees.c.kind == KIND)
