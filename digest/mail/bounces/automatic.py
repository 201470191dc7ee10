"""Answers that nobody wrote: out of office, vacation, receipts, lists.

They say nothing about an address but that somebody is there.
"""

from __future__ import annotations

import re
from email.message import Message as Mail

from digest.mail.bounces import parts

#: any value but "no" means: by a machine (RFC 3834 for the first, custom for the others)
_MARKS = (
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


def why_automatic(mail: Mail, subject: str) -> str:
    """By what a mail shows that no person wrote it, or ""."""
    for name in _MARKS:
        mark = parts.value(mail, name).lower()
        if mark and not re.match(r"no\b", mark):
            return f"{name}: {mark[:40]}"
    precedence = parts.value(mail, "precedence").lower()
    if precedence in _PRECEDENCE:
        return f"precedence: {precedence}"
    if parts.kind_of(mail) == "multipart/report":
        return "a report that is about no delivery"
    return "its subject" if _SUBJECT.match(subject) else ""
