"""What becomes of brands and campaigns: deeds, each of which changes something and tells it, and when they come.

A review that nobody disturbs ends well. Magic words in a form, or the control API, make it end otherwise.
"""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from loadtests.tcr import words
from loadtests.tcr.book import Book, Brand, Campaign, Step, rfc3339
from loadtests.tcr.hooks import Hooks
from loadtests.tcr.settings import Pace

#: What a campaign says of its renewal.
_RENEWAL: Final = ("autoRenewal", "nextRenewalOrExpirationDate")
#: How much longer #slow takes.
_SLOW: Final = 10
#: Our names of carriers to their network ids.
CARRIERS: Final = {"att": 10017, "tmobile": 10035, "verizon": 10038, "us_cellular": 10037}
_MAGIC: Final = re.compile(r"#([a-z0-9-]+)")
_MISMATCH: Final = {
    "id": "TAX_ID",
    "displayName": "Tax ID",
    "description": "The EIN does not match the legal company name on file.",
    "fields": ["ein", "companyName"],
}
_DECLINED: Final = "The call to action does not say how people opt in. Sample 1 does not name the brand."

#: Magic word to what it does; the README's tables are held against it.
BRAND_WORDS: Final = {
    "unverified": "the identity stays UNVERIFIED, with feedback",
    "vetted": "VETTED_VERIFIED, with a score of 82",
    "never": "no answer comes",
    "slow": "the review takes ten times as long",
    "deleted": "verified, then deleted",
}
CAMPAIGN_WORDS: Final = {
    "declined": "the partner declines, with an explanation",
    "never": "no answer comes",
    "slow": "reviews take ten times as long",
    "expires": "expires after the carriers' answers",
    "CARRIER-rejected": "that carrier rejects it",
    "CARRIER-suspended": "that carrier approves, then suspends it",
    "CARRIER-back": "that carrier approves, suspends and unsuspends it",
}


def magic(text: str) -> frozenset[str]:
    """Return the magic words in a text, without their #."""
    return frozenset(_MAGIC.findall(text))


class Reviews:
    """Plans deeds and does them."""

    def __init__(self, book: Book, hooks: Hooks, pace: Pace) -> None:
        self._book = book
        self._hooks = hooks
        self.pace = pace
        #: What can be done, by name; the control API offers all of it.
        self.brand_deeds: dict[str, Callable[[Brand, Mapping[str, Any]], None]] = {
            "verify": self._verify,
            "unverify": self._unverify,
            "identify": self._identify,
            "vet": self._vet,
            "delete": self._delete,
        }
        self.campaign_deeds: dict[str, Callable[[Campaign, Mapping[str, Any]], None]] = {
            "accept": self._accept,
            "decline": self._decline,
            "complete": self._complete,
            "operate": self._operate,
            "expire": self._expire,
            "renew": self._renew,
            "resubmit": self._resubmit,
            "complain": self._complain,
        }

    # What is planned.

    def brand_registered(self, brand: Brand) -> None:
        """Begin the review of a brand that is new, or to be looked at again."""
        found = magic(brand.text())
        if "never" in found:
            return
        if brand.fields["entityType"] == "SOLE_PROPRIETOR":
            self._in(brand.id, 0, "identify", status="SELF_DECLARED")
            return
        wait_s = self.pace.brand_s * (_SLOW if "slow" in found else 1)
        if "unverified" in found:
            self._in(brand.id, wait_s, "unverify")
        elif "vetted" in found:
            self._in(brand.id, wait_s, "vet", score=82)
        else:
            self._in(brand.id, wait_s, "verify")
        if "deleted" in found:
            self._in(brand.id, wait_s * 2, "delete")

    def campaign_shared(self, campaign: Campaign) -> None:
        """Begin the review of a campaign that was shared."""
        found = magic(campaign.text())
        if "never" in found:
            return
        slow = _SLOW if "slow" in found else 1
        at_s = self.pace.share_s * slow
        if "declined" in found:
            self._in(campaign.id, at_s, "decline")
            return
        self._in(campaign.id, at_s, "accept")
        at_s += self.pace.dca_s * slow
        self._in(campaign.id, at_s, "complete")
        step_s = self.pace.carrier_s * slow
        for carrier in CARRIERS:
            if f"{carrier.replace('_', '-')}-rejected" in found:
                self._in(campaign.id, at_s + step_s, "operate", carrier=carrier, status="REJECTED")
                continue
            self._in(campaign.id, at_s + step_s, "operate", carrier=carrier, status="APPROVED")
            back = f"{carrier.replace('_', '-')}-back" in found
            if back or f"{carrier.replace('_', '-')}-suspended" in found:
                self._in(campaign.id, at_s + 2 * step_s, "operate", carrier=carrier, status="SUSPENDED")
            if back:
                self._in(campaign.id, at_s + 3 * step_s, "operate", carrier=carrier, status="UNSUSPENDED")
        if "expires" in found:
            self._in(campaign.id, at_s + 4 * step_s, "expire")

    def vetting_ordered(self, brand: Brand) -> None:
        """Begin an external vetting."""
        self._in(brand.id, self.pace.vetting_s, "vet", score=82)

    def forget(self, object_id: str) -> None:
        """Plan nothing more for a brand or campaign."""
        self._book.steps = [step for step in self._book.steps if step.object != object_id]

    def do_due(self) -> int:
        """Do what is due; returns how much it was."""
        steps = self._book.take_due()
        for step in steps:
            self.do(step.object, step.deed, step.args)
        return len(steps)

    def do(self, object_id: str, deed: str, args: Mapping[str, Any]) -> bool:
        """Do one deed; False when there is no such object, or deed."""
        brand = self._book.brand(object_id)
        if brand is not None and deed in self.brand_deeds:
            self.brand_deeds[deed](brand, args)
            return True
        campaign = self._book.campaigns.get(object_id)
        if campaign is not None and deed in self.campaign_deeds:
            self.campaign_deeds[deed](campaign, args)
            return True
        return False

    def _in(self, object_id: str, wait_s: float, deed: str, **args: Any) -> None:
        self._book.steps.append(Step(at=self._book.now() + wait_s, object=object_id, deed=deed, args=args))

    # What is told.

    def tell_brand(self, event_type: str, brand: Brand, **more: Any) -> None:
        """Tell about a brand."""
        told = {"brandId": brand.id, "brandName": brand.fields.get("displayName", ""), "mock": brand.fields["mock"]}
        if brand.fields.get("referenceId"):
            told["brandReferenceId"] = brand.fields["referenceId"]
        self._hooks.tell(event_type, told | more)

    def tell_campaign(self, event_type: str, campaign: Campaign, **more: Any) -> None:
        """Tell about a campaign."""
        told = {"campaignId": campaign.id, "brandId": campaign.fields["brandId"], "mock": campaign.fields["mock"]}
        if campaign.fields.get("referenceId"):
            told["campaignReferenceId"] = campaign.fields["referenceId"]
        self._hooks.tell(event_type, told | more)

    # What happens to brands.

    def _verify(self, brand: Brand, _: Mapping[str, Any]) -> None:
        vetted = any(one.get("vettingStatus") == "ACTIVE" for one in brand.vettings)
        self._identify(brand, {"status": "VETTED_VERIFIED" if vetted else "VERIFIED"})

    def _unverify(self, brand: Brand, args: Mapping[str, Any]) -> None:
        reasons: Sequence[Any] = args.get("reasons") or ()
        said = [{**_MISMATCH, "description": str(reason)} for reason in reasons] or [dict(_MISMATCH)]
        self._identify(brand, {"status": "UNVERIFIED", "feedback": said})

    def _identify(self, brand: Brand, args: Mapping[str, Any]) -> None:
        brand.fields["identityStatus"] = args["status"]
        brand.feedback = list(args.get("feedback", ()))
        self.tell_brand("BRAND_IDENTITY_STATUS_UPDATE", brand, brandIdentityStatus=args["status"])

    def _vet(self, brand: Brand, args: Mapping[str, Any]) -> None:
        pending = [one for one in brand.vettings if one["vettingStatus"] == "PENDING"]
        record = pending[0] if pending else new_vetting("AEGIS", "STANDARD", self._book.now())
        if not pending:
            brand.vettings.append(record)
        record |= {
            "vettingStatus": "ACTIVE",
            "vettingScore": args.get("score", 82),
            "vettedDate": rfc3339(self._book.now()),
        }
        self.tell_brand("EVP_REPORT_SCORE", brand, evpId=record["evpId"], vettingId=record["vettingId"])
        self._identify(brand, {"status": "VETTED_VERIFIED"})
        self.tell_brand("BRAND_SCORE_UPDATE", brand)

    def _delete(self, brand: Brand, _: Mapping[str, Any]) -> None:
        brand.deleted = True
        self.forget(brand.id)
        self.tell_brand("BRAND_DELETE", brand)

    # What happens to campaigns.

    def _share(self, campaign: Campaign, status: str, explanation: str = "") -> None:
        if campaign.sharing is not None:
            campaign.sharing |= {
                "sharingStatus": status,
                "explanation": explanation,
                "statusDate": rfc3339(self._book.now()),
            }

    def _accept(self, campaign: Campaign, _: Mapping[str, Any]) -> None:
        self._share(campaign, "ACCEPTED")
        self.tell_campaign("CAMPAIGN_SHARE_ACCEPT", campaign, cnpId=words.UPSTREAM["cnpId"])

    def _decline(self, campaign: Campaign, args: Mapping[str, Any]) -> None:
        explanation = " ".join(map(str, args.get("reasons") or (_DECLINED,)))
        self._share(campaign, "DECLINED", explanation)
        self.forget(campaign.id)
        self.tell_campaign("CAMPAIGN_SHARE_DELETE", campaign, cnpId=words.UPSTREAM["cnpId"], description=explanation)

    def _complete(self, campaign: Campaign, _: Mapping[str, Any]) -> None:
        campaign.operations = {str(one): campaign.operations.get(str(one), "REVIEW") for one in words.CARRIERS}
        self.tell_campaign("CAMPAIGN_DCA_COMPLETE", campaign, dcaId=words.UPSTREAM["cnpId"])

    def _operate(self, campaign: Campaign, args: Mapping[str, Any]) -> None:
        number, status = CARRIERS[args["carrier"]], args["status"]
        campaign.operations[str(number)] = "APPROVED" if status == "UNSUSPENDED" else status
        more = {"description": " ".join(map(str, args["reasons"]))} if args.get("reasons") else {}
        self.tell_campaign(
            f"MNO_CAMPAIGN_OPERATION_{status}", campaign, mnoId=number, mnoName=words.CARRIERS[number][0], **more
        )

    def _renew(self, campaign: Campaign, args: Mapping[str, Any]) -> None:
        """Change whether and when it is renewed, to whatever is given; TCR tells nobody."""
        campaign.fields |= {name: args[name] for name in _RENEWAL if name in args}

    def _expire(self, campaign: Campaign, _: Mapping[str, Any]) -> None:
        campaign.fields["status"] = "EXPIRED"
        self.forget(campaign.id)
        self.tell_campaign("CAMPAIGN_EXPIRED", campaign)

    def _resubmit(self, campaign: Campaign, _: Mapping[str, Any]) -> None:
        self._share(campaign, "PENDING")
        self.tell_campaign("CAMPAIGN_RESUBMISSION", campaign)
        self.campaign_shared(campaign)

    def _complain(self, campaign: Campaign, args: Mapping[str, Any]) -> None:
        number = CARRIERS[args.get("carrier", "tmobile")]
        self.tell_campaign("MNO_COMPLAINT", campaign, mnoId=number, mnoName=words.CARRIERS[number][0])


def new_vetting(provider: str, kind: str, at: float) -> dict[str, Any]:
    """Return the record of a vetting that was just ordered."""
    return {
        "evpId": provider,
        "vettingId": str(uuid.uuid4()),
        "vettingClass": kind,
        "vettingStatus": "PENDING",
        "vettingScore": None,
        "createDate": rfc3339(at),
    }
