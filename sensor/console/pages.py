"""The pages there are. The navigation, the keys and the routes' tests read this list, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass

from sensor.access.roles import Permission


@dataclass(frozen=True, slots=True)
class Page:
    """`name`: of template and icon; `group`: in the navigation, empty: not there; `key`: after `g`, goes there."""

    name: str
    title: str
    path: str
    permission: Permission
    group: str
    key: str = ""


PAGES = (
    Page("overview", "Overview", "/", Permission.SEE, "Watch", "o"),
    Page("incidents", "Incidents", "/incidents", Permission.SEE, "Watch", "i"),
    Page("alerts", "Alerts", "/alerts", Permission.SEE, "Watch", "a"),
    Page("map", "Map", "/map", Permission.SEE, "Plant", "m"),
    Page("assets", "Assets", "/assets", Permission.SEE, "Plant", "e"),
    Page("models", "Models", "/models", Permission.SEE, "Plant", "d"),
    Page("hunt", "Hunt", "/hunt", Permission.QUERY, "Investigate", "s"),
    Page("audit", "Audit", "/audit", Permission.QUERY, "Investigate", "r"),
    Page("health", "Health", "/health", Permission.SEE, "Run", "h"),
    Page("account", "Account", "/account", Permission.OWN, ""),
    Page("users", "Users", "/users", Permission.USERS_SEE, "Rights", "u"),
    Page("tokens", "Tokens", "/tokens", Permission.TOKENS, "Rights", "t"),
    Page("access", "Access log", "/access-log", Permission.ACCESS_LOG, "Rights", "l"),
)


def page_of(name: str) -> Page:
    return next(page for page in PAGES if page.name == name)
