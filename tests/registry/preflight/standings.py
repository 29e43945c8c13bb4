"""Every way that a number can stand, and an executor of plans that goes by the life cycles alone."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime

from compliance.facts import Facts, Message, Recipient, Sender
from compliance.policy import shipped
from registry.lifecycle import standing as steps
from registry.lifecycle.cycle import ABSENT
from registry.lifecycle.numbers import ASSIGNMENT, SMS
from registry.lifecycle.registration import BRAND, CAMPAIGN, CARRIER, DCA, NUMBER_POOL, SHARING
from registry.lifecycle.standing import Registered, Standing
from registry.preflight.guide import PERSON
from registry.preflight.judge import Judge
from registry.preflight.situation import NOT_ASKED

#: A word that no life cycle has.
ODD = "of_a_kind_unheard_of"
KINDS = ("local", "toll_free", "personal", "service", ODD)
US, CANADA = "+14155550143", "+16135550143"
_CYCLES = {"campaign": (CAMPAIGN, "campaign"), "sharing": (SHARING, "sharing"), "brand": (BRAND, "brand")}


def words(cycle):
    """Every state of a life cycle, and one that it has no word for."""
    return [*sorted(cycle.states), ODD]


def a_judge(to=US):
    """A judge of an ordinary text to somebody whose carrier is not known."""
    facts = Facts(
        at=datetime(2026, 11, 20, 20, 0, tzinfo=UTC),
        message=Message(to=to, sender="+12025550101", text="See you at ten"),
        sender=Sender(tenant="acme", customer_since=datetime(2019, 4, 1, tzinfo=UTC).date(), user="ben"),
        recipient=Recipient(),
    )
    return Judge(facts, shipped("current"))


def product(*, kinds=KINDS):
    """Every standing: brand x campaign x sharing x dca x assignment x sms x licence x kind x owned x room."""
    registrations = [
        Registered(brand=brand, campaign=campaign, sharing=sharing, dca_complete=dca)
        for brand, campaign, sharing, dca in itertools.product(
            words(BRAND), words(CAMPAIGN), words(SHARING), (False, True)
        )
    ]
    rest = list(itertools.product(words(ASSIGNMENT), words(SMS), (False, True), kinds, (False, True), (False, True)))
    for place, registered in enumerate(registrations):
        for number, (assignment, sms, licensed, kind, owned, room) in enumerate(rest):
            yield Standing(
                registered=registered,
                assignment=assignment,
                sms=sms,
                kind=kind,
                owned=owned,
                licensed=licensed,
                room=room,
                # On the page or not makes one step of difference: each of the two meets every other state.
                sms_page=(place + number) % 2 == 0,
            )


class Execution:
    """Takes the steps of a plan one by one, by the tables of the life cycles alone."""

    def __init__(self, situation):
        self.standing = situation.standing
        #: Of the campaign that the number is in, where that is another than the one aimed at.
        self.own = None if not situation.elsewhere else Registered(campaign="deactivated")
        self.carrier, self.pool = situation.carrier, situation.pool

    @property
    def can_send(self):
        """An ordinary text would go out."""
        there = self.own is None and self.standing.kind == "local" and self.standing.can_send
        return there and self.carrier in {NOT_ASKED, "approved"}

    def take(self, key):
        """Take one step. NotAllowedError or RefusedError when it cannot be taken."""
        if key.cycle == PERSON and key.event == "support":
            return
        if key.cycle == PERSON:
            lost = steps.lose(self.standing)
            owned = {"owned": True, "licensed": True} if key.event == "give" else {"owned": True}
            self.standing = replace(lost, **({"licensed": True} if key.event == "licence" else owned))
        elif key.cycle == "carrier":
            self.carrier = CARRIER.after(self.carrier, key.event)
        elif key.cycle == "number_pool":
            self.pool = NUMBER_POOL.after(self.pool, key.event)
            self.standing = replace(self.standing, room=self.standing.room or self.pool == "approved")
        elif key.cycle in {"assignment", "sms"}:
            self._of_number(key.event)
        else:
            self._of_registration(key)

    def _of_number(self, event):
        if event == "removed":
            self.standing = steps.removed(self.standing)
        elif event == "provisioned":
            self.standing = steps.provisioned(self.standing)
        else:
            before = self.standing.assignment
            self.standing = {"assign": steps.assign, "enable": steps.enable}[event](self.standing)
            if event == "assign" or before == ABSENT:
                self.own = None

    def _of_registration(self, key):
        registered = self.standing.registered
        anew = {"brand": {ABSENT, "deleted"}, "campaign": {ABSENT, "spent"}}
        if key.source in anew.get(key.cycle, ()) and key.event in {"registered", "submitted"}:
            self._begin(key.cycle)
        elif key.cycle == "dca":
            complete = DCA.after("incomplete", key.event) == "complete"
            self.standing = replace(self.standing, registered=replace(registered, dca_complete=complete))
        else:
            cycle, field = _CYCLES[key.cycle]
            state = cycle.after(getattr(registered, field), key.event)
            self.standing = replace(self.standing, registered=replace(registered, **{field: state}))

    def _begin(self, what):
        """Register something anew: where the number is stays as it was."""
        registered = self.standing.registered
        if self.standing.assignment not in {ABSENT, "removing"} and self.own is None:
            self.own = registered
        if what == "brand":
            new = Registered(brand=BRAND.after(ABSENT, "registered"))
        else:
            use_case = "sole_proprietor" if registered.brand == "self_declared" else "low_volume"
            state = CAMPAIGN.after(ABSENT, "submitted")
            new = Registered(brand=registered.brand, campaign=state, use_case=use_case)
        self.standing = replace(self.standing, registered=new, room=True)
        self.pool = "none"
        self.carrier = self.carrier if self.carrier == NOT_ASKED else "review"
