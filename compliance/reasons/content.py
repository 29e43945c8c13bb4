"""Reasons about what a message says and holds (rule 2.10)."""

from typing import Final

from compliance.codes import Code
from compliance.decision import Severity
from compliance.reason import Page, Reason, by_admin, by_operator, by_user

_BLOCK: Final = (Severity.BLOCK,)
_FLAG: Final = (Severity.FLAG,)
_FLAG_OR_BLOCK: Final = (Severity.FLAG, Severity.BLOCK)

CONTENT: Final = (
    Reason(
        code=Code.MESSAGE_TOO_LONG,
        title="Text too long",
        user="This text is too long. Shorten it or send it in several parts.",
        admin="The text takes more than 10 segments; emoji and accents make segments shorter.",
        severities=_BLOCK,
        remediation=(by_user("Shorten the text, or send it in several parts."),),
        http=422,
        twilio=21617,
    ),
    Reason(
        code=Code.MEDIA_TYPE,
        title="Kind of file not supported",
        user="This kind of file can't be sent. Send a picture, a sound, a short video or a contact card.",
        admin="Carriers take common pictures, sounds, videos, plain text and contact cards only.",
        severities=_BLOCK,
        remediation=(by_user("Convert the file, or send a link to it."),),
        http=422,
        twilio=30011,
    ),
    Reason(
        code=Code.MEDIA_TOO_LARGE,
        title="Files too large",
        user="The files are too large or too many. Send at most 10, pictures up to 20 MB, all others 1 MB together.",
        admin="A message holds at most 10 files, pictures up to 20 MB each and 1 MB of everything else.",
        severities=_BLOCK,
        remediation=(by_user("Send fewer or smaller files, or a link to them."),),
        http=422,
        twilio=21623,
    ),
    Reason(
        code=Code.CONTENT_PUBLIC_URL_SHORTENER,
        title="Shortened link",
        user="Shortened links such as bit.ly don't get through. Use the full link.",
        admin="Carriers refuse links through public shorteners. Use full links or a short domain of your own.",
        severities=_FLAG_OR_BLOCK,
        remediation=(by_user("Use the full link."),),
        twilio=30007,
    ),
    Reason(
        code=Code.CONTENT_PROHIBITED,
        title="Prohibited content",
        user="Carriers don't accept texts about this kind of product or offer. Reword the text or call.",
        admin="The text speaks of something that carriers do not take, such as cannabis, payday loans or gambling.",
        severities=_FLAG_OR_BLOCK,
        remediation=(
            by_user("Reword the text, or call."),
            by_admin("Read the text and speak with the sender.", Page.MESSAGES),
        ),
        twilio=30007,
    ),
    Reason(
        code=Code.CONTENT_PHISHING,
        title="Looks like phishing",
        user="A text with a link that asks for account or card details looks like fraud. Ask for them by phone.",
        admin="The text asks to confirm personal details and holds a link, as fraud does. Speak with the sender.",
        severities=_FLAG,
        remediation=(
            by_user("Leave out the link, or ask for the details by phone."),
            by_admin("Read the text and speak with the sender.", Page.MESSAGES),
        ),
        twilio=30007,
    ),
    Reason(
        code=Code.CONTENT_SHAFT,
        title="Restricted goods",
        user="Texts about alcohol, tobacco, weapons or adult content are restricted. Reword the text or call.",
        admin="The text speaks of alcohol, tobacco, firearms or adult content. Alcohol needs an age-gated campaign.",
        severities=_FLAG,
        remediation=(
            by_user("Reword the text, or call."),
            by_admin("Declare the content in the campaign, if it may be sent at all.", Page.CAMPAIGNS),
        ),
        twilio=30007,
    ),
    Reason(
        code=Code.FLAG_CONTENT_DECLARATION_MISMATCH,
        title="Not what was registered",
        user="This text holds something your company didn't register, such as a link or offer. Ask your administrator.",
        admin="The text holds a link, phone number, offer, loan or code that {campaign} did not declare. Declare it.",
        severities=_FLAG,
        remediation=(by_admin("Declare in the campaign what its texts hold.", Page.CAMPAIGNS),),
        twilio=30007,
    ),
    Reason(
        code=Code.SNOWSHOE_SUSPECTED,
        title="Same text from many numbers",
        user="Many numbers of your company sent this same text. Ask your administrator how to text many people.",
        admin="Ten or more numbers of {brand} sent the same text within 5 minutes. Send such texts from one number.",
        severities=_FLAG_OR_BLOCK,
        remediation=(by_admin("Send bulk texts from one number, through a campaign made for them.", Page.CAMPAIGNS),),
        twilio=30007,
    ),
    Reason(
        code=Code.EVASION_SUSPECTED,
        title="Disguised link",
        user="A link in this text is written so that it looks like something else. Write the full link plainly.",
        admin="The text hides a shortened link by look-alike or invisible characters. Speak with the sender.",
        severities=_FLAG,
        remediation=(
            by_user("Write the full link plainly."),
            by_admin("Read the text and speak with the sender.", Page.MESSAGES),
            by_operator("Watch the sender for more of the kind."),
        ),
        twilio=30007,
    ),
)
