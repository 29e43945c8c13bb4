"""Why a call of the admin API cannot be taken: the closed table behind every refusal, and the refusal itself.

Goes out as application/problem+json, as the gateway's do. No sentence here ever holds a value that the caller sent.

Not here: the HTTP answer (http_common.py) and how a body is read (admin_patches.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from compliance.catalogue import CATALOGUE
from compliance.codes import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """What a code means."""

    #: HTTP status.
    status: int
    #: A few words; the same for every request with this code.
    title: str
    #: What the caller can do.
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One field that is wrong."""

    #: JSON pointer; "" is the body as a whole.
    pointer: str
    code: str
    #: What to do about this field; "" says no more than the code does.
    fix: str = ""


class Problem(Exception):  # noqa: N818 - the field's word is problem (RFC 9457)
    """A request that cannot be taken; code is a word of PROBLEMS, that of the first fault where there are some."""

    def __init__(self, code: str, faults: Sequence[Fault] = (), *, retry_after_s: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.faults = tuple(faults)
        self.retry_after_s = retry_after_s


def wrong_field(pointer: str, code: str, fix: str = "") -> Problem:
    """Return the problem of one field that is wrong."""
    return Problem(code, [Fault(pointer=pointer, code=code, fix=fix)])


def _kind(status: int, title: str, fix: str) -> ProblemKind:
    return ProblemKind(status=status, title=title, fix=fix)


def _of_reason(code: Code) -> ProblemKind:
    """Return a step that registration stands in the way of; the words are the catalogue's."""
    reason = CATALOGUE[code]
    return _kind(409, reason.title, reason.remediation[0].action)


#: What can keep a brand and a campaign from being VERIFIED (lifecycle/standing.py).
_REGISTRATION: Final = (
    Code.BRAND_UNVERIFIED,
    Code.BRAND_SUSPENDED,
    Code.BRAND_DELETED,
    Code.MOCK_CAMPAIGN,
    Code.CAMPAIGN_PENDING,
    Code.CAMPAIGN_REJECTED,
    Code.CAMPAIGN_SUSPENDED,
    Code.CAMPAIGN_EXPIRED,
    Code.CAMPAIGN_DEACTIVATED,
    Code.CAMPAIGN_DECLINED,
)

REGISTRATION_CODES: Final = tuple(str(code) for code in _REGISTRATION)

#: What only pages of the console say, and no call of the API.
OF_PAGES: Final = frozenset(
    {
        "wrong_sign_in",
        "too_many_tries",
        "passwords_differ",
        "invitation_over",
        "provider_unavailable",
        "opt_outs_away",
    }
)

PROBLEMS: Final[Mapping[str, ProblemKind]] = MappingProxyType(
    {
        **{str(code): _of_reason(code) for code in _REGISTRATION},
        "not_found": _kind(404, "Not found", "Check the path and the id; what belongs to others is not shown."),
        "method_not_allowed": _kind(405, "Method not allowed", "Use a method that the header Allow names."),
        "unauthenticated": _kind(
            401, "Not authenticated", "Send a valid key in the header: Authorization: Bearer <key>."
        ),
        "invalid_signature": _kind(
            401, "Not signed by TCR", "Sign the address and the body with the secret, in X-Registry-Signature."
        ),
        "malformed_event": _kind(400, "Not an event", "Send a flat JSON object with eventType, in UTF-8."),
        "forbidden": _kind(
            403, "Not allowed with this key", "Use a key that has the scope for it: admin, or the provider's operator."
        ),
        "body_too_large": _kind(413, "Body is too large", "Send only the fields that are to change, up to 64 KiB."),
        "incomplete_body": _kind(400, "Body is incomplete", "Send as many bytes as Content-Length says."),
        "unsupported_media_type": _kind(415, "Unsupported content type", "Send application/json in UTF-8."),
        "unsupported_encoding": _kind(
            415, "Unsupported content encoding", "Send the body as it is, without Content-Encoding."
        ),
        "invalid_json": _kind(400, "Not valid JSON", "Send JSON (RFC 8259) in UTF-8, one value and no more."),
        "duplicate_key": _kind(400, "A key stands twice", "Give every key of an object once."),
        "empty_change": _kind(422, "Nothing to change", "Name at least one field with its new value."),
        "unknown_field": _kind(422, "Unknown field", "Leave the field out, or check how it is spelled."),
        "missing_field": _kind(422, "A field is missing", "Add the field."),
        "invalid_type": _kind(422, "Wrong type", "Give the field the JSON type that it has."),
        "invalid_enum": _kind(422, "Unknown word", "Use one of the words that the field can have."),
        "wrong_sign_in": _kind(
            403,
            "That did not work",
            "Check the email address and the password. Your administrator can invite you anew.",
        ),
        "provider_unavailable": _kind(
            503, "Your company's sign-in does not answer", "Try again in a moment, or sign in with your password."
        ),
        "too_many_tries": _kind(429, "Too many tries", "Wait a while, or have your administrator invite you anew."),
        "passwords_differ": _kind(422, "The new password was typed in two ways", "Type it twice the same."),
        "invitation_over": _kind(
            410, "This invitation is used or too old", "Ask your administrator for another one, or sign in."
        ),
        "email_taken": _kind(409, "That email address is another person's", "Choose another address."),
        "invalid_value": _kind(422, "Out of range", "Give the field a value in its range."),
        "unknown_campaign": _kind(404, "No such campaign", "Name a campaign of your own company by id."),
        "unknown_brand": _kind(422, "No such brand", "Name a brand of your own company by id."),
        "unknown_user": _kind(422, "No such user", "Name a user of your own company by id."),
        "invalid_cursor": _kind(
            400,
            "Not a page of this list",
            "Leave cursor out to begin, or send the one that a page of it gave; limit is 1 to 500.",
        ),
        "unknown_tenant": _kind(422, "No such company", "Name a company by id."),
        "version_conflict": _kind(
            412, "It has changed since", "Read the object again, and send its ETag in the header If-Match."
        ),
        "version_required": _kind(
            428, "Which version?", "Send the object's ETag in the header If-Match, or * for whichever it is."
        ),
        "not_from_here": _kind(409, "Not possible as it stands", "Read the object: somebody may have been quicker."),
        "state_not_by_hand": _kind(
            409, "Not set by hand", "This state comes from TCR, the carriers or the aggregator; wait for theirs."
        ),
        "number_taken": _kind(409, "Somebody has the number", "Give another number, or have it ported out first."),
        "last_admin": _kind(
            409, "Nobody else is an administrator", "Make somebody else an administrator first, or ask your provider."
        ),
        "extension_taken": _kind(409, "Somebody has the extension", "Give another extension."),
        "number_cannot_text": _kind(
            409, "Not a number that texts", "Use a local number of a person; toll-free and service numbers cannot."
        ),
        "number_without_user": _kind(409, "Nobody has the number", "Give the number to a user first."),
        "licence_cannot_text": _kind(409, "The licence cannot text", "Give the user a licence of X2 or higher first."),
        "assign_on_sms_page": _kind(
            409, "To be assigned on the SMS page", "Use Assign to campaign on the SMS page, or remove the number there."
        ),
        "assignment_removing": _kind(
            409,
            "Still leaving its campaign",
            "Wait until the number is removed (up to 48 hours), or use Assign to campaign.",
        ),
        "number_limit_exceeded": _kind(
            409, "The campaign is full", "Remove a number, use another campaign, or ask for a number pool."
        ),
        "cannot_change": _kind(422, "Fixed at registration", "Leave it as it was registered, or register anew."),
        "leave_required": _kind(422, "Needs leave first", "Choose another use case, or ask the provider for leave."),
        "brand_not_named": _kind(422, "The brand is not named", "Name it in the text, so that people know who writes."),
        "brand_registered": _kind(422, "The tax number has a brand", "Correct it, or use the brand that has it."),
        "content_refused": _kind(422, "Carriers do not take this", "Give a text or a link that is taken."),
        "declaration_mismatch": _kind(
            422, "The samples hold what is not declared", "Declare it, or take it out of the samples."
        ),
        "sole_proprietor_campaign": _kind(
            409, "A sole proprietor has one campaign", "Use the one that there is, or deactivate it first."
        ),
        "scope_not_yours": _kind(
            403, "More than you have", "Leave the scope out: nobody gives what they do not have themselves."
        ),
        "scope_beyond_role": _kind(422, "More than the role has", "Leave the scope out, or give another role first."),
        "tenant_taken": _kind(409, "There is a company of this id", "Give another id, or leave it out."),
        "already_possible": _kind(409, "It may go already", "Send the text again; nobody has to do anything."),
        "nobody_can_help": _kind(
            409, "No admin can change it", "Read the refusal: only the recipient, or another number, can help."
        ),
        "too_many_requests": _kind(409, "Too many requests are open", "Wait until your admins settle some of them."),
        "wrong_confirmation": _kind(422, "Not confirmed", "Type the campaign's id: deactivation cannot be undone."),
        "hook_url_forbidden": _kind(
            422, "Not an address for a hook", "Give an https URL on the public internet, without user and fragment."
        ),
        "opt_outs_away": _kind(
            503, "The store of opt-outs does not answer", "Opt-outs hold all the same. Try again in a moment."
        ),
        "database_unavailable": _kind(
            503,
            "The database does not answer",
            "Try again after the time in Retry-After. Look at the object first: the change may have been made.",
        ),
        "internal_error": _kind(500, "A fault of ours", "Tell support the request id."),
    },
)
