"""Names and ids of the seeded tenant, and the well-known ids of Microsoft's own applications."""

import uuid

NAMESPACE = uuid.UUID("4b1f9a52-6f0e-4d5c-9a53-0f6a6f1f3c11")


def seeded_id(name: str) -> str:
    """An id that is the same in every fresh tenant, so that tests and documents can be read."""
    return str(uuid.uuid5(NAMESPACE, name))


def new_id() -> str:
    """An id for what is created later: never guessable, as in the real services."""
    return str(uuid.uuid4())


TENANT_ID = seeded_id("tenant")
SUBSCRIPTION_ID = seeded_id("subscription")
DEPLOYMENT_CLIENT_ID = seeded_id("scoped-mail-sender-deployment client")

DEFAULT_DOMAIN = "contoso.com"
ORGANIZATION = "contoso.onmicrosoft.com"
DOMAIN_CONTROLLER = "AM0PR05A12DC001.EURPR05A012.PROD.OUTLOOK.COM"

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
EXCHANGE_APP_ID = "00000002-0000-0ff1-ce00-000000000000"
# The public client by which Microsoft's module for Exchange Online has people sign in.
EXCHANGE_POWERSHELL_ID = "fb78d390-0c51-40cd-8e17-fdbfab77341b"
EXCHANGE_ADMINISTRATOR = f"admin@{ORGANIZATION}"
GRAPH_AUDIENCE = "https://graph.microsoft.com"
EXCHANGE_AUDIENCE = "https://outlook.office365.com"
ARM_AUDIENCE = "https://management.azure.com"

# The eleven permissions that an application access policy confines.
# https://learn.microsoft.com/exchange/permissions-exo/application-access-policies
CONFINABLE_APP_ROLES = {
    "Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
    "Mail.ReadBasic": "6be147d2-ea4f-4b5a-a3fa-3eab6f3c140a",
    "Mail.ReadBasic.All": "693c5e45-0940-467d-9b8a-1022fb9d42ef",
    "Mail.ReadWrite": "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
    "Mail.Send": "b633e1c5-b582-4048-a93e-9f11b44c7e96",
    "MailboxSettings.Read": "40f97065-369a-49f4-947c-6a255697ae91",
    "MailboxSettings.ReadWrite": "6931bccd-447a-43d1-b442-00a195474933",
    "Calendars.Read": "798ee544-9d2d-430c-a058-570e29e34338",
    "Calendars.ReadWrite": "ef54d2bf-783f-4e0f-bca1-3210c0444d99",
    "Contacts.Read": "089fe4d0-434a-44c5-8827-41ba8a0b17f5",
    "Contacts.ReadWrite": "6918b873-d17a-4dc1-b314-35f528134491",
}
# Mailbox permissions that no policy confines: some, so that granting one is possible and noticed.
UNCONFINABLE_APP_ROLES = {
    "MailboxFolder.Read.All": "99280d24-a782-4793-93cc-0888549957f6",
    "MailboxFolder.ReadWrite.All": "fef87b92-8391-4589-9da7-eb93dab7dc8a",
    "MailboxItem.ImportExport.All": "76577085-e73d-4f1d-b26a-85fb33892327",
}
DIRECTORY_APP_ROLES = {
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
}
EXCHANGE_APP_ROLES = {
    "Exchange.ManageAsApp": "dc50a0fb-09a3-484d-be87-e023b12c6440",
    # All of Exchange Web Services, in every mailbox that no policy keeps it out of.
    "full_access_as_app": "dc890d15-9560-4a4c-9b7f-a736ec74ec40",
}
