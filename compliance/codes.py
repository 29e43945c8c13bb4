"""The closed set of reason codes, and which of them nothing may soften.

What a code means to people, HTTP, Twilio and SMPP is in catalogue.py; when it is found, in rules/.
"""

from enum import StrEnum


class Code(StrEnum):
    """Why a message got its verdict. Stable: clients and dashboards depend on the spelling."""

    #: Enum's own hash is a Python function; codes are looked up for every refused message.
    __hash__ = str.__hash__

    OK_REGISTERED = "ok_registered"
    OK_INTERNAL_IM = "ok_internal_im"

    DESTINATION_LANDLINE = "destination_landline"
    OK_NON_US_DESTINATION = "ok_non_us_destination"
    FLAG_UNREGISTERED_PRE_ENFORCEMENT = "flag_unregistered_pre_enforcement"
    FLAG_GRANDFATHERED_UNREGISTERED = "flag_grandfathered_unregistered"
    FLAG_REGISTRATION_STALE = "flag_registration_stale"
    FLAG_CONTENT_DECLARATION_MISMATCH = "flag_content_declaration_mismatch"
    FLAG_QUIET_HOURS = "flag_quiet_hours"
    FLAG_FREE_TEXT_REVOCATION = "flag_free_text_revocation"
    UCAAS_CAMPAIGN_AUTOMATION = "ucaas_campaign_automation"
    CONTENT_PHISHING = "content_phishing"
    CONTENT_SHAFT = "content_shaft"
    EVASION_SUSPECTED = "evasion_suspected"

    CONTENT_PUBLIC_URL_SHORTENER = "content_public_url_shortener"
    CAMPAIGN_MNO_NOT_APPROVED = "campaign_mno_not_approved"
    CONTENT_PROHIBITED = "content_prohibited"
    SNOWSHOE_SUSPECTED = "snowshoe_suspected"

    INVALID_SENDER = "invalid_sender"
    DID_NOT_OWNED_BY_SENDER = "did_not_owned_by_sender"
    TOO_MANY_RECIPIENTS = "too_many_recipients"
    INVALID_DESTINATION = "invalid_destination"
    DESTINATION_EMERGENCY = "destination_emergency"
    DESTINATION_SHORT_CODE = "destination_short_code"
    DESTINATION_PREMIUM = "destination_premium"
    DESTINATION_COUNTRY_NOT_ALLOWED = "destination_country_not_allowed"
    RECIPIENT_OPTED_OUT = "recipient_opted_out"
    TOLLFREE_SMS_NOT_SUPPORTED = "tollfree_sms_not_supported"
    TOLLFREE_NOT_VERIFIED = "tollfree_not_verified"
    DID_NOT_SMS_ENABLED = "did_not_sms_enabled"
    DID_SUPERSEDED = "did_superseded"
    REGISTRY_UNAVAILABLE = "registry_unavailable"
    DID_UNASSIGNED = "did_unassigned"
    DID_ASSIGNMENT_PENDING = "did_assignment_pending"
    DID_ASSIGNMENT_FAILED = "did_assignment_failed"
    MOCK_CAMPAIGN = "mock_campaign"
    CAMPAIGN_PENDING = "campaign_pending"
    CAMPAIGN_REJECTED = "campaign_rejected"
    CAMPAIGN_SUSPENDED = "campaign_suspended"
    CAMPAIGN_EXPIRED = "campaign_expired"
    CAMPAIGN_DEACTIVATED = "campaign_deactivated"
    CAMPAIGN_DECLINED = "campaign_declined"
    BRAND_UNVERIFIED = "brand_unverified"
    BRAND_SUSPENDED = "brand_suspended"
    BRAND_DELETED = "brand_deleted"
    MESSAGE_TOO_LONG = "message_too_long"
    MEDIA_TYPE = "media_type"
    MEDIA_TOO_LARGE = "media_too_large"

    THROUGHPUT_DID = "throughput_did"
    THROUGHPUT_ATT_CAMPAIGN = "throughput_att_campaign"
    DAILY_CAP_TMO_BRAND = "daily_cap_tmo_brand"


#: Never softened: by no mode, policy, override, relief or ramp.
HARD_CODES = frozenset(
    {
        Code.INVALID_SENDER,
        Code.DID_NOT_OWNED_BY_SENDER,
        Code.TOO_MANY_RECIPIENTS,
        Code.INVALID_DESTINATION,
        Code.DESTINATION_EMERGENCY,
        Code.DESTINATION_SHORT_CODE,
        Code.DESTINATION_PREMIUM,
        Code.DESTINATION_COUNTRY_NOT_ALLOWED,
        Code.RECIPIENT_OPTED_OUT,
        Code.MESSAGE_TOO_LONG,
        Code.MEDIA_TYPE,
        Code.MEDIA_TOO_LARGE,
        Code.REGISTRY_UNAVAILABLE,
    },
)
