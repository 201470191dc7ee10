"""config.toml and the environment -> Config. The only place with defaults; below `app` nobody sees it, only values.

Every key can come from the environment as DIGEST_SECTION__KEY, which wins over the file.
"""

from __future__ import annotations

import os
import re
import ssl
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_origin
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo

from digest.errors import ConfigError
from digest.model import SHARE_MAX, Interest

PREFIX = "DIGEST_"
#: variables that are no settings: where the file is, and what tests use
_NOT_SETTINGS = ("DIGEST_CONFIG", "DIGEST_TEST_")


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no such time zone; use a name like Europe/Berlin")
    return name


def _threshold(value: int | str) -> int | str:
    if value not in ("good", "strong") and (isinstance(value, str) or not 0 <= value <= 100):
        raise ValueError('must be a whole number from 0 to 100, "good" or "strong"')
    return value


def _http(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return url.rstrip("/")


def _bind(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError("must be host:port, for example 127.0.0.1:8025")
    return address


def _mailbox(address: str) -> str:
    if address and (address.count("@") != 1 or any(c.isspace() for c in address)):
        raise ValueError("must be an e-mail address")
    return address


def _selector(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?", name):
        raise ValueError("must be letters, digits, - and .: it names a DNS record")
    return name


def _http_or_none(url: str) -> str:
    if url:
        _http(url)
    return url  # as it is: at some servers a slash at the end makes another address


def _hello(name: str) -> str:
    if name and not re.fullmatch(r"[A-Za-z0-9._-]+|\[[A-Za-z0-9:.]+\]", name):
        raise ValueError("must be a name such as mail.example.org, or an address such as [192.0.2.25]")
    return name


def _folder_name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
        raise ValueError("must be 1 to 40 small letters, digits, - and _: it names a folder")
    return name


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("must be a day written YYYY-MM-DD") from None


Zone = Annotated[str, AfterValidator(_zone)]
Hour = Annotated[int, Field(ge=0, le=23)]
Weekday = Annotated[int, Field(ge=1, le=7)]
Address = Annotated[str, AfterValidator(_mailbox)]
Threshold = Annotated[int | str, AfterValidator(_threshold)]
Selector = Annotated[str, AfterValidator(_selector)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class StoreSection(_Section):
    """Where everything is kept."""

    url: str = Field(
        "sqlite:///digest.sqlite", description="sqlite:///file (relative to this file) or postgresql://user:password@host/name"
    )


class IngestSection(_Section):
    """Where new dumps are found."""

    inbox: Path = Field(Path("inbox"), description="folder that `serve` watches: every new dump in it is read once", strict=False)


class FetchSection(_Section):
    """How `digest fetch` behaves towards the [[sources]]; each source's own published rule is kept besides."""

    contact: Address = Field("", description='address in the User-Agent, for the people who run a source; "" = mail.sender')
    attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        6, description="how often one request is tried before the source waits for the next fetch"
    )
    timeout: Annotated[int, Field(ge=1, le=3600)] = Field(60, description="seconds of silence after which a request has failed")
    max_mb: Annotated[int, Field(ge=1, le=10000)] = Field(
        100, description="megabytes of one response, unpacked, beyond which it is refused"
    )
    holidays: tuple[Annotated[str, AfterValidator(_day)], ...] = Field(
        (), description="further days (US Eastern) on which arXiv announces nothing, besides its published ones", strict=False
    )


class _Server(_Section):
    """What a mail server needs to be told; the first stands in [smtp], further ones in [[smtp.more]]."""

    host: str = Field("", description='name of the mail server; "" = write mails as .eml files to outbox instead')
    port: Annotated[int, Field(ge=1, le=65535)] = Field(587, description="587 (STARTTLS), 465 (TLS) or 25")
    tls: Literal["auto", "none", "starttls", "tls"] = Field(
        "auto",
        description='"auto" = TLS on port 465, else STARTTLS when offered (demanded with a login or ca_file); "none", "starttls", "tls" fix it',
    )
    username: str = Field("", description="login; empty = no login")
    password: SecretStr = Field(SecretStr(""), description="better: password_file, or the variable DIGEST_SMTP__PASSWORD", strict=False)
    password_file: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Field(
        None, description='file that holds the password on its first line; "" = none', strict=False
    )
    ca_file: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Field(
        None, description='file of certificates (PEM) that are trusted instead of the system\'s: for a private CA; "" = none', strict=False
    )
    hello: Annotated[str, AfterValidator(_hello)] = Field("", description='name to greet with; "" = mail.domain')
    connections: Annotated[int, Field(ge=1, le=1000)] = Field(10, description="connections at once at most")
    per_connection: Annotated[int, Field(ge=1, le=100_000)] = Field(100, description="messages over one connection before another is made")
    per_minute: Annotated[int, Field(ge=0, le=10_000_000)] = Field(
        0, description="messages a minute at most; 0 = no limit but what the server's replies teach"
    )
    weight: Annotated[int, Field(ge=0, le=1000)] = Field(
        0, description="share of the messages, a weight for every server; 0 everywhere = each stands in when those before it cannot"
    )
    timeout: Annotated[int, Field(ge=1, le=3600)] = Field(
        300, description="seconds to wait for each reply (DATA: 120 at most) but the last, which always gets ten minutes"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.ca_file and self.tls == "none":
            raise ValueError('ca_file is for TLS, and tls = "none" allows none; change one of them')
        return self


class MoreServer(_Server):
    """A further mail server, with the keys of [smtp] that speak of a server. Repeat the table for each."""

    host: Annotated[str, Field(min_length=1)] = Field(description="name of the mail server")


class SmtpSection(_Server):
    """The mail server that takes the mails."""

    domain_per_minute: Annotated[int, Field(ge=0, le=10_000_000)] = Field(
        0, description="messages a minute to any one recipient domain; 0 = no limit but what replies teach"
    )
    outbox: Path = Field(Path("outbox"), description="folder for .eml files when host is empty", strict=False)
    more: tuple[MoreServer, ...] = Field((), strict=False)

    @model_validator(mode="after")
    def _servers(self) -> Self:
        if self.more and not self.host:
            raise ValueError("[[smtp.more]] needs a first server: set host in [smtp]")
        weights = [self.weight, *(server.weight for server in self.more)]
        if any(weights) and not all(weights):
            raise ValueError("some servers have a weight and some have none; give one to [smtp] and each [[smtp.more]], or to none")
        return self


class MailSection(_Section):
    """How the mails present themselves."""

    sender: Address = Field("digest@localhost", description="address in From")
    name: str = Field("Digest", description="name in From, and the name of the list")
    reply_to: Address = Field(
        "",
        description='address that takes replies, and thumbs and unsubscribes by mail; "" = the one of [mailbox], or sender where readers cannot reach base_url',
    )
    domain: str = Field("", description='domain of Message-ID and List-Id; "" = that of sender')
    bounce_domain: str = Field(
        "", description='domain all of whose addresses come to you, so that each mail has its own for bounces; "" = they go to sender'
    )
    dkim_key_file: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Field(
        None,
        description='private RSA key that signs the mails (`digest dkim` makes one); "" = the mail server signs, or nobody',
        strict=False,
    )
    dkim_selector: Selector = Field("digest", description="its name in the DNS: <selector>._domainkey.<domain of sender>")
    dkim_ed25519_key_file: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Field(
        None, description='private Ed25519 key for a second signature; "" = none', strict=False
    )
    dkim_ed25519_selector: Selector = Field("digest-ed25519", description="its name in the DNS")
    templates: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Field(
        None, description='folder whose templates win over the shipped ones, laid out like them; "" = none', strict=False
    )
    postal_address: str = Field("", description="shown in the foot of every mail; the law asks for it where digests are sent to the public")


class MailboxSection(_Section):
    """The mailbox that bounces, complaints and requests by mail come to; read over IMAP. Nothing in it is ever deleted."""

    host: str = Field("", description='name of the IMAP server; "" = no mailbox is read')
    port: Annotated[int, Field(ge=1, le=65535)] = Field(993, description="993 (TLS) or 143 (STARTTLS)")
    tls: Literal["tls", "starttls", "none"] = Field("tls", description='"tls", "starttls", or "none" for a server on this machine')
    username: str = Field("", description="login")
    password: SecretStr = Field(SecretStr(""), description="better: password_file, or the variable DIGEST_MAILBOX__PASSWORD", strict=False)
    password_file: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Field(
        None, description='file that holds the password on its first line; "" = none', strict=False
    )
    ca_file: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Field(
        None, description='file of certificates (PEM) that are trusted instead of the system\'s: for a private CA; "" = none', strict=False
    )
    folder: str = Field("INBOX", description="folder that is read")
    processed: str = Field("", description='folder that mails go to once they are dealt with; "" = they are marked as read')
    minutes: Annotated[int, Field(ge=1, le=1440)] = Field(5, description="minutes between two looks of `serve`")
    timeout: Annotated[int, Field(ge=1, le=3600)] = Field(60, description="seconds to wait for each answer")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.host and not self.username:
            raise ValueError(f"{self.host}: needs the key username")
        if self.processed and self.processed == self.folder:
            raise ValueError(f"processed = {self.processed!r}: is the folder that is read; name another one, or leave it empty")
        return self


class WebSection(_Section):
    """The pages behind the links in the mails."""

    base_url: Annotated[str, AfterValidator(_http)] = Field(
        "http://127.0.0.1:8025", description="where readers reach `digest serve`; the default works on this machine alone"
    )
    bind: Annotated[str, AfterValidator(_bind)] = Field("127.0.0.1:8025", description="host:port to listen on")
    signup: bool = Field(True, description="whether strangers may subscribe by page and API (confirmed by mail)")


class DigestSection(_Section):
    """What a new reader gets until they change it."""

    size: Annotated[int, Field(ge=1, le=100)] = Field(10, description="papers in a digest at most")
    hour: Hour = Field(7, description="local hour from which a digest is sent")
    days: tuple[Weekday, ...] = Field((1, 2, 3, 4, 5, 6, 7), description="weekdays, 1 = Monday", strict=False)
    timezone: Zone = Field("UTC", description="zone of readers who name none")
    threshold: Threshold = Field(0, description='match below which a paper is not listed: 0-100 (0 = none), "good" or "strong"')
    window_days: Annotated[int, Field(ge=1, le=366)] = Field(7, description="papers first seen longer ago are never listed")
    window_hours: Annotated[int, Field(ge=1, le=24)] = Field(16, description="a digest not sent so many hours after it was due expires")
    author_most: Annotated[int, Field(ge=0, le=100)] = Field(
        3, description="papers by one author at most while there are others; 0 = any number. Followed authors are always listed"
    )
    category_most: Annotated[int, Field(ge=0, le=100)] = Field(
        70,
        description="per cent of a digest that one category which the reader does not follow takes while there are others; 0 = all of it",
    )
    explore: bool = Field(True, description="whether digests of 5 papers and more try one that the scores are unsure of, marked as such")
    ignored_weight: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.0,
        description="what listed papers left without a thumb, where another of the digest got one, count beside thumbs down; 0 = nothing",
    )
    least_readers: Annotated[int, Field(ge=2, le=1000)] = Field(
        5, description="readers who must like a paper before their thumbs count for others, and who must be there at all"
    )
    recipe: str = Field("learned", description='what ranks the papers: "learned", "words", "centroid", "keywords" or "recent"')


class EvaluateSection(_Section):
    """A comparison of two recipes on readers' own thumbs: they share digests, and `digest evaluate` counts."""

    recipe_b: str = Field("", description='recipe to compare with digest.recipe; "" = no comparison, every digest is of one recipe')
    share: Annotated[int, Field(ge=1, le=100)] = Field(50, description="per cent of the readers whose digests the two recipes share")


class BouncesSection(_Section):
    """When an address is left alone because mail to it comes back; one that does not exist is at once."""

    soft: Annotated[int, Field(ge=1, le=100)] = Field(5, description="soft bounces (full, unreachable, refused without a clear reason) ...")
    days: Annotated[int, Field(ge=1, le=366)] = Field(14, description="... within so many days suppress the address")


class AlertsSection(_Section):
    """Who is told when something is wrong: no dump came, nothing got through, a disk is nearly full. `digest status` shows it in any case."""

    to: Address = Field("", description='address of the operator; "" = nobody is written to')
    disk_mb: Annotated[int, Field(ge=0, le=1_000_000)] = Field(500, description="megabytes below which a disk counts as nearly full")


class ScheduleSection(_Section):
    """How often `serve` looks for work."""

    tick_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(60, description="seconds between looks at the inbox and at who is due")


class WorkersSection(_Section):
    """How a round is spread over the machine."""

    kind: Literal["inline", "threads"] = Field("inline", description='"inline" or "threads"')
    count: Annotated[int, Field(ge=0, le=256)] = Field(0, description="threads; 0 = one for each core")
    batch: Annotated[int, Field(ge=1, le=10000)] = Field(200, description="subscribers scored together; results do not depend on it")


class LogSection(_Section):
    """What is written to the terminal's error stream."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description='"debug", "info", "warning" or "error"')


class InterestEntry(_Section):
    """One of several interests of a reader, each learned apart with its share of the digest."""

    name: Annotated[str, Field(min_length=1, max_length=100)] = Field(description="what the mails call it")
    share: Annotated[int, Field(ge=1, le=SHARE_MAX)] = Field(1, description="part of the digest beside the other interests' shares")
    keywords: tuple[str, ...] = Field((), strict=False, description='"-" before a word: never listed; "+": always, on top')
    categories: tuple[str, ...] = Field((), strict=False, description="such as cs.RO, or a whole archive such as q-bio")
    authors: tuple[str, ...] = Field((), strict=False, description="always listed, on top")
    papers: tuple[str, ...] = Field((), strict=False, description="example papers")
    text: str = Field("", description="the interest in plain words")


class SubscriberEntry(_Section):
    """A reader of whom the operator answers that they agreed; applied when `serve` starts and by `digest subscribers --apply`."""

    email: Address = Field(description="address")
    name: str = Field("", description="how to greet them")
    timezone: Zone | None = None
    hour: Hour | None = None
    days: tuple[Weekday, ...] | None = Field(None, strict=False)
    size: Annotated[int, Field(ge=1, le=100)] | None = None
    threshold: Threshold | None = None
    keywords: tuple[str, ...] = Field((), strict=False)
    categories: tuple[str, ...] = Field((), strict=False)
    authors: tuple[str, ...] = Field((), strict=False)
    papers: tuple[str, ...] = Field((), strict=False)
    text: str = ""
    interests: tuple[InterestEntry, ...] = Field((), strict=False)

    def given(self) -> dict[str, Any]:
        """What the file says of the reader, key by key; interests as nouns."""
        values = {key: getattr(self, key) for key in self.model_fields_set}
        if "interests" in values:
            values["interests"] = tuple(Interest(**entry.model_dump()) for entry in self.interests)
        return values


SourceKind = Literal["arxiv-feed", "oai", "huggingface", "biorxiv", "medrxiv", "openalex", "crossref", "pubmed", "url", "folder"]


class SourceEntry(_Section):
    """A place that new papers are fetched from, by `digest fetch` and by `serve`. Nothing else is contacted."""

    name: Annotated[str, AfterValidator(_folder_name)] = Field(
        description="short name; also the folder in the inbox that its responses are kept in"
    )
    kind: SourceKind = Field(description=f"one of {', '.join(get_args(SourceKind))}")
    url: Annotated[str, AfterValidator(_http_or_none)] = Field("", description='its address; "" = the public one of that kind')
    folder: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Field(
        None, description="kind folder: the folder to watch", strict=False
    )
    categories: tuple[str, ...] = Field((), description="kind arxiv-feed: such as cs.LG", strict=False)
    sets: tuple[str, ...] = Field((), description="kind oai: sets such as cs:cs:LG; none = everything", strict=False)
    prefix: str = Field("", description='kind oai: metadataPrefix; "" = arXiv at arXiv, oai_dc elsewhere')
    query: str = Field("", description="kind pubmed: the search; kinds openalex and crossref: further filters")
    contact: Address = Field("", description='address in the User-Agent for this source alone; "" = that of [fetch]')
    key: SecretStr = Field(SecretStr(""), description="kinds openalex and pubmed: API key", strict=False)
    every: Annotated[int, Field(ge=1, le=525600)] | None = Field(
        None, description="minutes between two looks of serve; none = what suits the kind"
    )
    days: Annotated[int, Field(ge=1, le=3660)] = Field(3, description="days that the first fetch goes back")
    enabled: bool = Field(True, description="whether it is fetched")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """What a kind cannot do without, and what only another kind uses: a key that silently did nothing would mislead."""
        needs = {"arxiv-feed": "categories", "url": "url", "folder": "folder", "pubmed": "query"}.get(self.kind)
        if needs and not getattr(self, needs):
            raise ValueError(f"{self.name}: kind {self.kind} needs the key {needs}")
        uses = {"categories": ("arxiv-feed",), "sets": ("oai",), "prefix": ("oai",), "query": ("pubmed", "openalex", "crossref"),
                "key": ("pubmed", "openalex"), "folder": ("folder",)}  # fmt: skip
        for key, kinds in uses.items():
            if key in self.model_fields_set and self.kind not in kinds:
                raise ValueError(f"{self.name}: the key {key} is for kind {' or '.join(kinds)}, not {self.kind}")
        return self


def _one_name_each(entries: tuple[SourceEntry, ...]) -> tuple[SourceEntry, ...]:
    names = [entry.name for entry in entries]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)}: used as a name more than once")
    return entries


class Config(_Section):
    """Everything that can be set."""

    store: StoreSection = StoreSection()
    ingest: IngestSection = IngestSection()
    fetch: FetchSection = FetchSection()
    smtp: SmtpSection = SmtpSection()
    mail: MailSection = MailSection()
    mailbox: MailboxSection = MailboxSection()
    web: WebSection = WebSection()
    digest: DigestSection = DigestSection()
    evaluate: EvaluateSection = EvaluateSection()
    bounces: BouncesSection = BouncesSection()
    alerts: AlertsSection = AlertsSection()
    schedule: ScheduleSection = ScheduleSection()
    workers: WorkersSection = WorkersSection()
    log: LogSection = LogSection()
    sources: Annotated[tuple[SourceEntry, ...], AfterValidator(_one_name_each)] = Field((), strict=False)
    subscribers: tuple[SubscriberEntry, ...] = Field((), strict=False)


#: lists of tables, which stand last in the example file
LISTS: Mapping[str, type[BaseModel]] = {"sources": SourceEntry, "subscribers": SubscriberEntry}
#: lists of tables within a section, which stand behind its keys
_SUBLISTS: Mapping[tuple[str, str], type[BaseModel]] = {("smtp", "more"): MoreServer, ("subscribers", "interests"): InterestEntry}
#: tables of keys, in the order of the example file
SECTIONS = tuple(name for name in Config.model_fields if name not in LISTS)


def load(path: Path | None, environ: Mapping[str, str] | None = None) -> Config:
    """Read the file (None: defaults and environment alone); relative paths become absolute, from the file's folder or else the working one.

    Raises:
        ConfigError: naming file or variable, key, value and remedy.
    """
    values = _read(path) if path else {}
    variables = _from_environment(os.environ if environ is None else environ)
    for (section, key), (_, value) in variables.items():
        table = values.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = value
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error, path, variables)) from None
    return _anchored(config, (path.parent if path else Path()).resolve())


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. `digest init` writes one; without --config the defaults serve") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start}). Save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f'{path}: is not TOML: {error}. Strings need quotes: key = "value"') from error


def _from_environment(environ: Mapping[str, str]) -> dict[tuple[str, str], tuple[str, Any]]:
    """(section, key) -> (variable, value). A variable that names no setting is refused: a typing error would pass unseen."""
    found = {}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable.startswith(_NOT_SETTINGS):
            continue
        section, _, key = variable.removeprefix(PREFIX).lower().partition("__")
        if section not in SECTIONS or not key:
            raise ConfigError(
                f"environment: {variable} names no setting. The form is {PREFIX}SECTION__KEY, with one of: {', '.join(SECTIONS)}"
            )
        model = Config.model_fields[section].annotation
        field = model.model_fields.get(key) if isinstance(model, type) and issubclass(model, BaseModel) else None
        found[section, key] = (variable, _typed(text, field))
    return found


def _typed(text: str, field: FieldInfo | None) -> Any:
    """A variable is text; numbers, truth values and lists are written as in TOML."""
    if field is None or _is_text(field.annotation):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _is_text(annotation: Any) -> bool:
    if get_origin(annotation) is Literal:
        return True
    return annotation in (str, Path, SecretStr) or Path in get_args(annotation)


def _explain(error: ValidationError, path: Path | None, variables: Mapping[tuple[str, str], tuple[str, Any]]) -> str:
    lines = []
    for problem in error.errors():
        place = [str(part) for part in problem["loc"]]
        variable = variables.get((place[0], place[1])) if len(place) > 1 else None
        where = f"environment: {variable[0]}" if variable else f"{path or 'config'}: {_key(place)}"
        secret = "password" in place or place[-1] == "key"
        whole = _model_at(place) is not None  # a table, which may hold a secret
        value = "" if secret or whole else f" = {problem['input']!r}"
        if problem["type"] == "extra_forbidden":
            lines.append(f"{where}: unknown key. {_known(place)}")
        elif problem["type"] == "missing":
            lines.append(f"{where}: missing; it has no default")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{where}{value}: {message[0].lower()}{message[1:]}{_remedy(place)}")
    return "\n".join(lines)


def _key(place: list[str]) -> str:
    return ".".join(place)


def _model_at(place: list[str]) -> type[BaseModel] | None:
    """The table that a place in the file is, or None where it is a key (or nothing known)."""
    if not place:
        return Config
    rest = [part for part in place[1:] if not part.isdigit()]
    if place[0] in LISTS:
        return _SUBLISTS.get((place[0], rest[0])) if len(rest) == 1 else None if rest else LISTS[place[0]]
    if rest:
        return _SUBLISTS.get((place[0], rest[0])) if len(rest) == 1 else None
    annotation = Config.model_fields[place[0]].annotation if place[0] in Config.model_fields else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _known(place: list[str]) -> str:
    model = _model_at(place[:-1])
    return f"Known here: {', '.join(model.model_fields)}" if model else f"Known sections: {', '.join(Config.model_fields)}"


def _remedy(place: list[str]) -> str:
    names = [part for part in place if not part.isdigit()]
    for end in range(len(names) - 1, 0, -1):  # the innermost key that says what it is: a list of choices is named by more than its key
        model = _model_at(names[:end])
        field = model.model_fields.get(names[end]) if model else None
        if field and field.description:
            return f" ({names[end]}: {field.description})"
    return ""


_MAIL_PATHS = ("templates", "dkim_key_file", "dkim_ed25519_key_file")


def _anchored(config: Config, folder: Path) -> Config:
    """Relative paths mean the same wherever the command is started."""
    url = config.store.url
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////") and url != "sqlite:///:memory:":
        url = f"sqlite:///{folder / url.removeprefix('sqlite:///')}"
    smtp = config.smtp
    more = tuple(_server(one, folder, f"smtp.more.{number}") for number, one in enumerate(smtp.more))
    smtp = _server(smtp, folder, "smtp").model_copy(update={"outbox": folder / smtp.outbox, "more": more})
    return config.model_copy(
        update={
            "store": config.store.model_copy(update={"url": url}),
            "ingest": config.ingest.model_copy(update={"inbox": folder / config.ingest.inbox}),
            "sources": tuple(one.model_copy(update={"folder": one.folder and folder / one.folder}) for one in config.sources),
            "mail": config.mail.model_copy(
                update={key: path and folder / path for key in _MAIL_PATHS for path in [getattr(config.mail, key)]}
            ),
            "smtp": smtp,
            "mailbox": _server(config.mailbox, folder, "mailbox"),
        }
    )


_S = TypeVar("_S", SmtpSection, MoreServer, MailboxSection)


def _server(server: _S, folder: Path, name: str) -> _S:
    """With its files found, and the password read from its own.

    Raises:
        ConfigError: a file cannot be used.
    """
    update: dict[str, object] = {}
    if server.password_file:
        path = folder / server.password_file
        if server.password.get_secret_value():
            raise ConfigError(f"{name}: password and password_file are both set; keep one")
        try:
            first = path.read_text(encoding="utf-8").splitlines()[:1]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{name}.password_file = {str(path)!r}: cannot be read ({error}). Check the path and its permissions"
            ) from error
        update |= {"password_file": path, "password": SecretStr(first[0].strip() if first else "")}
    if server.ca_file:
        path = folder / server.ca_file
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:
            raise ConfigError(
                f"{name}.ca_file = {str(path)!r}: no certificates can be read from it ({error}). Check the path; the form is PEM"
            ) from error
        update["ca_file"] = path
    return server.model_copy(update=update)


# ---------------------------------------------------------------------------------------------- written out


def example(values: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The example file: every key, commented, at its default; keys in `values` stand uncommented with their value."""
    chosen = values or {}
    lines = ["# Settings of digest. Every key is shown at its default; remove the # to change it.",
             "# The environment wins over this file: DIGEST_SMTP__PORT=2525 sets [smtp] port.", ""]  # fmt: skip
    for section in SECTIONS:
        model = _model_at([section])
        assert model is not None  # noqa: S101
        lines += [f"# {model.__doc__}", f"[{section}]"]
        for key, field in model.model_fields.items():
            if (section, key) in _SUBLISTS:
                continue
            given = chosen.get(section, {})
            shown = _toml(given.get(key, field.default))
            lines += [f"# {field.description}", f"{'' if key in given else '# '}{key} = {shown}"]
        lines.append("")
        for (inner, key), model in _SUBLISTS.items():
            if inner == section:
                lines += [f"# {model.__doc__}", f"# [[{section}.{key}]]", *_keys_of(model, {"host": "backup.example.org"}), ""]
    lines += [f"# {SourceEntry.__doc__}", "# [[sources]]"]
    shown_at = {"name": "arxiv", "kind": "arxiv-feed", "categories": ("cs.LG", "q-bio.NC"), "every": 60}
    lines += [*_keys_of(SourceEntry, shown_at), ""]
    lines += [f"# {SubscriberEntry.__doc__}", "# [[subscribers]]", '# email = "reader@example.org"', '# name = "A reader"', '# timezone = "Europe/Berlin"',
              "# hour = 7", "# days = [1, 2, 3, 4, 5]", "# size = 10", "# threshold = 0", '# keywords = ["graph neural network", "-survey"]',
              '# categories = ["cs.LG", "q-bio"]', '# authors = ["Jane Doe"]', '# papers = ["arxiv:2606.01234"]', '# text = ""', "",
              f"# {InterestEntry.__doc__} Instead of the six keys before.", "# [[subscribers.interests]]",
              *_keys_of(InterestEntry, {"name": "robot grasping", "share": 2, "keywords": ("+tactile sensing", "-survey")}), ""]  # fmt: skip
    return "\n".join(lines)


def _keys_of(model: type[BaseModel], shown_at: Mapping[str, Any]) -> list[str]:
    lines = []
    for key, field in model.model_fields.items():
        lines += [f"# {field.description}", f"# {key} = {_toml(shown_at.get(key, field.default))}"]
    return lines


def _toml(value: Any) -> str:
    if isinstance(value, SecretStr | None):
        return '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def shown(config: Config) -> dict[str, Any]:
    """What is in force, for people: secrets hidden, paths as text."""
    values = config.model_dump(mode="json")
    if config.smtp.password.get_secret_value():
        values["smtp"]["password"] = "**********"  # noqa: S105
    return values
