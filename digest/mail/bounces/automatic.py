"""Automatic replies: out of office, vacation, receipts, lists.

They say nothing about an address except that it exists.
"""

from __future__ import annotations

import re
from email.message import Message as Mail

from digest.mail.bounces import mime

#: headers of automatic mail: the first by RFC 3834, the rest by custom; any value but "no" counts
_HEADERS = (
    "auto-submitted",
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-mail-autoreply",
    "x-vacation",
    "x-auto-response-suppress",
)
_PRECEDENCE = ("auto_reply", "auto-reply", "bulk", "junk", "list")
_SUBJECT = re.compile(
    r"^\W*(?:(?:re|aw|sv|tr|fwd?)\s*:\s*)*(?:"
    r"out of (?:the )?office|auto(?:matic|mated)?[ -]?(?:reply|response|answer)|away from (?:the "
    r")?office|(?:i am )?on (?:vacation|leave|holiday)"
    r"|automatische (?:antwort|abwesenheit)|abwesenheits|abwesend|automatisch antwoord|afwezig"
    r"|r[ée]ponse automatique|absen(?:t|ce) d[ue] bureau|message d'absence"
    r"|respuesta autom[áa]tica|fuera de (?:la )?oficina|resposta autom[áa]tica|ausencia|aus[êe]ncia"
    r"|risposta automatica|fuori (?:sede|ufficio)|autosvar|automatiskt? "
    r"svar|frånvaro|automaattinen vastaus|poissa"
    r"|odpowied[źz] automatyczna|automatick[áa] odpov[ěe][ďd]|otomatik "
    r"yan[ıi]t|автоответ|автоматический ответ|нет на месте"
    r"|自动回复|自動回覆|自動返信|自動応答|不在|자동 ?(?:회신|응답)|부재"
    r")",
    re.IGNORECASE,
)


def automatic_evidence(mail: Mail, subject: str) -> str:
    """The evidence that no person wrote a mail; "" if there is none."""
    for name in _HEADERS:
        value = mime.header(mail, name).lower()
        if value and not re.match(r"no\b", value):
            return f"{name}: {value[:40]}"
    precedence = mime.header(mail, "precedence").lower()
    if precedence in _PRECEDENCE:
        return f"precedence: {precedence}"
    if mime.content_type(mail) == "multipart/report":
        return "a report that is about no delivery"
    return "its subject" if is_automatic_subject(subject) else ""


def is_automatic_subject(subject: str) -> bool:
    """Return whether a subject is that of an out-of-office reply."""
    return bool(_SUBJECT.match(subject))
