"""Reasons about when and how much (rules 2.11 and 2.12)."""

from typing import Final

from compliance.codes import Code
from compliance.decision import Severity
from compliance.reason import Page, Reason, by_admin, by_nobody, by_user

_DEFER: Final = (Severity.DEFER,)

TIMING: Final = (
    Reason(
        code=Code.FLAG_QUIET_HOURS,
        title="Quiet hours",
        user="It is too early or too late for offers where this person lives. Send such texts during the day.",
        admin="A marketing text to {recipient} falls outside the hours that the recipient's state allows.",
        severities=(Severity.FLAG,),
        remediation=(by_user("Send offers between 9 in the morning and 8 in the evening of the recipient."),),
        twilio=30610,
    ),
    Reason(
        code=Code.THROUGHPUT_DID,
        title="Too fast",
        user="Your number sends faster than carriers allow. Wait a moment and try again.",
        admin="{number} sent more texts in a second than one number may. Spread them over time.",
        severities=_DEFER,
        remediation=(by_nobody("It passes within seconds."),),
        twilio=21611,
    ),
    Reason(
        code=Code.THROUGHPUT_ATT_CAMPAIGN,
        title="AT&T's limit for this minute",
        user="Your company's limit for AT&T phones is used up for this minute. Try again in a minute.",
        admin="{campaign} used up what AT&T takes in a minute. Spread texts, or have the campaign vetted for more.",
        severities=_DEFER,
        remediation=(
            by_nobody("It passes with the minute."),
            by_admin("See the campaign's class at AT&T.", Page.CAMPAIGNS),
        ),
        twilio=30022,
    ),
    Reason(
        code=Code.DAILY_CAP_TMO_BRAND,
        title="T-Mobile's limit for today",
        user="Your company's daily limit for T-Mobile phones is used up. Try again after midnight Pacific time.",
        admin="{brand} used up what T-Mobile takes in a day; it starts anew at midnight Pacific. Vetting raises it.",
        severities=_DEFER,
        remediation=(
            by_nobody("The day starts anew at midnight Pacific time."),
            by_admin("Have the brand vetted; a better score raises the limit.", Page.BRANDS),
        ),
        twilio=30023,
    ),
)
