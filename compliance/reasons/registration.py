"""Reasons about the registration of numbers, campaigns and brands (rule 2.9)."""

from typing import Final

from compliance.codes import Code
from compliance.decision import Severity
from compliance.reason import Page, Reason, by_admin, by_nobody, by_operator, by_user

_BLOCK: Final = (Severity.BLOCK,)
_FLAG: Final = (Severity.FLAG,)
#: "Not registered yet": information only, where carriers do not ask for registration (compliance/reliefs.py).
_BLOCK_OR_RELIEVED: Final = (Severity.INFO, Severity.BLOCK)

NUMBERS: Final = (
    Reason(
        code=Code.OK_REGISTERED,
        title="Registered",
        user="Your number is registered for business texting. You don't have to do anything.",
        admin="{number} sends for {campaign}.",
        severities=(),
        remediation=(by_nobody("Nothing has to be done."),),
        http=202,
        smpp="ACCEPTD",
    ),
    Reason(
        code=Code.OK_NON_US_DESTINATION,
        title="Canada, not registered yet",
        user="Your number can text Canada, but not the United States yet. Ask your administrator to register it.",
        admin="{number} is not fully registered. Carriers in Canada accept that, those in the United States don't.",
        severities=_FLAG,
        remediation=(by_admin("Assign the number to an approved campaign.", Page.SMS),),
        http=202,
        smpp="ACCEPTD",
    ),
    Reason(
        code=Code.FLAG_UNREGISTERED_PRE_ENFORCEMENT,
        title="Not registered, before enforcement",
        user="Your number isn't registered for business texting yet. Ask your administrator to register it soon.",
        admin="{number} has no campaign. Texts will be blocked from the day on which registration is enforced.",
        severities=_FLAG,
        remediation=(by_admin("Assign the number to an approved campaign.", Page.SMS),),
        http=202,
        smpp="ACCEPTD",
    ),
    Reason(
        code=Code.FLAG_GRANDFATHERED_UNREGISTERED,
        title="Not registered, time to do so",
        user="Your number isn't registered for business texting yet. Ask your administrator to register it soon.",
        admin="{number} texted before registration was asked for and may go on for a while. Assign it to a campaign.",
        severities=_FLAG,
        remediation=(by_admin("Assign the number to an approved campaign.", Page.SMS),),
        http=202,
        smpp="ACCEPTD",
    ),
    Reason(
        code=Code.FLAG_REGISTRATION_STALE,
        title="Registration checked from memory",
        user="Your number's registration could not be checked afresh just now. You don't have to do anything.",
        admin="The last known registration of {number} was used, for the registry could not be reached.",
        severities=_FLAG,
        remediation=(by_operator("Bring the registry store and its feed back."),),
    ),
    Reason(
        code=Code.DID_UNASSIGNED,
        title="Number not registered",
        user="Your number isn't registered for business texting yet. Ask your administrator.",
        admin="{number} has no campaign. Assign it to one on the page SMS.",
        severities=_BLOCK_OR_RELIEVED,
        remediation=(by_admin("Assign the number to an approved campaign.", Page.SMS),),
        twilio=30034,
    ),
    Reason(
        code=Code.DID_ASSIGNMENT_PENDING,
        title="Number being registered",
        user="Texting is being set up on your number, which can take up to 48 hours. Try again later.",
        admin="The assignment of {number} to {campaign} is pending. Wait; do not switch the number off and on.",
        severities=_BLOCK_OR_RELIEVED,
        remediation=(
            by_nobody("The assignment takes up to 48 hours."),
            by_admin("See how far the assignment is.", Page.SMS),
        ),
        twilio=30035,
    ),
    Reason(
        code=Code.DID_ASSIGNMENT_FAILED,
        title="Number could not be registered",
        user="Setting up texting on your number didn't work. Ask your administrator.",
        admin="The assignment of {number} to {campaign} failed or does not fit its brand. Assign it again.",
        severities=_BLOCK,
        remediation=(
            by_admin("Assign the number to its campaign again.", Page.SMS),
            by_operator("See why the assignment failed, if it fails again."),
        ),
        twilio=30024,
    ),
)

CAMPAIGNS: Final = (
    Reason(
        code=Code.MOCK_CAMPAIGN,
        title="Test registration",
        user="Your number is registered for tests only. Ask your administrator.",
        admin="{campaign} is a mock campaign, which carries no real texts. Assign {number} to a real one.",
        severities=_BLOCK,
        remediation=(
            by_admin("Register a new campaign.", Page.CAMPAIGNS),
            by_admin("Assign the number to a real campaign.", Page.SMS),
        ),
        twilio=30034,
    ),
    Reason(
        code=Code.CAMPAIGN_PENDING,
        title="Campaign not approved yet",
        user="Your company's registration for texting isn't approved yet. Ask your administrator.",
        admin="{campaign} waits for approval. See on the page Campaigns who has not approved it yet.",
        severities=_BLOCK_OR_RELIEVED,
        remediation=(
            by_nobody("Approval takes 1 to 2 weeks."),
            by_admin("See who has not approved the campaign yet.", Page.CAMPAIGNS),
        ),
        twilio=30034,
    ),
    Reason(
        code=Code.CAMPAIGN_REJECTED,
        title="Campaign rejected",
        user="Your company's registration for texting was rejected. Ask your administrator.",
        admin="{campaign} was rejected. Correct what was found wrong and submit it again.",
        severities=_BLOCK,
        remediation=(by_admin("Correct the campaign and submit it again.", Page.CAMPAIGNS),),
        twilio=30034,
    ),
    Reason(
        code=Code.CAMPAIGN_SUSPENDED,
        title="Campaign suspended",
        user="Texting is paused for your company, perhaps only to this person's carrier. Ask your administrator.",
        admin="{campaign} is suspended, perhaps by {carrier} only. Contact support; do not move to other numbers.",
        severities=_BLOCK,
        remediation=(
            by_admin("Read why it was suspended and contact support.", Page.CAMPAIGNS),
            by_operator("Settle the complaint with the carrier."),
        ),
        twilio=30033,
    ),
    Reason(
        code=Code.CAMPAIGN_EXPIRED,
        title="Campaign expired",
        user="Your company's registration for texting has run out. Ask your administrator.",
        admin="{campaign} has expired. Register a new one and assign {number} to it.",
        severities=_BLOCK,
        remediation=(
            by_admin("Register a new campaign.", Page.CAMPAIGNS),
            by_admin("Assign the number to the new campaign.", Page.SMS),
        ),
        twilio=30034,
    ),
    Reason(
        code=Code.CAMPAIGN_DEACTIVATED,
        title="Campaign deactivated",
        user="Your company ended the registration that your number texts with. Ask your administrator.",
        admin="{campaign} was deactivated, which is final. Assign {number} to another campaign.",
        severities=_BLOCK,
        remediation=(
            by_admin("Register a new campaign.", Page.CAMPAIGNS),
            by_admin("Assign the number to another campaign.", Page.SMS),
        ),
        twilio=30034,
    ),
    Reason(
        code=Code.CAMPAIGN_DECLINED,
        title="Campaign declined",
        user="Your company's registration for texting was declined. Ask your administrator.",
        admin="{campaign} was declined by the upstream provider. Correct it and share it again.",
        severities=_BLOCK,
        remediation=(by_admin("Correct the campaign and share it again.", Page.CAMPAIGNS),),
        twilio=30034,
    ),
    Reason(
        code=Code.CAMPAIGN_MNO_NOT_APPROVED,
        title="Not approved by every carrier",
        user="This person's carrier may not take texts from your company yet. Call instead, or ask your administrator.",
        admin="{campaign} is not approved by {carrier}. See on the page Campaigns which carriers have approved it.",
        severities=(Severity.FLAG, Severity.BLOCK),
        remediation=(
            by_nobody("Carriers review a campaign within 1 to 3 days."),
            by_admin("See which carriers have approved the campaign.", Page.CAMPAIGNS),
            by_user("Call this contact until the carrier has approved."),
        ),
        twilio=30034,
    ),
    Reason(
        code=Code.UCAAS_CAMPAIGN_AUTOMATION,
        title="Program on a campaign for people",
        user="Your number is registered for texts that people type. Ask your administrator before a program uses it.",
        admin="A program sends through {campaign}, which is registered for texts that people type. Register another.",
        severities=_FLAG,
        remediation=(by_admin("Register a campaign for automatic texts and use its numbers.", Page.CAMPAIGNS),),
        twilio=30034,
    ),
)

BRANDS: Final = (
    Reason(
        code=Code.BRAND_UNVERIFIED,
        title="Company not verified",
        user="Your company isn't verified for business texting yet. Ask your administrator.",
        admin="{brand} is not verified. Check legal name, tax number and address on the page Brands.",
        severities=_BLOCK_OR_RELIEVED,
        remediation=(by_admin("Correct the company's details and have them verified.", Page.BRANDS),),
        twilio=30034,
    ),
    Reason(
        code=Code.BRAND_SUSPENDED,
        title="Company suspended",
        user="Business texting is suspended for your company. Ask your administrator.",
        admin="{brand} is suspended, and with it every campaign. Contact support.",
        severities=_BLOCK,
        remediation=(
            by_admin("Read why it was suspended and contact support.", Page.BRANDS),
            by_operator("Settle the complaint with the registration authority."),
        ),
        twilio=30034,
    ),
    Reason(
        code=Code.BRAND_DELETED,
        title="Company no longer registered",
        user="Your company is no longer registered for business texting. Ask your administrator.",
        admin="{brand} was deleted, and with it every campaign. Register the company again.",
        severities=_BLOCK,
        remediation=(by_admin("Register the company again.", Page.BRANDS),),
        twilio=30034,
    ),
)

REGISTRATION: Final = (*NUMBERS, *CAMPAIGNS, *BRANDS)
