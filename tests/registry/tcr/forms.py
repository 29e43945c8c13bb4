"""Forms that TCR takes, to change one thing of."""


def a_brand_form(**given):
    """A company's brand."""
    return {
        "entityType": "PRIVATE_PROFIT",
        "displayName": "Acme",
        "companyName": "Acme LLC",
        "ein": "12-3456789",
        "phone": "+12025550100",
        "email": "it@acme.example",
        "country": "US",
        "street": "1 Main St",
        "city": "Springfield",
        "state": "CA",
        "postalCode": "90210",
        "vertical": "RETAIL",
        "brandRelationship": "BASIC_ACCOUNT",
    } | given


def a_campaign_form(brand_id, **given):
    """A low-volume campaign."""
    return {
        "brandId": brand_id,
        "usecase": "LOW_VOLUME",
        "subUsecases": ["CUSTOMER_CARE"],
        "description": "People of Acme text customers about their orders.",
        "messageFlow": "Customers give their number when they order and tick a box.",
        "sample1": "Acme: your order is on its way. Reply STOP to opt out.",
        "embeddedLink": True,
    } | given
