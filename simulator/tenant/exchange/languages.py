"""What Exchange Online says in the language of the organisation.

The name of an error's type is never translated, its sentence is: in German on record at
https://github.com/microsoft/Microsoft365DSC/issues/687 and /issues/2524, both for an object that is
not there. ``AccessCheckResult`` was seen as ``Accordé`` in a French organisation:
https://github.com/SMTP2Graph/SMTP2Graph/issues/41. Every other translation here is ours: what
counts is that nobody finds an English word in it. A sentence that is not here is ``NotSimulated``.

What the client says itself, the module or .NET, stays English.
"""

import re
from enum import StrEnum

from simulator.tenant.answers import ExchangeError, NotSimulated
from simulator.tenant.policy_evaluation import AccessCheckResult


class Language(StrEnum):
    """The languages in which an organisation's Exchange answers."""

    ENGLISH = "en"
    GERMAN = "de"
    FRENCH = "fr"


_ACCESS_CHECK_RESULTS = {
    Language.GERMAN: {AccessCheckResult.GRANTED: "Gewährt", AccessCheckResult.DENIED: "Verweigert"},
    Language.FRENCH: {AccessCheckResult.GRANTED: "Accordé", AccessCheckResult.DENIED: "Refusé"},
}

# The English sentence with what is named in it, then the German and the French one.
_SENTENCES = [
    (
        r"The operation couldn't be performed because object '(.*)' couldn't be found on '(.*)'\.",
        r"Der Vorgang konnte nicht ausgeführt werden, weil das Objekt '\1' nicht auf '\2' gefunden "
        "wurde.",
        r"L'opération n'a pas pu être effectuée, car l'objet '\1' est introuvable sur '\2'.",
    ),
    (
        r"The operation couldn't be performed because '(.*)' matches multiple entries\.",
        r"Der Vorgang konnte nicht ausgeführt werden, weil '\1' mehreren Einträgen entspricht.",
        r"L'opération n'a pas pu être effectuée, car '\1' correspond à plusieurs entrées.",
    ),
    (
        r'The proxy address "(.*)" is already being used by the proxy addresses or '
        r'LegacyExchangeDN of "(.*)"\. Please choose another proxy address\.',
        r'Die Proxyadresse "\1" wird bereits von den Proxyadressen oder dem LegacyExchangeDN von '
        r'"\2" verwendet. Wählen Sie eine andere Proxyadresse aus.',
        r'L\'adresse proxy "\1" est déjà utilisée par les adresses proxy ou le LegacyExchangeDN de '
        r'"\2". Choisissez une autre adresse proxy.',
    ),
    (
        r"(.*)The object '(.*)' already exists\.",
        r"Fehler bei einem Active Directory-Vorgang: Das Objekt '\2' ist bereits vorhanden.",
        r"Échec d'une opération Active Directory : l'objet '\2' existe déjà.",
    ),
    (
        r"The application access policy '(.*)' already exists\.",
        r"Die Anwendungszugriffsrichtlinie '\1' ist bereits vorhanden.",
        r"La stratégie d'accès aux applications '\1' existe déjà.",
    ),
    (
        r'The recipient "(.*)" is already a member of the group "(.*)"\.',
        r'Der Empfänger "\1" ist bereits Mitglied der Gruppe "\2".',
        r'Le destinataire "\1" est déjà membre du groupe "\2".',
    ),
    (
        r'The recipient "(.*)" isn\'t a member of the group "(.*)"\.',
        r'Der Empfänger "\1" ist kein Mitglied der Gruppe "\2".',
        r'Le destinataire "\1" n\'est pas membre du groupe "\2".',
    ),
    (
        r"Access Denied! Insufficient permissions: .*",
        r"Zugriff verweigert! Unzureichende Berechtigungen.",
        r"Accès refusé ! Autorisations insuffisantes.",
    ),
    (
        r"The server is busy\. Please try again later\.",
        r"Der Server ist ausgelastet. Versuchen Sie es später erneut.",
        r"Le serveur est occupé. Veuillez réessayer plus tard.",
    ),
    (
        r"An error caused a change in the current set of domain controllers\.",
        r"Aufgrund eines Fehlers wurden die verwendeten Domänencontroller gewechselt.",
        r"Une erreur a provoqué un changement des contrôleurs de domaine utilisés.",
    ),
    (
        r"The call to Microsoft Exchange Active Directory Topology service on server '(.*)' "
        r"returned an error\..*",
        r"Beim Aufruf des Microsoft Exchange Active Directory-Topologiediensts auf dem Server '\1' "
        r"ist ein Fehler aufgetreten.",
        r"L'appel au service de topologie Active Directory de Microsoft Exchange sur le serveur "
        r"'\1' a renvoyé une erreur.",
    ),
    (
        r"An Azure Active Directory call was made to keep object in sync.*",
        r"Ein Aufruf von Azure Active Directory zum Abgleich des Objekts ist fehlgeschlagen. "
        r"Versuchen Sie es in einigen Minuten erneut.",
        r"Un appel à Azure Active Directory pour synchroniser l'objet a échoué. Réessayez dans "
        r"quelques minutes.",
    ),
]


def access_check_result(result: AccessCheckResult, language: Language) -> str:
    """What ``Test-ApplicationAccessPolicy`` shows."""
    if language is Language.ENGLISH:
        return str(result)
    return _ACCESS_CHECK_RESULTS[language][result]


def translated(error: ExchangeError, language: Language) -> ExchangeError:
    """The error as the organisation's Exchange says it.

    Raises:
        NotSimulated: Nobody here knows how it says that.
    """
    said_by_client = not error.exception_type.startswith("Microsoft.")
    if language is Language.ENGLISH or said_by_client:
        return error
    for english, german, french in _SENTENCES:
        found = re.fullmatch(english, error.message, re.DOTALL)
        if found:
            sentence = found.expand(german if language is Language.GERMAN else french)
            return ExchangeError(error.exception_type, sentence, code=error.code)
    raise NotSimulated(
        f"The simulated tenant does not know how Exchange Online says in '{language}': "
        f"{error.message}"
    )
