"""Every Action and View of the admin API: the tuples of those who offer some, put together."""

from typing import Final

from registry import admin_actions, lists, operations
from registry.action import Action, View
from registry.audit import views as audit
from registry.drift import actions as drift
from registry.notices import actions as notices
from registry.people import routes as people
from registry.preflight import views as preflight
from registry.registration import adjustments, leave_requests
from registry.registration import routes as registration
from registry.requests import actions as requests
from registry.restorations import actions as restorations

ACTIONS: Final[tuple[Action, ...]] = (
    *admin_actions.ACTIONS,
    *drift.ACTIONS,
    *notices.ACTIONS,
    *registration.ACTIONS,
    *adjustments.ACTIONS,
    *leave_requests.ACTIONS,
    *people.ACTIONS,
    *requests.ACTIONS,
    *restorations.ACTIONS,
)
VIEWS: Final[tuple[View, ...]] = (
    *audit.VIEWS,
    *drift.VIEWS,
    *notices.VIEWS,
    *lists.VIEWS,
    *operations.VIEWS,
    *registration.VIEWS,
    *adjustments.VIEWS,
    *leave_requests.VIEWS,
    *people.VIEWS,
    *preflight.VIEWS,
    *requests.VIEWS,
    *restorations.VIEWS,
)
