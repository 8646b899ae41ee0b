"""Any service that Apprise can reach, contained.

One Apprise object per sink with exactly one service, called in the caller's own thread: no pool, no
deadline and no retry of Apprise's, because all of these are the dispatcher's. No text that leaves this module
holds a URL.
"""

import difflib
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

from apprise import Apprise, AppriseAsset, AppriseResultStatus, NotifyFormat, NotifyType
from apprise.manager_plugins import NotificationManager
from apprise.plugins import url_to_dict
from apprise.plugins.base import NotifyBase
from apprise.utils.parse import parse_bool, parse_urls

from sentinel.delivery.digest import loudest
from sentinel.delivery.incidents import dedup_key, incident_of
from sentinel.delivery.render import Limit, cut, fit, one_line
from sentinel.delivery.sinks.packages import lacking, needed
from sentinel.delivery.sinks.protocol import Wording
from sentinel.delivery.sinks.secrecy import hush_libraries, scrub, secrets_of
from sentinel.errors import ConfigError, DeliveryError, Fault
from sentinel.events import Event, Message, Severity, Text
from sentinel.model import Audience

LONGEST_BODY = 4000
LONGEST_REASON = 300
LONGEST_PLAIN = 7
# Below this a message has no room for a title beside the body, which is a whole sentence anyway.
ROOM_FOR_TITLE = 400
TITLE_IN_BODY = 120

_services: Callable[[], Any] = NotificationManager
_url_to_dict: Callable[..., dict[str, Any] | None] = url_to_dict
_parse_urls: Callable[[str], list[str]] = parse_urls
_is_yes: Callable[[str], bool] = parse_bool

_SCHEME = re.compile(r"\s*([a-z0-9]{1,32})://", re.IGNORECASE)
_TOKEN = re.compile(r"\{(?!schema\})\w+\}")
_STATUS = re.compile(r"\berror=(\d{3})\b")
_PERMANENT = frozenset({"400", "401", "403", "404", "410", "422"})
_CONNECTED = frozenset({"mqtt", "mqtts"})
"""Services that keep a connection, and with it what a failed send left behind: that would come besides the next try."""
_TYPES = {
    Severity.INFO: NotifyType.INFO,
    Severity.WARNING: NotifyType.WARNING,
    Severity.CRITICAL: NotifyType.FAILURE,
}


class AppriseSink:
    """One service behind one Apprise URL: for people, or for incidents where the service keeps them by our key."""

    def __init__(
        self,
        *,
        name: str,
        url: str,
        wording: Wording,
        by_severity: Mapping[Severity, Mapping[str, str]] | None = None,
    ) -> None:
        """Loads the service without sending anything; raises ConfigError without the URL in it.

        Its paths are `url`, and `by_severity.SEVERITY` for parameters that the service does not know or take.
        """
        hush_libraries()
        self._name = name
        self._wording = wording
        self._schema, self._settings, service = _load(url.strip())
        self._secrets = _secrets(url.strip(), service)
        self._limit = _limit(service)
        self._keyed = _keeps_incidents(service)
        self.audience = Audience.INCIDENTS if self._keyed else Audience.PEOPLE
        # Most services pace their sends by themselves, so each is kept as long as the sink.
        self._usual = _alone(service)
        self._for = _specials(url.strip(), service, by_severity or {})
        for parameters in (by_severity or {}).values():
            self._secrets |= {value for value in parameters.values() if len(value) > LONGEST_PLAIN}

    def send(self, message: Message, now: datetime) -> None:
        """Sends the message in words, or opens or closes its incident; raises DeliveryError."""
        event = loudest(message)
        text, severity = self._wording.text(message, now, self._limit), event.severity
        if not self._keyed:
            self._notify(self._service(severity), text, _notify_type(event))
            return
        incident = incident_of(message)
        notify_type = NotifyType.SUCCESS if incident.ends else _TYPES[severity]
        self._notify(self._opened(dedup_key(incident), severity), text, notify_type)

    def say(self, text: Text, severity: Severity, now: datetime) -> None:
        """Sends the text; where that opens an incident, it is closed at once. Raises DeliveryError."""
        said = fit(text, self._limit)
        if not self._keyed:
            self._notify(self._service(severity), said, _TYPES[severity])
            return
        key = uuid4().hex
        for notify_type in (_TYPES[severity], NotifyType.SUCCESS):
            self._notify(self._opened(key, severity), said, notify_type)

    def close(self) -> None:
        """Forgets the service; no connection is kept between sends."""
        for service in (self._usual, *(service for _, service in self._for.values())):
            service.clear()

    def __repr__(self) -> str:
        return f"AppriseSink({self._name!r}, {self._schema}://)"

    def _service(self, severity: Severity) -> Apprise:
        if self._schema in _CONNECTED:
            return self._anew(severity, {})
        return self._for[severity][1] if severity in self._for else self._usual

    def _opened(self, key: str, severity: Severity) -> Apprise:
        """The service with the incident's own key, which it takes from nowhere but its settings."""
        return self._anew(severity, {"dedup": key, "action": "map"})

    def _anew(self, severity: Severity, more: Mapping[str, str]) -> Apprise:
        if not self._usual:
            return self._usual
        settings = self._for[severity][0] if severity in self._for else self._settings
        return _alone(_instantiate({**settings, **more}))

    def _notify(self, service: Apprise, text: Text, notify_type: NotifyType) -> None:
        title = text.title if text.body else ""
        try:
            result = service.notify(
                body=text.body or text.title,
                title=title,
                notify_type=notify_type,
                body_format=NotifyFormat.TEXT,
            )
        except Exception as error:
            # Its text may quote the URL, and so may the exception itself, which is therefore not passed on.
            raise DeliveryError(f"{self._schema}: {type(error).__name__}", retryable=True) from None
        if result.status is not AppriseResultStatus.SUCCESS:
            lines = [entry.message for service in result.results for entry in service.logs()]
            lines += [entry.message for entry in result.call_logs()]
            raise self._failure(result.status, lines)

    def _failure(self, status: AppriseResultStatus, lines: Sequence[str]) -> DeliveryError:
        if status is AppriseResultStatus.FAILURE:
            reason = "; ".join(lines) or "it failed without a reason"
            return DeliveryError(self._tell(reason), retryable=not _refused_for_good(lines))
        reasons = {
            AppriseResultStatus.NOMATCH: "the sink was closed",
            AppriseResultStatus.PARTIAL: "only some of its targets took the message",
            AppriseResultStatus.TIMEOUT: "it took too long",
        }
        return DeliveryError(self._tell(reasons[status]), retryable=True)

    def _tell(self, reason: str) -> str:
        return cut(f"{self._schema}: {scrub(one_line(reason), self._secrets)}", LONGEST_REASON)


def _refused_for_good(lines: Iterable[str]) -> bool:
    """Whether the other side's answer will be the same next time.

    Apprise hands over no status, only the text of its warnings, in which every service writes `error=404`.
    This is the one place that reads a failure's text. Several targets are refused for good only if each is.
    """
    statuses = {found[1] for line in lines for found in _STATUS.finditer(line)}
    return bool(statuses) and statuses <= _PERMANENT


def _notify_type(event: Event) -> NotifyType:
    return NotifyType.SUCCESS if event.problem == "ends" else _TYPES[event.severity]


def _limit(service: NotifyBase) -> Limit:
    """What the service takes; where the title counts against the body, the body gives way."""
    room, title = int(service.body_maxlen), int(service.title_maxlen)
    if title <= 0:
        title = TITLE_IN_BODY if room >= ROOM_FOR_TITLE else 0
        room -= title + len("\r\n")
    elif service.overflow_amalgamate_title:
        room -= title
    return Limit(title=title, body=max(1, min(room, LONGEST_BODY)))


def _alone(service: NotifyBase) -> Apprise:
    """Apprise with this one service."""
    apprise = Apprise(asset=service.asset)
    apprise.add(service)
    return apprise


def _keeps_incidents(service: NotifyBase) -> bool:
    """Whether the service opens and closes incidents by a key that it is given."""
    parameters: Mapping[str, Mapping[str, Any]] = service.template_args
    return "dedup" in parameters and "map" in parameters.get("action", {}).get("values", ())


def _specials(
    url: str, service: NotifyBase, by_severity: Mapping[Severity, Mapping[str, str]]
) -> dict[Severity, tuple[dict[str, Any], Apprise]]:
    """What messages of each severity get instead; raises ConfigError with the faults of all."""
    found: dict[Severity, tuple[dict[str, Any], Apprise]] = {}
    faults: list[Fault] = []
    for severity, parameters in by_severity.items():
        try:
            settings, special = _special(url, service, severity, parameters)
        except ConfigError as error:
            faults += error.faults
        else:
            found[severity] = (settings, _alone(special))
    if faults:
        raise ConfigError(tuple(faults))
    return found


def _special(
    url: str, service: NotifyBase, severity: Severity, parameters: Mapping[str, str]
) -> tuple[dict[str, Any], NotifyBase]:
    """The service as messages of one severity get it; raises ConfigError with the path `by_severity.SEVERITY`."""
    faults = [_parameter_fault(name, value, service) for name, value in parameters.items()]
    try:
        _, settings, special = _load(_with_parameters(url, parameters))
    except ConfigError as error:
        faults += [fault.text for fault in error.faults]
    found = tuple(Fault(text, path=f"by_severity.{severity}") for text in faults if text)
    if found:
        raise ConfigError(found)
    return settings, special


def _parameter_fault(name: str, value: str, service: NotifyBase) -> str:
    known = service.template_args
    if name not in known:
        near = difflib.get_close_matches(name, list(known), n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        return f"the service has no parameter `{name}`{hint}"
    values = known[name].get("values")
    if not str(known[name].get("type", "")).startswith("choice") or not isinstance(values, Mapping | Sequence):
        return ""
    choices = [*map(str, values), *(map(str, values.values()) if isinstance(values, Mapping) else ())]
    return "" if value.lower() in map(str.lower, choices) else f"`{name}` has to be one of {', '.join(choices)}"


def _with_parameters(url: str, parameters: Mapping[str, str]) -> str:
    place, _, query = url.partition("?")
    kept = [pair for pair in query.split("&") if pair and unquote(pair.partition("=")[0]).lower() not in parameters]
    return place + "?" + "&".join([*kept, *(f"{name}={quote(value, safe='')}" for name, value in parameters.items())])


def _load(url: str) -> tuple[str, dict[str, Any], NotifyBase]:
    """The service, what it is made of, and the scheme that it is known by; some forget it and answer with `https`."""
    services = _known_services()
    scheme = _scheme(url)
    if scheme in services:
        _check_service(scheme, services[scheme])
    settings = _parse(url, scheme, services)
    _check_service(str(settings["schema"]), services[settings["schema"]])
    _check_parameters(settings.get("qsd") or {})
    # What is said was cut to size; should escaping make it longer, it is cut rather than refused. A broker confirms
    # what it takes only if it is asked to.
    settings = {"overflow": "truncate", "qos": "1", **settings}
    service = _instantiate(settings)
    if getattr(service, "qos", 1) == 0:
        raise _fault("`qos=0` is not allowed: nobody would notice if the broker did not take a message")
    if not len(service):
        raise _fault(f"the `{scheme}://` URL says nowhere whom to tell, or nobody whom the service could tell")
    if service.optional or service.retry or service.redirects or not service.verify_certificate:
        raise _fault(f"the `{scheme}://` URL asks for something that Sentinel does not allow")
    return str(settings["schema"]), settings, service


def _known_services() -> Any:
    """Apprise's table of services by scheme."""
    services = _services()
    with warnings.catch_warnings():
        # Some of the services import modules that Python itself is about to drop, which nobody here can mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        services.schemas()
    return services


def _scheme(url: str) -> str:
    found = _SCHEME.match(url)
    if found is None:
        raise _fault("this is no Apprise URL: it has to begin with a service, as in `ntfy://`")
    if len(_parse_urls(url)) > 1:
        raise _fault("several URLs in one sink; make it one sink for each, so that each is retried by itself")
    return found[1].lower()


def _check_service(scheme: str, service: type[NotifyBase]) -> None:
    """Only services across a network: not what acts on this machine, nor what runs code from a file."""
    ours = service.__module__.startswith("apprise.plugins.")
    if not ours or not all(map(_TOKEN.search, _templates(service))):
        raise _fault(f"`{scheme}://` acts on this machine instead of sending somewhere, which a sink must not")
    if not service.enabled:
        raise _fault(f"`{scheme}://` needs {needed(service.requirements)}")


def _templates(service: type[NotifyBase] | NotifyBase) -> tuple[str, ...]:
    return tuple(service.templates)


def _parse(url: str, scheme: str, services: Any) -> dict[str, Any]:
    try:
        settings = _url_to_dict(url, secure_logging=True)
    except Exception:
        settings = None
    if settings:
        return dict(settings)
    if scheme in {"http", "https"}:
        raise _fault("this is no address of a service that Apprise knows; `json://` posts to any other")
    if scheme in services:
        raise _fault(f"the `{scheme}://` URL is incomplete or malformed")
    near = difflib.get_close_matches(scheme, list(services.schemas()), n=1, cutoff=0.75)
    hint = f"; did you mean `{near[0]}://`?" if near else ""
    raise _fault(f"Apprise knows no service `{scheme}://`{hint}")


def _check_parameters(parameters: dict[str, str]) -> None:
    faults = [
        f"`{name}=` is not allowed: {why}"
        for name, why in (
            ("retry", "Sentinel itself tries again, for three days"),
            ("wait", "Sentinel itself decides when to try again"),
            ("optional", "it would report a failed message as delivered"),
        )
        if name in parameters
    ]
    if not _is_yes(parameters.get("verify", "yes")):
        faults.append("`verify=no` is not allowed: anybody on the way could read and change what is sent")
    if _is_yes(parameters.get("redirect", "no")):
        faults.append("`redirect=yes` is not allowed: a redirect would hand the credentials to another server")
    if faults:
        raise ConfigError(tuple(Fault(text, path="url") for text in faults))


def _instantiate(settings: dict[str, Any]) -> NotifyBase:
    schema = settings["schema"]
    asset = AppriseAsset(
        app_id="Sentinel",
        app_desc="Sentinel",
        async_mode=False,
        service_timeout=0,
        http_redirects=False,
        allow_templates=False,
        interpret_emojis=False,
        interpret_escapes=False,
        secure_logging=True,
        default_service_retry=0,
        storage_mode="memory",
    )
    try:
        service = Apprise.instantiate(settings, asset=asset, suppress_exceptions=False)
    except Exception:
        service = None
    if service is None:
        lacks = lacking(_known_services()[schema].requirements)
        hint = f"; or it lacks {lacks}" if lacks else ""
        raise _fault(f"the `{schema}://` URL is incomplete or has a part that the service does not accept{hint}")
    return service


def _secrets(url: str, service: NotifyBase) -> frozenset[str]:
    host, port = str(service.host or ""), str(service.port or "")
    # In many services' URLs a token stands where others have the host.
    has_host = any("{host}" in template for template in _templates(service))
    looks_like_host = "." in host or ":" in host or host == "localhost"
    public = {port, host} if has_host and looks_like_host else {port}
    return secrets_of(url, public=public, parameters=service.template_args)


def _fault(text: str) -> ConfigError:
    return ConfigError((Fault(text, path="url"),))
