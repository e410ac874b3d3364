"""The application: the page, and what it asks for."""

import asyncio
import json
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import resources
from typing import Annotated, Any

from fastapi import Body, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from msgspec import to_builtins

from letheon._version import __version__
from letheon.definitions import RESEARCH_NOTICE
from letheon.errors import InputError, LetheonError
from letheon.scenario import Scenario, loads
from letheon.views.document import numbers
from letheon.views.explore import limits
from letheon.views.explore.guard import Guard
from letheon.views.explore.limits import LIMITS, Cancelled, Full, Limits
from letheon.views.explore.pool import Pool
from letheon.views.explore.reading import QUESTIONS, PublishedRegimen, form, grammar, presets
from letheon.views.subjects.names import SUPPORT

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_DETAIL = {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}}
_REFUSALS = {
    400: "The request is not JSON, or names a host that is not this one.",
    401: "The token is missing.",
    413: "The request is too large.",
    422: "A sentence that says what cannot be used, and what would work.",
    429: "Too many requests wait already.",
}
_Responses = dict[int | str, dict[str, Any]]
_COMMON: _Responses = {
    status: {"description": text, "content": {"application/json": {"schema": _DETAIL}}}
    for status, text in _REFUSALS.items()
}
_ONE_FILE: _Responses = {
    200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "One HTML file."}
}
_FRESH = {"cache-control": "no-store"}
_LEFT_S = 0.05  # how often to look whether a visitor has gone


def _page_scenario(preset: PublishedRegimen) -> dict[str, Any]:
    """Return a preset as the scenario that the page sends; static/scenario.js writes the same text."""
    plain = partial(numbers.general, digits=10)
    sessions = [
        {
            "at": f"{plain(row.at_h)} h",
            "rate": f"{plain(row.rate)} mg/h{'/70kg' if row.by_weight else ''}",
            "for": f"{plain(row.hours)} h",
            "repeat": {"every": f"{plain(row.every_h)} h", "times": row.times},
        }
        for row in preset.sessions
    ]
    return {
        "letheon": 1,
        "title": "Ketamine infusions compared",
        "population": {"n": 500, "weight": "79 ± 19 kg", "baseline_nrs": "7.3 ± 2 NRS"},
        "follow_up": "26 weeks",
        "seed": 1,
        "arms": {
            preset.name: {"drug": preset.drug, "sessions": sessions},
            "placebo": {"drug": "placebo", "like": preset.name},
        },
    }


ScenarioBody = Annotated[
    str | dict[str, Any],
    Body(
        embed=True,
        alias="scenario",
        description="A scenario: the text of a scenario file (YAML or JSON), or the same as an object.",
        examples=[_page_scenario(presets()[0])],
    ),
]
_MAY_BORROW = (
    "Whether intervals may be borrowed from the last whole answer, for speed while a slider moves; the answer says in "
    "`draft` whether they are."
)


class _Service:
    """What the endpoints share: limits, workers, and whether these are warm."""

    def __init__(self, limits: Limits, lanes: int, warm: bool) -> None:
        self.limits, self.lanes, self.ready = limits, lanes, not warm
        self.pool: Pool | None = None

    @asynccontextmanager
    async def life(self, _: FastAPI) -> AsyncIterator[None]:
        """Have workers while the application runs."""
        self.pool = Pool(self.lanes, self.limits.seconds, self.limits.waiting)
        if not self.ready:
            self._warm_up(self.pool)
        try:
            yield
        finally:
            await asyncio.to_thread(self.pool.close)

    def _warm_up(self, pool: Pool) -> None:
        """Compile what a first visitor asks for; only then, so as not to hold it up, the same with the other drug."""
        first, other = (loads(text) for text in _first_scenarios())

        def is_ready(_: object) -> None:
            self.ready = True
            with suppress(Full):
                pool.submit("figures", other, kind=limits.kind_of(other))

        pool.submit("figures", first, kind=limits.kind_of(first), first=True).future.add_done_callback(is_ready)

    def read(self, source: str | dict[str, Any]) -> Scenario:
        """Read a scenario and check it against the limits: on a thread, beside other requests."""
        try:
            text = source if isinstance(source, str) else json.dumps(source, ensure_ascii=False)
            if len(text) > self.limits.characters:
                length, most = numbers.fixed(len(text), 0), numbers.fixed(self.limits.characters, 0)
                raise InputError(
                    f"the scenario has {length} characters; write at most {most}, many sessions with repeat: "
                    "{every: 1 day, times: 10}."
                )
            scenario = loads(text, "scenario")
        except RecursionError:
            raise InputError("scenario: brackets are nested too deep; a scenario needs six levels.") from None
        limits.check(scenario, self.limits)
        return scenario

    async def answer(
        self,
        action: str,
        source: str | dict[str, Any],
        request: Request,
        media: str = "application/json",
        **headers: str,
    ) -> Response:
        """Read a scenario, have it computed, and stop when the visitor has gone."""
        assert self.pool is not None
        scenario = await asyncio.to_thread(self.read, source)
        job = self.pool.submit(action, scenario, kind=limits.kind_of(scenario), slow=limits.is_slow(scenario))
        try:
            content = await _awaited(job.future, request)
        finally:
            self.pool.leave(job)
        return Response(content, media_type=media, headers=_FRESH | headers)


async def _awaited(future: Future[bytes], request: Request) -> bytes:
    """Wait for a shared future, and never cancel it: others may wait for it too."""
    mine = asyncio.wrap_future(future)
    while not (await asyncio.wait({mine}, timeout=_LEFT_S))[0]:
        if await request.is_disconnected():
            raise Cancelled("nobody waits for this answer any more.")
    return mine.result()


def _first_scenarios() -> list[str]:
    """Return what the page shows first, and the same with the other drug."""
    return [json.dumps(_page_scenario(one)) for one in presets()[:2]]


async def _refuse(status: int, _: Request, error: Exception) -> Response:
    sentence = _wrong_shape(error) if isinstance(error, RequestValidationError) else str(error)
    detail = sentence.encode("utf-8", "backslashreplace").decode()  # a lone surrogate has no UTF-8
    return JSONResponse({"detail": detail}, status, _FRESH | ({"retry-after": "2"} if isinstance(error, Full) else {}))


def _wrong_shape(error: RequestValidationError) -> str:
    first = error.errors()[0]
    if first.get("type") == "json_invalid":
        return "the request is not valid JSON."
    place = ".".join(str(part) for part in first.get("loc", ())[1:2]) or "the request"
    return f'{place}: send a JSON object such as {{"scenario": "letheon: 1 ..."}}.'


def create(
    token: str = "",
    *,
    lanes: int = 3,
    warm: bool = True,
    bounds: Limits = LIMITS,
    hosts: tuple[str, ...] = (),
    port: int = 80,
) -> FastAPI:
    """Make the application; its description is at ``/openapi.json``.

    `token`, `hosts` (beside those of this machine) and `port` are for the `Guard`. `lanes` is the number of worker
    processes, which with `warm` compile at once what the first visitor needs.
    """
    service = _Service(bounds, lanes, warm)

    app = FastAPI(
        title="Letheon",
        version=__version__,
        summary="Simulates intravenous ketamine for Complex Regional Pain Syndrome.",
        description=RESEARCH_NOTICE,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # its address would be made of the name that a visitor gave
        lifespan=service.life,
    )
    names = ("127.0.0.1", "localhost", "[::1]", *hosts)
    app.add_middleware(Guard, token=token, body_bytes=bounds.body_bytes, names=names, port=port)
    statuses = {RequestValidationError: 422, InputError: 422, Full: 429, Cancelled: 429, LetheonError: 500}
    for kind, status in statuses.items():
        app.add_exception_handler(kind, partial(_refuse, status))
    _add_page(app)
    _add_api(app, service)
    return app


def _add_page(app: FastAPI) -> None:
    """Read the page once: what is served comes from memory, never from a path that a visitor names."""
    for entry in (resources.files("letheon.views.explore") / "static").iterdir():
        kind = _TYPES.get(entry.name.rpartition(".")[2])
        if kind is None:
            continue

        async def serve(content: bytes, kind: str) -> Response:
            return Response(content, media_type=f"{kind}; charset=utf-8", headers={"cache-control": "no-cache"})

        for path in (f"/static/{entry.name}", *(["/"] if entry.name == "index.html" else [])):
            app.get(path, include_in_schema=False)(partial(serve, entry.read_bytes(), kind))


def _add_api(app: FastAPI, service: _Service) -> None:
    shared: _Responses = {status: _COMMON[status] for status in (400, 401)}

    @app.get("/api/status", responses=shared, summary="Whether programs are being compiled, and what may be asked.")
    async def status() -> dict[str, Any]:
        return {
            "state": "ready" if service.ready else "preparing",
            "preparing": service.pool is not None and service.pool.preparing,
            "version": __version__,
            "limits": {name: getattr(service.limits, name) for name in ("patients", "days", "arms", "infusions")},
            "grammar": grammar(),
            "questions": dict(QUESTIONS),
            "support": dict(SUPPORT),
        }

    @app.get("/api/presets", responses=shared, summary="Published regimens.")
    async def published() -> list[dict[str, Any]]:
        return to_builtins(presets())

    @app.post("/api/read", responses=_COMMON, summary="Read a scenario, and return it as the page's controls show it.")
    async def read(scenario: ScenarioBody) -> dict[str, Any]:
        return form(await asyncio.to_thread(service.read, scenario))

    @app.post("/api/simulate", responses=_COMMON, summary="Simulate a scenario; what the page draws.")
    async def simulate(
        request: Request, scenario: ScenarioBody, draft: Annotated[bool, Query(description=_MAY_BORROW)] = False
    ) -> Response:
        return await service.answer("draft" if draft else "figures", scenario, request)

    about = "Simulate a scenario; the result document of letheon simulate --json."

    @app.post("/api/document", responses=_COMMON, summary=about)
    async def document(request: Request, scenario: ScenarioBody) -> Response:
        return await service.answer("document", scenario, request)

    about = "Simulate a scenario; its report."

    @app.post("/api/report", responses=_COMMON | _ONE_FILE, response_class=Response, summary=about)
    async def report(request: Request, scenario: ScenarioBody) -> Response:
        headers = {"content-disposition": 'attachment; filename="letheon-report.html"'}
        return await service.answer("report", scenario, request, "text/html", **headers)

    about = "Simulate a scenario; two pages about its first plan, for a patient to print."

    @app.post("/api/handout", responses=_COMMON | _ONE_FILE, response_class=Response, summary=about)
    async def handout(request: Request, scenario: ScenarioBody) -> Response:
        headers = {"content-disposition": 'attachment; filename="letheon-handout.html"'}
        return await service.answer("handout", scenario, request, "text/html", **headers)
