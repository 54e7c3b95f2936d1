"""The pages at /setup: the settings of the server and of each device, shown, tried and saved."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.web.iweb import IRequest
from twisted.web.template import Tag, tags

from pylpaca import showing
from pylpaca.answers import HTML, respond, with_refusals
from pylpaca.calls import shielded
from pylpaca.config import DriverEntry, ServerSection
from pylpaca.errors import BadRequest
from pylpaca.interfaces import operations
from pylpaca.pages import fields as looks
from pylpaca.pages.layout import page
from pylpaca.pages.observatory import Observatory
from pylpaca.pages.posted import TOKEN, posted
from pylpaca.pages.start import driver_of, overview
from pylpaca.roster import Entry
from pylpaca.serial.recording import Kind
from pylpaca.settings import forms
from pylpaca.settings.changing import ON_THE_FORM, Changing, Now, Outcome
from pylpaca.settings.forms import Field, Form, every
from pylpaca.settings.offering import offered
from pylpaca.settings.trying import Bench, Said, Trial

SAVED = "saved"  # in the query of a page that tells what became of it
SEEN = "seen"  # the field that says what the file said when the page was made
DO = "do"
TEST = "test"
OF_DEVICE, OF_DRIVER, OF_SERVER = "device.", "settings.", "server."  # in front of the names of fields
CHANGED_MEANWHILE = (
    "Nothing was saved: the file was changed by somebody else since this page was made. What you typed is kept below; "
    "save again to put it in place of what the file says now."
)


@dataclass(frozen=True)
class Shown:
    """What a page of settings shows besides its form."""

    status: int = 200
    notices: Sequence[Any] = ()
    after: Sequence[Any] = field(default_factory=list)


class Setup:
    """Serves them."""

    app = with_refusals(Klein())

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory
        reopening = observatory.reopening
        self._changing = Changing(reopening, observatory.roster)
        self._bench = Bench(reopening, observatory.clock)
        self._in_thread = reopening.surroundings.own_thread("ports")
        self._outcomes: dict[str, Outcome] = {}  # of what was saved last, by page

    # the server

    @app.route("/setup", methods=["GET", "POST"])
    def server(self, request: IRequest) -> Deferred[bytes]:
        """The page of the server."""
        return self._answered(request, self._server(request))

    async def _server(self, request: IRequest) -> bytes:
        typed = self._typed(request)
        now = await self._changing.server_now()
        if typed is None:
            fields = forms.fields_of(ServerSection, now.raw, OF_SERVER)
            return self._server_page(request, now, fields, Shown(notices=self._told(request)))
        form = forms.read(ServerSection, typed, now.raw, OF_SERVER)
        if shown := self._refused(typed, now, form.fields, form):
            return self._server_page(request, now, form.fields, shown)
        outcome = await self._changing.save_server(now, form.raw)
        if outcome.is_done:
            return self._see_other(request, outcome)
        return self._server_page(request, now, form.fields, Shown(409, _outcome(outcome)))

    def _server_page(self, request: IRequest, now: Now, fields: Sequence[Field], shown: Shown) -> bytes:
        observatory = self._observatory
        if self._changing.file is None:
            when, form = "They can be changed when the server is started with a configuration file.", tags.transparent()
        else:
            when = "They come into effect when the server is started again."
            save = tags.p(tags.button("Save", name=DO, value="save", class_="first"), class_="row act")
            form = self._form(request, now, [save], [tags.fieldset(tags.legend("Settings"), *looks.shown(fields, {}))])
        body = [
            *shown.notices,
            *overview(observatory),
            tags.h2("The server's own settings"),
            tags.p(when, class_="muted"),
            *self._notes(now),
            form,
            self._where(),
        ]
        return respond(request, page(observatory.name, *body, at="/setup"), HTML, shown.status)

    # a device

    @app.route("/setup/v1/<kind>/<number>/setup", methods=["GET", "POST"])
    def device(self, request: IRequest, kind: str, number: str) -> Deferred[bytes] | bytes:
        """The page of a device."""
        entry = self._observatory.roster.find(kind, number)
        if entry is None:  # told as a page: people are here, with browsers
            error = BadRequest(f"there is no {kind[:40]} {number[:40]} here; /setup lists the devices", 403)
            return respond(request, page("Not here", tags.p(error.sentence), _back()), HTML, error.status)
        return self._answered(request, self._device(request, entry))

    async def _device(self, request: IRequest, entry: Entry) -> bytes:
        typed = self._typed(request)
        now = await self._changing.device_now((entry.kind, entry.number))
        model, config = type(entry.driver).Settings, now.raw.get("driver_config", {})
        config = config if isinstance(config, dict) else {}
        own = forms.fields_of(DriverEntry, now.raw, OF_DEVICE, only=ON_THE_FORM)
        its = forms.fields_of(model, config, OF_DRIVER)
        if typed is None:
            return await self._device_page(request, entry, now, own, its, Shown(notices=self._told(request)))
        typed = looks.typed_ports(its, typed)
        of_driver = forms.read(model, typed, config, OF_DRIVER)
        raw = dict(now.raw)
        if of_driver.raw or "driver_config" in raw:
            raw["driver_config"] = of_driver.raw
        of_device = forms.read(DriverEntry, typed, raw, OF_DEVICE, only=ON_THE_FORM)
        own, its, raw = of_device.fields, of_driver.fields, of_device.raw
        is_test = typed.get(DO) == TEST
        shown = self._refused(typed, now, [*own, *its], of_device, of_driver, is_test=is_test)
        if shown is None and is_test:
            shown = _tried(entry, await self._bench.tried(entry, DriverEntry.model_validate(raw)))
        if shown is None:
            outcome = await self._changing.save_device(entry, now, raw)
            if outcome.is_done:
                return self._see_other(request, outcome)
            shown = Shown(409, _outcome(outcome))
        return await self._device_page(request, entry, now, own, its, shown)

    async def _device_page(
        self, request: IRequest, entry: Entry, now: Now, own: Sequence[Field], its: Sequence[Field], shown: Shown
    ) -> bytes:
        offers = await self._offers(its)
        settings = looks.shown(its, offers) or [tags.p("This driver has no settings of its own.")]
        test = tags.button("Test", name=DO, value=TEST, **{"aria-describedby": "about-test"})
        buttons = tags.p(tags.button("Save", name=DO, value="save", class_="first"), test, class_="row act")
        about_test = tags.p(
            "Test connects the device with what is typed here, asks it how it is, and disconnects it again; nothing is saved. Of "
            "a device that is connected it asks only how it is.",
            class_="help",
            id="about-test",
        )
        form = self._form(
            request,
            now,
            [about_test, buttons],
            [tags.fieldset(tags.legend("Settings of its driver"), *settings)],
            [tags.fieldset(tags.legend("This device"), *looks.shown(own, {}))],
        )
        device = f"{entry.kind}/{entry.number}"
        (view,) = [each for each in self._observatory.viewing.latest() if each.device == device]
        state = tags.p(tags.span(view.lamp_text, class_="lamp", **{"data-lamp": device, "data-state": view.lamp}))
        error = tags.p(view.error, class_="error", **{"data-error": device})
        body = [
            tags.p(f"{entry.type_name} {entry.number}, driven by {driver_of(entry)}.", class_="muted"),
            state,
            error if view.error else error(hidden=""),
            *shown.notices,
            *self._notes(now),
            form,
            *shown.after,
            self._where(),
            tags.p(tags.a("Hand box", href=f"/control/v1/{device}"), " · ", tags.a("All devices", href="/setup")),
        ]
        return respond(request, page(entry.driver.name, *body, at="/setup", events=f"devices={device}"), HTML, shown.status)

    async def _offers(self, fields: Sequence[Field]) -> looks.Offers:
        cables = self._observatory.reopening.surroundings.cables
        ports = [each for each in every(fields) if each.kind == "port"]
        if cables is None:
            return {}
        return {each.name: await self._in_thread(offered, cables, each.text) for each in ports}

    # what both have in common

    def _answered(self, request: IRequest, answer: Coroutine[Any, Any, bytes]) -> Deferred[bytes]:
        """What was begun goes on although the browser hangs up: half of it must not be done."""
        return shielded(Deferred.fromCoroutine(self._or_why_not(request, answer)))

    async def _or_why_not(self, request: IRequest, answer: Coroutine[Any, Any, bytes]) -> bytes:
        try:
            return await answer
        except BadRequest as error:
            path = request.path.decode("ascii", "replace")
            again = tags.p(tags.a("Load the page again", href=path))
            return respond(request, page("Not done", tags.p(error.sentence, role="alert"), again), HTML, error.status)

    def _typed(self, request: IRequest) -> Mapping[str, str] | None:
        return posted(request, self._observatory.token) if request.method == b"POST" else None

    def _refused(
        self, typed: Mapping[str, str], now: Now, fields: Sequence[Field], *read: Form, is_test: bool = False
    ) -> Shown | None:
        """Why what was typed is not even tried, if it is not."""
        done = "tried" if is_test else "saved"
        if not all(each.is_right for each in read):
            rest = [sentence for each in read for sentence in each.errors]
            return Shown(400, [looks.summary(fields, rest, f"Nothing was {done}. This has to be put right first:")])
        if typed.get(SEEN) != self._mark(now) and not is_test:
            return Shown(409, [tags.p(CHANGED_MEANWHILE, class_="error", role="alert")])
        return None

    def _mark(self, now: Now) -> str:
        return self._observatory.token.mark(now.raw)

    def _form(self, request: IRequest, now: Now, buttons: Sequence[Tag], *parts: Sequence[Tag]) -> Tag:
        hidden = {TOKEN: self._observatory.token.text, SEEN: self._mark(now)}
        inputs = [tags.input(type="hidden", name=name, value=text) for name, text in hidden.items()]
        path = request.path.decode("ascii", "replace")
        return tags.form(
            *inputs, *(tag for part in [*parts, buttons] for tag in part), method="post", action=path, class_="setup"
        )

    def _see_other(self, request: IRequest, outcome: Outcome) -> bytes:
        """The page again, told by it what became of it: who reloads that does not send the form a second time."""
        path = request.path.decode("ascii", "replace")
        self._outcomes[path] = outcome
        request.setHeader(b"location", f"{path}?{SAVED}".encode())
        return respond(request, page("Saved", tags.p(outcome.sentence)), HTML, 303)

    def _told(self, request: IRequest) -> Sequence[Tag]:
        outcome = self._outcomes.get(request.path.decode("ascii", "replace"))
        return _outcome(outcome) if outcome is not None and request.uri.endswith(f"?{SAVED}".encode()) else []

    def _notes(self, now: Now) -> list[Tag]:
        return [tags.p(each, class_="warning") for each in filter(None, [now.why_not, *now.notes])]

    def _where(self) -> Tag:
        file = self._changing.file
        if file is None:
            text = "This is the embedded default; start with --config config.json to serve your own devices."
        else:
            text = f"Settings stand in {file.absolute()}."
        return tags.p(text, class_="muted")


def _outcome(outcome: Outcome) -> list[Tag]:
    look = {"class_": "said saved", "role": "status"} if outcome.is_done else {"class_": "error", "role": "alert"}
    paste = [tags.pre(outcome.paste, tabindex="0", **{"aria-label": "To be written into config.json"})] if outcome.paste else []
    return [tags.p(outcome.sentence, **look), *paste]


def _tried(entry: Entry, trial: Trial) -> Shown:
    """What came of a test."""
    look = {"class_": "said saved", "role": "status"} if trial.is_good else {"class_": "error", "role": "alert"}
    notices = [tags.p(trial.outcome, **look)]
    after: list[Tag] = []
    if trial.values:
        known = operations(entry.driver.interface)
        facts = []
        for each in trial.values:
            text = showing.shown(known[each.Name], each.Value) if each.Name in known else str(each.Value)
            facts += [tags.dt(showing.in_words(each.Name)), tags.dd(text)]
        after += [tags.h2("What the device says"), tags.dl(*facts, class_="facts")]
    if trial.said:
        head = tags.tr(*(tags.th(each, scope="col") for each in ("Seconds", "", "Bytes", "Text")))
        table = tags.table(head, *(_said(each) for each in trial.said), class_="list")
        after += [tags.h2("What was said on the line"), tags.div(table, class_="scroll", tabindex="0")]
    return Shown(200, [*notices, *after])


def _said(said: Said) -> Tag:
    ways = {Kind.SENT: "to the device", Kind.RECEIVED: "from the device"}
    data = said.data.hex(" ")
    text = said.text or "".join(letter if letter.isprintable() else "·" for letter in said.data.decode("latin-1"))
    way = ways.get(said.kind, said.kind.value)
    return tags.tr(tags.td(f"{said.seconds:.3f}"), tags.td(way), tags.td(tags.code(data)), tags.td(tags.code(text)))


def _back() -> Tag:
    return tags.p(tags.a("All devices", href="/setup"))
