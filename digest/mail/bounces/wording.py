"""What servers say of a mail in plain words, in the languages that they say it in.

Tables and pure functions. The words of replies in English are read by `mailer.replies`; these are
for reports without any code of RFC 3463, which are mostly written for people.
"""

from __future__ import annotations

import re
from typing import Literal


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


#: the message is not delivered, for good or for now
_FAILED = _any_of(
    # English
    r"(?:could|can|did|was|were|has|have)(?: ?not|n['’]t) (?:be |been )?(?:deliver|sent\b|reach)",
    r"(?:unable|not able|failed|impossible) to (?:deliver|send|reach)|undeliver|returned to sender",
    r"deliver(?:y|ing)\b.{0,80}\bfailed|delivery failure|non-?delivery|not delivered",
    # German
    r"(?:konnten?|kann)\b.{0,120}\bnicht\b.{0,60}\b(?:zugestellt|ausgeliefert|übermittelt)",
    r"unzustellbar|nicht zustellbar|zustellung\b.{0,80}\b(?:fehlgeschlagen|gescheitert|unmöglich)",
    # French
    r"n['’]a(?: pas)? (?:pu être|été) (?:remis|d[ée]livr[ée]|distribu[ée]|transmis|achemin[ée])",
    r"non[- ](?:remis|d[ée]livr[ée]|distribu[ée])|[ée]chec de (?:la )?(?:remise|distribution)",
    r"impossible de (?:remettre|d[ée]livrer|distribuer)|pas encore (?:pu être|été) \w+",
    # Polish
    r"nie (?:mog\w+|można|może) (?:zosta\w+ |by\w+ )?dostarcz|nie (?:jest|był\w*) możliwe dostarcz",
    r"nie (?:zosta\w+|udało się) (?:jeszcze )?(?:dostarcz|doręcz)|niedostarcz|niedoręcz",
    # Spanish, Portuguese
    r"no (?:se )?(?:pudo|ha podido|puede|fue|ha sido) (?:ser )?entrega[rd]|error de entrega",
    r"não (?:pôde|pode|foi) (?:ser |possível )?entreg|falha na entrega",
    # Italian, Dutch
    r"non (?:è stat[oa]|può essere|è possibile) (?:possibile )?(?:consegna|recapita)",
    r"mancat[ao] (?:consegna|recapito)|impossibile (?:consegnare|recapitare)",
    r"(?:kon|kan|is) niet (?:worden )?(?:afgeleverd|bezorgd)|niet afgeleverd|onbestelbaar",
    # Czech, Swedish, Danish and Norwegian, Russian
    r"nedoručiteln|ne(?:bylo možné|podařilo se)\b.{0,40}\bdoručit|kunde inte levereras",
    r"kunne ikke leveres|не (?:может быть|удалось|была?|было) достав|недоставлен",
)
#: it is still being tried
_DELAYED = _any_of(
    r"(?:has )?not (?:yet )?been delivered(?= to one or more of its\s+recipients after more than)",
    r"not yet (?:been )?delivered|warning message only|still (?:being (?:re)?tried|undelivered)",
    r"(?:could not send message|message .{0,60}delayed) (?:for past )?\d+ hours",
    r"delivery (?:is |status notification \()?delay",
    r"delivery incomplete|will keep trying|transient non-fatal",
    r"noch nicht (?:zugestellt|ausgeliefert)|zustellung\b.{0,20}\bverzögert|verzögerte zustellung",
    r"pas encore (?:pu être|été)|remise (?:retardée|différée)|nouvelles tentatives auront",
    r"jeszcze nie (?:zosta|dostarcz)|nie (?:zosta\w+|udało się) jeszcze|opóźni\w+ (?:w )?dostarcz",
    r"aún no se ha (?:podido )?entrega|ainda não foi entregue|non è ancora stat[oa] consegnat",
    r"nog niet (?:worden )?(?:afgeleverd|bezorgd)|ещё не доставлен|еще не доставлен",
)
#: it is not tried any more, whatever else the report says
_GIVEN_UP = _any_of(
    r"permanent (?:error|fatal|failure)|giv(?:en|ing) up|will not be retried|no longer be retried",
    r"endgültig|définitiv|ne sera plus|ostateczn|permanente",
)
#: enhanced status code (RFC 3463) -> the words that say the same
_STATUSES: dict[str, re.Pattern[str]] = {
    "5.1.1": _any_of(
        r"not listed in (?:the )?(?:domino|public|name|address|directory)|user not found",
        r"recipient name is not recognized|address you entered couldn['’]t be found",
        r"(?:empfänger|benutzer|nutzer|adresse|adressat|postfach|konto)\b.{0,40}\b(?:unbekannt"
        r"|nicht (?:gefunden|vorhanden|bekannt)|existiert nicht|gibt es (?:hier )?nicht)",
        r"unbekannte[rsn]? (?:empfänger|benutzer|nutzer|adresse|adressat)",
        r"(?:utilisateur|destinataire|adresse|compte|boîte)\b.{0,40}\b(?:inconnue?|inexistante?"
        r"|introuvable|n['’]existe (?:pas|plus))",
        r"brak (?:takiego )?(?:użytkownika|adresata|odbiorcy|konta|skrzynki)",
        r"nieznany (?:użytkownik|adresat|odbiorca)|(?:użytkownik|adresat|odbiorca|konto|skrzynka"
        r"|adres)\b.{0,40}\bnie istnieje",
        r"(?:usuario|destinatario|dirección|buzón|cuenta) (?:desconocid[oa]|inexistente|no existe)",
        r"(?:usuário|utilizador|destinatário|conta) (?:desconhecid[oa]|inexistente|não existe)",
        r"(?:utente|destinatario|indirizzo|casella) (?:sconosciut[oa]|inesistente|non esiste)",
        r"onbekende (?:gebruiker|ontvanger)|(?:gebruiker|ontvanger|adres) (?:is )?onbekend",
        r"(?:gebruiker|ontvanger|adres) bestaat niet|пользователь (?:не найден|не существует)",
    ),
    "5.2.1": _any_of(
        r"(?:mailbox|recipient['’]s account) (?:is |has been )?(?:disabled|deactivated|suspended)",
        r"postfach\b.{0,30}\b(?:gesperrt|deaktiviert)|boîte\b.{0,40}\b(?:désactivée|suspendue)",
        r"skrzynk\w+\b.{0,40}\b(?:zablokowan|wyłączon|nieaktywn)",
    ),
    "5.2.2": _any_of(
        r"(?:inbox|mailbox) is full|over ?quota",
        r"postfach\b.{0,60}\b(?:voll|überfüllt)",
        r"speicherplatz\b.{0,40}\b(?:erschöpft|überschritten)",
        r"bo[iî]te\b.{0,80}\b(?:pleine|saturée)|quota\b.{0,30}\bdépassé",
        r"skrzynk\w+\b.{0,60}\b(?:przepełnion|pełn|zapełnion)|brak miejsca|przekroczon\w+ limit",
        r"buzón\b.{0,40}\blleno|casella\b.{0,60}\bpiena|caixa\b.{0,40}\bcheia",
        r"(?:postvak|postbus|mailbox)\b.{0,30}\bvol\b|ящик переполнен",
    ),
}
#: a program asks the sender to prove something before it delivers: the mail is held, not refused
_CHALLENGE = _any_of(
    r"confirm (?:your|that you|you are|this)|prove (?:that )?you",
    r"verif(?:y|ication of) (?:your|the)",
    r"list of (?:known|approved|allowed) senders|is (?:being )?held (?:until|because|in)|captcha",
    r"click (?:on )?(?:the|this) (?:link|button)|reply to this (?:message|e-?mail)",
    r"bestätigen sie|klicken sie|cliquez (?:sur|ici)|confirme[rz] (?:votre|que)|potwierd|kliknij",
    r"haga clic|confirme (?:su|que)|clicca|confermare",
)


_MAX_TEXT = 8000


def read_outcome(text: str) -> Literal["bounce", "delayed", ""]:
    """Return what a report says of its message; "" if it says nothing of a delivery."""
    flat = _flatten(text)
    if is_delayed(flat):
        return "delayed"
    return "bounce" if _FAILED.search(flat) else ""


def is_delayed(text: str) -> bool:
    """Return whether a report says that its message is still being tried."""
    flat = _flatten(text)
    return bool(_DELAYED.search(flat)) and not _GIVEN_UP.search(flat)


def read_status(text: str) -> str:
    """Return the enhanced status code that the words of a report stand for, else ""."""
    flat = _flatten(text)
    return next((code for code, words in _STATUSES.items() if words.search(flat)), "")


def is_challenge(text: str) -> bool:
    """Return whether a mail asks its reader to prove that a person sent the message."""
    return bool(_CHALLENGE.search(_flatten(text)))


def _flatten(text: str) -> str:
    """Put the beginning of a text on one line; a report says what happened at its front."""
    return " ".join(text[:_MAX_TEXT].split())
