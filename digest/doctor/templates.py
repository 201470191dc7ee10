"""Check the templates: whether every kind of mail can be written."""

from __future__ import annotations

from collections.abc import Iterator

from digest.config import Config
from digest.doctor.findings import Finding, bad, good, warning
from digest.errors import DigestError
from digest.mail.messages import samples
from digest.mail_setup import make_mailing


def check_templates(config: Config) -> Iterator[Finding]:
    """Check that all templates and kinds of mail work, and find unused files."""
    folders = (config.mail.templates,) if config.mail.templates else ()
    for folder in folders:
        if not folder.is_dir():
            yield bad(
                "templates",
                f"mail.templates = {folder}: is not a folder",
                "Make it, or remove the key",
            )
    broken = samples.find_template_errors(folders)
    for problem in broken:
        yield bad("templates", problem, "Correct the template, or remove it from [mail] templates")
    for file in samples.find_unused_files(folders):
        yield warning(
            "templates",
            f"{file}: no shipped template has this name, so only a template that extends or "
            f"includes it uses it",
            "Check its name",
        )
    if broken:
        return
    try:
        written = samples.write_samples(make_mailing(config), folders)
    except DigestError as error:
        yield bad("templates", f"a mail cannot be written: {error}", "Correct what the error names")
    else:
        signed = sum(b"\nDKIM-Signature:" in b"\n" + mail.data for mail in written)
        yield good(
            "templates",
            f"all {len(written)} kinds of mail can be "
            f"written{', and are signed' if signed else ''}",
        )
