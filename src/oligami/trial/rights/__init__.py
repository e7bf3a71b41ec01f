"""The rights of the trial: one table role x act x scope, deny by default, every denial with its reason in both languages."""

from oligami.trial.rights.acts import NOWHERE, Act, act_of, site_of
from oligami.trial.rights.permit import Permit, against, check_grant, is_released, name_of, permit, sites_of
from oligami.trial.rights.print import rights_table
from oligami.trial.rights.roles import ROLES, SITE_ROLES, Grant, Held, Role, roles_at, roles_of
from oligami.trial.rights.table import ACTS

__all__ = [
    "ACTS",
    "NOWHERE",
    "ROLES",
    "SITE_ROLES",
    "Act",
    "Grant",
    "Held",
    "Permit",
    "Role",
    "act_of",
    "against",
    "check_grant",
    "is_released",
    "name_of",
    "permit",
    "rights_table",
    "roles_at",
    "roles_of",
    "site_of",
    "sites_of",
]
