"""`[oidc]`: an identity provider whose users may log in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensor.access.roles import Role
from sensor.config_read import unknown

if TYPE_CHECKING:
    from sensor.config_read import Reader


@dataclass(frozen=True, slots=True)
class OidcSection:
    """`issuer`: as its discovery document says it; empty: there is no provider. `secret_file`: its first line is the
    client's secret; empty: a public client, PKCE alone. `roles`: role by value of the claim `claim`; the highest
    counts. `role`: of those to whom none is given; empty: they are refused. `redirect`: where the provider sends people
    back to, if this console has another address for them than it knows of itself."""

    issuer: str = ""
    client_id: str = ""
    secret_file: str = ""
    scopes: str = "openid profile email"
    name_claim: str = "preferred_username"
    claim: str = "groups"
    roles: tuple[str, ...] = ()
    role: str = ""
    redirect: str = ""
    authority_file: str = ""

    def __bool__(self) -> bool:
        return bool(self.issuer)

    def by_value(self) -> dict[str, Role]:
        """Value of the claim → role."""
        pairs = (entry.rpartition("=") for entry in self.roles)
        return {value.strip(): Role(role.strip()) for value, _, role in pairs}


def check_oidc(reader: Reader, section: OidcSection) -> None:
    known = [role.value for role in Role]
    if section and not section.client_id:
        raise reader.error(("oidc", "issuer"), "an issuer needs a client_id: what this console is registered as there")
    local = section.issuer.startswith(("http://127.0.0.1", "http://localhost", "http://[::1]"))
    if section and not section.issuer.startswith("https://") and not local:
        raise reader.error(("oidc", "issuer"), "issuer must be an https:// address")
    for entry in section.roles:
        value, sign, role = entry.rpartition("=")
        if not sign or not value.strip():
            raise reader.error(
                ("oidc", "roles"), f'{entry!r} must be a value of the claim and a role, as in "soc = analyst"'
            )
        if role.strip() not in known:
            raise reader.error(("oidc", "roles"), unknown("role", role.strip(), known))
    if section.role and section.role not in known:
        raise reader.error(("oidc", "role"), unknown("role", section.role, known))
